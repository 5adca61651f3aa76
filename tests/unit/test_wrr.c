/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/tables/wrr.[ch]: how many slots each backend gets, and that its turns are far apart. Compared
 * with what is obvious: after any number of turns a backend had its share of them.
 */
#include "wrr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"
#include "sluice/generation.h"

static void test_orders(void **state)
{
	static const struct {
		const char *name;
		uint32_t weights[5]; /* of a, b, c ...; behind the last one 0 */
		const char *order;   /* "-": SLOT_NONE */
	} rows[] = {
		{"none", {0}, "-"},
		{"one", {7}, "a"},
		{"equal", {1, 1, 1}, "abc"},
		{"equal, with a common factor", {100, 100, 100}, "abc"},
		{"2 to 1", {200, 100}, "aba"},
		{"5 to 1 to 1", {5, 1, 1}, "abaaaca"},
		{"the second takes nothing", {100, 0, 100}, "ac"},
		{"3 to 2", {3, 2}, "ababa"},
		{"2, 2, 1, 1", {2, 2, 1, 1}, "acbadb"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct wrr_backend backends[5];
		char order[32] = "";
		uint32_t n;
		uint16_t *slots;

		for (uint16_t k = 0; k < 5; k++)
			backends[k] = (struct wrr_backend){rows[i].weights[k], k};
		row_assert(rows[i].name, wrr_build(backends, 5, &slots, &n) == 0);
		for (uint32_t k = 0; k < n && k < 31; k++)
			order[k] = slots[k] == SLOT_NONE ? '-' : (char)('a' + slots[k]);
		if (strcmp(order, rows[i].order) != 0)
			fail_msg("row '%s': %s, not %s", rows[i].name, order, rows[i].order);
		free(slots);
	}
}

/* How far the turns of a backend are from its share, at any moment, in turns. */
static double deviation(const uint16_t *slots, uint32_t n, uint16_t index, double share)
{
	uint32_t had = 0;
	double worst = 0;

	for (uint32_t i = 0; i < n; i++) {
		double off;

		had += slots[i] == index;
		off = had - share * (i + 1);
		if (off < 0)
			off = -off;
		if (off > worst)
			worst = off;
	}
	return worst;
}

static void test_shares(void **state)
{
	enum { MAX = 300 };
	static struct wrr_backend backends[MAX];
	uint64_t random = 9;

	for (uint32_t round = 0; round < 60; round++) {
		uint32_t n = 1 + random_below(&random, MAX);
		uint32_t limit = 1 + random_below(&random, round % 2 ? 5 : 65535);
		uint64_t sum = 0;
		uint32_t slots_n, kept = 0;
		uint16_t *slots;
		char row[64];

		for (uint32_t i = 0; i < n; i++) {
			backends[i] = (struct wrr_backend){random_below(&random, limit + 1),
							   (uint16_t)(2 * i)};
			sum += backends[i].weight;
			kept += backends[i].weight > 0;
		}
		snprintf(row, sizeof(row), "round %u: %u backends, weights to %u", round, n, limit);
		row_assert(row, wrr_build(backends, n, &slots, &slots_n) == 0);
		row_assert(row, slots_n >= kept);
		row_assert(row, slots_n <= WRR_SLOTS_MAX + WRR_SLOTS_PER_BACKEND * n);
		for (uint32_t i = 0; i < n && sum > 0; i++) {
			double share = (double)backends[i].weight / (double)sum, slots_share;
			uint32_t count = 0;

			for (uint32_t k = 0; k < slots_n; k++)
				count += slots[k] == backends[i].index;
			row_assert(row, (count > 0) == (backends[i].weight > 0));
			/* Rounding, and one slot for the least. */
			row_assert(row, count <= share * slots_n * 1.1 + 1.5);
			row_assert(row, count >= share * slots_n * 0.9 - 1.5);
			slots_share = (double)count / slots_n;
			/*
			 * A turn is within one period of its exact time. A prefix may differ by what
			 * the many backends of few turns add up to; it never is a run of one's own.
			 */
			if (i % 16 == 0 && n <= 16)
				row_assert(row, deviation(slots, slots_n, backends[i].index,
							  slots_share) <= 2);
		}
		free(slots);
	}
}

static void test_limits(void **state)
{
	static struct wrr_backend backends[BACKENDS_PER_SERVICE_MAX + 1];
	uint32_t slots_n;
	uint16_t *slots;

	for (uint32_t i = 0; i <= BACKENDS_PER_SERVICE_MAX; i++)
		backends[i] = (struct wrr_backend){i % 2 ? 1 : 65535, (uint16_t)i};
	assert_int_equal(wrr_build(backends, BACKENDS_PER_SERVICE_MAX + 1, &slots, &slots_n),
			 -EINVAL);
	assert_null(slots);
	assert_int_equal(wrr_build(backends, BACKENDS_PER_SERVICE_MAX, &slots, &slots_n), 0);
	assert_true(slots_n >= BACKENDS_PER_SERVICE_MAX);
	free(slots);
	assert_int_equal(wrr_build(NULL, 0, &slots, &slots_n), 0);
	assert_int_equal(slots_n, 1);
	assert_int_equal(slots[0], SLOT_NONE);
	free(slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
