/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether packets can be sent to a backend. One that has had no next hop for longer than its
 * service's unresolved_s counts as down, as if a check had said so, until it has one: what becomes
 * of its flows, and of a service all of whose backends are down, is decided alike. Used by the
 * publisher; control thread.
 */
#ifndef SLUICE_REACH_H
#define SLUICE_REACH_H

#include "running.h"

struct event_base;
struct reach;

/* `due`: other backends count as down than did, so that a generation is to be made. */
struct reach *reach_new(struct event_base *base, struct running *running, void (*due)(void *ctx),
			void *ctx);
void reach_free(struct reach *reach); /* NULL is allowed */

/* Looks at the ways to all backends in force, and comes back when time makes a difference. */
void reach_look(struct reach *reach);

/*
 * The same for the services that were made since the last look. After a change of the model these are
 * the only ones whose answer can differ: the kernel's news ask for reach_look().
 */
void reach_look_new(struct reach *reach);

/* How many backends were looked at since the start. */
uint64_t reach_asked(const struct reach *reach);

#endif
