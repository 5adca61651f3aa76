/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates from two samples. Called by top.c.
 */
#include "top_rates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t top_growth(uint64_t before, uint64_t now)
{
	uint64_t growth = now - before;

	return growth > 1ULL << 62 ? 0 : growth;
}

/* Names of the older sample's rows. */
struct index {
	const struct top_sample *sample;
	const struct top_row **sorted; /* NULL until one is looked for */
};

static int compare_rows(const struct top_row *a, const struct top_row *b)
{
	int order = strcmp(a->service, b->service);

	return order ? order : strcmp(a->backend, b->backend);
}

static int compare_pointers(const void *a, const void *b)
{
	return compare_rows(*(const struct top_row *const *)a, *(const struct top_row *const *)b);
}

static int index_sort(struct index *index)
{
	size_t n = index->sample->rows_n;

	index->sorted = reallocarray(NULL, n + 1, sizeof(struct top_row *));
	if (!index->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		index->sorted[i] = &index->sample->rows[i];
	qsort(index->sorted, n, sizeof(struct top_row *), compare_pointers);
	return 0;
}

/* *out NULL: it is new. Rows mostly stay where they are: there it is looked for first. */
static int find(struct index *index, const struct top_row *row, size_t place,
		const struct top_row **out)
{
	const struct top_row **found;

	*out = NULL;
	if (place < index->sample->rows_n) {
		*out = &index->sample->rows[place];
		if (compare_rows(*out, row) == 0)
			return 0;
	}
	*out = NULL;
	if (!index->sorted && index_sort(index) < 0)
		return -ENOMEM;
	found = bsearch(&row, index->sorted, index->sample->rows_n, sizeof(struct top_row *),
			compare_pointers);
	if (found)
		*out = *found;
	return 0;
}

static void rate_rows(struct top_rates *out, size_t i, const struct top_row *before)
{
	const struct top_row *now = &out->sample->rows[i];
	struct top_rate *rate = &out->rows[i];

	*rate = (struct top_rate){.row = now};
	if (!before)
		return;
	rate->packets_s = (double)top_growth(before->packets, now->packets) / out->interval_s;
	rate->bits_s = 8 * (double)top_growth(before->bytes, now->bytes) / out->interval_s;
	rate->dropped_s = (double)top_growth(before->dropped, now->dropped) / out->interval_s;
	out->bits_s += rate->bits_s;
}

/* dpdk: of the looks at the ports, those that brought packets. xdp: of the core's time, what the
 * kernel spent on packets. */
static double load(const struct top_sample *now, const struct top_worker *a,
		   const struct top_worker *b)
{
	uint64_t busy = top_growth(a->bursts, b->bursts);
	uint64_t all = busy + top_growth(a->empty_bursts, b->empty_bursts);

	if (strcmp(now->path, "dpdk") != 0) {
		busy = top_growth(a->softirq_ticks, b->softirq_ticks);
		all = top_growth(a->ticks, b->ticks);
		if (a->ticks == 0 || all == 0)
			return -1;
	}
	return all == 0 ? 0 : (double)busy / (double)all;
}

static void rate_workers(struct top_rates *out, const struct top_sample *before)
{
	const struct top_sample *now = out->sample;

	for (uint32_t i = 0; i < now->workers_n; i++) {
		const struct top_worker *a = &before->workers[i], *b = &now->workers[i];

		out->worker_load[i] = -1;
		if (i >= before->workers_n || a->core != b->core)
			continue;
		out->worker_packets_s[i] =
			(double)top_growth(a->packets, b->packets) / out->interval_s;
		out->worker_load[i] = load(now, a, b);
	}
}

static void rate_all(struct top_rates *out, const struct top_sample *before)
{
	const struct top_sample *now = out->sample;
	const struct memory_counters *a = &before->memory, *b = &now->memory;

	for (unsigned int i = 0; i < VERDICT_COUNT; i++) {
		double rate =
			(double)top_growth(before->verdicts[i], now->verdicts[i]) / out->interval_s;

		out->verdicts_s[i] = rate;
		out->actions_s[verdict_action((enum verdict)i)] += rate;
		out->packets_s += rate;
	}
	out->inserts_s = (double)top_growth(a->inserts, b->inserts) / out->interval_s;
	out->lookups_s = (double)top_growth(a->lookups, b->lookups) / out->interval_s;
	out->untracked_s = (double)top_growth(a->untracked, b->untracked) / out->interval_s;
}

int top_rates_make(const struct top_sample *before, const struct top_sample *now,
		   struct top_rates *out)
{
	struct index index = {.sample = before};
	int64_t interval_us = now->clock_us - before->clock_us;
	int rc = 0;

	*out = (struct top_rates){.sample = now, .rows_n = now->rows_n};
	/* Another machine's clock, or twice the same sample: no time to divide by. */
	out->interval_s = interval_us > 0 ? (double)interval_us / 1e6 : 1e12;
	out->rows = reallocarray(NULL, now->rows_n + 1, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	for (size_t i = 0; rc == 0 && i < now->rows_n; i++) {
		const struct top_row *old;

		rc = find(&index, &now->rows[i], i, &old);
		rate_rows(out, i, old);
	}
	rate_workers(out, before);
	rate_all(out, before);
	free(index.sorted);
	if (rc < 0)
		top_rates_free(out);
	return rc;
}

void top_rates_free(struct top_rates *rates)
{
	free(rates->rows);
	*rates = (struct top_rates){.sample = NULL};
}

const char *top_rate_text(double rate, char buf[TOP_RATE_TEXT_MAX])
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P"};
	unsigned int unit = 0;
	int decimals;

	/* 999.5 would be printed as 1000. */
	while (rate >= 999.5 && unit < 5) {
		rate /= 1000;
		unit++;
	}
	decimals = rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0;
	if (unit == 0)
		decimals = rate > 0 && rate < 9.95 ? 1 : 0;
	snprintf(buf, TOP_RATE_TEXT_MAX, "%.*f%s", decimals, rate, units[unit]);
	return buf;
}
