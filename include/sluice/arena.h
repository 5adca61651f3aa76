/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * The arena: one span of memory that holds every table the fast path reads, addressed by 32-bit
 * offsets, so that the very same bytes serve a DPDK worker (ordinary memory, hugepages where
 * there are some) and an XDP program (a BPF array map, which the daemon maps into its own
 * address space). The control plane writes what no published generation refers to; the fast
 * path only reads. Contents: generation.h.
 *
 * For BPF the arena is one value of the map, found once for a packet; or, where the kernel has no
 * values that long (5.15 has 4 MiB), an array of chunks, which costs a look-up for every object:
 * 8 to 10 ns a packet in all. An object is a power of two long and aligned to its length, so none
 * lies across two chunks.
 */
#ifndef SLUICE_ARENA_H
#define SLUICE_ARENA_H

#include "sluice/types.h"

enum {
	ARENA_CHUNK_LOG2 = 20,
	ARENA_CHUNK_BYTES = 1 << ARENA_CHUNK_LOG2,
};

/*
 * arena_at() gives the object of `bytes` (a constant power of two, at most ARENA_CHUNK_BYTES) at
 * `offset`, which is a multiple of `bytes`. Never NULL outside of BPF; there, NULL when the offset
 * lies beyond the map, which no table that the control plane wrote brings about.
 */
#ifdef __bpf__
/* The program's own, with constants as far as can be, so that no trace of it is left. */
struct arena {
	const uint8_t *value; /* the map's only one, or NULL */
	uint32_t bytes;       /* of the value; constant to the verifier */
	const void *chunks;   /* the map, when its values are chunks */
};

SLUICE_INLINE const void *arena_at(const struct arena *arena, uint32_t offset, uint32_t bytes)
{
	/* bpf_helpers.h would give the same, but this folder includes nothing. */
	void *(*map_lookup_elem)(const void *map, const void *key) = (void *)1;
	uint32_t chunk = offset >> ARENA_CHUNK_LOG2;
	const uint8_t *value = arena->value;

	if (value)
		return offset <= arena->bytes - bytes ? value + offset : NULL;
	value = map_lookup_elem(arena->chunks, &chunk);
	return value ? value + (offset & (ARENA_CHUNK_BYTES - bytes)) : NULL;
}
#else
/* Opaque: the first byte of the span. */
struct arena;

SLUICE_INLINE const void *arena_at(const struct arena *arena, uint32_t offset, uint32_t bytes)
{
	const void *at = (const uint8_t *)arena + offset;

	(void)bytes;
	if (!at)
		__builtin_unreachable(); /* so that no caller looks */
	return at;
}
#endif

#endif
