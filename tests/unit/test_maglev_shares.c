/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Maglev table (ctl/tables/maglev.[ch]) promises: balance, shares by weight, little
 * disruption. Tables of named rows; a failure names its row.
 */
#include "maglev.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "maglev_tables.h"
#include "named_rows.h"
#include "sluice/generation.h"

static void test_balance(void **state)
{
	static const struct {
		const char *name;
		uint32_t n, slots_n;
	} rows[] = {
		{"1", 1, SLOTS},
		{"2", 2, SLOTS},
		{"3", 3, SLOTS},
		{"10", 10, SLOTS},
		{"255", 255, SLOTS},
		{"257", 257, SLOTS},
		{"1000", 1000, SLOTS},
		{"32766", 32766, MAGLEV_SLOTS_MAX},
		{"as many as there can be", BACKENDS_PER_SERVICE_MAX, MAGLEV_SLOTS_MAX},
		{"as many as slots", 251, 251},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct maglev_backend *backends = backends_new(rows[i].n, 100);
		uint16_t *slots = slots_new(rows[i].slots_n, backends, rows[i].n);
		uint32_t *counts = slots_count(slots, rows[i].slots_n, rows[i].n);

		/* Each round gives each backend one slot, so they differ by one at most. */
		for (uint32_t k = 0; k < rows[i].n; k++)
			row_assert(rows[i].name,
				   counts[k] == rows[i].slots_n / rows[i].n ||
					   counts[k] == rows[i].slots_n / rows[i].n + 1);
		free(counts);
		free(slots);
		free(backends);
	}
}

static void test_weights(void **state)
{
	static const struct {
		const char *name;
		uint32_t slots_n, n, weights[6];
	} rows[] = {
		{"1:1", SLOTS, 2, {1, 1}},
		{"1:2:3", SLOTS, 3, {1, 2, 3}},
		{"100:50", SLOTS, 2, {100, 50}},
		{"100:99", SLOTS, 2, {100, 99}},
		{"1:100", SLOTS, 2, {1, 100}},
		{"1:256:65535", SLOTS, 3, {1, 256, 65535}},
		{"65534:65535", SLOTS, 2, {65534, 65535}},
		{"1:65535 gets its one slot", SLOTS, 2, {1, 65535}},
		{"1:65535 in a small table", 1021, 2, {1, 65535}},
		{"7:11:13:17:19:23", SLOTS, 6, {7, 11, 13, 17, 19, 23}},
		{"weight 0 gets none", SLOTS, 3, {5, 0, 5}},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct maglev_backend *backends = backends_new(rows[i].n, 0);
		uint32_t sum = 0, *counts;
		uint16_t *slots;

		for (uint32_t k = 0; k < rows[i].n; k++) {
			backends[k].weight = rows[i].weights[k];
			sum += rows[i].weights[k];
		}
		slots = slots_new(rows[i].slots_n, backends, rows[i].n);
		counts = slots_count(slots, rows[i].slots_n, rows[i].n);
		for (uint32_t k = 0; k < rows[i].n; k++) {
			double share = (double)rows[i].slots_n * rows[i].weights[k] / sum;
			double apart = counts[k] > share ? counts[k] - share : share - counts[k];

			row_assert(rows[i].name, (counts[k] > 0) == (rows[i].weights[k] > 0));
			row_assert(rows[i].name, apart <= 1 + 1e-4 * share);
		}
		free(counts);
		free(slots);
		free(backends);
	}
}

static void test_common_factor(void **state)
{
	static const struct {
		const char *name;
		uint32_t weights[3], same[3];
	} rows[] = {
		{"100", {1, 2, 3}, {100, 200, 300}},
		{"21845: up to 2^16 - 1", {1, 2, 3}, {21845, 43690, 65535}},
		{"equal weights", {1, 1, 1}, {65535, 65535, 65535}},
		{"with a 0", {0, 4, 7}, {0, 40, 70}},
		{"past 2^31", {3, 4, 7}, {3U << 28, 4U << 28, 7U << 28}},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct maglev_backend *backends = backends_new(3, 0);
		uint16_t *a, *b;

		for (uint32_t k = 0; k < 3; k++)
			backends[k].weight = rows[i].weights[k];
		a = slots_new(SLOTS, backends, 3);
		for (uint32_t k = 0; k < 3; k++)
			backends[k].weight = rows[i].same[k];
		b = slots_new(SLOTS, backends, 3);
		row_assert(rows[i].name, memcmp(a, b, SLOTS * sizeof(*a)) == 0);
		free(a);
		free(b);
		free(backends);
	}
}

/* A change of one backend, and how many slots that are none of its own move along. */
static void test_disruption(void **state)
{
	static const struct {
		const char *name;
		uint32_t n, before, after; /* weights of one backend; the others have 100 */
		double percent_max;
	} rows[] = {
		{"1 of 2 goes", 2, 100, 0, 0},
		{"1 of 10 goes", 10, 100, 0, 1},
		{"1 of 100 goes", 100, 100, 0, 1},
		{"1 of 1000 goes", 1000, 100, 0, 1},
		{"1 comes to 9", 10, 0, 100, 1},
		{"1 comes to 99", 100, 0, 100, 1},
		{"1 comes to 999", 1000, 0, 100, 1},
		{"1 of 10 has half the weight", 10, 100, 50, 1},
		{"1 of 10 has one hundredth less", 10, 100, 99, 1},
		{"1 of 10 has one hundredth more", 10, 100, 101, 1},
		{"1 of 10 has twice the weight", 10, 100, 200, 1},
		{"1 of 100 has half the weight", 100, 100, 50, 1},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct maglev_backend *backends = backends_new(rows[i].n, 100);
		uint16_t it = (uint16_t)(rows[i].n / 3);
		uint32_t moved = 0;
		uint16_t *a, *b;
		double percent;

		backends[it].weight = rows[i].before;
		a = slots_new(SLOTS, backends, rows[i].n);
		backends[it].weight = rows[i].after;
		b = slots_new(SLOTS, backends, rows[i].n);
		for (uint32_t k = 0; k < SLOTS; k++)
			moved += a[k] != b[k] && a[k] != it && b[k] != it;
		percent = 100.0 * moved / SLOTS;
		print_message("%s: %.2f %% of all slots move between others\n", rows[i].name,
			      percent);
		row_assert(rows[i].name, percent <= rows[i].percent_max);
		free(a);
		free(b);
		free(backends);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_common_factor),
		cmocka_unit_test(test_disruption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
