/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part.h: the reference count, and the span that belongs to it.
 */
#include "part.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct part *part_make(struct arena_space *space, uint32_t offset, uint32_t bytes)
{
	struct part *part = malloc(sizeof(*part));

	if (part)
		*part = (struct part){.space = space, .refs = 1, .offset = offset, .bytes = bytes};
	return part;
}

struct part *part_new(struct arena_space *space, const void *data, uint32_t bytes)
{
	uint32_t offset = arena_space_alloc(space, bytes);
	struct part *part;

	if (offset == 0)
		return NULL;
	part = part_make(space, offset, bytes);
	if (!part) {
		arena_space_release(space, offset);
		return NULL;
	}
	memcpy((uint8_t *)arena_space_arena(space) + offset, data, bytes);
	return part;
}

int part_adopt(struct arena_space *space, uint32_t offset, uint32_t bytes, struct part **part)
{
	int rc = arena_space_reserve(space, offset, bytes);

	if (rc < 0)
		return rc;
	*part = part_make(space, offset, bytes);
	if (!*part) {
		arena_space_release(space, offset);
		return -ENOMEM;
	}
	return 0;
}

struct part *part_ref(struct part *part)
{
	part->refs++;
	return part;
}

void part_unref(struct part *part)
{
	if (!part)
		return;
	assert(part->refs > 0);
	if (--part->refs > 0)
		return;
	arena_space_release(part->space, part->offset);
	free(part);
}

const void *part_data(const struct part *part)
{
	return (const uint8_t *)arena_space_arena(part->space) + part->offset;
}
