/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow table while its worker writes it: what another thread sees by a walk or a peek is whole,
 * and a flow that stays is never missed, however often it is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "flow_table_world.h"

enum {
	ROOM = 256,
	STAYING = 32,
	WALKS = 200000,
	YIELD_EVERY = 4096, /* with one CPU the reader is to come into the midst of it */
};

static struct flow_table *table;
static bool stopping;

static uint64_t staying_hash(uint32_t i)
{
	uint64_t seed = i;

	return random_next(&seed);
}

/* What belongs to a hash, so that a mixture shows. */
static struct memory memory_for(uint64_t hash, enum memory_state state, uint32_t now_s)
{
	return (struct memory){memory_pack(now_s, state), (uint16_t)(hash >> 7),
			       (uint16_t)(hash >> 33)};
}

/* The worker: new half-open flows all the time, and those that stay are updated. */
static void *worker(void *arg)
{
	uint64_t seed = 1 << 20;
	uint32_t now_s = 0;

	for (uint32_t i = 0; !__atomic_load_n(&stopping, __ATOMIC_RELAXED); i++) {
		uint64_t hash = random_next(&seed), gone = random_next(&seed);

		now_s += i % 64 == 0;
		flow_table_put(table, &limits, hash, memory_for(hash, MEMORY_SYN, now_s), now_s);
		flow_table_put(table, &limits, gone, memory_for(gone, MEMORY_SYN, now_s), now_s);
		flow_table_remove(table, gone);
		hash = staying_hash(i % STAYING);
		flow_table_put(table, &limits, hash, memory_for(hash, MEMORY_TCP, now_s), now_s);
		if (i % YIELD_EVERY == 0)
			sched_yield();
	}
	return arg;
}

static uint32_t mixed_n;

static void entry_see(void *ctx, uint32_t index, const struct memory_entry *e)
{
	struct memory expected = memory_for(e->hash, MEMORY_TCP, 0);
	uint32_t *established = ctx;

	(void)index;
	mixed_n += e->memory.backend != expected.backend || e->memory.service != expected.service;
	*established += memory_state(&e->memory) == MEMORY_TCP;
}

static uint64_t inserts(void)
{
	return __atomic_load_n(&table->counters.inserts, __ATOMIC_RELAXED);
}

static void test_readers(void **state)
{
	uint32_t wrong_walks = 0, wrong_peeks = 0;
	pthread_t thread;

	(void)state;
	table = table_new(ROOM);
	for (uint32_t i = 0; i < STAYING; i++) {
		uint64_t hash = staying_hash(i);

		flow_table_put(table, &limits, hash, memory_for(hash, MEMORY_TCP, 0), 0);
	}
	assert_int_equal(pthread_create(&thread, NULL, worker, NULL), 0);
	/* Until the other thread has had its turns, too. */
	for (uint32_t i = 0; i < WALKS || (inserts() <= ROOM && i < 100 * WALKS); i++) {
		uint64_t hash = staying_hash(i % STAYING);
		struct memory expected = memory_for(hash, MEMORY_TCP, 0), m = {0};
		uint32_t established = 0;

		flow_table_walk(table, 0, entry_see, &established);
		wrong_walks += established != STAYING;
		wrong_peeks += !flow_table_peek(table, hash, &m) || m.backend != expected.backend ||
			       m.service != expected.service;
	}
	__atomic_store_n(&stopping, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	print_message("# %u walks while %llu flows came and went\n", WALKS,
		      (unsigned long long)table->counters.inserts);
	assert_int_equal(mixed_n, 0);
	assert_int_equal(wrong_walks, 0);
	assert_int_equal(wrong_peeks, 0);
	assert_int_equal(table->counters.evicted_established, 0);
	assert_true(table->counters.inserts > ROOM);
	table_check("readers", table);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
