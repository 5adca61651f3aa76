/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates a second, from two samples of counters. Used by top.c, top_list.c, top_screen.c.
 */
#ifndef SLUICE_CLI_TOP_RATES_H
#define SLUICE_CLI_TOP_RATES_H

#include "top_sample.h"

struct top_rate {
	const struct top_row *row; /* of the newer sample */
	double packets_s, bits_s, dropped_s;
};

struct top_rates {
	const struct top_sample *sample; /* the newer one, which outlives this */
	double interval_s;
	struct top_rate *rows; /* as in the sample */
	size_t rows_n;
	double bits_s;                     /* of all rows */
	double verdicts_s[VERDICT_COUNT];  /* of all packets */
	double actions_s[ACTION_DROP + 1]; /* the same, by what the fast path does */
	double packets_s;                  /* the same, together */
	double worker_packets_s[TOP_WORKERS_MAX];
	double worker_load[TOP_WORKERS_MAX]; /* 0 to 1; below 0: not known */
	double inserts_s, lookups_s, untracked_s;
};

/*
 * How much a counter grew, modulo 2^64. One that went back, or jumped by more than 2^62, began
 * anew (the daemon did, or a backend was removed): 0, for nobody knows.
 */
uint64_t top_growth(uint64_t before, uint64_t now);

/* Of what `before` lacks, the rate is 0: when it began isn't known. Returns 0 or -ENOMEM; `out` to
 * be freed. */
int top_rates_make(const struct top_sample *before, const struct top_sample *now,
		   struct top_rates *out);

void top_rates_free(struct top_rates *rates);

enum { TOP_RATE_TEXT_MAX = 16 };

/* "0", "3.2", "950", "12.3k", "1.25M", "98.7G". Returns buf. */
const char *top_rate_text(double rate, char buf[TOP_RATE_TEXT_MAX]);

#endif
