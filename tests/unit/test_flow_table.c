/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK worker's flow table: its places, many flows, a flood, the sweep, the walk.
 * test_flow_table_oracle.c compares it with a dictionary, test_flow_table_order.c has who gives way
 * to whom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow_table_world.h"

enum {
	NOW_S = 100000,
};

static void test_sizes(void **state)
{
	static const struct {
		const char *name;
		uint32_t flows_max, buckets_n;
	} rows[] = {
		{"none", 0, 2},
		{"one", 1, 2},
		{"two buckets", 8, 2},
		{"one more", 9, 3},
		{"past 2^8", 257, 65},
		{"past 2^16", 65537, 16385},
		{"a million", 1000000, 250000},
		{"past 2^20", 1048577, 262145},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct flow_table *t = table_new(rows[i].flows_max);

		row_assert(rows[i].name, t->buckets_n == rows[i].buckets_n);
		row_assert(rows[i].name, t->counters.capacity == 4ULL * rows[i].buckets_n);
		row_assert(rows[i].name, (uintptr_t)t->buckets % 64 == 0);
		table_check(rows[i].name, t);
		table_free(t);
	}
}

/* Both halves of the hash matter; and any number of buckets is filled evenly. */
static void test_places(void **state)
{
	enum { BUCKETS = 1001, FLOWS = 1001000 };
	static uint32_t seen[2][BUCKETS];
	struct flow_table t = {.buckets_n = BUCKETS};
	uint64_t seed = 11;
	uint32_t at[2], other[2], differ = 0;

	(void)state;
	for (uint32_t i = 0; i < FLOWS; i++) {
		/* Flows of one slot of 65,537: their upper 16 bits are the same. */
		uint64_t hash = 0x1234ULL << 48 | random_next(&seed) >> 16;

		flow_table_places(&t, hash, at);
		assert_true(at[0] < BUCKETS && at[1] < BUCKETS && at[0] != at[1]);
		seen[0][at[0]]++;
		seen[1][at[1]]++;
		flow_table_places(&t, hash ^ 1ULL << 40, other);
		differ += other[1] != at[1];
	}
	/* The mean is 1,000; six standard deviations. */
	for (int i = 0; i < 2; i++)
		for (uint32_t k = 0; k < BUCKETS; k++)
			assert_in_range(seen[i][k], 800, 1200);
	assert_true(differ > FLOWS / 100 * 99);
}

/* More than 2^16 flows in a table that is a quarter full: each has its place. */
static void test_many(void **state)
{
	enum { FLOWS = 150000, ROOM = 600000 };
	struct flow_table *t = table_new(ROOM);

	(void)state;
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint64_t seed = i, hash = random_next(&seed);

		assert_true(flow_table_put(t, &limits, hash,
					   memory_at(NOW_S, MEMORY_TCP, (uint16_t)i), NOW_S));
	}
	assert_int_equal(t->counters.entries, FLOWS);
	assert_int_equal(t->counters.evicted_established, 0);
	table_check("many", t);
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint64_t seed = i, hash = random_next(&seed);
		const struct memory *m = flow_table_find(t, hash);

		assert_non_null(m);
		assert_int_equal(m->backend, (uint16_t)i);
	}
	table_free(t);
}

/*
 * Established flows fill a tenth of the table; a flood of half-open ones, thirty times what fits,
 * goes over it within a few seconds. Not one of the first is lost, nor of as many new connections
 * that are established meanwhile.
 */
static void test_flood(void **state)
{
	enum { ROOM = 100000, FLOWS = 10000, FLOOD = 3000000, EVERY = 300 };
	struct flow_table *t = table_new(ROOM);
	uint64_t flood = 1 << 30, inserts;

	(void)state;
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint64_t seed = i;

		flow_table_put(t, &limits, random_next(&seed), memory_at(NOW_S, MEMORY_TCP, 1),
			       NOW_S);
	}
	for (uint32_t i = 0; i < FLOOD; i++) {
		uint32_t now_s = NOW_S + i / 500000;

		flow_table_put(t, &limits, random_next(&flood), memory_at(now_s, MEMORY_SYN, 2),
			       now_s);
		if (i % EVERY == 0) {
			uint64_t seed = FLOWS + i / EVERY, hash = random_next(&seed);

			flow_table_put(t, &limits, hash, memory_at(now_s, MEMORY_SYN, 3), now_s);
			assert_non_null(flow_table_find(t, hash));
			flow_table_put(t, &limits, hash, memory_at(now_s, MEMORY_TCP, 3), now_s);
		}
	}
	table_check("flood", t);
	inserts = t->counters.inserts;
	assert_int_equal(t->counters.evicted_established, 0);
	assert_int_equal(t->counters.untracked + inserts, FLOWS + FLOOD + FLOOD / EVERY);
	for (uint32_t i = 0; i < FLOWS + FLOOD / EVERY; i++) {
		uint64_t seed = i;

		assert_non_null(flow_table_find(t, random_next(&seed)));
	}
	table_free(t);
}

