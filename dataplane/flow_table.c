/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_table.h. Called by the worker that owns the table, and, where it says so, by others.
 *
 * Readers on other threads. Hash and memory are 8 bytes each, and each is stored and loaded
 * whole. A place is given to another flow in three stores: memory becomes 0 (free), hash, the new
 * memory; each but the first a release. A reader loads memory, hash, and memory again, the first
 * two as acquire. If it sees the new memory at first, it sees the new hash, too; if it sees the
 * new hash, then the second load sees no memory older than the 0. So where both loads of memory
 * are the same, memory and hash belong together; or the old flow's memory and the new one's are
 * the same bit for bit, and then it makes no difference. Where they are not, it reads again: a
 * flow that stays is never missed for being updated just now.
 */
#include "flow_table.h"

#include <errno.h>

/* struct memory as the word that it is. */
typedef uint64_t __attribute__((may_alias)) memory_word;

static void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void memory_store(struct memory *m, struct memory value, int order)
{
	memory_word word;

	__builtin_memcpy(&word, &value, sizeof(word));
	__atomic_store_n((memory_word *)m, word, order);
}

static uint64_t memory_load(const struct memory *m, int order)
{
	return __atomic_load_n((const memory_word *)m, order);
}

static bool entry_is_free(const struct memory_entry *e)
{
	return memory_state(&e->memory) == MEMORY_NONE;
}

/* For readers on other threads. False: free. */
static bool entry_read(const struct memory_entry *e, struct memory_entry *copy)
{
	uint64_t before;

	do {
		before = memory_load(&e->memory, __ATOMIC_ACQUIRE);
		copy->hash = __atomic_load_n(&e->hash, __ATOMIC_ACQUIRE);
	} while (before != memory_load(&e->memory, __ATOMIC_RELAXED));
	__builtin_memcpy(&copy->memory, &before, sizeof(before));
	return !entry_is_free(copy);
}

static void entry_free(struct flow_table *t, struct memory_entry *e)
{
	memory_store(&e->memory, (struct memory){0}, __ATOMIC_RELAXED);
	counter_add(&t->counters.entries, (uint64_t)-1);
}

uint32_t flow_table_buckets(uint32_t flows_max)
{
	uint32_t buckets_n = flows_max / FLOW_BUCKET_ENTRIES;

	buckets_n += flows_max % FLOW_BUCKET_ENTRIES != 0;
	return buckets_n < FLOW_BUCKETS_MIN ? FLOW_BUCKETS_MIN : buckets_n;
}

int flow_table_create(struct flow_table *t, uint32_t flows_max, bool hugetlb)
{
	uint32_t buckets_n = flow_table_buckets(flows_max);
	int ret;

	*t = (struct flow_table){0};
	ret = region_map(&t->region, buckets_n * sizeof(struct flow_bucket), hugetlb, false);
	if (ret < 0)
		return ret;
	t->buckets = t->region.start;
	t->buckets_n = buckets_n;
	t->counters.capacity = (uint64_t)buckets_n * FLOW_BUCKET_ENTRIES;
	return 0;
}

/* Whether it may lie in bucket `at`: what a table doesn't hold was not written by one. */
static bool entry_is_sound(const struct flow_table *t, const struct memory_entry *e, uint32_t at)
{
	uint32_t places[2];

	flow_table_places(t, e->hash, places);
	return memory_state(&e->memory) < MEMORY_STATES && (at == places[0] || at == places[1]);
}

void flow_table_attach(struct flow_table *t, const struct region *region, uint32_t buckets_n,
		       int32_t shift_s)
{
	*t = (struct flow_table){
		.region = *region,
		.buckets = region->start,
		.buckets_n = buckets_n,
		.counters.capacity = (uint64_t)buckets_n * FLOW_BUCKET_ENTRIES,
	};
	for (uint32_t at = 0; at < buckets_n; at++) {
		for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
			struct memory_entry *e = &t->buckets[at].entries[k];

			if (entry_is_free(e))
				continue;
			if (!entry_is_sound(t, e, at)) {
				memory_store(&e->memory, (struct memory){0}, __ATOMIC_RELAXED);
				continue;
			}
			e->memory.seen_state = memory_stamp_move(e->memory.seen_state, shift_s);
			t->counters.entries++;
		}
	}
}

