/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New pictures of the ways to the backends: taken at one go, or in steps where nobody waits for it,
 * since backends may be many. Unknown neighbours are resolved, stale ones confirmed. Used by
 * nexthop.c, on the control thread.
 */
#ifndef SLUICE_NEXTHOP_NEXTHOP_UPDATE_H
#define SLUICE_NEXTHOP_NEXTHOP_UPDATE_H

#include "netlink.h"
#include "nexthop_picture.h"
#include "path_mtu_listener.h"

#include <event2/util.h>
#include <stdbool.h>

struct event;

struct nexthops {
	struct netlink ask;    /* for questions, which are answered at once */
	struct netlink events; /* for announcements */
	struct event *readable, *debounce, *solicit, *refresh, *step;
	struct nexthop_timing timing;
	nexthops_changed *changed;
	void *ctx;
	struct picture now;
	struct picture next;   /* in the making; of the ways of `now` */
	uint64_t next_us;      /* what it has taken so far */
	bool making, confirms; /* it; and stale neighbours are confirmed at its end */
	char (*link_names)[IFNAMSIZ];
	size_t n_link_names;
	bool neighbours_dirty; /* some neighbours, marked in the picture */
	bool deaf;             /* the kernel is not listened to, since that failed: soon again */
	bool all_dirty;
	struct nexthops_stats stats;
	struct path_mtu_rules rules;
	struct path_mtu_listener *listener; /* NULL: no path MTU is learned */
	struct path_mtus path_mtus;
	struct event *path_mtu_end; /* the next one's time is over */
};

/* Takes a new picture of these ways and vips, and puts it in the old one's place, at one go. 0, or as
 * nexthops_watch(). */
int update_all(struct nexthops *hops, const struct nexthop_key *ways, size_t n,
	       const struct ip_addr *vips, size_t vips_n, bool *changed);

/*
 * The same, where most of the ways and vips are in the picture already: the kernel is asked for the
 * others alone. What was announced and not asked for yet is so later, as it would be.
 */
int update_ways(struct nexthops *hops, const struct nexthop_key *ways, size_t n,
		const struct ip_addr *vips, size_t vips_n);

/* Asks for the neighbours marked dirty, and solicits those that `pick` names. */
int update_neighbours(struct nexthops *hops, enum neighbour_pick pick, bool *changed);

/* Begins a new picture of the ways that there are, in steps; nothing if there is one. */
void update_begin(struct nexthops *hops);
void update_on_step(evutil_socket_t fd, short what, void *ctx); /* of hops->step */

/* What was announced is asked for, a little later. */
void update_soon(struct nexthops *hops);

/* Tells the owner; the last thing that a handler does, because the owner may call us. */
void update_finish(struct nexthops *hops, int rc, bool changed);

#endif
