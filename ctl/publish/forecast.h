/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change would do to the flows that nothing is remembered of. Nobody counts those, so shares
 * are told: of all flows that such a service can have, each as likely as any other. Pure; control
 * thread.
 */
#ifndef SLUICE_FORECAST_H
#define SLUICE_FORECAST_H

#include "plan.h"

enum {
	/* Flows that are looked at where slots can't be compared one by one. */
	FORECAST_FLOWS = 1 << 16,
};

/*
 * 0 to 1: of the flows that have a backend now and aren't remembered, though they sent a packet
 * since the last change. Where all of them are remembered, 0.
 */
struct forecast {
	double without; /* come to another backend, or none, if older flows weren't looked after */
	double with;    /* the same, by the tables as they will be */
};

/*
 * `was` has the tables of today, `plan` those to be. now_at[i]: the index in `plan` of the backend
 * that has index i today, or SLOT_NONE: it won't live; `now_n` of them. `flows`: how many to look
 * at, at most; the result is right to about 1 in so many.
 */
struct forecast forecast_make(const struct former *was, const struct plan *plan,
			      const uint16_t *now_at, uint32_t now_n, uint32_t flows);

#endif
