/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gives way to whom in the DPDK worker's flow table: in one of two buckets, every flow has the
 * same eight places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow_table_world.h"

enum {
	PLACES = 2 * FLOW_BUCKET_ENTRIES,
	NOW_S = 100000,
	FILL_PLACES = 100000,
};

struct seen {
	enum memory_state state; /* MEMORY_NONE: the place is free */
	uint32_t idle_s;
};

/* The eight places of a table of two buckets, and a new flow. */
static const struct order_row {
	const char *name;
	struct seen places[PLACES];
	enum memory_state newcomer;
	int gone; /* which of the places; -1: none; -2: nor is the new one put */
	uint64_t half_open, established, expired;
} order_rows[] = {
#define T(idle)                  \
	{                        \
		MEMORY_TCP, idle \
	}
#define S(idle)                  \
	{                        \
		MEMORY_SYN, idle \
	}
#define F                      \
	{                      \
		MEMORY_NONE, 0 \
	}
	{"free before expired",
	 {T(1), T(2), T(9000), F, T(5), S(9), S(90), T(7)},
	 MEMORY_TCP,
	 -1,
	 0,
	 0,
	 0},
	{"expired before half-open",
	 {T(1), T(2), T(3601), T(3), T(5), S(9), S(10), T(7)},
	 MEMORY_SYN,
	 2,
	 0,
	 0,
	 1},
	{"the longest expired",
	 {T(1), T(2), T(3601), T(3), T(5), S(9), S(3700), T(7)},
	 MEMORY_SYN,
	 6,
	 0,
	 0,
	 1},
	{"half-open before established",
	 {T(1), T(2), T(3600), T(3), T(5), S(0), T(10), T(7)},
	 MEMORY_TCP,
	 5,
	 1,
	 0,
	 0},
	{"the oldest half-open",
	 {S(1), S(2), S(3), S(4), S(9), S(7), S(6), S(5)},
	 MEMORY_SYN,
	 4,
	 1,
	 0,
	 0},
	{"once seen is half-open",
	 {T(1), T(2), T(3), {MEMORY_TCP_ONCE, 8}, T(5), S(7), {MEMORY_UDP_ONCE, 6}, T(7)},
	 MEMORY_TCP,
	 3,
	 1,
	 0,
	 0},
	{"closing and udp are not",
	 {{MEMORY_CLOSING, 20}, T(2), T(3), {MEMORY_UDP, 60}, T(5), S(0), T(6), T(7)},
	 MEMORY_TCP,
	 5,
	 1,
	 0,
	 0},
	{"the oldest established",
	 {T(1), T(2), T(3), T(4), T(5), T(9), T(6), T(7)},
	 MEMORY_TCP,
	 5,
	 0,
	 1,
	 0},
	{"not for one that is half-open",
	 {T(1), T(2), T(3), T(4), T(5), T(9), T(6), T(7)},
	 MEMORY_SYN,
	 -2,
	 0,
	 0,
	 0},
	{"nor at its own limit",
	 {T(1), T(2), T(3), T(4), T(5), T(10), T(6), T(7)},
	 MEMORY_SYN,
	 -2,
	 0,
	 0,
	 0},
	{"but if silent for longer",
	 {T(1), T(2), T(3), T(4), T(5), T(11), T(6), T(7)},
	 MEMORY_SYN,
	 5,
	 0,
	 1,
	 0},
	{"likewise for udp",
	 {T(1), T(2), T(3), T(4), T(5), T(26), T(6), T(7)},
	 MEMORY_UDP_ONCE,
	 5,
	 0,
	 1,
	 0},
	{"seen ahead of this clock",
	 {T(1), T(2), T(0), T(4), T(5), S((uint32_t)-1), T(6), T(7)},
	 MEMORY_TCP,
	 5,
	 1,
	 0,
	 0},
#undef T
#undef S
#undef F
};

static uint64_t place_hash(int place)
{
	uint64_t seed = (uint64_t)place + 77;

	return random_next(&seed);
}

