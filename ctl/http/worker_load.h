/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How busy each worker is, and whether it goes on: sampled once in a while. Made by http.c; control
 * thread.
 */
#ifndef SLUICE_WORKER_LOAD_H
#define SLUICE_WORKER_LOAD_H

#include "api.h"

struct event_base;
struct worker_load;

enum {
	WORKER_LOAD_EVERY_S = 5,
};

/* `api` outlives it. NULL: no memory. */
struct worker_load *worker_load_new(struct event_base *base, const struct daemon_api *api);
void worker_load_free(struct worker_load *load); /* NULL is allowed */

/* Of the looks at the ports, the share that brought packets; negative: not known yet, or there are
 * none to count (xdp). */
double worker_load_busy(const struct worker_load *load, uint32_t worker);

/* A worker that did nothing, not even look, between the latest two samples; -1: none. */
int worker_load_stuck(const struct worker_load *load);

/* Takes a sample now, as the timer does. */
void worker_load_sample(struct worker_load *load);

#endif
