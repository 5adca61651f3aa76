/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the run has shown: figures, verdicts, text, JSON. Main thread, when the generator's core is
 * done; the progress line while it runs.
 */
#ifndef SLUICE_PKTGEN_REPORT_H
#define SLUICE_PKTGEN_REPORT_H

#include "generator.h"

#include <stdio.h>

enum {
	REPORT_FAILURES_MAX = 8,
	REPORT_FAILURE_TEXT_MAX = 128,
	REPORT_LATENCIES = 5,
};

/* Figures that are reckoned from others. */
struct report {
	const struct generator *g;
	double seconds; /* from the first packet to the last one sent */
	uint64_t lost;
	uint64_t flows_opened;                 /* made; of a capture: in it */
	uint64_t latency_ns[REPORT_LATENCIES]; /* report_latency_names, in that order */
	uint32_t failures_n;                   /* checks that failed: 0 is well */
	char failures[REPORT_FAILURES_MAX][REPORT_FAILURE_TEXT_MAX];
};

extern const char *const report_latency_names[REPORT_LATENCIES];

void report_make(struct report *r, const struct generator *g);

void report_text(const struct report *r, FILE *out);

/* One object. -ENOMEM. */
int report_json(const struct report *r, FILE *out);

/* A line about the second between two snapshots. */
void report_progress(const struct progress *before, const struct progress *now, uint64_t second,
		     FILE *out);

#endif
