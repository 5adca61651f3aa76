/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one worker knows of datagrams that come in fragments (sluice/fragment.h): a table of a fixed
 * size, in sets of one cache line. A datagram has one set; a new one takes the place of the oldest
 * there, so that a flood pushes out what is older, and nothing grows. Its worker alone reads and
 * writes; made and freed by the control thread.
 */
#ifndef SLUICE_DATAPLANE_FRAGMENT_TABLE_H
#define SLUICE_DATAPLANE_FRAGMENT_TABLE_H

#include "region.h"
#include "sluice/fragment.h"

enum {
	FRAGMENT_SET_ENTRIES = 4,
};

struct fragment_set {
	struct fragment_entry entries[FRAGMENT_SET_ENTRIES]; /* the newest first */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct fragment_set) == 64, "one line");

struct fragment_table {
	struct fragment_set *sets;
	uint32_t sets_n; /* a power of two */
	struct region region;
};

/* Room for `entries`, a power of two, at least FRAGMENT_SET_ENTRIES. -ENOMEM. Control thread. */
int fragment_table_create(struct fragment_table *t, uint32_t entries);
void fragment_table_destroy(struct fragment_table *t); /* allowed on a zeroed struct */

/* Worker. A first fragment was seen; what was known of `key` before is replaced. */
void fragment_table_put(struct fragment_table *t, uint64_t key, struct fragment fragment);

/* Worker. What is known of a datagram, valid until the next put; NULL: nothing, or too old. */
const struct fragment *fragment_table_find(const struct fragment_table *t, uint64_t key,
					   uint32_t now_s);

#endif
