/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways to backends that are followed, of each address with each outer source; and the vips of which is
 * followed whether they are the node's own. Control thread.
 */
#ifndef SLUICE_WATCHED_H
#define SLUICE_WATCHED_H

#include "model.h"
#include "nexthop.h"

/* Zeroed: none. */
struct watched {
	struct nexthop_key *ways; /* sorted, each once */
	uint32_t *uses;           /* how many backends have ways[i] */
	size_t n;
	struct ip_addr *vips; /* likewise; none unless settings.unserved is UNSERVED_AUTO */
	size_t vips_n;
	uint64_t version; /* grows with each other set */
	bool stale;       /* it may not be that of the model in force: a call failed */
};

/*
 * Has `hops` watch the backends of `model`. Looks only at services that differ from those of `was`,
 * which the last call was of (NULL: there is none), and asks the kernel only for ways and vips that
 * are new. 0, or as nexthops_watch(), with the old set in force.
 */
int watched_follow(struct watched *watched, struct nexthops *hops, const struct model *was,
		   const struct model *model);

void watched_free(struct watched *watched);

#endif
