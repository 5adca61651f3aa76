/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part: an immutable table in the arena (a service's slots, a service's backends), shared by
 * reference count between the generations it did not change in. Control thread only.
 *
 * The last part_unref() makes the span available to others at once. So whoever publishes
 * a generation keeps the one before (which holds references on its parts) until the fast path
 * has quiesced.
 */
#ifndef SLUICE_TABLES_PART_H
#define SLUICE_TABLES_PART_H

#include <stdint.h>

#include "arena_space.h"

struct part {
	struct arena_space *space;
	uint32_t refs;
	uint32_t offset; /* in the arena: a multiple of ARENA_SPACE_ALIGN, never 0 */
	uint32_t bytes;  /* as asked for, not rounded */
};

/*
 * Copies `bytes` (more than 0) of `data` into the arena; the caller holds the one reference.
 * NULL: the arena is full (arena_space_explain_full() says it to people), or no memory.
 */
struct part *part_new(struct arena_space *space, const void *data, uint32_t bytes);

/*
 * A part made of what already lies at `offset`. Returns 0, or what arena_space_reserve() says.
 */
int part_adopt(struct arena_space *space, uint32_t offset, uint32_t bytes, struct part **part);

struct part *part_ref(struct part *part); /* returns `part` */
void part_unref(struct part *part);       /* NULL is allowed */

/* The bytes in the arena. */
const void *part_data(const struct part *part);

#endif