void flow_table_destroy(struct flow_table *t)
{
	region_unmap(&t->region);
	*t = (struct flow_table){0};
}

/* Which of a bucket's entries it is, no CPU can foresee: so all are compared, without a branch. */
static struct memory_entry *bucket_find(struct flow_bucket *bucket, uint64_t hash)
{
	uint32_t found = 0;

	for (uint32_t k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
		const struct memory_entry *e = &bucket->entries[k];
		uint32_t same = e->hash == hash, used = !entry_is_free(e);

		found |= (same & used) << k;
	}
	return found ? &bucket->entries[__builtin_ctz(found)] : NULL;
}

void flow_table_prefetch_more(const struct flow_table *t, uint64_t hash)
{
	uint32_t at[2];

	flow_table_places(t, hash, at);
	prefetch(&t->buckets[bucket_find(&t->buckets[at[0]], hash) ? at[0] : at[1]]);
}

static struct memory_entry *entry_find(const struct flow_table *t, uint64_t hash)
{
	struct memory_entry *e;
	uint32_t at[2];

	flow_table_places(t, hash, at);
	e = bucket_find(&t->buckets[at[0]], hash);
	return e ? e : bucket_find(&t->buckets[at[1]], hash);
}

const struct memory *flow_table_find(struct flow_table *t, uint64_t hash)
{
	const struct memory_entry *e = entry_find(t, hash);

	counter_add(&t->counters.lookups, 1);
	if (!e)
		return NULL;
	counter_add(&t->counters.hits, 1);
	return &e->memory;
}

/* In which order places are given to new flows: the highest first. */
enum yield {
	YIELD_ESTABLISHED,
	YIELD_HALF_OPEN,
	YIELD_EXPIRED,
	YIELD_FREE,
};

enum {
	/* A place's rank, to be compared as a number: enum yield, then the seconds that its flow
	 * was silent, then how many of its bucket are not established. The last spreads those that
	 * are over all buckets, also while a flood leaves no place free. */
	RANK_IDLE_SHIFT = 3,
	RANK_YIELD_SHIFT = RANK_IDLE_SHIFT + 24,
	RANK_IDLE_MAX = (1 << 24) - 1, /* 194 days: further back, all are the same */
};

static enum yield entry_yield(const struct generation *g, const struct memory_entry *e,
			      uint32_t now_s)
{
	if (entry_is_free(e))
		return YIELD_FREE;
	if (memory_is_expired(g, &e->memory, now_s))
		return YIELD_EXPIRED;
	return memory_is_half_open(memory_state(&e->memory)) ? YIELD_HALF_OPEN : YIELD_ESTABLISHED;
}

/* `first`: of the flow's two buckets, this is the one that is looked at first. */
static void bucket_rank(const struct generation *g, const struct flow_bucket *bucket, bool first,
			uint32_t now_s, uint32_t ranks[FLOW_BUCKET_ENTRIES])
{
	uint32_t free_n = 0, soft_n = 0;

	for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
		ranks[k] = entry_yield(g, &bucket->entries[k], now_s);
		free_n += ranks[k] == YIELD_FREE;
		soft_n += ranks[k] != YIELD_ESTABLISHED;
	}
	/*
	 * With one flow or none, it takes the next: so that the other needn't be looked at, for
	 * nine of ten flows of a table that's a quarter full. With two flows, too, it were 97 of
	 * 100; but at three quarters 1.0 % of the flows would find no free place, not 0.6.
	 */
	if (first && free_n >= FLOW_BUCKET_ENTRIES - 1)
		free_n = FLOW_BUCKET_ENTRIES + 1;
	for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
		uint32_t idle_s = memory_idle_s(&bucket->entries[k].memory, now_s);

		if (idle_s > RANK_IDLE_MAX)
			idle_s = RANK_IDLE_MAX;
		if (ranks[k] == YIELD_FREE) /* else that in the emptier bucket */
			idle_s = free_n;
		ranks[k] = ranks[k] << RANK_YIELD_SHIFT | idle_s << RANK_IDLE_SHIFT | soft_n;
	}
}

