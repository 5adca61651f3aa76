/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel said at one time about a set of ways, and the next hops that
 * follow from it. Used by nexthop.c, on the control thread.
 */
#ifndef SLUICE_NEXTHOP_NEXTHOP_PICTURE_H
#define SLUICE_NEXTHOP_NEXTHOP_PICTURE_H

#include "link_table.h"
#include "neighbour_table.h"
#include "nexthop.h"

struct netlink;
struct route;

/* All zero: the picture of no ways. */
struct picture {
	struct nexthop_key *ways; /* sorted, each once */
	struct route *routes;     /* of ways[i] */
	struct nexthop *hops;     /* of ways[i], by picture_compose */
	size_t n;
	struct nexthop_key *vips_asked; /* vips[i] as a question */
	struct ip_addr *vips;           /* sorted, each once */
	struct route *vip_routes;       /* of vips[i] */
	size_t vips_n;
	size_t asked_n; /* of the routes, those to vips last, while it is made */
	struct link_table links;
	struct neighbour_table neighbours; /* of the routes */
};

/* Asks for the links; the routes of n ways and to the vips, in any order, come next. Returns 0, or as
 * nexthops_watch. `out` is to be freed in any case. */
int picture_begin(struct netlink *nl, const struct nexthop_key *ways, size_t n,
		  const struct ip_addr *vips, size_t vips_n, struct picture *out);

/* Asks for up to `max` routes more. Returns 1: there are more; 0; or as nexthops_watch. */
int picture_go_on(struct netlink *nl, struct picture *picture, size_t max);

/* Asks for the neighbours of the routes. What `old` knows about neighbours having been solicited is
 * taken over, and so are its next hops, for picture_compose to compare with. Returns 0, or as
 * nexthops_watch. */
int picture_end(struct netlink *nl, struct picture *picture, const struct picture *old);

/* Works out the next hops, with the path MTUs that routers told. Returns whether one differs from
 * what stood there. */
bool picture_compose(struct picture *picture, const struct path_mtus *path_mtus);

/* The same for one way. */
bool picture_compose_at(struct picture *picture, size_t i, const struct path_mtus *path_mtus);

/* Has the picture ask for the routes to these vips, sorted and each once: picture_begin() does it. 0,
 * -EINVAL: an address of neither family; -ENOMEM. */
int picture_set_vips(struct picture *picture, const struct ip_addr *vips, size_t n);

/* The route to a vip; NULL: it is not in the picture. */
const struct route *picture_route_to(const struct picture *picture, const struct ip_addr *vip);

/* Whether packets to a vip are the host's own; false for one that is not in the picture. */
bool picture_is_local(const struct picture *picture, const struct ip_addr *vip);

/* Whether that is so for other vips than before. */
bool picture_locals_differ(const struct picture *before, const struct picture *now);

void picture_free(struct picture *picture);

/* NULL: not in the picture. */
const struct nexthop *picture_hop(const struct picture *picture, const struct nexthop_key *way);

/* The *n next hops to an address, from whatever sources, side by side; NULL, and *n 0: there is none. */
const struct nexthop *picture_hops_to(const struct picture *picture, const struct ip_addr *addr,
				      size_t *n);

/* The next hop that follows from a route, the interfaces and the neighbours. */
struct nexthop nexthop_compose(const struct ip_addr *addr, const struct route *route,
			       const struct link_table *links,
			       const struct neighbour_table *neighbours);

#endif
