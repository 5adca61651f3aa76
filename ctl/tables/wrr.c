/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrr.h. A backend with `count` slots has its k-th turn (from 0) at the time (k + phase) / count,
 * of a round that takes from 0 to 1; sorting all turns by time gives the order. The m backends of one
 * count have the phases (j + 1/2) / m, so that they take turns among themselves, too.
 */
#include "wrr.h"

#include <errno.h>
#include <stdlib.h>

#include "sluice/generation.h"

struct share {
	uint32_t count; /* of slots */
	uint16_t index;
};

/* At the time odd / (2 * count * m). Both are at most twice the slots: products fit 64 bits. */
struct turn {
	uint64_t odd;
	uint64_t period;
	uint16_t index;
};

static uint64_t common_factor(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* By count, so that equal ones stand together; else in the order of their indices. */
static int share_compare(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static int turn_compare(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;
	uint64_t at_x = x->odd * y->period, at_y = y->odd * x->period;

	if (at_x != at_y)
		return at_x < at_y ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* How many slots each gets; returns how many backends get any. */
static uint32_t shares_of(const struct wrr_backend *backends, uint32_t n, struct share *shares,
			  uint32_t *total)
{
	uint64_t factor = 0, sum = 0, limit;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (backends[i].weight == 0)
			continue;
		factor = common_factor(factor, backends[i].weight);
		sum += backends[i].weight;
		kept++;
	}
	limit = (uint64_t)kept * WRR_SLOTS_PER_BACKEND;
	if (limit < WRR_SLOTS_MAX)
		limit = WRR_SLOTS_MAX;
	kept = 0;
	*total = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t count;

		if (backends[i].weight == 0)
			continue;
		count = backends[i].weight / factor;
		if (sum / factor > limit)
			count = (backends[i].weight * limit + sum / 2) / sum;
		shares[kept] = (struct share){count > 0 ? (uint32_t)count : 1, backends[i].index};
		*total += shares[kept++].count;
	}
	return kept;
}

/* The turns of shares[first .. first + m - 1], which have one count. */
static uint32_t turns_of(const struct share *shares, uint32_t m, struct turn *turns)
{
	uint32_t n = 0;

	for (uint32_t j = 0; j < m; j++)
		for (uint32_t k = 0; k < shares[j].count; k++)
			turns[n++] = (struct turn){
				.odd = 2 * ((uint64_t)k * m + j) + 1,
				.period = 2 * (uint64_t)shares[j].count * m,
				.index = shares[j].index,
			};
	return n;
}

static uint32_t equals(const struct share *shares, uint32_t n)
{
	uint32_t m = 1;

	while (m < n && shares[m].count == shares[0].count)
		m++;
	return m;
}

int wrr_build(const struct wrr_backend *backends, uint32_t n, uint16_t **slots, uint32_t *slots_n)
{
	struct share *shares = calloc(n + 1, sizeof(*shares));
	struct turn *turns = NULL;
	uint32_t kept, total, made = 0, m;
	int rc = -ENOMEM;

	*slots = NULL;
	if (n > BACKENDS_PER_SERVICE_MAX)
		rc = -EINVAL;
	if (rc == -EINVAL || !shares)
		goto out;
	kept = shares_of(backends, n, shares, &total);
	turns = calloc(total + 1, sizeof(*turns));
	*slots = calloc(total + 1, sizeof(**slots));
	if (!turns || !*slots)
		goto out;
	qsort(shares, kept, sizeof(*shares), share_compare);
	for (uint32_t i = 0; i < kept; i += m) {
		m = equals(&shares[i], kept - i);
		made += turns_of(&shares[i], m, &turns[made]);
	}
	qsort(turns, total, sizeof(*turns), turn_compare);
	for (uint32_t i = 0; i < total; i++)
		(*slots)[i] = turns[i].index;
	if (total == 0)
		(*slots)[total++] = SLOT_NONE;
	*slots_n = total;
	rc = 0;
out:
	if (rc < 0) {
		free(*slots);
		*slots = NULL;
	}
	free(turns);
	free(shares);
	return rc;
}