/*
 * The place that a new flow gets, if it may have it. Seconds are coarse: where a flood fills the
 * table within one, chance decides whom it pushes out, or each would follow the one before into
 * the same place.
 */
static struct memory_entry *entry_choose(const struct flow_table *t, const struct generation *g,
					 uint64_t hash, uint32_t now_s, uint32_t *rank)
{
	struct memory_entry *best = NULL;
	uint32_t at[2], first = (uint32_t)hash; /* of which its low bits pick no bucket */

	flow_table_places(t, hash, at);
	*rank = 0;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t which = (first >> 2 ^ i) & 1;
		struct flow_bucket *bucket = &t->buckets[at[which]];
		uint32_t ranks[FLOW_BUCKET_ENTRIES];

		bucket_rank(g, bucket, which == 0, now_s, ranks);
		for (uint32_t k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
			uint32_t n = (first + k) % FLOW_BUCKET_ENTRIES;

			if (best && ranks[n] <= *rank)
				continue;
			best = &bucket->entries[n];
			*rank = ranks[n];
		}
	}
	return best;
}

/* Counts who gives way to a new flow. False: nobody does. */
static bool entry_clear(struct flow_table *t, const struct generation *g, struct memory_entry *e,
			uint32_t rank, enum memory_state state)
{
	uint32_t idle_s = rank >> RANK_IDLE_SHIFT & RANK_IDLE_MAX;

	switch ((enum yield)(rank >> RANK_YIELD_SHIFT)) {
	case YIELD_ESTABLISHED:
		if (memory_is_half_open(state) && idle_s <= g->idle_s[state])
			return false;
		counter_add(&t->counters.evicted_established, 1);
		break;
	case YIELD_HALF_OPEN:
		counter_add(&t->counters.evicted_half_open, 1);
		break;
	case YIELD_EXPIRED:
		counter_add(&t->counters.expired, 1);
		break;
	case YIELD_FREE:
		return true;
	}
	entry_free(t, e);
	return true;
}

bool flow_table_put(struct flow_table *t, const struct generation *g, uint64_t hash,
		    struct memory memory, uint32_t now_s)
{
	struct memory_entry *e = entry_find(t, hash);
	uint32_t rank;

	if (e) {
		memory_store(&e->memory, memory, __ATOMIC_RELEASE);
		return true;
	}
	e = entry_choose(t, g, hash, now_s, &rank);
	if (!entry_clear(t, g, e, rank, memory_state(&memory))) {
		counter_add(&t->counters.untracked, 1);
		return false;
	}
	__atomic_store_n(&e->hash, hash, __ATOMIC_RELEASE);
	memory_store(&e->memory, memory, __ATOMIC_RELEASE);
	counter_add(&t->counters.inserts, 1);
	counter_add(&t->counters.entries, 1);
	return true;
}

void flow_table_fragment(struct flow_table *t, uint32_t now_s)
{
	if (t->fragment_s != now_s)
		__atomic_store_n(&t->fragment_s, now_s, __ATOMIC_RELEASE);
}

bool flow_table_has_fragments(const struct flow_table *t, const struct generation *g,
			      uint32_t now_s)
{
	uint32_t last_s = __atomic_load_n(&t->fragment_s, __ATOMIC_ACQUIRE);

	/* Of TCP a flow's first packet is never so long as to be sent in fragments. */
	return last_s != 0 && now_s - last_s <= g->idle_s[MEMORY_UDP];
}

void flow_table_remove(struct flow_table *t, uint64_t hash)
{
	struct memory_entry *e = entry_find(t, hash);

	if (!e)
		return;
	counter_add(&t->counters.forgotten, 1);
	entry_free(t, e);
}

