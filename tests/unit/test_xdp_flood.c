/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XDP program's maps of flows when they are full: a flood of half-open flows pushes out itself
 * alone, what is evicted is counted, and expired flows are taken out a bounded number at a time.
 * Skipped without root.
 */
#include "xdp_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	ESTABLISHED = 3000,
	FLOOD = 3 * PROGRAM_FLOWS_MIN,
	ENTRIES_MAX = 4 * PROGRAM_FLOWS_MIN,
};

static struct memory_entry entries[ENTRIES_MAX];

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

/* Connections older than the change, which have shown twice that they live. */
static void establish(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++) {
		struct world_flow f = world_flow(WORLD_TCP, i);

		assert_int_equal(world_send(&f, WORLD_ACK), 2);
		assert_int_equal(world_send(&f, WORLD_ACK), 2);
	}
}

static uint32_t established_lost(uint32_t first, uint32_t n)
{
	uint32_t lost = 0;

	for (uint32_t i = first; i < first + n; i++) {
		struct world_flow f = world_flow(WORLD_TCP, i);

		lost += world_send(&f, WORLD_ACK) != 2;
	}
	return lost;
}

/* Each insert is still there, or counted as what became of it. */
static void assert_balanced(const struct memory_counters *c)
{
	uint32_t n = world_walk(entries, ENTRIES_MAX);

	assert_int_equal(c->entries, n);
	assert_int_equal(c->inserts, n + c->evicted_half_open + c->evicted_established +
					     c->expired + c->forgotten);
	assert_int_equal(c->untracked, 0);
	assert_true(c->entries <= c->capacity);
}

static void flood(enum world_service service, enum world_packet packet)
{
	struct memory_counters c;

	world_change_all(WORLD_TCP, 1, 2);
	world_change_all(service, 1, 2);
	establish(0, ESTABLISHED);
	for (uint32_t i = 0; i < FLOOD; i++) {
		struct world_flow f = world_flow(service, (1 << 20) + i);

		world_send(&f, packet);
	}
	c = world_counters();
	assert_int_equal(c.inserts, ESTABLISHED + FLOOD);
	assert_int_equal(c.evicted_established, 0);
	assert_true(c.evicted_half_open >= FLOOD - PROGRAM_FLOWS_MIN);
	assert_true(c.entries > ESTABLISHED + PROGRAM_FLOWS_MIN / 2);
	assert_balanced(&c);
	world_transition(WORLD_TCP, false); /* now nothing but memory tells where they are */
	assert_int_equal(established_lost(0, ESTABLISHED), 0);
	print_message("# %u half-open flows: %" PRIu64 " evicted, 0 of %u established lost\n",
		      FLOOD, c.evicted_half_open, ESTABLISHED);
}

static void test_syn_flood(void **state)
{
	flood(WORLD_TCP, WORLD_SYN);
}

static void test_ack_flood(void **state)
{
	flood(WORLD_TCP, WORLD_ACK);
}

static void test_udp_flood(void **state)
{
	flood(WORLD_UDP, WORLD_DATAGRAM);
}

/* More established flows than there is room for: the oldest go, are counted, and go by the hash. */
static void test_established_full(void **state)
{
	const uint32_t n = PROGRAM_FLOWS_MIN + 4000;
	struct memory_counters c;

	world_change_all(WORLD_TCP, 1, 2);
	establish(0, n);
	c = world_counters();
	assert_in_range(c.evicted_established, 4000, 4000 + 128 * (world_program.cpus + 1));
	assert_int_equal(c.evicted_half_open, 0);
	assert_balanced(&c);
	assert_int_equal(c.entries, n - c.evicted_established);
	assert_int_equal(established_lost(n - 8000, 8000), 0);
	c = world_counters();
	assert_balanced(&c);
	world_transition(WORLD_TCP, false);
	assert_int_equal(established_lost(n - 8000, 8000), 0);
	assert_int_equal(established_lost(0, 100), 100);
}

/* A step deletes no more than it may; what it leaves it hands out, and the next walk goes on. */
static void test_expire(void **state)
{
	enum { PER_STEP = 2048 };
	const uint32_t n = PROGRAM_FLOWS_MIN + 3000; /* three steps */
	struct memory_counters c;
	struct world_flow f;
	uint32_t left;

	close_world(state);
	world_open(4 * PROGRAM_FLOWS_MIN);
	world_change_all(WORLD_TCP, 1, 2);
	establish(0, n);
	assert_int_equal(world_walk(entries, ENTRIES_MAX), n);
	world_age(1000);
	f = world_flow(WORLD_TCP, n + 1);
	assert_int_equal(world_send(&f, WORLD_SYN), 1);
	left = world_walk(entries, ENTRIES_MAX);
	c = world_counters();
	assert_in_range(c.expired, 2 * PER_STEP, 3 * PER_STEP);
	assert_int_equal(left, n + 1 - c.expired);
	assert_int_equal(c.entries, left);
	for (uint32_t walks = 0; walks < n / PER_STEP; walks++)
		left = world_walk(entries, ENTRIES_MAX);
	assert_int_equal(left, 1);
	assert_int_equal(entries[0].hash, world_hash(&f));
	c = world_counters();
	assert_int_equal(c.expired, n);
	assert_balanced(&c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_syn_flood),        TEST(test_ack_flood), TEST(test_udp_flood),
		TEST(test_established_full), TEST(test_expire),
	};

	if (!world_enter()) {
		print_message("# skip: loading BPF programs needs root\n");
		return 77;
	}
	return cmocka_run_group_tests_name("xdp flood", tests, NULL, NULL);
}
