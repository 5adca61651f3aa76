/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena_space.h, as a two-level segregated fit (TLSF: Masmano et al., ECRTS 2004) with its
 * bookkeeping outside of what it manages: spans know their neighbours in the arena, and the free
 * ones are listed by class of length. All lengths in here are in units of ARENA_SPACE_ALIGN.
 */
#include "arena_space.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NONE = 0,       /* spans[0] is not used */
	FIRST = 1,      /* arena_head's */
	STEPS_LOG2 = 4, /* classes per power of two */
	UNITS_MAX_LOG2 = 26,
	CLASSES = (UNITS_MAX_LOG2 - STEPS_LOG2 + 2) << STEPS_LOG2,
	/* How many spans of a request's own class, some of them too short, are looked at. */
	FIT_TRIES = 8,
};

struct span {
	uint32_t start, units;
	uint32_t before, after; /* in the arena; NONE at its ends */
	uint32_t left, right;   /* free: in its class's list; unused struct: `right` */
	bool used;
};

struct arena_space {
	struct arena *arena;
	uint32_t units;
	uint32_t used_units;
	uint32_t used_spans;
	struct span *spans; /* moves when it grows: referred to by index */
	uint32_t spans_n, spans_max;
	uint32_t unused;   /* structs, a list */
	uint32_t *by_unit; /* span that starts there, or NONE */
	uint32_t classes[CLASSES];
	uint64_t classes_filled[(CLASSES + 63) / 64]; /* bits */
};

/* Below 2^STEPS_LOG2 one each; above, 2^STEPS_LOG2 equal steps from power of two to power. */
static uint32_t class_of(uint32_t units)
{
	uint32_t shift = 0;

	if (units >> STEPS_LOG2 != 0)
		shift = 31 - (uint32_t)__builtin_clz(units) - STEPS_LOG2;
	return (shift << STEPS_LOG2) + (units >> shift);
}

/* The first class from `from` on that has a free span; CLASSES: none. */
static uint32_t class_next_filled(const struct arena_space *space, uint32_t from)
{
	for (uint32_t word = from / 64; word < (CLASSES + 63) / 64; word++) {
		uint64_t bits = space->classes_filled[word];

		if (word == from / 64)
			bits &= ~0ULL << from % 64;
		if (bits != 0)
			return word * 64 + (uint32_t)__builtin_ctzll(bits);
	}
	return CLASSES;
}

static void class_insert(struct arena_space *space, uint32_t index)
{
	struct span *s = &space->spans[index];
	uint32_t class = class_of(s->units);

	s->used = false;
	s->left = NONE;
	s->right = space->classes[class];
	if (s->right != NONE)
		space->spans[s->right].left = index;
	space->classes[class] = index;
	space->classes_filled[class / 64] |= 1ULL << class % 64;
}

static void class_remove(struct arena_space *space, uint32_t index)
{
	struct span *s = &space->spans[index];
	uint32_t class = class_of(s->units);

	if (s->right != NONE)
		space->spans[s->right].left = s->left;
	if (s->left != NONE)
		space->spans[s->left].right = s->right;
	else
		space->classes[class] = s->right;
	if (space->classes[class] == NONE)
		space->classes_filled[class / 64] &= ~(1ULL << class % 64);
}

/* Room for `n` more structs, so that what follows can't fail half way. */
static int spans_grow(struct arena_space *space, uint32_t n)
{
	uint32_t max = space->spans_max * 2;
	struct span *spans;

	if (space->spans_max - space->spans_n >= n)
		return 0;
	spans = realloc(space->spans, max * sizeof(*spans));
	if (!spans)
		return -ENOMEM;
	space->spans = spans;
	space->spans_max = max;
	return 0;
}

static uint32_t span_new(struct arena_space *space, uint32_t start, uint32_t units)
{
	uint32_t index = space->unused;

	if (index != NONE)
		space->unused = space->spans[index].right;
	else
		index = space->spans_n++;
	space->spans[index] = (struct span){.start = start, .units = units};
	space->by_unit[start] = index;
	return index;
}

