/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time makes of the services in force: transitions end and settle, freed indices can be used
 * again, slow starts take their steps, least-conn services get their loads, drains come to their
 * timeouts. Each result is an ordinary generation. Looks once a second, and only while something is
 * under way. Control thread.
 */
#ifndef SLUICE_TRANSITIONS_H
#define SLUICE_TRANSITIONS_H

#include "drains.h"

struct event_base;
struct transitions;

/*
 * Before each look: brings the changes that wait into force, so that none is made of less. False:
 * that takes a while, and what is in force is to stay as it is until then.
 */
typedef bool transitions_begin_fn(void *ctx);

/* After something else than loads was published. */
typedef void transitions_went_on_fn(void *ctx);

/* `running` outlives it; `disable` as drains_tick() has it. NULL: no memory. */
struct transitions *transitions_new(struct event_base *base, struct running *running,
				    transitions_begin_fn *begin, drains_disable_fn *disable,
				    transitions_went_on_fn *went_on, void *ctx);
void transitions_free(struct transitions *transitions); /* NULL is allowed */

/* After each change of what is in force: goes on looking. */
void transitions_kick(struct transitions *transitions);

/* Looks now, as the timer does. Returns whether there is anything left to look for. */
bool transitions_tick(struct transitions *transitions);

#endif
