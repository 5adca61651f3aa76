/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of one backend: when it runs next, and what its results make of the backend's state.
 * Used by checker.c; one thread.
 */
#ifndef SLUICE_HEALTH_CHECK_H
#define SLUICE_HEALTH_CHECK_H

#include "checker.h"
#include "turns.h"

struct check;

/* What the checks share; outlives them. */
struct check_world {
	struct probe_env env;
	const struct checker_ops *ops;
	uint64_t random;  /* state */
	int64_t begin_us; /* when the next new check has its first run */
	struct health_totals totals;
	struct turns turns;
	bool unarmed; /* a check has no timer: check_rearm() each */
};

/* Of service->backends[i], as `was` (NULL: nothing) left it. Runs soon. NULL: no memory. */
struct check *check_new(struct check_world *world, const struct service_conf *service, uint32_t i,
			const struct check *was);
void check_free(struct check *check); /* NULL is allowed */

/* Whether it does what that backend's check, whose address is the same, would do. */
bool check_does(const struct check *check, const struct service_conf *service, uint32_t i);

/* The same backend in a later version of the service, which takes the place of the earlier. */
void check_move(struct check *check, const struct service_conf *service, uint32_t i);

/* Sets the timer that could not be set. */
void check_rearm(struct check *check);

void check_read(const struct check *check, struct health_report *out);

#endif