/* Cuts a span that is in no list: it keeps its first `units`, the rest becomes a free one. */
static void span_cut(struct arena_space *space, uint32_t index, uint32_t units)
{
	struct span *s = &space->spans[index];
	uint32_t rest, after = s->after;

	if (s->units == units)
		return;
	rest = span_new(space, s->start + units, s->units - units);
	space->spans[rest].before = index;
	space->spans[rest].after = after;
	if (after != NONE)
		space->spans[after].before = rest;
	s->after = rest;
	s->units = units;
	class_insert(space, rest);
}

/* Joins a span with the one after it; both are in no list. */
static void span_join(struct arena_space *space, uint32_t index)
{
	struct span *s = &space->spans[index];
	uint32_t gone = s->after;
	struct span *g = &space->spans[gone];

	s->units += g->units;
	s->after = g->after;
	if (s->after != NONE)
		space->spans[s->after].before = index;
	space->by_unit[g->start] = NONE;
	g->right = space->unused;
	space->unused = gone;
}

static void span_use(struct arena_space *space, uint32_t index)
{
	space->spans[index].used = true;
	space->used_units += space->spans[index].units;
	space->used_spans++;
}

void arena_init(struct arena *arena, uint64_t arena_bytes)
{
	struct arena_head head = {
		.magic = ARENA_MAGIC,
		.layout = ARENA_LAYOUT,
		.arena_bytes = arena_bytes,
	};

	memcpy(arena, &head, sizeof(head));
}

void arena_label(struct arena *arena)
{
	((struct arena_head *)arena)->layout = ARENA_LAYOUT;
}

struct arena_space *arena_space_new(struct arena *arena, uint64_t arena_bytes)
{
	struct arena_space *space;

	if (arena_bytes % ARENA_SPACE_ALIGN != 0 || arena_bytes < 2 * ARENA_SPACE_ALIGN ||
	    arena_bytes > (uint64_t)ARENA_SPACE_ALIGN << UNITS_MAX_LOG2)
		return NULL;
	space = calloc(1, sizeof(*space));
	if (!space)
		return NULL;
	space->arena = arena;
	space->units = (uint32_t)(arena_bytes / ARENA_SPACE_ALIGN);
	space->spans_n = FIRST;
	space->spans_max = 64;
	space->spans = calloc(space->spans_max, sizeof(*space->spans));
	/* As large as a sixteenth of the arena, but only what is touched becomes memory. */
	space->by_unit = calloc(space->units, sizeof(*space->by_unit));
	if (!space->spans || !space->by_unit) {
		arena_space_free(space);
		return NULL;
	}
	span_new(space, 0, space->units);
	span_cut(space, FIRST, sizeof(struct arena_head) / ARENA_SPACE_ALIGN);
	span_use(space, FIRST);
	return space;
}

void arena_space_free(struct arena_space *space)
{
	if (!space)
		return;
	free(space->by_unit);
	free(space->spans);
	free(space);
}

/* The first of at most `tries` spans of a class that is long enough, or NONE. */
static uint32_t class_find(const struct arena_space *space, uint32_t class, uint32_t units,
			   uint32_t tries)
{
	uint32_t index = space->classes[class];

	while (index != NONE && space->spans[index].units < units)
		index = --tries > 0 ? space->spans[index].right : NONE;
	return index;
}

static uint32_t span_find(const struct arena_space *space, uint32_t units)
{
	uint32_t own = class_of(units);
	uint32_t index = class_find(space, own, units, FIT_TRIES);
	uint32_t class;

	if (index != NONE)
		return index;
	class = class_next_filled(space, own + 1);
	if (class < CLASSES) /* whose every span is long enough */
		return space->classes[class];
	return class_find(space, own, units, UINT32_MAX);
}

uint32_t arena_space_alloc(struct arena_space *space, uint32_t bytes)
{
	uint32_t units = bytes / ARENA_SPACE_ALIGN + (bytes % ARENA_SPACE_ALIGN != 0);
	uint32_t index;

	assert(bytes > 0);
	if (spans_grow(space, 1) < 0)
		return 0;
	index = span_find(space, units);
	if (index == NONE)
		return 0;
	class_remove(space, index);
	span_cut(space, index, units);
	span_use(space, index);
	return space->spans[index].start * ARENA_SPACE_ALIGN;
}

