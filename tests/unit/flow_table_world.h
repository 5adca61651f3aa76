/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the DPDK worker's flow table: limits that are told apart easily, and what must
 * be true of a table at any time. Included after cmocka.h; one thread.
 */
#ifndef SLUICE_TESTS_UNIT_FLOW_TABLE_WORLD_H
#define SLUICE_TESTS_UNIT_FLOW_TABLE_WORLD_H

#include "flow_table.h"
#include "named_rows.h"

enum {
	SYN_S = 10,
	ONCE_S = 15,
	TCP_S = 3600,
	CLOSING_S = 20,
	UDP_ONCE_S = 25,
	UDP_S = 60,
};

static const struct generation limits = {
	.idle_s = {0, SYN_S, ONCE_S, TCP_S, CLOSING_S, UDP_ONCE_S, UDP_S},
};

static inline struct flow_table *table_new(uint32_t flows_max)
{
	struct flow_table *t = aligned_alloc(64, sizeof(*t));

	assert_non_null(t);
	assert_int_equal(flow_table_create(t, flows_max, false), 0);
	return t;
}

static inline void table_free(struct flow_table *t)
{
	flow_table_destroy(t);
	free(t);
}

static inline struct memory memory_at(uint32_t now_s, enum memory_state state, uint16_t backend)
{
	return (struct memory){memory_pack(now_s, state), backend, 1};
}

static inline bool memory_same(const struct memory *a, const struct memory *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/*
 * Each flow lies in one of its two buckets, and nowhere else too; what is counted adds up; nothing
 * is there that no packet makes.
 */
static inline void table_check(const char *name, struct flow_table *t)
{
	const struct memory_counters *c = &t->counters;
	uint64_t entries = 0;

	for (uint32_t i = 0; i < t->buckets_n; i++) {
		for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
			const struct memory_entry *e = &t->buckets[i].entries[k];
			uint32_t at[2], same = 0;

			if (memory_state(&e->memory) == MEMORY_NONE)
				continue;
			entries++;
			row_assert(name, memory_state(&e->memory) < MEMORY_STATES);
			flow_table_places(t, e->hash, at);
			row_assert(name,
				   at[0] != at[1] && at[0] < t->buckets_n && at[1] < t->buckets_n);
			row_assert(name, at[0] == i || at[1] == i);
			for (int b = 0; b < 2; b++)
				for (int j = 0; j < FLOW_BUCKET_ENTRIES; j++) {
					const struct memory_entry *o =
						&t->buckets[at[b]].entries[j];

					same += o->hash == e->hash &&
						memory_state(&o->memory) != MEMORY_NONE;
				}
			row_assert(name, same == 1);
		}
	}
	row_assert(name, entries == c->entries && entries <= c->capacity);
	row_assert(name, c->capacity == (uint64_t)t->buckets_n * FLOW_BUCKET_ENTRIES);
	row_assert(name, c->hits <= c->lookups);
	row_assert(name, c->inserts == entries + c->evicted_half_open + c->evicted_established +
					       c->expired + c->forgotten);
}

#endif
