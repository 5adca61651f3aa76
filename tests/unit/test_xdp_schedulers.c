/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that don't hash, in the XDP program: who gets a flow, and that it stays there. Skipped
 * without root.
 */
#include "xdp_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int open_world(void **state)
{
	world_open(0);
	return 0;
}

static int close_world(void **state)
{
	world_close();
	return 0;
}

static void test_round_robin(void **state)
{
	struct world_flow f;
	struct memory m;

	/* Two services, a packet in turn: each has its own count. */
	for (uint32_t i = 0; i < 3 * WORLD_SLOTS; i++)
		for (int service = WORLD_TURN; service <= WORLD_TURN_TOO; service++) {
			int expected = (int)(i % WORLD_SLOTS % WORLD_BACKENDS);

			f = world_flow((enum world_service)service, i);
			assert_int_equal(world_send(&f, WORLD_SYN), expected);
			assert_int_equal(world_send(&f, WORLD_ACK), expected);
			assert_int_equal(world_send(&f, WORLD_ACK), expected);
			assert_int_equal(world_look_up(&f, &m), FASTPATH_ESTABLISHED);
		}
	/* A count is drawn for the next connection, none for an ICMP error of no flow. */
	f = world_flow(WORLD_TURN, 1);
	assert_int_equal(world_send(&f, WORLD_FIN), 1);
	assert_int_equal(world_send(&f, WORLD_SYN), 0);
	f = world_flow(WORLD_TURN, 1000);
	world_send(&f, WORLD_ICMP_ERROR);
	assert_int_equal(world_look_up(&f, &m), FASTPATH_CLASSES);
	assert_int_equal(world_send(&f, WORLD_ACK), 1);
	/* No backend: dropped, and not remembered. */
	for (uint32_t i = 0; i < WORLD_SLOTS; i++)
		world_slots(WORLD_TURN)[i] = SLOT_NONE;
	assert_int_equal(world_send(&f, WORLD_ACK), 1);
	f = world_flow(WORLD_TURN, 1001);
	assert_int_equal(world_send(&f, WORLD_SYN), WORLD_NOWHERE);
	assert_int_equal(world_look_up(&f, &m), FASTPATH_CLASSES);
}

/* Of `n` new flows, how many each backend got; each stays there. */
static void spread(enum world_service service, uint32_t n, uint32_t got[WORLD_BACKENDS])
{
	memset(got, 0, WORLD_BACKENDS * sizeof(got[0]));
	for (uint32_t i = 0; i < n; i++) {
		struct world_flow f = world_flow(service, i);
		int where = world_send(&f, WORLD_SYN);

		assert_in_range(where, 0, WORLD_BACKENDS - 1);
		assert_int_equal(world_send(&f, WORLD_ACK), where);
		got[where]++;
	}
}

/* Limits are five standard deviations and more. */
static void test_random(void **state)
{
	uint32_t got[WORLD_BACKENDS];

	spread(WORLD_RANDOM, 6500, got);
	assert_in_range(got[0], 1350, 1650); /* 3 of 13 slots */
	for (uint32_t i = 1; i < WORLD_BACKENDS; i++)
		assert_in_range(got[i], 850, 1150); /* 2 of 13 */
}

static void test_least_conn(void **state)
{
	uint32_t got[WORLD_BACKENDS];

	/* Half of the slots lead to a busy backend, which gets one only if both draws do. */
	for (uint32_t i = 0; i < WORLD_SLOTS; i++)
		world_slots(WORLD_LEAST)[i] = (uint16_t)(i < 6);
	world_backend(WORLD_LEAST, 1)->load = 100;
	spread(WORLD_LEAST, 8000, got);
	assert_int_equal(got[0] + got[1], 8000);
	assert_in_range(got[1], 8000 * 36 / 169 - 200, 8000 * 36 / 169 + 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_robin),
		TEST(test_random),
		TEST(test_least_conn),
	};

	if (!world_enter()) {
		print_message("# skip: loading BPF programs needs root\n");
		return 77;
	}
	return cmocka_run_group_tests_name("xdp schedulers", tests, NULL, NULL);
}
