/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many ICMP errors are sent: sluice/limit.h compared with a bucket that counts its tokens, and who
 * shares a bucket with whom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"
#include "sluice/limit.h"

enum {
	SECONDS = 20,
	TICKS_PER_S = 1000000,
};

static struct generation generation_of(uint32_t rate_per_s)
{
	return (struct generation){.key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}},
				   .errors_per_s = rate_per_s};
}

static struct flow flow_v4(uint32_t source)
{
	return (struct flow){.addrs = {source | 1ULL << 40},
			     .last = flow_last(1, 2, 6, FLOW_BYTES_V4)};
}

static struct flow flow_v6(uint64_t upper, uint64_t lower)
{
	return (struct flow){.addrs = {upper, lower, 3, 4},
			     .last = flow_last(1, 2, 6, FLOW_BYTES_V6)};
}

/* One sender that asks far more often than it gets. */
static void test_one_sender(void **state)
{
	static const struct {
		const char *name;
		uint32_t rate_per_s;
		uint32_t at_once; /* the first, at one moment */
		double each_s;    /* from then on, a second */
	} rows[] = {
		{"the default", 0, 15, 1000.0 / 64},      {"1000", 1000, 15, 1000.0 / 64},
		{"a million", 1000000, 15625, 15625},     {"64", 64, 1, 1},
		{"fewer than buckets", 16, 1, 16.0 / 64}, {"one", 1, 1, 1.0 / 64},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct generation g = generation_of(rows[i].rate_per_s);
		const struct flow flow = flow_v4(77);
		struct limit limit = {0};
		uint64_t now = 5ULL * TICKS_PER_S;
		uint32_t n = 0;

		while (n < 100000 && limit_take(&limit, &g, &flow, now, TICKS_PER_S))
			n++;
		row_assert(rows[i].name, n == rows[i].at_once);
		n = 0;
		for (uint64_t t = 1; t <= SECONDS * (uint64_t)TICKS_PER_S; t += 7)
			n += limit_take(&limit, &g, &flow, now + t, TICKS_PER_S);
		row_assert(rows[i].name, (double)n <= SECONDS * rows[i].each_s + 1);
		row_assert(rows[i].name, (double)n >= SECONDS * rows[i].each_s * 0.9 - 1);
		/* After a silence, what a second brings, and no more. */
		now += 1000ULL * TICKS_PER_S;
		for (n = 0; n < 100000 && limit_take(&limit, &g, &flow, now, TICKS_PER_S);)
			n++;
		row_assert(rows[i].name, n == rows[i].at_once);
	}
}

/* A bucket that counts tokens, filled at each look: the same at any times. */
static void test_oracle(void **state)
{
	const struct generation g = generation_of(6400); /* one a hundredth of a second */
	const struct flow flow = flow_v4(5);
	uint64_t random = 20261130, now = TICKS_PER_S, then = 0;
	double tokens = 100;
	struct limit limit = {0};
	uint32_t granted = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		double filled;
		bool may;

		now += random_below(&random, 40) == 0 ? random_below(&random, 2000000)
						      : random_below(&random, 8000);
		filled = tokens + (double)(now - then) / 10000;
		tokens = filled > 100 ? 100 : filled;
		then = now;
		may = limit_take(&limit, &g, &flow, now, TICKS_PER_S);
		/* Whole numbers of ticks: at the brink both are right. */
		if (tokens >= 1.001 || tokens <= 0.999)
			assert_int_equal(may, tokens >= 1);
		tokens -= may;
		granted += may;
	}
	assert_in_range(granted, 10000, 99000);
}

/* One that listens to nothing takes nothing away from nearly all others. */
static void test_others(void **state)
{
	const struct generation g = generation_of(1000);
	struct limit limit = {0};
	uint32_t served = 0;

	(void)state;
	for (uint32_t t = 0; t < 10000; t++) {
		const struct flow deaf = flow_v4(1);

		(void)limit_take(&limit, &g, &deaf, TICKS_PER_S + t, TICKS_PER_S);
	}
	for (uint32_t source = 2; source < 202; source++) {
		const struct flow flow = flow_v4(source);

		served += limit_take(&limit, &g, &flow, TICKS_PER_S + 10000, TICKS_PER_S);
	}
	assert_in_range(served, 180, 200);
}

/* All errors together, about packets with forged sources. */
static void test_forged(void **state)
{
	const struct generation g = generation_of(1000);
	struct limit limit = {0};
	uint64_t random = 1;
	uint32_t n = 0;

	(void)state;
	for (uint64_t t = 0; t < SECONDS * (uint64_t)TICKS_PER_S; t += 20) {
		const struct flow flow = flow_v4((uint32_t)random_next(&random));

		n += limit_take(&limit, &g, &flow, TICKS_PER_S + t, TICKS_PER_S);
	}
	/* And what was saved at the beginning. */
	assert_in_range(n, 1000 * SECONDS * 9 / 10, 1000 * SECONDS + 1000);
}

static void test_buckets(void **state)
{
	const struct generation g = generation_of(1000);
	bool seen[LIMIT_BUCKETS] = {0};
	struct flow one = flow_v6(1, 2), other = flow_v6(1, 3);

	(void)state;
	assert_int_equal(limit_bucket(&g, &one), limit_bucket(&g, &other));
	one = flow_v4(9);
	other = one;
	other.addrs[0] ^= 1ULL << 50;
	other.last ^= 7;
	assert_int_equal(limit_bucket(&g, &one), limit_bucket(&g, &other));
	for (uint32_t source = 0; source < 1000; source++) {
		one = flow_v4(source);
		seen[limit_bucket(&g, &one)] = true;
		one = flow_v6(source, 0);
		assert_in_range(limit_bucket(&g, &one), 0, LIMIT_BUCKETS - 1);
	}
	for (uint32_t i = 0; i < LIMIT_BUCKETS; i++)
		assert_true(seen[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_sender), cmocka_unit_test(test_oracle),
		cmocka_unit_test(test_others),     cmocka_unit_test(test_forged),
		cmocka_unit_test(test_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
