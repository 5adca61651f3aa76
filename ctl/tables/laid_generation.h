/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a laid generation consists of: for layout.c, which makes one, and adopt.c, which finds one
 * in the arena. Others use layout.h.
 */
#ifndef SLUICE_TABLES_LAID_GENERATION_H
#define SLUICE_TABLES_LAID_GENERATION_H

#include "layout.h"

struct laid_generation {
	struct part *header, *services;
	struct part *vips6; /* NULL: no IPv6 vip */
	uint32_t parts_n;
	struct part *parts[]; /* slots and backends, a reference for each */
};

/* Room for `parts_max` parts, none of which is there yet. NULL: no memory. */
struct laid_generation *laid_generation_alloc(uint32_t parts_max);

/* Takes over the caller's reference; NULL is no part. */
void laid_generation_add(struct laid_generation *laid, struct part *part);

#endif
