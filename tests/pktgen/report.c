/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures and verdicts of a run, as text. Main thread.
 */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>

enum {
	ROWS_SHOWN = 20,
};

const char *const report_latency_names[REPORT_LATENCIES] = {
	"min", "median", "p99", "p99_9", "max",
};

__attribute__((format(printf, 2, 3))) static void failure_add(struct report *r, const char *format,
							      ...)
{
	va_list args;

	if (r->failures_n == REPORT_FAILURES_MAX)
		return;
	va_start(args, format);
	vsnprintf(r->failures[r->failures_n++], REPORT_FAILURE_TEXT_MAX, format, args);
	va_end(args);
}

static void failures_find(struct report *r)
{
	const struct generator *g = r->g;
	const struct options *o = g->options;
	uint64_t faults = generator_faults(g);

	if (g->link.sent == 0)
		failure_add(r, "nothing was sent");
	else if (g->ledger.received == 0)
		failure_add(r, "nothing came back");
	if (g->ledger.flows_moved > 0)
		failure_add(r, "%" PRIu64 " flows were seen on more than one backend",
			    g->ledger.flows_moved);
	if (faults > 0)
		failure_add(r, "%" PRIu64 " packets came back wrong", faults);
	if (g->ledger.duplicates > 0)
		failure_add(r, "%" PRIu64 " packets came back twice", g->ledger.duplicates);
	if ((o->closed > 0 || o->once) && r->lost > 0)
		failure_add(r, "%" PRIu64 " packets were lost", r->lost);
	if (o->closed > 0 && g->ledger.reordered > 0)
		failure_add(r, "%" PRIu64 " packets came out of order", g->ledger.reordered);
	if (o->closed > 0 && o->count > 0 && g->made < o->count && !generator_is_stopping(g))
		failure_add(r, "only %" PRIu64 " of %" PRIu64 " packets could be sent", g->made,
			    o->count);
}

static uint64_t ns_of(const struct generator *g, uint64_t tsc)
{
	return (uint64_t)((double)tsc * 1e9 / (double)g->tsc_hz);
}

void report_make(struct report *r, const struct generator *g)
{
	static const double quantiles[] = {0, 0.5, 0.99, 0.999, 1};

	*r = (struct report){.g = g};
	r->seconds = (double)(g->end_tsc - g->begin_tsc) / (double)g->tsc_hz;
	r->lost = g->link.sent - g->ledger.received;
	r->flows_opened = g->replays ? g->replay.places : g->traffic.flows_opened;
	for (int i = 0; i < REPORT_LATENCIES; i++)
		r->latency_ns[i] = ns_of(g, histogram_quantile(&g->latency, quantiles[i]));
	failures_find(r);
}

static double per_second(const struct report *r, uint64_t n)
{
	return r->seconds > 0 ? (double)n / r->seconds : 0;
}

static void rate_line(const struct report *r, const char *name, uint64_t packets, uint64_t bytes,
		      FILE *out)
{
	fprintf(out, "  %-10s %12" PRIu64 " packets %9.3f Mpps %8.3f Gbit/s\n", name, packets,
		per_second(r, packets) / 1e6, per_second(r, bytes) * 8 / 1e9);
}

static void totals_text(const struct report *r, FILE *out)
{
	const struct generator *g = r->g;

	fprintf(out, "traffic (%.3f s)\n", r->seconds);
	rate_line(r, "sent", g->link.sent, g->link.sent_bytes, out);
	rate_line(r, "received", g->ledger.received, g->received_bytes, out);
	fprintf(out, "  %-10s %12" PRIu64 " packets %9.4f %%\n", "lost", r->lost,
		g->link.sent > 0 ? 100 * (double)r->lost / (double)g->link.sent : 0);
	fprintf(out, "  %-10s %12" PRIu64 " packets\n", "twice", g->ledger.duplicates);
	fprintf(out, "  %-10s %12" PRIu64 " packets (within their flow)\n", "reordered",
		g->ledger.reordered);
	if (g->gaps > 0)
		fprintf(out, "  the rate was not held: %" PRIu64 " gaps of more than 10 ms\n",
			g->gaps);
	fprintf(out, "flows\n  %-10s %12" PRIu64 "\n  %-10s %12" PRIu64 "\n", "opened",
		r->flows_opened, "seen", g->ledger.flows_seen);
	fprintf(out, "  %-10s %12" PRIu64 " (seen on more than one backend)\n", "moved",
		g->ledger.flows_moved);
}

