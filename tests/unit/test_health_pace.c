/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many checks may begin, how many of them fast ones, for how long the process stood still, and how
 * late checks were; on a clock of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checker.h"
#include "named_rows.h"
#include "pace.h"

/* As many as may, from a crowd that never ends, each us_step. */
static uint32_t taken(struct pace *pace, int64_t from_us, int64_t time_us, int64_t step_us)
{
	uint32_t n = 0;
	int64_t wait_us;

	for (int64_t now = from_us; now < from_us + time_us; now += step_us)
		while (pace_take(pace, now, &wait_us))
			n++;
	return n;
}

static void test_rate(void **state)
{
	static const struct {
		const char *name;
		uint32_t rate;
		int64_t time_us, step_us;
		uint32_t least, most;
	} rows[] = {
		{"a second", 20000, 1000000, 100, 20000, 20000 + 1001},
		{"turns of 10 ms", 20000, 1000000, 10000, 19800, 20000 + 1001},
		{"at one time", 20000, 1, 1, 1000, 1001},
		{"the least", 10, 2000000, 1000, 20, 21},
		{"the most", 1000000, 100000, 1000, 99000, 150001},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct pace pace = {.rate = rows[i].rate};

		print_message("# row: %s\n", rows[i].name);
		assert_in_range(taken(&pace, 5000000, rows[i].time_us, rows[i].step_us),
				rows[i].least, rows[i].most);
		/* Nothing is saved up while nobody came, and none is forgotten. */
		assert_in_range(taken(&pace, 3600000000LL, rows[i].time_us, rows[i].step_us),
				rows[i].least, rows[i].most);
	}
}

static void test_wait(void **state)
{
	struct pace pace = {.rate = 1000};
	int64_t wait_us = 0, now = 1000000;

	(void)state;
	while (pace_take(&pace, now, &wait_us))
		;
	assert_in_range(wait_us, 1, 1001);
	assert_false(pace_take(&pace, now + wait_us - 2, &(int64_t){0}));
	assert_true(pace_take(&pace, now + wait_us, &(int64_t){0}));
}

static void test_fast(void **state)
{
	struct pace pace = {.rate = 1000};
	uint32_t n = 0;

	(void)state;
	for (int64_t now = 1000000; now < 11000000; now += 1000)
		while (pace_take_fast(&pace, now))
			n++;
	/* A quarter of 1,000 a second, and a second's at once. */
	assert_in_range(n, 2740, 2760);
}

static void test_stood(void **state)
{
	struct pace pace = {.rate = 1};
	int64_t now = 1000000;

	(void)state;
	assert_int_equal(pace_stood_us(&pace, now), 0);
	for (int i = 0; i < 100; i++)
		pace_beat(&pace, now += PACE_BEAT_MS * 1000 + 5000);
	assert_int_equal(pace_stood_us(&pace, now), 0);
	now += 3000000;
	/* Seen before the beat that is late comes, and not twice behind it. */
	assert_int_equal(pace_stood_us(&pace, now), 3000000 - PACE_BEAT_MS * 1000);
	pace_beat(&pace, now);
	assert_int_equal(pace_stood_us(&pace, now), 3000000 - PACE_BEAT_MS * 1000);
	assert_int_equal(pace_stood_us(&pace, now + 1000), 3000000 - PACE_BEAT_MS * 1000);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Against sorted samples: at most 20 % more than what is asked for. */
static void test_late(void **state)
{
	enum { N = 20000 };
	static const double shares[] = {0.01, 0.5, 0.9, 0.99, 1};
	static int64_t samples[N];
	static struct health_totals before, totals;

	(void)state;
	srand(20942);
	health_totals_late(&before, 77);
	totals = before;
	for (int i = 0; i < N; i++) {
		samples[i] = (int64_t)(rand() % 1000) * (rand() % 5000);
		health_totals_late(&totals, samples[i]);
	}
	qsort(samples, N, sizeof(samples[0]), compare);
	for (size_t i = 0; i < ROWS(shares); i++) {
		int64_t exact = samples[(int)(shares[i] * N) - 1];
		int64_t got = health_late_quantile_us(&totals, &before, shares[i]);

		assert_true(got >= exact && got <= exact * 6 / 5 + 2);
	}
	assert_int_equal(health_late_quantile_us(&before, &before, 0.5), 0);
	health_totals_late(&totals, INT64_MAX);
	health_totals_late(&totals, -5);
	assert_int_equal(health_late_quantile_us(&totals, &before, 1), INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate), cmocka_unit_test(test_wait),
		cmocka_unit_test(test_fast), cmocka_unit_test(test_stood),
		cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
