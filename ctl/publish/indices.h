/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which index each backend of a service has. Slots and remembered flows speak of backends by index,
 * so a backend keeps its own while it lives, whatever becomes of the others. A backend that no
 * longer lives (disabled, down, removed) gives its index up for good: should it come back, it gets
 * another, so that nobody goes by what was remembered of the time before. An index that was given
 * up is used again only when no remembered flow can bear it. Control thread.
 */
#ifndef SLUICE_INDICES_H
#define SLUICE_INDICES_H

#include <stdbool.h>

#include "ip.h"
#include "sluice/generation.h"

struct index_owner {
	struct ip_addr addr;
	uint16_t index;
};

struct index_freed {
	uint16_t index;
	int64_t freed_us;
};

/* Of one service; immutable but for `freed`, and shared by reference count. */
struct indices {
	uint32_t refs;
	struct index_owner *owners; /* sorted by address */
	uint32_t owners_n;
	struct index_freed *freed; /* not to be used yet; the longest freed first */
	uint32_t freed_n;
	uint16_t length; /* one more than the greatest index of an owner */
};

/*
 * Indices for the living backends `addrs` (each once): the ones they had in `was` (NULL: none), or
 * the lowest that are neither taken nor freed; if there are no such, the longest freed. What `was`
 * had for others is freed at `now_us`. NULL: no memory.
 */
struct indices *indices_new(const struct indices *was, const struct ip_addr *addrs, uint32_t n,
			    int64_t now_us);

/*
 * As another process gave them: `entries` of a running service, of whose remembered flows none
 * bears `borne_n` or a higher index. All that are nobody's count as freed at `now_us`. NULL: no
 * memory.
 */
struct indices *indices_adopt(const struct backend *entries, uint32_t n, uint32_t borne_n,
			      int64_t now_us);

/* The index of a backend; SLOT_NONE: it has none. */
uint16_t indices_find(const struct indices *indices, const struct ip_addr *addr);

/*
 * Lets those freed be used again that no remembered flow bears, as `bears` says (NULL: not known),
 * or that were freed `longest_us` ago or earlier: then every such flow was silent for too long.
 */
void indices_release(struct indices *indices, bool (*bears)(const void *ctx, uint16_t index),
		     const void *ctx, int64_t now_us, int64_t longest_us);

struct indices *indices_ref(struct indices *indices);
void indices_unref(struct indices *indices); /* NULL is allowed */

#endif
