/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's maps of remembered flows (flow_memory.bpf.h) as the daemon reads them, and rids
 * them of expired ones. While packets flow. Control thread.
 */
#ifndef SLUICE_FLOW_MAPS_H
#define SLUICE_FLOW_MAPS_H

#include "program.h"

#include "sluice/counters.h"
#include "sluice/memory.h"
#include "sluice/module.h"

struct flow_maps {
	const struct program *program;      /* loaded; the caller's */
	uint64_t evicted[FASTPATH_CLASSES]; /* as far as was found out */
};

typedef void (*flow_maps_each)(void *ctx, uint32_t worker, const struct memory_entry *entry);

/*
 * A step, as fast_path.memory_walk(): 8,192 entries at most; `worker` is always 0, since all CPUs
 * share the maps. Entries that have expired, by the published generation, are deleted instead of
 * handed out, up to 2,048 a step, so that none takes long; the others are handed out as they are.
 * 1, 0; -ENOMEM; -errno.
 */
int flow_maps_walk(const struct flow_maps *maps, struct fast_path_walk *walk, flow_maps_each each,
		   void *ctx);

/*
 * As fast_path.memory_read(). Microseconds; where a map is nearly full, as long as a whole walk over
 * it (0.3 s for a million), since the entries have to be counted then. Every number but the evictions and the entries is exact; these
 * two are too, but for packets that come while they are read. -ENOMEM; -errno.
 */
int flow_maps_read(struct flow_maps *maps, struct memory_counters *counters);

/*
 * As fast_path.memory_find(). A look-up by system call doesn't count as use of the entry, so that
 * it is evicted as if nobody had asked. 0; -ENOENT; -errno.
 */
int flow_maps_find(const struct flow_maps *maps, uint64_t hash, struct memory *memory);

/* As fast_path.memory_now_s(): the clock that the program reads. */
uint32_t flow_maps_now_s(void);

#endif
