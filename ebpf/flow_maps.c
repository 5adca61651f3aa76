/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the maps of flows in batches: for dumps, for counts and to expire entries. Called by the
 * module. Control thread.
 */
#include "flow_maps.h"

#include "sluice/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum {
	BATCH_ENTRIES = 4096, /* more at once are no faster */
	STEP_BATCHES = 2,
	STEP_EXPIRE_MAX = 2048,
	/* The kernel keeps up to so many free entries ready for each CPU, and evicts before it
	 * takes them away: LOCAL_FREE_TARGET in kernel/bpf/bpf_lru_list.c, 4.10 to 6.18. */
	FREE_PER_CPU = 128,
	WORDS = sizeof(struct fastpath_memory) / sizeof(uint64_t),
};

_Static_assert(sizeof(struct fastpath_memory) % 8 == 0, "as long on a CPU's row as here");

static const enum program_map class_maps[FASTPATH_CLASSES] = {
	[FASTPATH_HALF_OPEN] = PROGRAM_HALF_OPEN,
	[FASTPATH_ESTABLISHED] = PROGRAM_ESTABLISHED,
};

uint32_t flow_maps_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint32_t)now.tv_sec;
}

/* One map's entries, a batch at a time. */
struct batch {
	int fd;
	bool is_first, is_last;
	uint32_t at; /* the kernel's bookmark */
	uint32_t n;
	uint64_t hashes[BATCH_ENTRIES];
	struct memory memories[BATCH_ENTRIES];
};

static int batch_next(struct batch *b)
{
	uint32_t from = b->at;
	int err;

	b->n = BATCH_ENTRIES;
	err = bpf_map_lookup_batch(b->fd, b->is_first ? NULL : &from, &b->at, b->hashes,
				   b->memories, &b->n, NULL);
	b->is_first = false;
	b->is_last = err == -ENOENT; /* and this was the rest */
	return b->is_last ? 0 : err;
}

static void batch_start(struct batch *b, const struct program *p, enum fastpath_class class)
{
	b->fd = program_map_fd(p, class_maps[class]);
	b->is_first = true;
	b->is_last = false;
}

/* NULL: none was published. */
static const struct generation *generation_published(const struct program *p)
{
	const struct arena_head *head = (const struct arena_head *)p->arena;
	uint32_t offset = __atomic_load_n(&head->current, __ATOMIC_ACQUIRE);

	return offset ? arena_at(p->arena, offset, sizeof(struct generation)) : NULL;
}

/*
 * Takes an entry out that was seen to have expired. If a packet was faster, so that what came out
 * is fresh, it goes back, unless another packet has brought the flow in again. Its next packet is
 * a round trip away.
 */
static bool entry_expire(int fd, uint64_t hash, const struct generation *g, uint32_t now_s)
{
	struct memory m;

	if (bpf_map_lookup_and_delete_elem(fd, &hash, &m) != 0)
		return false;
	return memory_is_expired(g, &m, now_s) ||
	       bpf_map_update_elem(fd, &hash, &m, BPF_NOEXIST) != 0;
}

struct walk {
	const struct generation *generation;
	uint32_t now_s;
	uint32_t expired_n;
	flow_maps_each each;
	void *ctx;
};

static void batch_walk(const struct batch *b, struct walk *w)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct memory_entry entry = {b->hashes[i], b->memories[i]};

		if (w->generation && memory_is_expired(w->generation, &entry.memory, w->now_s) &&
		    w->expired_n < STEP_EXPIRE_MAX) {
			w->expired_n += entry_expire(b->fd, entry.hash, w->generation, w->now_s);
			continue;
		}
		w->each(w->ctx, 0, &entry);
	}
}

/* Values of one row, a struct fastpath_memory for each CPU. NULL, errno: ENOMEM and others. */
static struct fastpath_memory *row_read(const struct program *p, enum fastpath_memory_row row)
{
	uint32_t key = (uint32_t)row;
	struct fastpath_memory *cpus = calloc(p->cpus, sizeof(*cpus));
	int err;

	if (!cpus || bpf_map_lookup_elem(program_map_fd(p, PROGRAM_MEMORY_COUNTS), &key, cpus) == 0)
		return cpus;
	err = errno;
	free(cpus);
	errno = err;
	return NULL;
}

/* In the map, so that the next daemon goes on with the sums. */
static int expired_count(const struct program *p, enum fastpath_class class, uint32_t n)
{
	uint32_t key = FASTPATH_MEMORY_WALKS;
	struct fastpath_memory *cpus;
	int err;

	if (n == 0)
		return 0;
	cpus = row_read(p, FASTPATH_MEMORY_WALKS);
	if (!cpus)
		return -errno;
	cpus[0].expired += n;
	cpus[0].removed[class] += n;
	err = bpf_map_update_elem(program_map_fd(p, PROGRAM_MEMORY_COUNTS), &key, cpus, BPF_ANY);
	free(cpus);
	return err ? -errno : 0;
}

