/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows the drains of the backends in force (drain.h) and ends those whose time is up. Called by
 * transitions.c; control thread.
 */
#ifndef SLUICE_DRAINS_H
#define SLUICE_DRAINS_H

#include "running.h"

/* A drain's time is up: puts a model in force with the backend disabled. 0 or -errno. */
typedef int drains_disable_fn(void *ctx, const char *service, const char *backend);

/* Whether a backend of the service is draining. */
bool drains_any(const struct installed *installed);

/*
 * Looks at all of them: whether packets still go there, whether they are done (`census` NULL: flows
 * were not counted), whether they are late.
 */
void drains_tick(struct running *running, const struct census *census, drains_disable_fn *disable,
		 void *ctx);

#endif
