/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `explain` and `show capture`. Called through the table in commands.c.
 */
#include "show.h"

#include "duration.h"
#include "table.h"

#include <string.h>

#define NUMBER "%" JSON_INTEGER_FORMAT

static void line(const struct show *show, const char *title)
{
	fprintf(show->out, "%-14s", title);
}

static bool is_null(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return !value || json_is_null(value);
}

/* "192.0.2.1:80", "[2001:db8::1]:80", or the address alone. */
static void address(const struct show *show, const json_t *object, const char *addr_key,
		    const char *port_key)
{
	const char *addr = show_text(object, addr_key);

	if (is_null(object, port_key))
		fprintf(show->out, "%s", addr);
	else
		fprintf(show->out, strchr(addr, ':') ? "[%s]:" NUMBER : "%s:" NUMBER, addr,
			show_number(object, port_key));
}

static void show_packet(const struct show *show, const json_t *result)
{
	const json_t *packet = json_object_get(result, "packet");

	line(show, "packet");
	fprintf(show->out, "%s ", show_text(packet, "protocol"));
	address(show, packet, "source", "source_port");
	fputs(" -> ", show->out);
	address(show, packet, "destination", "destination_port");
	fprintf(show->out, ", " NUMBER " bytes%s%s\n", show_number(packet, "bytes"),
		json_is_true(json_object_get(packet, "opens")) ? ", opens" : "",
		json_is_true(json_object_get(packet, "may_fragment")) ? ", DF clear" : "");
}

static void show_slot(const struct show *show, const json_t *result)
{
	const json_t *slot = json_object_get(result, "slot");

	if (is_null(result, "slot"))
		return;
	line(show, "hash");
	fprintf(show->out, "%s, slot " NUMBER " of " NUMBER "\n", show_text(result, "hash"),
		show_number(slot, "slot"), show_number(slot, "slots"));
	line(show, "slot");
	fprintf(show->out, "current %s, previous %s, %s\n", show_text(slot, "current"),
		show_text(slot, "previous"),
		json_is_true(json_object_get(slot, "changed")) ? "changed" : "unchanged");
}

static void show_flow_table(const struct show *show, const json_t *result)
{
	const json_t *memory = json_object_get(result, "flow_table");
	const char *word = show_text(memory, "result");
	char idle[DURATION_TEXT_MAX];

	if (is_null(result, "slot"))
		return;
	line(show, "flow table");
	if (strcmp(word, "not_asked") == 0)
		fputs("not asked: the lookup table alone tells\n", show->out);
	else if (strcmp(word, "miss") == 0)
		fputs("miss: nothing is remembered of the flow\n", show->out);
	else
		fprintf(show->out, "%s: %s, to %s, last packet %s ago%s\n", word,
			show_text(memory, "state"), show_text(memory, "backend"),
			duration_format(show_number(memory, "idle_s"), idle),
			strcmp(word, "stale") == 0 ? "; it is over, or its backend takes nothing"
						   : "");
}

static void show_candidates(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"CANDIDATE", false},
		{"SHARE", true},
		{"VERDICT", false},
	};
	const json_t *slot = json_object_get(result, "slot");
	struct table table;
	char share[32];
	json_t *row;
	size_t i;

	if (is_null(result, "candidates"))
		return;
	fputc('\n', show->out);
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach (json_object_get(result, "candidates"), i, row) {
		table_cell(&table, "%s", show_text(row, "backend"));
		table_cell(
			&table, "%s",
			show_share(show_number(row, "slots"), show_number(slot, "slots"), share));
		table_cell(&table, "%s", show_text(row, "verdict"));
	}
	table_print(&table, show->out);
	table_free(&table);
}

static void show_encapsulation(const struct show *show, const json_t *result)
{
	const json_t *outer = json_object_get(result, "encapsulation");

	if (is_null(result, "encapsulation"))
		return;
	line(show, "encapsulation");
	fprintf(show->out, "%s ", show_text(outer, "encap"));
	address(show, outer, "source", "source_port");
	fputs(" -> ", show->out);
	address(show, outer, "destination", "destination_port");
	fprintf(show->out, ", TTL " NUMBER ", " NUMBER " bytes\n", show_number(outer, "ttl"),
		show_number(outer, "bytes"));
}

