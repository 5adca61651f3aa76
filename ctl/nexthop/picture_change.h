/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A picture of other ways, made of one that there is: the kernel is asked only for what is new in it.
 * Used by nexthop_update.c, on the control thread.
 */
#ifndef SLUICE_NEXTHOP_PICTURE_CHANGE_H
#define SLUICE_NEXTHOP_PICTURE_CHANGE_H

#include "nexthop_picture.h"

/* What is new: to be composed, and to be resolved. */
struct picture_news {
	size_t *at; /* in the new picture's ways */
	size_t n;
	struct neighbour_table neighbours;
};

/*
 * `ways` are sorted, each once; `vips` needn't be. *out gets ways, routes, hops and vips; its links and
 * neighbours are the old one's, for the caller to hand over. Returns 0, or -errno as nexthops_watch(), with nothing to
 * free; -ENODEV: a route leads over an interface that the old picture doesn't know.
 */
int picture_change_ways(struct netlink *nl, const struct picture *old,
			const struct nexthop_key *ways, size_t n, const struct ip_addr *vips,
			size_t vips_n, struct picture *out, struct picture_news *news);
void picture_news_free(struct picture_news *news);

#endif