void arena_space_release(struct arena_space *space, uint32_t offset)
{
	uint32_t index = space->by_unit[offset / ARENA_SPACE_ALIGN];
	struct span *s = &space->spans[index];

	assert(offset % ARENA_SPACE_ALIGN == 0 && index > FIRST && s->used);
	space->used_units -= s->units;
	space->used_spans--;
	if (s->after != NONE && !space->spans[s->after].used) {
		class_remove(space, s->after);
		span_join(space, index);
	}
	if (!space->spans[s->before].used) { /* arena_head's is, so there is one */
		index = s->before;
		class_remove(space, index);
		span_join(space, index);
	}
	class_insert(space, index);
}

int arena_space_reserve(struct arena_space *space, uint32_t offset, uint32_t bytes)
{
	uint32_t units = bytes / ARENA_SPACE_ALIGN + (bytes % ARENA_SPACE_ALIGN != 0);
	uint32_t start = offset / ARENA_SPACE_ALIGN;
	uint32_t unit = start, index;

	if (offset % ARENA_SPACE_ALIGN != 0 || units == 0 || start >= space->units ||
	    units > space->units - start)
		return -EINVAL;
	if (spans_grow(space, 2) < 0)
		return -ENOMEM;
	while (space->by_unit[unit] == NONE)
		unit--;
	index = space->by_unit[unit];
	if (space->spans[index].used || space->spans[index].units - (start - unit) < units)
		return -EEXIST;
	class_remove(space, index);
	if (start > unit) {
		span_cut(space, index, start - unit);
		class_insert(space, index);
		index = space->by_unit[start];
		class_remove(space, index);
	}
	span_cut(space, index, units);
	span_use(space, index);
	return 0;
}

struct arena_space_stats arena_space_stats(const struct arena_space *space)
{
	struct arena_space_stats stats = {
		.bytes = (uint64_t)space->units * ARENA_SPACE_ALIGN,
		.used_bytes = (uint64_t)space->used_units * ARENA_SPACE_ALIGN,
		.spans = space->used_spans - 1,
	};
	uint32_t class = CLASSES - 1, largest = 0;

	while (class > 0 && space->classes[class] == NONE)
		class --;
	for (uint32_t i = space->classes[class]; i != NONE; i = space->spans[i].right)
		if (space->spans[i].units > largest)
			largest = space->spans[i].units;
	stats.free_bytes = stats.bytes - stats.used_bytes;
	stats.largest_free_bytes = (uint64_t)largest * ARENA_SPACE_ALIGN;
	return stats;
}

struct arena *arena_space_arena(const struct arena_space *space)
{
	return space->arena;
}

void arena_space_explain_full(const struct arena_space *space, uint64_t bytes,
			      char error[ARENA_SPACE_ERROR_MAX])
{
	struct arena_space_stats stats = arena_space_stats(space);

	snprintf(error, ARENA_SPACE_ERROR_MAX,
		 "tables are full: no %" PRIu64 " bytes in one piece (%" PRIu64 " of %" PRIu64
		 " bytes free, %" PRIu64 " in one piece); raise tables_mb in the config",
		 bytes, stats.free_bytes, stats.bytes, stats.largest_free_bytes);
}

bool arena_space_consistent(const struct arena_space *space)
{
	uint32_t unit = 0, used_units = 0, used_spans = 0, free_spans = 0, before = NONE;

	for (uint32_t i = FIRST; i != NONE; before = i, i = space->spans[i].after) {
		const struct span *s = &space->spans[i];

		if (s->start != unit || s->units == 0 || s->before != before ||
		    space->by_unit[unit] != i)
			return false;
		if (!s->used && !space->spans[before].used)
			return false;
		used_units += s->used ? s->units : 0;
		used_spans += s->used;
		free_spans += !s->used;
		for (uint32_t inside = unit + 1; inside < unit + s->units; inside++)
			if (space->by_unit[inside] != NONE)
				return false;
		unit += s->units;
	}
	for (uint32_t class = 0; class < CLASSES; class ++) {
		if ((space->classes[class] != NONE) !=
		    (space->classes_filled[class / 64] >> class % 64 & 1))
			return false;
		for (uint32_t i = space->classes[class]; i != NONE; i = space->spans[i].right)
			if (space->spans[i].used || class_of(space->spans[i].units) != class ||
			    free_spans-- == 0)
				return false;
	}
	return unit == space->units && used_units == space->used_units &&
	       used_spans == space->used_spans && free_spans == 0;
}
