/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one worker remembers of flows in changed slots (sluice/memory.h): a bounded hash table of
 * buckets of one cache line. Each flow has two buckets, and lies in one of them. Nothing is ever
 * moved within the table, and nothing allocated after it was made.
 *
 * Its worker alone writes. Other threads may read at any time, by flow_table_peek() and
 * flow_table_walk(): see flow_table.c on why they see no mixture of two flows.
 */
#ifndef SLUICE_DATAPLANE_FLOW_TABLE_H
#define SLUICE_DATAPLANE_FLOW_TABLE_H

#include "prefetch.h"
#include "region.h"
#include "sluice/counters.h"
#include "sluice/memory.h"
#include "sluice/service.h"

enum {
	FLOW_BUCKET_ENTRIES = 4,
	FLOW_BUCKETS_MIN = 2,
	FLOW_WALK_BUCKETS = 8192,
};

struct flow_bucket {
	struct memory_entry entries[FLOW_BUCKET_ENTRIES]; /* MEMORY_NONE: free */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct flow_bucket) == 64, "one line");

struct flow_table {
	struct flow_bucket *buckets;
	uint32_t buckets_n;
	uint32_t sweep_at; /* the bucket that the sweep comes to next */
	struct region region;
	/* Written by the worker, read by the control thread. */
	struct memory_counters counters __attribute__((aligned(64)));
	/*
	 * When a fragment was last remembered here, by memory.h's clock; 0: never. A port spreads fragments
	 * by addresses alone, so they may be of flows whose whole packets come to another worker, which
	 * has to look here for them. Written by the worker, at most once a second; read by the others: on a
	 * line of its own.
	 */
	uint32_t fragment_s __attribute__((aligned(64)));
};

/*
 * Room for `flows_max` entries, rounded up to whole buckets. Pages come as they are first used,
 * so a table that stays empty takes none (but of reserved hugepages, which are held either way).
 * -ENOMEM. Control thread.
 */
int flow_table_create(struct flow_table *t, uint32_t flows_max, bool hugetlb);
void flow_table_destroy(struct flow_table *t);

/* How many buckets flow_table_create() makes. */
uint32_t flow_table_buckets(uint32_t flows_max);

/*
 * A table in memory that held one of `buckets_n` before, or is blank; `region` is the table's from
 * now on. What is no entry of such a table is taken out, and `shift_s` is added to the time of each
 * that stays. Control thread, before others know the table.
 */
void flow_table_attach(struct flow_table *t, const struct region *region, uint32_t buckets_n,
		       int32_t shift_s);

/*
 * The flow's two buckets, never the same. The slot follows from the upper half of the hash, so
 * flows of one slot, which tend to change together, have that in common: the first bucket follows
 * from the lower half, the second from a mix of both.
 */
SLUICE_INLINE void flow_table_places(const struct flow_table *t, uint64_t hash, uint32_t at[2])
{
	at[0] = (uint32_t)((hash & UINT32_MAX) * t->buckets_n >> 32);
	at[1] = (uint32_t)((uint64_t)service_mix(hash) * t->buckets_n >> 32);
	if (at[1] == at[0])
		at[1] = at[0] + 1 < t->buckets_n ? at[0] + 1 : 0;
}

/*
 * Worker. Well ahead of the others: the bucket that is looked at first. And a little later, when
 * that has come: the other, where the flow isn't in the first.
 */
SLUICE_INLINE void flow_table_prefetch(const struct flow_table *t, uint64_t hash)
{
	uint32_t at[2];

	flow_table_places(t, hash, at);
	prefetch(&t->buckets[at[0]]);
}

void flow_table_prefetch_more(const struct flow_table *t, uint64_t hash);

/*
 * Worker. What is remembered of the flow, expired or not; NULL: nothing. Valid until the table is
 * written next. Counts a look-up.
 */
const struct memory *flow_table_find(struct flow_table *t, uint64_t hash);

/*
 * Worker. Remembers, or updates. A new flow takes, of the eight places in its two buckets, a free
 * one (in the first bucket if that has three, else in the emptier), else an expired one, else that
 * of the half-open flow seen least recently, else of any flow seen least recently. But for a flow
 * that is half-open itself, an established one gives way only if it was silent for longer than the
 * new one would be kept: a flood of half-open flows doesn't push out what is alive. False: no room,
 * untracked.
 */
bool flow_table_put(struct flow_table *t, const struct generation *g, uint64_t hash,
		    struct memory memory, uint32_t now_s);

/* Worker. A fragment was remembered, or updated, just now. */
void flow_table_fragment(struct flow_table *t, uint32_t now_s);

/* Any thread. Whether the table may remember flows that another worker's packets are of. */
bool flow_table_has_fragments(const struct flow_table *t, const struct generation *g,
			      uint32_t now_s);

/* Worker. Forgets the flow, if it is there. */
void flow_table_remove(struct flow_table *t, uint64_t hash);

/* Worker. Takes expired flows out of the next `buckets_n` buckets, round and round. */
void flow_table_sweep(struct flow_table *t, const struct generation *g, uint32_t now_s,
		      uint32_t buckets_n);

/* Any thread. As flow_table_find(), into `memory`. False: nothing is remembered of the flow. */
bool flow_table_peek(const struct flow_table *t, uint64_t hash, struct memory *memory);

/*
 * Any thread, of a table that no worker writes: one of a process before this one. Takes the flow
 * out; of several who try at once, one gets it.
 */
bool flow_table_take(struct flow_table *t, uint64_t hash, struct memory *memory);

/* The same for those that have expired in the next `buckets_n` buckets from `at` on. */
void flow_table_expire(struct flow_table *t, const struct generation *g, uint32_t now_s,
		       uint32_t at, uint32_t buckets_n);

/*
 * Any thread. `each` for every entry in the next FLOW_WALK_BUCKETS from bucket `at` on: see
 * fast_path.memory_walk(). Returns at which to go on; 0: the table's end. Reads nothing when empty.
 */
uint32_t flow_table_walk_on(const struct flow_table *t, uint32_t worker, uint32_t at,
			    void (*each)(void *ctx, uint32_t worker,
					 const struct memory_entry *entry),
			    void *ctx);

/* Any thread. All of it. */
void flow_table_walk(const struct flow_table *t, uint32_t worker,
		     void (*each)(void *ctx, uint32_t worker, const struct memory_entry *entry),
		     void *ctx);

/* Any thread. How many flows are remembered. */
uint64_t flow_table_entries(const struct flow_table *t);

/* Any thread. Adds its counters to `sum`. */
void flow_table_count(const struct flow_table *t, struct memory_counters *sum);

#endif