static void order_check(const struct order_row *r, uint32_t now_s)
{
	struct flow_table *t = table_new(PLACES);
	uint64_t newcomer = place_hash(PLACES);
	bool put;

	for (int i = 0; i < PLACES; i++) {
		const struct seen *s = &r->places[i];
		struct memory m = memory_at(now_s - s->idle_s, s->state, (uint16_t)i);

		if (s->state != MEMORY_NONE)
			row_assert(r->name,
				   flow_table_put(t, &limits, place_hash(i), m, now_s - s->idle_s));
	}
	table_check(r->name, t);
	put = flow_table_put(t, &limits, newcomer, memory_at(now_s, r->newcomer, 99), now_s);
	table_check(r->name, t);
	row_assert(r->name, put == (r->gone != -2));
	row_assert(r->name, (flow_table_find(t, newcomer) != NULL) == put);
	row_assert(r->name, t->counters.untracked == !put);
	for (int i = 0; i < PLACES; i++) {
		bool there = r->places[i].state != MEMORY_NONE && i != r->gone;

		row_assert(r->name, (flow_table_find(t, place_hash(i)) != NULL) == there);
	}
	row_assert(r->name, t->counters.evicted_half_open == r->half_open);
	row_assert(r->name, t->counters.evicted_established == r->established);
	row_assert(r->name, t->counters.expired == r->expired);
	table_free(t);
}

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(order_rows); i++) {
		order_check(&order_rows[i], NOW_S);
		order_check(&order_rows[i], 0x1000003); /* some lie before the wrap */
	}
}

/* Of two buckets with room, the emptier one; so that eight flows find eight places. */
static void test_emptier_bucket(void **state)
{
	struct flow_table *t = table_new(PLACES);

	(void)state;
	for (int n = 0; n < PLACES; n++) {
		uint32_t used[2] = {0, 0};

		assert_true(flow_table_put(t, &limits, place_hash(n),
					   memory_at(NOW_S, MEMORY_SYN, 1), NOW_S));
		for (int b = 0; b < 2; b++)
			for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++)
				used[b] += memory_state(&t->buckets[b].entries[k].memory) != 0;
		assert_int_equal(used[0] + used[1], n + 1);
		assert_in_range(used[0], (uint32_t)n / 2, (uint32_t)n / 2 + 1);
	}
	assert_int_equal(t->counters.evicted_half_open, 0);
	table_free(t);
}

static bool is_in_first(const struct flow_table *t, uint64_t hash)
{
	uint32_t at[2];

	flow_table_places(t, hash, at);
	for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++)
		if (t->buckets[at[0]].entries[k].hash == hash)
			return true;
	return false;
}

/*
 * While few are remembered, nearly all lie in the bucket that is looked at first; when many are,
 * the two even each other out: the limits are 1.2 times what goes when they always do.
 */
static void test_first_bucket(void **state)
{
	static const struct {
		const char *name;
		uint32_t flows_percent, first_percent_min, gone_max;
	} rows[] = {
		{"a tenth", 10, 95, 0},
		{"a half", 50, 70, 5},
		{"three quarters", 75, 60, 700},
		{"nine tenths", 90, 55, 4000},
	};

	(void)state;
	for (size_t r = 0; r < ROWS(rows); r++) {
		struct flow_table *t = table_new(FILL_PLACES);
		uint32_t n = FILL_PLACES / 100 * rows[r].flows_percent, first_n = 0;
		uint64_t seed = 77;

		for (uint32_t i = 0; i < n; i++) {
			uint64_t hash = random_next(&seed);

			assert_true(flow_table_put(t, &limits, hash,
						   memory_at(NOW_S, MEMORY_TCP, 1), NOW_S));
			first_n += is_in_first(t, hash);
		}
		print_message("# %s: %u %% in the first bucket, %u gone\n", rows[r].name,
			      first_n * 100 / n, (unsigned int)t->counters.evicted_established);
		row_assert(rows[r].name, first_n * 100 / n >= rows[r].first_percent_min);
		row_assert(rows[r].name, t->counters.evicted_established <= rows[r].gone_max);
		table_free(t);
	}
}

/* Flows that come within one second push out any of those before, not always the same. */
static void test_chance(void **state)
{
	struct flow_table *t = table_new(PLACES);
	uint32_t left[PLACES] = {0}, rounds = 4000;

	(void)state;
	for (uint32_t round = 0; round < rounds; round++) {
		uint64_t seed = round + 1000;

		for (int i = 0; i < PLACES; i++)
			flow_table_put(t, &limits, place_hash(i), memory_at(NOW_S, MEMORY_SYN, 1),
				       NOW_S);
		flow_table_put(t, &limits, random_next(&seed), memory_at(NOW_S, MEMORY_SYN, 1),
			       NOW_S);
		for (int i = 0; i < PLACES; i++)
			left[i] += flow_table_find(t, place_hash(i)) == NULL;
		for (uint32_t b = 0; b < 2; b++) /* a clean table, the oldest way */
			memset(&t->buckets[b], 0, sizeof(t->buckets[b]));
	}
	for (int i = 0; i < PLACES; i++)
		assert_in_range(left[i], rounds / PLACES / 2, rounds / PLACES * 2);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_emptier_bucket),
		cmocka_unit_test(test_first_bucket),
		cmocka_unit_test(test_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