static void show_next_hop(const struct show *show, const json_t *result)
{
	const json_t *hop = json_object_get(result, "next_hop");

	if (is_null(result, "next_hop"))
		return;
	line(show, "next hop");
	if (is_null(hop, "mac")) {
		fprintf(show->out, "%s\n", show_text(hop, "state"));
		return;
	}
	fprintf(show->out, "%s, MAC %s, by %s (MAC %s), ", show_text(hop, "via"),
		show_text(hop, "mac"), show_text(hop, "interface"), show_text(hop, "source_mac"));
	if (is_null(hop, "vlan"))
		fputs("untagged", show->out);
	else
		fprintf(show->out, "VLAN " NUMBER, show_number(hop, "vlan"));
	fprintf(show->out, ", MTU " NUMBER "\n", show_number(hop, "mtu_bytes"));
}

static void show_otherwise(const struct show *show, const json_t *result)
{
	const json_t *other = json_object_get(result, "otherwise");

	if (is_null(result, "otherwise"))
		return;
	line(show, "otherwise");
	fprintf(show->out, "a packet of this flow that %s: %s",
		json_is_true(json_object_get(other, "opens")) ? "opens it (--opens)"
							      : "doesn't open it",
		show_text(other, "verdict"));
	if (!is_null(other, "backend"))
		fprintf(show->out, ", %s", show_text(other, "backend"));
	fputc('\n', show->out);
}

static void show_worker(const struct show *show, const json_t *result)
{
	const json_t *worker = json_object_get(result, "worker");

	line(show, "worker");
	if (is_null(worker, "index"))
		fprintf(show->out, "not known beforehand: %s\n", show_text(worker, "how"));
	else
		fprintf(show->out, NUMBER ": %s\n", show_number(worker, "index"),
			show_text(worker, "how"));
}

void show_explain(const struct show *show, const json_t *result)
{
	bool vip = json_is_true(json_object_get(result, "vip"));

	show_packet(show, result);
	line(show, "service");
	fprintf(show->out, "%s\n",
		is_null(result, "service") ? (vip ? "none; the address is a vip" : "none")
					   : show_text(result, "service"));
	show_slot(show, result);
	show_flow_table(show, result);
	if (!is_null(result, "backend")) {
		line(show, "backend");
		fprintf(show->out, "%s\n", show_text(result, "backend"));
	}
	show_encapsulation(show, result);
	show_next_hop(show, result);
	show_worker(show, result);
	line(show, "verdict");
	fprintf(show->out, "%s (%s)\n", show_text(result, "verdict"), show_text(result, "action"));
	if (!is_null(result, "answer_mtu_bytes")) {
		line(show, "answer");
		fprintf(show->out, "ICMP, with an MTU of " NUMBER "\n",
			show_number(result, "answer_mtu_bytes"));
	}
	if (show_text(result, "why")[0]) {
		line(show, "why");
		fprintf(show->out, "%s\n", show_text(result, "why"));
	}
	show_otherwise(show, result);
	show_candidates(show, result);
}

void show_capture(const struct show *show, const json_t *result)
{
	const json_t *latest = json_object_get(result, "latest");

	if (is_null(result, "latest")) {
		fputs("there was no capture yet\n", show->out);
		return;
	}
	fprintf(show->out, "latest: of %s, %s: " NUMBER " packets, " NUMBER " frames missed\n",
		show_text(latest, "service"), show_text(latest, "state"),
		show_number(latest, "packets"), show_number(latest, "missed"));
	fprintf(show->out,
		"ended:  " NUMBER " captures, " NUMBER " packets, " NUMBER " frames missed\n",
		show_number(result, "captures"), show_number(result, "packets"),
		show_number(result, "missed"));
}
