/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `show backends`. Called through the table in commands.c.
 */
#include "clock.h"
#include "show.h"

#include "duration.h"
#include "table.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *vlan_words(const json_t *hop, char buf[32])
{
	json_int_t vlan = show_number(hop, "vlan");

	buf[0] = 0;
	if (vlan != 0)
		snprintf(buf, 32, " vlan %" JSON_INTEGER_FORMAT, vlan);
	return buf;
}

/* Of a path that is narrower than its first link. */
static const char *path_mtu_words(const json_t *hop, char buf[48])
{
	json_int_t mtu_bytes = show_number(hop, "mtu_bytes");

	buf[0] = 0;
	if (mtu_bytes < show_number(hop, "first_mtu_bytes"))
		snprintf(buf, 48, " path mtu %" JSON_INTEGER_FORMAT, mtu_bytes);
	return buf;
}

/* "veth0 02:00:00:00:00:01", or why there is no way. */
static void next_hop_cell(struct table *table, const json_t *backend)
{
	const json_t *hop = json_object_get(backend, "next_hop");
	char vlan[32], path_mtu[48];

	if (strcmp(show_text(hop, "state"), "resolved") != 0)
		table_cell(table, "%s", show_text(hop, "text"));
	else
		table_cell(table, "%s %s%s%s", show_text(hop, "interface"), show_text(hop, "mac"),
			   vlan_words(hop, vlan), path_mtu_words(hop, path_mtu));
	if (strcmp(show_text(hop, "state"), "resolved") != 0)
		table_paint(table, PAINT_BAD);
}

/* Of the slots, so of the flows that come. */
static void share_cell(struct table *table, const json_t *backend)
{
	char share[32];

	table_cell(table, "%s",
		   show_share(show_number(backend, "slots"), show_number(backend, "slots_total"),
			      share));
}

static void state_cell(struct table *table, const json_t *backend)
{
	const json_t *drain = json_object_get(backend, "drain");
	const char *drained = show_text(drain, "state");

	if (strcmp(drained, "done") == 0)
		table_cell(table, "drained");
	else if (strcmp(drained, "timed_out") == 0)
		table_cell(table, "%s (%" JSON_INTEGER_FORMAT " cut)", show_text(backend, "state"),
			   show_number(drain, "flows_cut"));
	else
		table_cell(table, "%s", show_text(backend, "state"));
	if (strcmp(show_text(backend, "state"), "disabled") == 0)
		table_paint(table, PAINT_BAD);
	else if (strcmp(show_text(backend, "state"), "draining") == 0)
		table_paint(table, PAINT_WARN);
}

/* "30 of 100" during a slow start. */
static void weight_cell(struct table *table, const json_t *backend)
{
	json_int_t weight = show_number(backend, "weight"),
		   now = show_number(backend, "weight_now");

	if (strcmp(show_text(backend, "state"), "enabled") == 0 && now != weight)
		table_cell(table, "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT, now, weight);
	else
		table_cell(table, "%" JSON_INTEGER_FORMAT, weight);
}

/* The state, for how long, and why: "-" where there is no check. */
static void health_cells(struct table *table, const json_t *backend)
{
	const json_t *health = json_object_get(backend, "health");
	json_int_t since_us = show_number(health, "since_us");
	char since[DURATION_TEXT_MAX];

	if (strcmp(show_text(backend, "down"), "next_hop") == 0)
		table_cell(table, "no next hop");
	else
		table_cell(table, "%s", show_text(health, "state"));
	if (json_is_string(json_object_get(backend, "down")) ||
	    strcmp(show_text(health, "state"), "down") == 0)
		table_paint(table, PAINT_BAD);
	table_cell(table, "%s",
		   since_us == 0 ? "-"
				 : duration_format((clock_us(CLOCK_REALTIME) - since_us) / 1000000,
						   since));
}

void show_backends(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"SERVICE", false}, {"BACKEND", false}, {"ADDRESS", false}, {"STATE", false},
		{"HEALTH", false},  {"SINCE", true},    {"WEIGHT", true},   {"SHARE", true},
		{"FLOWS", true},    {"PACKETS", true},  {"BYTES", true},    {"NEXT HOP", false},
		{"REASON", false},
	};
	struct table table;
	json_t *backend;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (json_object_get(result, "backends"), i, backend) {
		table_cell(&table, "%s", show_text(backend, "service"));
		table_cell(&table, "%s", show_text(backend, "name"));
		table_cell(&table, "%s", show_text(backend, "address"));
		state_cell(&table, backend);
		health_cells(&table, backend);
		weight_cell(&table, backend);
		share_cell(&table, backend);
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(backend, "flows"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(backend, "packets"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(backend, "bytes"));
		next_hop_cell(&table, backend);
		table_cell(&table, "%s", show_text(json_object_get(backend, "health"), "reason"));
	}
	if (table.cells_n == 0)
		fputs("no backends\n", show->out);
	table_print(&table, show->out);
	table_free(&table);
}
