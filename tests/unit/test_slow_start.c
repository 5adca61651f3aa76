/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a slow start, a drain's states, and least-conn's loads: the pure parts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "drain.h"
#include "loads.h"
#include "named_rows.h"
#include "slow_start.h"

enum {
	S = 1000000,
};

static void test_steps(void **state)
{
	static const struct {
		const char *name;
		uint32_t slow_start_s, steps;
		int64_t after_us;
		uint32_t step;
	} rows[] = {
		{"off", 0, 1, 0, 1},
		{"1 s: too short for steps", 1, 1, 0, 1},
		{"2 s, start", 2, 2, 0, 1},
		{"2 s, right before the second", 2, 2, S - 1, 1},
		{"2 s, full", 2, 2, S, 2},
		{"20 s, a step a second", 20, 20, 7 * S, 8},
		{"60 s: three seconds a step", 60, 20, 3 * S - 1, 1},
		{"60 s, second step", 60, 20, 3 * S, 2},
		{"60 s, last", 60, 20, 57 * S, 20},
		{"60 s, long over", 60, 20, 10000LL * S, 20},
		{"a day", 86400, 20, 43200LL * S, 11},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const int64_t start = 123456789;

		row_assert(rows[i].name, slow_start_steps(rows[i].slow_start_s) == rows[i].steps);
		row_assert(rows[i].name, slow_start_step(start, start + rows[i].after_us,
							 rows[i].slow_start_s) == rows[i].step);
		row_assert(rows[i].name,
			   slow_start_step(0, start, rows[i].slow_start_s) == rows[i].steps);
	}
	assert_int_equal(slow_start_weight(65535, 20), 20 * 65535);
	assert_int_equal(slow_start_weight(1, 1), 1);
}

static void test_steps_are_a_second_apart(void **state)
{
	for (uint32_t s = 1; s < 200; s++) {
		int64_t last_us = -S;
		uint32_t step = 0;

		for (int64_t us = 0; us <= (int64_t)s * S; us += S / 10) {
			uint32_t now = slow_start_step(1, 1 + us, s);

			if (now == step)
				continue;
			assert_int_equal(now, step + 1);
			assert_true(us - last_us >= S);
			last_us = us;
			step = now;
		}
		assert_int_equal(step, slow_start_steps(s));
	}
}

/* A drain that began at 100 s; the last packet was seen at `packet_s`. */
static void test_drain(void **state)
{
	static const struct {
		const char *name;
		uint32_t timeout_s, packet_s, now_s;
		uint64_t flows_left;
		bool in_transition;
		enum daemon_drain_state state;
		uint32_t quiet_s;
		bool late;
	} rows[] = {
		{"flows are left", 0, 101, 200, 3, true, DRAIN_RUNNING, 99, false},
		{"none is, but some may be silent", 0, 101, 110, 0, true, DRAIN_RUNNING, 9, false},
		{"right before it is quiet", 0, 101, 130, 0, true, DRAIN_RUNNING, 29, false},
		{"quiet for long enough", 0, 101, 131, 0, true, DRAIN_DONE, 30, false},
		{"the transition is over", 0, 101, 110, 0, false, DRAIN_DONE, 9, false},
		{"over, but flows are left", 0, 101, 900, 1, false, DRAIN_RUNNING, 799, false},
		{"before the timeout", 60, 101, 159, 1, true, DRAIN_RUNNING, 58, false},
		{"at the timeout", 60, 101, 160, 1, true, DRAIN_RUNNING, 59, true},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct drain drain = drain_begin(rows[i].timeout_s, 100LL * S, 5000LL * S);
		int64_t now_us = (int64_t)rows[i].now_s * S;
		struct daemon_drain told;

		drain_sample(&drain, 70, 100LL * S); /* a first look is no packet */
		row_assert(row, drain.moved_us == 100LL * S);
		drain_sample(&drain, 71, (int64_t)rows[i].packet_s * S);
		drain_sample(&drain, 71, now_us);
		row_assert(row, drain_is_running(&drain));
		row_assert(row, drain_is_late(&drain, now_us) == rows[i].late);
		told = drain_tell(&drain, rows[i].flows_left, rows[i].in_transition, now_us);
		row_assert(row, told.state == rows[i].state);
		row_assert(row, told.quiet_s == rows[i].quiet_s);
		row_assert(row, told.started_us == 5000LL * S);
		row_assert(row, told.deadline_us ==
					(rows[i].timeout_s ? (5000LL + rows[i].timeout_s) * S : 0));
	}
}

static void test_drain_ends(void **state)
{
	struct drain none = {0}, drain = drain_begin(60, 100LL * S, 5000LL * S);
	struct daemon_drain told = drain_tell(&none, 7, true, 200LL * S);

	assert_int_equal(told.state, DRAIN_NONE);
	assert_false(drain_is_running(&none));
	assert_false(drain_is_late(&none, INT64_MAX));
	drain_set_timeout(&drain, 10, 150LL * S);
	assert_true(drain_is_late(&drain, 160LL * S));
	drain.timed_out = true;
	drain.flows_cut = 9;
	assert_false(drain_is_running(&drain));
	assert_false(drain_is_late(&drain, 160LL * S));
	told = drain_tell(&drain, 0, false, 200LL * S);
	assert_int_equal(told.state, DRAIN_TIMED_OUT);
	assert_int_equal(told.flows_cut, 9);
	drain_set_timeout(&drain, 0, 0);
	assert_int_equal(drain_tell(&drain, 0, false, 200LL * S).deadline_us, 0);
}

static void test_loads(void **state)
{
	static const struct {
		const char *name;
		uint64_t flows[3];
		uint32_t weights[3];
		uint16_t loads[3];
	} rows[] = {
		{"no flows", {0, 0, 0}, {1, 1, 1}, {0, 0, 0}},
		{"equal weights", {10, 5, 0}, {1, 1, 1}, {65535, 32767, 0}},
		{"twice the weight, twice the flows",
		 {10, 5, 5},
		 {200, 100, 100},
		 {65535, 65535, 65535}},
		{"without a weight", {1000, 5, 10}, {0, 100, 100}, {0, 32767, 65535}},
		{"more than 32 bits", {1ULL << 36, 1ULL << 35, 0}, {1, 1, 1}, {65535, 32767, 0}},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint16_t loads[3];

		loads_relate(rows[i].flows, rows[i].weights, 3, loads);
		row_assert(rows[i].name, memcmp(loads, rows[i].loads, sizeof(loads)) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps), cmocka_unit_test(test_steps_are_a_second_apart),
		cmocka_unit_test(test_drain), cmocka_unit_test(test_drain_ends),
		cmocka_unit_test(test_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
