/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK worker's flow table against a dictionary, on random input: what was put is there, until
 * it is removed, expires, or gives way to a flow that may push it out.
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
};

struct dictionary {
	struct memory_entry *entries;
	uint32_t n, max;
};

static struct memory_entry *dictionary_find(const struct dictionary *d, uint64_t hash)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (d->entries[i].hash == hash)
			return &d->entries[i];
	return NULL;
}

static void dictionary_put(struct dictionary *d, uint64_t hash, struct memory memory)
{
	struct memory_entry *e = dictionary_find(d, hash);

	if (!e) {
		assert_true(d->n < d->max);
		e = &d->entries[d->n++];
	}
	*e = (struct memory_entry){hash, memory};
}

static void dictionary_remove(struct dictionary *d, uint64_t hash)
{
	struct memory_entry *e = dictionary_find(d, hash);

	if (e)
		*e = d->entries[--d->n];
}

static void dictionary_compare(const struct dictionary *d, struct flow_table *t)
{
	assert_int_equal(t->counters.entries, d->n);
	for (uint32_t i = 0; i < d->n; i++) {
		const struct memory *m = flow_table_find(t, d->entries[i].hash);
		struct memory peeked;

		assert_non_null(m);
		assert_true(memory_same(m, &d->entries[i].memory));
		assert_true(flow_table_peek(t, d->entries[i].hash, &peeked));
		assert_true(memory_same(&peeked, m));
	}
}

/* The dictionary's own idea of who may give way: as plain as can be. */
struct rank {
	int group; /* 0 is given first */
	uint32_t idle_s;
};

static struct rank rank_of(const struct memory *m, uint32_t now_s)
{
	enum memory_state state = memory_state(m);
	uint32_t idle_s = memory_idle_s(m, now_s);

	if (idle_s > limits.idle_s[state])
		return (struct rank){0, idle_s};
	if (state == MEMORY_SYN || state == MEMORY_TCP_ONCE || state == MEMORY_UDP_ONCE)
		return (struct rank){1, idle_s};
	return (struct rank){2, idle_s};
}

static bool rank_before(struct rank a, struct rank b)
{
	return a.group != b.group ? a.group < b.group : a.idle_s > b.idle_s;
}

/* Flows that have a place in one of the two buckets; returns how many places are taken. */
static uint32_t neighbours(const struct flow_table *t, uint64_t hash, uint64_t hashes[PLACES])
{
	uint32_t at[2], n = 0;

	flow_table_places(t, hash, at);
	for (int b = 0; b < 2; b++)
		for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
			const struct memory_entry *e = &t->buckets[at[b]].entries[k];

			if (memory_state(&e->memory) != MEMORY_NONE)
				hashes[n++] = e->hash;
		}
	return n;
}

/* A new flow when all its places are taken. */
static void put_full(struct flow_table *t, struct dictionary *d, uint64_t hash,
		     struct memory memory, uint32_t now_s, const uint64_t hashes[PLACES])
{
	struct rank first = {3, 0};
	uint32_t gone = 0;
	bool put, half_open = memory_is_half_open(memory_state(&memory));

	for (int i = 0; i < PLACES; i++) {
		struct rank r = rank_of(&dictionary_find(d, hashes[i])->memory, now_s);

		if (rank_before(r, first))
			first = r;
	}
	put = flow_table_put(t, &limits, hash, memory, now_s);
	assert_int_equal(put, first.group < 2 || !half_open ||
				      first.idle_s > limits.idle_s[memory_state(&memory)]);
	for (int i = 0; i < PLACES; i++) {
		struct rank r = rank_of(&dictionary_find(d, hashes[i])->memory, now_s);

		if (flow_table_find(t, hashes[i]))
			continue;
		gone++;
		assert_false(rank_before(r, first) || rank_before(first, r));
		dictionary_remove(d, hashes[i]);
	}
	assert_int_equal(gone, put);
	if (put)
		dictionary_put(d, hash, memory);
}

static void put_both(struct flow_table *t, struct dictionary *d, uint64_t hash,
		     struct memory memory, uint32_t now_s)
{
	uint64_t hashes[PLACES];

	if (dictionary_find(d, hash) || neighbours(t, hash, hashes) < PLACES) {
		assert_true(flow_table_put(t, &limits, hash, memory, now_s));
		dictionary_put(d, hash, memory);
	} else {
		put_full(t, d, hash, memory, now_s, hashes);
	}
}

static void expire_both(struct flow_table *t, struct dictionary *d, uint32_t now_s)
{
	flow_table_sweep(t, &limits, now_s, t->buckets_n);
	for (uint32_t i = 0; i < d->n;)
		if (rank_of(&d->entries[i].memory, now_s).group == 0)
			d->entries[i] = d->entries[--d->n];
		else
			i++;
}

struct random_row {
	const char *name;
	uint32_t flows_max; /* room */
	uint32_t flows;     /* that there are at most */
	uint32_t steps;
	uint32_t start_s;
	uint32_t step_s; /* up to so many seconds pass between two steps */
};

static void random_run(const struct random_row *r, uint64_t seed)
{
	struct flow_table *t = table_new(r->flows_max);
	struct dictionary d = {.max = r->flows};
	uint64_t key = random_next(&seed);
	uint32_t now_s = r->start_s;

	d.entries = calloc(r->flows, sizeof(*d.entries));
	assert_non_null(d.entries);
	for (uint32_t i = 0; i < r->steps; i++) {
		uint64_t flow = key + random_below(&seed, r->flows), hash = random_next(&flow);
		uint32_t dice = random_below(&seed, 1000);

		now_s += random_below(&seed, r->step_s + 1);
		if (dice < 800) {
			enum memory_state s = 1 + random_below(&seed, MEMORY_STATES - 1);

			put_both(t, &d, hash, memory_at(now_s, s, (uint16_t)i), now_s);
		} else if (dice < 995) {
			flow_table_remove(t, hash);
			dictionary_remove(&d, hash);
			assert_null(flow_table_find(t, hash));
		} else {
			expire_both(t, &d, now_s);
			dictionary_compare(&d, t);
			table_check(r->name, t);
		}
	}
	dictionary_compare(&d, t);
	table_check(r->name, t);
	free(d.entries);
	table_free(t);
}

static void test_dictionary(void **state)
{
	static const struct random_row rows[] = {
		{"two buckets", 8, 40, 30000, NOW_S, 2},
		{"three buckets, time stands still", 12, 30, 30000, NOW_S, 0},
		{"sparse", 1000, 100, 30000, NOW_S, 2},
		{"full", 200, 400, 40000, NOW_S, 1},
		{"past 2^8, over the wrap of 24 bits", 300, 500, 40000, 0xffffff - 5000, 1},
		{"over the wrap of 32 bits", 100, 200, 40000, UINT32_MAX - 5000, 1},
		{"long silences", 64, 200, 30000, NOW_S, 600},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		print_message("# %s\n", rows[i].name);
		for (uint64_t seed = 1; seed <= 3; seed++)
			random_run(&rows[i], seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dictionary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