static void test_update(void **state)
{
	struct flow_table *t = table_new(64);
	struct memory first = memory_at(NOW_S, MEMORY_SYN, 1),
		      second = memory_at(NOW_S, MEMORY_TCP, 2);

	(void)state;
	/* All hashes are flows, 0 too. */
	for (uint64_t hash = 0; hash < 3; hash++) {
		assert_null(flow_table_find(t, hash));
		assert_true(flow_table_put(t, &limits, hash, first, NOW_S));
		assert_true(memory_same(flow_table_find(t, hash), &first));
		assert_true(flow_table_put(t, &limits, hash, second, NOW_S));
		assert_true(memory_same(flow_table_find(t, hash), &second));
	}
	assert_int_equal(t->counters.inserts, 3);
	assert_int_equal(t->counters.entries, 3);
	assert_int_equal(t->counters.lookups, 9);
	assert_int_equal(t->counters.hits, 6);
	flow_table_remove(t, 1);
	flow_table_remove(t, 1);
	flow_table_remove(t, 12345);
	assert_null(flow_table_find(t, 1));
	assert_int_equal(t->counters.forgotten, 1);
	assert_int_equal(flow_table_entries(t), 2);
	table_check("update", t);
	table_free(t);
}

/* So many buckets a call, round and round; nothing at all when the table is empty. */
static void test_sweep(void **state)
{
	enum { ROOM = 4000, FLOWS = 1500, BUCKETS = ROOM / FLOW_BUCKET_ENTRIES };
	struct flow_table *t = table_new(ROOM);
	uint32_t calls = 0;

	(void)state;
	flow_table_sweep(t, &limits, NOW_S, 10);
	assert_int_equal(t->sweep_at, 0);
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint64_t seed = i;

		flow_table_put(t, &limits, random_next(&seed),
			       memory_at(NOW_S, i % 3 == 0 ? MEMORY_SYN : MEMORY_TCP, 1), NOW_S);
	}
	flow_table_sweep(t, &limits, NOW_S + SYN_S, BUCKETS);
	assert_int_equal(t->counters.expired, 0);
	assert_int_equal(t->sweep_at, 0);
	while (t->counters.expired < FLOWS / 3) {
		uint64_t before = t->counters.expired;
		uint32_t at = t->sweep_at;

		flow_table_sweep(t, &limits, NOW_S + SYN_S + 1, 7);
		calls++;
		assert_true(t->counters.expired - before <= 7ULL * FLOW_BUCKET_ENTRIES);
		assert_int_equal(t->sweep_at, (at + 7) % BUCKETS);
		assert_true(calls <= BUCKETS / 7 + 1);
	}
	assert_int_equal(t->counters.entries, FLOWS - FLOWS / 3);
	table_check("sweep", t);
	flow_table_sweep(t, &limits, NOW_S + TCP_S, 2 * BUCKETS);
	assert_int_equal(t->counters.entries, FLOWS - FLOWS / 3);
	flow_table_sweep(t, &limits, NOW_S + TCP_S + 1, BUCKETS);
	assert_int_equal(t->counters.entries, 0);
	table_check("sweep", t);
	table_free(t);
}

struct walked {
	uint32_t n, worker;
	uint64_t hashes, backends;
};

static void walked_add(void *ctx, uint32_t worker, const struct memory_entry *e)
{
	struct walked *w = ctx;

	w->n++;
	w->worker = worker;
	w->hashes += e->hash;
	w->backends += e->memory.backend;
}

static void test_walk(void **state)
{
	struct flow_table *t = table_new(5000);
	struct walked expected = {.worker = 3}, got = {0};
	struct memory_counters sum = {.inserts = 5, .capacity = 1};

	(void)state;
	flow_table_walk(t, 3, walked_add, &got);
	assert_int_equal(got.n, 0);
	for (uint32_t i = 0; i < 2000; i++) {
		uint64_t seed = i, hash = random_next(&seed);

		flow_table_put(t, &limits, hash, memory_at(NOW_S, MEMORY_UDP, (uint16_t)i), NOW_S);
		expected.n++;
		expected.hashes += hash;
		expected.backends += i;
	}
	flow_table_walk(t, 3, walked_add, &got);
	assert_memory_equal(&got, &expected, sizeof(got));
	flow_table_count(t, &sum);
	assert_int_equal(sum.inserts, 2005);
	assert_int_equal(sum.entries, 2000);
	assert_int_equal(sum.capacity, 5001);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),  cmocka_unit_test(test_places),
		cmocka_unit_test(test_many),   cmocka_unit_test(test_flood),
		cmocka_unit_test(test_update), cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
