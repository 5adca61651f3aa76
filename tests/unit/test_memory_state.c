/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of remembered flows, the clock, expiry, and which entries can be relied on:
 * sluice/memory.h and steer_known().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory_packets.h"
#include "sluice/steer.h"

static void test_next(void **state)
{
	static const uint8_t next[MEMORY_STATES][KINDS - 1] = {
#define S MEMORY_SYN
#define O MEMORY_TCP_ONCE
#define T MEMORY_TCP
#define C MEMORY_CLOSING
#define V MEMORY_UDP_ONCE
#define U MEMORY_UDP
		/*                   SYN SYN_ACK ACK FIN RST QUIC UDP */
		[MEMORY_NONE] = {S, O, O, C, C, V, V},
		[MEMORY_SYN] = {S, T, T, C, C, U, U},
		[MEMORY_TCP_ONCE] = {O, T, T, C, C, U, U},
		[MEMORY_TCP] = {T, T, T, C, C, U, U},
		[MEMORY_CLOSING] = {S, C, C, C, C, U, U},
		[MEMORY_UDP_ONCE] = {V, T, T, C, C, U, U},
		[MEMORY_UDP] = {U, T, T, C, C, U, U},
#undef S
#undef O
#undef T
#undef C
#undef V
#undef U
	};

	(void)state;
	for (int from = MEMORY_NONE; from < MEMORY_STATES; from++)
		for (int kind = 0; kind < KINDS - 1; kind++) {
			struct packet p = packet_of((enum kind)kind);

			if (memory_next((enum memory_state)from, &p) != next[from][kind])
				fail_msg("state %d, %s: %d, not %d", from, kind_names[kind],
					 memory_next((enum memory_state)from, &p),
					 next[from][kind]);
		}
}

static void test_half_open(void **state)
{
	(void)state;
	assert_true(memory_is_half_open(MEMORY_SYN));
	assert_true(memory_is_half_open(MEMORY_TCP_ONCE));
	assert_true(memory_is_half_open(MEMORY_UDP_ONCE));
	assert_false(memory_is_half_open(MEMORY_NONE));
	assert_false(memory_is_half_open(MEMORY_TCP));
	assert_false(memory_is_half_open(MEMORY_CLOSING));
	assert_false(memory_is_half_open(MEMORY_UDP));
}

static void test_clock(void **state)
{
	static const struct {
		const char *name;
		uint32_t seen_s, now_s, idle_s;
	} rows[] = {
		{"now", 1000, 1000, 0},
		{"one ago", 999, 1000, 1},
		{"an hour", 0, 3600, 3600},
		{"past 2^16", 0, 70000, 70000},
		{"97 days", 0, 0x7fffff, 0x7fffff},
		{"a second more", 0, 0x800000, 0x800000},
		{"100 days", 1000, 1000 + 8640000, 8640000},
		{"2^24", 0, 0x1000000, 0x1000000},
		{"2^24, and one more", 1000, 1000 + 0x1000001, 0x1000001},
		{"two of 2^24", 1000, 1000 + 0x2000000, 0x2000000},
		{"16 years", 0, 500000000, 500000000},
		{"over 24 bits", 0xfffffe, 0x1000003, 5},
		{"behind 24 bits both", 0x1000001, 0x1000003, 2},
		{"over the wrap of 29 bits", 0x1ffffffe, 0x20000003, 5},
		{"over the wrap of 32 bits", 0xfffffffe, 3, 5},
		{"seen by a core whose clock is ahead", 1001, 1000, 0},
		{"a minute ahead", 1060, 1000, 0},
		{"ahead, over 24 bits", 0x1000000, 0xffffff, 0},
		{"ahead, over the wrap", 0x20000000, 0x1fffffff, 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		for (int s = MEMORY_NONE; s < MEMORY_STATES; s++) {
			struct memory m = memory_of((enum memory_state)s, OLD, rows[i].seen_s);

			row_assert(rows[i].name, memory_state(&m) == (enum memory_state)s);
			row_assert(rows[i].name,
				   memory_idle_s(&m, rows[i].now_s) == rows[i].idle_s);
		}
	}
}

static void test_expiry(void **state)
{
	static const struct generation g = {
		.idle_s = {0, 10, 15, 3600, 20, 25, 65535},
	};

	(void)state;
	for (int s = MEMORY_SYN; s < MEMORY_STATES; s++) {
		/* The last second before the wrap, so that all limits lie behind it. */
		struct memory m = memory_of((enum memory_state)s, OLD, MEMORY_SECONDS_MASK);

		assert_false(memory_is_expired(&g, &m, MEMORY_SECONDS_MASK));
		assert_false(memory_is_expired(&g, &m, MEMORY_SECONDS_MASK + g.idle_s[s]));
		assert_true(memory_is_expired(&g, &m, MEMORY_SECONDS_MASK + g.idle_s[s] + 1U));
	}
	/* What no fast path writes is gone at once. */
	for (uint32_t s = MEMORY_STATES; s <= MEMORY_WHAT_MASK; s++) {
		struct memory m = {.seen_state = memory_stamp(1000, s)};

		assert_true(memory_is_expired(&g, &m, 1001));
	}
}

/* What builds with a clock of 24 bits and 8 of state left behind, until their clock wrapped. */
static void test_stamp_of_before(void **state)
{
	static const uint32_t seconds[] = {0, 1, 1000, 0x7fffff, 0x800000, 0xffffff};

	(void)state;
	for (size_t i = 0; i < ROWS(seconds); i++)
		for (int s = MEMORY_NONE; s < MEMORY_STATES; s++) {
			struct memory m = {.seen_state = seconds[i] << 8 | (uint32_t)s};

			assert_int_equal(memory_state(&m), s);
			assert_int_equal(memory_idle_s(&m, seconds[i] + 7), 7);
		}
}

/* Only what can be relied on is known: steer_known(). */
static void test_known(void **state)
{
	struct {
		struct arena_head head;
		struct backend backends[3];
	} __attribute__((aligned(64))) tables = {
		.backends = {{.flags = BACKEND_LIVES},
			     {.flags = BACKEND_RESOLVED},
			     {.flags = BACKEND_LIVES | BACKEND_RESOLVED}},
	};
	const struct generation g = {.idle_s = {0, 10, 10, 100, 10, 10, 10}};
	const struct service s = {
		.id = 0x10007, /* entries hold 16 bits of it */
		.backends_off = sizeof(struct arena_head),
		.backends = 3,
	};
	static const struct {
		const char *name;
		uint16_t backend, service;
		uint32_t idle_s;
		bool known;
	} rows[] = {
		{"as it should be", 0, 7, 100, true},
		{"the last backend", 2, 7, 0, true},
		{"a backend that is dead", 1, 7, 0, false},
		{"a backend beyond the last", 3, 7, 0, false},
		{"no backend", SLOT_NONE, 7, 0, false},
		{"another service", 0, 8, 0, false},
		{"too old", 0, 7, 101, false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct memory m = {memory_pack(NOW_S - rows[i].idle_s, MEMORY_TCP), rows[i].backend,
				   rows[i].service};
		const struct memory *known =
			steer_known((const struct arena *)&tables, &g, &s, &m, NOW_S);

		row_assert(rows[i].name, known == (rows[i].known ? &m : NULL));
	}
	assert_null(steer_known((const struct arena *)&tables, &g, &s, NULL, NOW_S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_stamp_of_before),
		cmocka_unit_test(test_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