void flow_table_sweep(struct flow_table *t, const struct generation *g, uint32_t now_s,
		      uint32_t buckets_n)
{
	for (uint32_t i = 0; i < buckets_n && t->counters.entries > 0; i++) {
		struct flow_bucket *bucket = &t->buckets[t->sweep_at];

		t->sweep_at = t->sweep_at + 1 < t->buckets_n ? t->sweep_at + 1 : 0;
		for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
			struct memory_entry *e = &bucket->entries[k];

			if (entry_is_free(e) || !memory_is_expired(g, &e->memory, now_s))
				continue;
			counter_add(&t->counters.expired, 1);
			entry_free(t, e);
		}
	}
}

bool flow_table_peek(const struct flow_table *t, uint64_t hash, struct memory *memory)
{
	uint32_t at[2];

	flow_table_places(t, hash, at);
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
			struct memory_entry copy;

			if (entry_read(&t->buckets[at[i]].entries[k], &copy) && copy.hash == hash) {
				*memory = copy.memory;
				return true;
			}
		}
	}
	return false;
}

/* Frees an entry that still is what `copy` says. */
static bool entry_take(struct flow_table *t, struct memory_entry *e,
		       const struct memory_entry *copy)
{
	uint64_t word;

	__builtin_memcpy(&word, &copy->memory, sizeof(word));
	if (!__atomic_compare_exchange_n((memory_word *)&e->memory, &word, 0, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	__atomic_fetch_sub(&t->counters.entries, 1, __ATOMIC_RELAXED);
	return true;
}

bool flow_table_take(struct flow_table *t, uint64_t hash, struct memory *memory)
{
	uint32_t at[2];

	if (flow_table_entries(t) == 0)
		return false;
	flow_table_places(t, hash, at);
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
			struct memory_entry *e = &t->buckets[at[i]].entries[k], copy;

			if (!entry_read(e, &copy) || copy.hash != hash)
				continue;
			*memory = copy.memory;
			return entry_take(t, e, &copy);
		}
	}
	return false;
}

void flow_table_expire(struct flow_table *t, const struct generation *g, uint32_t now_s,
		       uint32_t at, uint32_t buckets_n)
{
	for (uint32_t i = at; i < t->buckets_n && i - at < buckets_n; i++) {
		for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
			struct memory_entry *e = &t->buckets[i].entries[k], copy;

			if (entry_read(e, &copy) && memory_is_expired(g, &copy.memory, now_s) &&
			    entry_take(t, e, &copy))
				__atomic_fetch_add(&t->counters.expired, 1, __ATOMIC_RELAXED);
		}
	}
}

uint32_t flow_table_walk_on(const struct flow_table *t, uint32_t worker, uint32_t at,
			    void (*each)(void *ctx, uint32_t worker,
					 const struct memory_entry *entry),
			    void *ctx)
{
	uint32_t end = t->buckets_n;

	if (flow_table_entries(t) == 0)
		return 0;
	if (end - at > FLOW_WALK_BUCKETS)
		end = at + FLOW_WALK_BUCKETS;
	for (uint32_t i = at; i < end; i++) {
		for (int k = 0; k < FLOW_BUCKET_ENTRIES; k++) {
			struct memory_entry copy;

			if (entry_read(&t->buckets[i].entries[k], &copy))
				each(ctx, worker, &copy);
		}
	}
	return end < t->buckets_n ? end : 0;
}

void flow_table_walk(const struct flow_table *t, uint32_t worker,
		     void (*each)(void *ctx, uint32_t worker, const struct memory_entry *entry),
		     void *ctx)
{
	uint32_t at = 0;

	do
		at = flow_table_walk_on(t, worker, at, each, ctx);
	while (at != 0);
}

uint64_t flow_table_entries(const struct flow_table *t)
{
	return __atomic_load_n(&t->counters.entries, __ATOMIC_RELAXED);
}

void flow_table_count(const struct flow_table *t, struct memory_counters *sum)
{
	const uint64_t *from = (const uint64_t *)&t->counters;
	uint64_t *to = (uint64_t *)sum;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
