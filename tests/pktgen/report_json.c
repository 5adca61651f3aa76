/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as JSON: docs/pktgen.md lists its members. Main thread.
 */
#include "report.h"

#include <errno.h>
#include <jansson.h>

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *backends_json(const struct backends *b)
{
	json_t *rows = json_array();
	char text[ADDRESS_TEXT_MAX];

	for (uint32_t i = 0; i < b->n; i++)
		json_array_append_new(rows, json_pack("{s:s, s:I, s:I, s:I}", "address",
						      address_format(&b->rows[i].address, text),
						      "packets", (json_int_t)b->rows[i].packets,
						      "bytes", (json_int_t)b->rows[i].bytes,
						      "flows", (json_int_t)b->rows[i].flows));
	return rows;
}

static json_t *services_json(const struct generator *g)
{
	const struct targets *targets = &g->options->targets;
	json_t *rows = json_array();
	char text[ADDRESS_TEXT_MAX];

	for (uint32_t i = 0; i < targets->n && !g->replays; i++) {
		const struct target *t = &targets->list[i];

		json_array_append_new(
			rows,
			json_pack("{s:s, s:i, s:s, s:I, s:I, s:I}", "vip",
				  address_format(&t->address, text), "port", (int)t->port,
				  "protocol", t->proto == PROTO_TCP ? "tcp" : "udp", "sent",
				  (json_int_t)g->services[i].sent, "received",
				  (json_int_t)g->services[i].received, "lost",
				  (json_int_t)(g->services[i].sent - g->services[i].received)));
	}
	return rows;
}

static json_t *kinds_json(const struct generator *g)
{
	json_t *kinds = json_object();

	for (int i = 0; i < KIND_N; i++)
		if (g->kinds[i] > 0)
			json_object_set_new(kinds, decode_kind_word((enum decode_kind)i),
					    number(g->kinds[i]));
	return kinds;
}

/* Every kind of fault, so that whoever reads it sees what is looked for. */
static json_t *faults_json(const struct generator *g)
{
	json_t *faults = json_object();

	for (int i = DECODE_ICMP + 1; i < DECODE_N_RESULTS; i++)
		json_object_set_new(faults, decode_result_word((enum decode_result)i),
				    number(g->results[i]));
	json_object_set_new(faults, "unknown", number(g->unknown));
	json_object_set_new(faults, "backends_lost", number(g->backends_lost));
	return faults;
}

static json_t *latency_json(const struct report *r)
{
	json_t *latency = json_object();

	for (int i = 0; i < REPORT_LATENCIES; i++)
		json_object_set_new(latency, report_latency_names[i], number(r->latency_ns[i]));
	return latency;
}

static json_t *flows_json(const struct report *r)
{
	json_t *flows = json_object();

	json_object_set_new(flows, "opened", number(r->flows_opened));
	json_object_set_new(flows, "seen", number(r->g->ledger.flows_seen));
	json_object_set_new(flows, "on_more_than_one_backend", number(r->g->ledger.flows_moved));
	return flows;
}

static void totals_json(const struct report *r, json_t *report)
{
	const struct generator *g = r->g;

	json_object_set_new(report, "seed", number(g->options->seed));
	json_object_set_new(report, "seconds", json_real(r->seconds));
	json_object_set_new(report, "sent", number(g->link.sent));
	json_object_set_new(report, "sent_bytes", number(g->link.sent_bytes));
	json_object_set_new(report, "received", number(g->ledger.received));
	json_object_set_new(report, "received_bytes", number(g->received_bytes));
	json_object_set_new(report, "lost", number(r->lost));
	json_object_set_new(report, "duplicates", number(g->ledger.duplicates));
	json_object_set_new(report, "reordered", number(g->ledger.reordered));
	json_object_set_new(report, "too_late", number(g->ledger.too_late));
	json_object_set_new(report, "icmp", number(g->results[DECODE_ICMP]));
	json_object_set_new(report, "other", number(g->results[DECODE_OTHER]));
	json_object_set_new(report, "neighbours_answered", number(g->neighbour.answered));
	json_object_set_new(report, "rate_gaps", number(g->gaps));
}

int report_json(const struct report *r, FILE *out)
{
	json_t *report = json_object(), *failures = json_array();
	int ret;

	totals_json(r, report);
	json_object_set_new(report, "flows", flows_json(r));
	json_object_set_new(report, "latency_ns", latency_json(r));
	json_object_set_new(report, "backends", backends_json(&r->g->backends));
	json_object_set_new(report, "services", services_json(r->g));
	json_object_set_new(report, "outer_headers", kinds_json(r->g));
	json_object_set_new(report, "faults", faults_json(r->g));
	for (uint32_t i = 0; i < r->failures_n; i++)
		json_array_append_new(failures, json_string(r->failures[i]));
	json_object_set_new(report, "failures", failures);
	json_object_set_new(report, "ok", json_boolean(r->failures_n == 0));
	ret = json_dumpf(report, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	fputc('\n', out);
	json_decref(report);
	return ret < 0 ? -ENOMEM : 0;
}
