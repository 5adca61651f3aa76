/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * The arena: one span of memory that holds every table the fast path reads, addressed by 32-bit
 * offsets, so that the very same bytes serve a DPDK worker (ordinary memory, hugepages where
 * there are some) and an XDP program (a BPF array map, which the daemon maps into its own
 * address space). The control plane writes what no published generation refers to; the fast
 * path only reads. Contents: generation.h.
 *
 * For BPF the arena is an array of chunks, each one value of the map. An object is a power of two
 * long and aligned to its length, so none lies across two chunks, and one AND gives the verifier
 * its bound.
 */
#ifndef SLUICE_ARENA_H
#define SLUICE_ARENA_H

#include "sluice/types.h"

enum {
	ARENA_CHUNK_LOG2 = 20,
	ARENA_CHUNK_BYTES = 1 << ARENA_CHUNK_LOG2,
};

/* Opaque: the first byte of the span; in BPF, the map. */
struct arena;

/*
 * The object of `bytes` (a constant power of two, at most ARENA_CHUNK_BYTES) at `offset`, which
 * is a multiple of `bytes`. Never NULL outside of BPF; there, NULL when the offset lies beyond
 * the map, which no table that the control plane wrote brings about.
 */
#ifdef __bpf__
SLUICE_INLINE const void *arena_at(const struct arena *arena, uint32_t offset, uint32_t bytes)
{
	/* bpf_helpers.h would give the same, but this folder includes nothing. */
	void *(*map_lookup_elem)(const void *map, const void *key) = (void *)1;
	uint32_t chunk = offset >> ARENA_CHUNK_LOG2;
	const uint8_t *value = map_lookup_elem(arena, &chunk);

	return value ? value + (offset & (ARENA_CHUNK_BYTES - bytes)) : NULL;
}
#else
SLUICE_INLINE const void *arena_at(const struct arena *arena, uint32_t offset, uint32_t bytes)
{
	(void)bytes;
	return (const uint8_t *)arena + offset;
}
#endif

#endif
