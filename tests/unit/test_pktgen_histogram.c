/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator's histogram against the same values, sorted.
 */
#include "../pktgen/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	VALUES_MAX = 20000,
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The smallest value that at least q × n values do not exceed. */
static uint64_t oracle(const uint64_t *sorted, uint64_t n, double q)
{
	uint64_t rank = 1;

	while ((double)rank < q * (double)n)
		rank++;
	return sorted[rank - 1];
}

static const struct {
	const char *name;
	uint32_t n;
	uint32_t bits; /* of the values */
} rows[] = {
	{"one value", 1, 20},
	{"two values", 2, 63},
	{"exact: below 256", 5000, 8},
	{"past 2^8", 5000, 9},
	{"past 2^16", VALUES_MAX, 17},
	{"past 2^32", VALUES_MAX, 33},
	{"all of 64 bits", VALUES_MAX, 64},
};

static void test_quantiles(void **state)
{
	static const double quantiles[] = {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
	static uint64_t values[VALUES_MAX];
	static struct histogram h;
	uint64_t seed = 11;

	(void)state;
	for (size_t r = 0; r < ROWS(rows); r++) {
		memset(&h, 0, sizeof(h));
		for (uint32_t i = 0; i < rows[r].n; i++) {
			/* Of many magnitudes, as latencies are. */
			values[i] = random_next(&seed) >> (64 - rows[r].bits);
			values[i] >>= random_below(&seed, rows[r].bits);
			histogram_add(&h, values[i]);
		}
		qsort(values, rows[r].n, sizeof(values[0]), compare);
		row_assert(rows[r].name, h.n == rows[r].n);
		row_assert(rows[r].name, h.min == values[0]);
		row_assert(rows[r].name, h.max == values[rows[r].n - 1]);
		row_assert(rows[r].name, histogram_quantile(&h, 0) == h.min);
		for (size_t q = 0; q < ROWS(quantiles); q++) {
			uint64_t exact = oracle(values, rows[r].n, quantiles[q]);
			uint64_t got = histogram_quantile(&h, quantiles[q]);

			row_assert(rows[r].name, got >= exact);
			row_assert(rows[r].name, got - exact <= exact / 128);
			row_assert(rows[r].name, exact >= 256 || got == exact);
		}
	}
}

static void test_empty(void **state)
{
	static struct histogram h;

	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
}

/* Every bucket is within the array, and they follow one another. */
static void test_buckets_in_order(void **state)
{
	uint32_t before = 0;

	(void)state;
	for (uint32_t bit = 1; bit < 64; bit++) {
		uint64_t value = 1ULL << bit;

		for (uint64_t near = value - 1; near <= value + 1; near++) {
			uint32_t bucket = histogram_bucket(near);

			assert_true(bucket >= before && bucket < HISTOGRAM_BUCKETS);
			before = bucket;
		}
	}
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_buckets_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
