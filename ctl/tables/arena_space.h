/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes of the arena (sluice/arena.h) are in use: an allocator whose bookkeeping lies
 * outside of the arena, so that a packet's tables share no line with it. Used by part.c;
 * control thread only. An allocated span stays readable by packets until the caller knows that
 * the fast path has quiesced: only then may it be freed.
 *
 * Spans start on a multiple of ARENA_SPACE_ALIGN, which is the largest object that the tables
 * hold, so none of their objects lies across two chunks. The first such unit is arena_head's.
 */
#ifndef SLUICE_TABLES_ARENA_SPACE_H
#define SLUICE_TABLES_ARENA_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "sluice/generation.h"

enum {
	ARENA_SPACE_ALIGN = 64, /* spans are rounded up to it */
	ARENA_SPACE_ERROR_MAX = 256,
};

struct arena_space;

struct arena_space_stats {
	uint64_t bytes;              /* the whole arena */
	uint64_t used_bytes;         /* in spans, arena_head's included */
	uint64_t free_bytes;         /* the rest */
	uint64_t largest_free_bytes; /* the largest single span that can be allocated */
	uint32_t spans;              /* in use, arena_head's not counted */
};

/* Writes arena_head into a blank arena: no generation is published. */
void arena_init(struct arena *arena, uint64_t arena_bytes);

/* Writes this build's ARENA_LAYOUT into the head of an arena that was adopted. */
void arena_label(struct arena *arena);

/*
 * Manages the arena, in which nothing but arena_head counts as used. `arena_bytes` is a multiple
 * of ARENA_SPACE_ALIGN, from two of them to 4 GiB. The arena's bytes are not touched. NULL: no
 * memory, or a size that is none.
 */
struct arena_space *arena_space_new(struct arena *arena, uint64_t arena_bytes);

/* The spans' bytes stay as they are, and allocated nowhere. NULL is allowed. */
void arena_space_free(struct arena_space *space);

/* Returns the offset of a span of at least `bytes` (more than 0); 0: there is none. */
uint32_t arena_space_alloc(struct arena_space *space, uint32_t bytes);

/* Gives a span back, by the offset that _alloc() or _reserve() was about. Never fails. */
void arena_space_release(struct arena_space *space, uint32_t offset);

/*
 * Marks [offset, offset + bytes) as a span, for an arena that already holds tables. `offset` is a
 * multiple of ARENA_SPACE_ALIGN. Many are reserved fastest in rising order. Returns 0, or
 * -EINVAL: not aligned, empty, or not inside the arena;
 * -EEXIST: part of it is in use;
 * -ENOMEM: no memory for the bookkeeping.
 */
int arena_space_reserve(struct arena_space *space, uint32_t offset, uint32_t bytes);

struct arena_space_stats arena_space_stats(const struct arena_space *space);

/* The arena that was given to _new(). */
struct arena *arena_space_arena(const struct arena_space *space);

/* Why `bytes` could not be had, and the mend: "arena: 4096 bytes ... raise tables_mb". */
void arena_space_explain_full(const struct arena_space *space, uint64_t bytes,
			      char error[ARENA_SPACE_ERROR_MAX]);

/*
 * Walks all bookkeeping: no span overlaps another, no two neighbours are both free, the sums are
 * right. Slow; for tests.
 */
bool arena_space_consistent(const struct arena_space *space);

#endif