int flow_maps_walk(const struct flow_maps *maps, struct fast_path_walk *walk, flow_maps_each each,
		   void *ctx)
{
	enum fastpath_class class = (enum fastpath_class)walk->table;
	struct walk w = {
		.generation = generation_published(maps->program),
		.now_s = flow_maps_now_s(),
		.each = each,
		.ctx = ctx,
	};
	struct batch *b;
	int err = 0, count_err;

	if (class >= FASTPATH_CLASSES)
		return 0;
	b = malloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	batch_start(b, maps->program, class);
	b->is_first = !walk->is_within;
	b->at = walk->at;
	for (int i = 0; i < STEP_BATCHES && !err && !b->is_last; i++) {
		err = batch_next(b);
		if (!err)
			batch_walk(b, &w);
	}
	*walk = (struct fast_path_walk){
		.table = walk->table + b->is_last,
		.at = b->at,
		.is_within = !b->is_last,
	};
	free(b);
	count_err = expired_count(maps->program, class, w.expired_n);
	if (err || count_err)
		return err ? err : count_err;
	return walk->table < FASTPATH_CLASSES;
}

int flow_maps_find(const struct flow_maps *maps, uint64_t hash, struct memory *memory)
{
	static const enum fastpath_class order[] = {FASTPATH_ESTABLISHED, FASTPATH_HALF_OPEN};

	/* In the program's order: a flow that changes its class is in both for a moment. */
	for (int i = 0; i < FASTPATH_CLASSES; i++) {
		int fd = program_map_fd(maps->program, class_maps[order[i]]);

		if (bpf_map_lookup_elem(fd, &hash, memory) == 0)
			return 0;
		if (errno != ENOENT)
			return -errno;
	}
	return -ENOENT;
}

static int entries_count(const struct program *p, enum fastpath_class class, uint64_t *entries)
{
	struct batch *b = malloc(sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	*entries = 0;
	batch_start(b, p, class);
	do {
		err = batch_next(b);
		*entries += err ? 0 : b->n;
	} while (!err && !b->is_last);
	free(b);
	return err;
}

/* All CPUs and rows. */
static int counts_sum(const struct program *p, struct fastpath_memory *sum)
{
	*sum = (struct fastpath_memory){0};
	for (int row = 0; row < FASTPATH_MEMORY_ROWS; row++) {
		struct fastpath_memory *cpus = row_read(p, (enum fastpath_memory_row)row);

		if (!cpus)
			return -errno;
		for (uint32_t cpu = 0; cpu < p->cpus; cpu++)
			for (size_t word = 0; word < WORDS; word++)
				((uint64_t *)sum)[word] += ((const uint64_t *)&cpus[cpu])[word];
		free(cpus);
	}
	return 0;
}

/* `came`: added - removed. The entries are counted only if some may have been evicted lately. */
static int class_read(struct flow_maps *maps, enum fastpath_class class, uint64_t came,
		      struct memory_counters *counters)
{
	const struct program *p = maps->program;
	uint64_t capacity = bpf_map__max_entries(p->maps[class_maps[class]]);
	uint64_t kept_free = (uint64_t)FREE_PER_CPU * (p->cpus + 1);
	/* Numbers of several CPUs, read one after the other, may be a few off. */
	uint64_t entries = came > maps->evicted[class] ? came - maps->evicted[class] : 0;
	int err;

	counters->capacity += capacity;
	if (entries + kept_free > capacity) {
		err = entries_count(p, class, &entries);
		if (err)
			return err;
		if (came > entries && came - entries > maps->evicted[class])
			maps->evicted[class] = came - entries;
	}
	counters->entries += entries;
	return 0;
}

int flow_maps_read(struct flow_maps *maps, struct memory_counters *counters)
{
	struct fastpath_memory sum;
	int err = counts_sum(maps->program, &sum);

	if (err)
		return err;
	*counters = (struct memory_counters){
		.lookups = sum.lookups,
		.hits = sum.hits,
		.inserts = sum.inserts,
		.expired = sum.expired,
		.forgotten = sum.forgotten,
		.untracked = sum.untracked,
	};
	for (int class = 0; class < FASTPATH_CLASSES && !err; class ++)
		err = class_read(maps, (enum fastpath_class) class,
				 sum.added[class] - sum.removed[class], counters);
	counters->evicted_half_open = maps->evicted[FASTPATH_HALF_OPEN];
	counters->evicted_established = maps->evicted[FASTPATH_ESTABLISHED];
	return err;
}
