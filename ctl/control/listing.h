/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results that are lists, a row at a time, so that a list of 100,000 rows holds up nothing; and a
 * walk through the services, which may change between two rows. Used by methods_*.c, on the control
 * thread.
 */
#ifndef SLUICE_CONTROL_LISTING_H
#define SLUICE_CONTROL_LISTING_H

#include "api.h"
#include "rpc.h"

enum { LISTING_NONE_YET = 2 };

struct listing_list {
	const char *name; /* of the result's member; NULL ends a table */
	bool text;        /* the rows are strings, and the member is all of them as one */
	/* The next row, as a new reference (NULL: no memory). Returns 1; 0: there is none;
	 * LISTING_NONE_YET: ask again, when others have had their turn; -errno: the call is refused. */
	int (*next)(void *ctx, json_t **row);
	/* Instead of rows, behind a list at least: the member, as a new reference (NULL: no memory). */
	json_t *(*value)(void *ctx);
};

/*
 * The result of a call: `members`, then the lists. Takes `members` over (NULL: no memory), and `ctx`,
 * which `end` frees. Returns what the handler returns.
 */
json_t *listing_answer(struct rpc_call *call, json_t *members, const struct listing_list *lists,
		       void *ctx, void (*end)(void *ctx));

/* The services that there were when it began. Zeroed at first. */
struct service_walk {
	const struct daemon_api *api;
	struct service_conf **services; /* references */
	uint32_t n, next;
};

/* Through one, or (`only` NULL) `limit` of all from number `from` on. False: no memory. */
bool service_walk_begin(struct service_walk *walk, const struct daemon_api *api,
			const struct service_conf *only, uint32_t from, uint32_t limit);

/* The next one, as it is now; one that is gone is left out. NULL: there is none. */
const struct service_conf *service_walk_next(struct service_walk *walk);

void service_walk_end(struct service_walk *walk);

#endif