static void latency_text(const struct report *r, FILE *out)
{
	fprintf(out, "latency\n ");
	for (int i = 0; i < REPORT_LATENCIES; i++)
		fprintf(out, " %s %.1f us%s", report_latency_names[i],
			(double)r->latency_ns[i] / 1000, i + 1 < REPORT_LATENCIES ? "," : "\n");
}

static void backends_text(const struct report *r, FILE *out)
{
	const struct backends *b = &r->g->backends;
	char text[ADDRESS_TEXT_MAX];

	fprintf(out, "backends (%" PRIu32 ")\n", b->n);
	for (uint32_t i = 0; i < b->n && i < ROWS_SHOWN; i++)
		fprintf(out, "  %-24s %12" PRIu64 " packets %6.2f %% %10" PRIu64 " flows\n",
			address_format(&b->rows[i].address, text), b->rows[i].packets,
			100 * (double)b->rows[i].packets / (double)r->g->ledger.received,
			b->rows[i].flows);
	if (b->n > ROWS_SHOWN)
		fprintf(out, "  ... and %" PRIu32 " more (--json has them all)\n",
			b->n - ROWS_SHOWN);
}

static void services_text(const struct report *r, FILE *out)
{
	const struct targets *targets = &r->g->options->targets;
	char text[ADDRESS_TEXT_MAX];

	if (r->g->replays)
		return;
	fprintf(out, "services (%" PRIu32 ")\n", targets->n);
	for (uint32_t i = 0; i < targets->n && i < ROWS_SHOWN; i++) {
		const struct service_row *row = &r->g->services[i];
		const struct target *t = &targets->list[i];
		int n = fprintf(out, "  %s %u/%s", address_format(&t->address, text), t->port,
				t->proto == PROTO_TCP ? "tcp" : "udp");

		fprintf(out, "%*s %12" PRIu64 " sent %12" PRIu64 " received\n", n < 36 ? 36 - n : 0,
			"", row->sent, row->received);
	}
	if (targets->n > ROWS_SHOWN)
		fprintf(out, "  ... and %" PRIu32 " more (--json has them all)\n",
			targets->n - ROWS_SHOWN);
}

static void headers_text(const struct report *r, FILE *out)
{
	const struct generator *g = r->g;

	fprintf(out, "outer headers\n");
	for (int i = 0; i < KIND_N; i++)
		if (g->kinds[i] > 0)
			fprintf(out, "  %-24s %12" PRIu64 " packets\n",
				decode_kind_word((enum decode_kind)i), g->kinds[i]);
	for (int i = DECODE_ICMP; i < DECODE_N_RESULTS; i++)
		if (g->results[i] > 0)
			fprintf(out, "  %-24s %12" PRIu64 " frames: %s\n",
				decode_result_word((enum decode_result)i), g->results[i],
				decode_result_text((enum decode_result)i));
	if (g->unknown > 0)
		fprintf(out, "  %-24s %12" PRIu64 " packets: nothing that was sent\n", "unknown",
			g->unknown);
	if (g->backends_lost > 0)
		fprintf(out, "  %-24s %12" PRIu64 " packets: to more backends than %d\n",
			"backends_lost", g->backends_lost, BACKENDS_MAX);
}

void report_text(const struct report *r, FILE *out)
{
	totals_text(r, out);
	if (r->g->ledger.received > 0) {
		latency_text(r, out);
		backends_text(r, out);
	}
	services_text(r, out);
	headers_text(r, out);
	for (uint32_t i = 0; i < r->failures_n; i++)
		fprintf(out, "FAILED: %s\n", r->failures[i]);
	if (r->failures_n == 0)
		fprintf(out, "all is well\n");
}

void report_progress(const struct progress *before, const struct progress *now, uint64_t second,
		     FILE *out)
{
	fprintf(out,
		"%4" PRIu64 " s: sent %.3f Mpps, received %.3f Mpps, not back %" PRIu64
		", moved %" PRIu64 ", reordered %" PRIu64 ", wrong %" PRIu64 "\n",
		second, (double)(now->sent - before->sent) / 1e6,
		(double)(now->received - before->received) / 1e6, now->under_way, now->moved,
		now->reordered, now->faults);
}
