/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend's drain: since when, until when at the latest, and whether it is done. Pure; control
 * thread. Times are of the monotonic clock, unless their name says `real`.
 */
#ifndef SLUICE_DRAIN_H
#define SLUICE_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"

enum {
	DRAIN_QUIET_S = 30,
};

struct drain {
	int64_t started_us; /* 0: none */
	int64_t started_real_us;
	uint32_t timeout_s; /* 0: none */
	int64_t deadline_us;
	uint64_t packets; /* that went to the backend, as last seen; UINT64_MAX: never looked */
	int64_t moved_us; /* when that was last seen to change */
	bool timed_out;   /* it is over, by the deadline, which cut flows_cut flows */
	bool told;        /* the log knows that it is done */
	uint64_t flows_cut;
};

struct drain drain_begin(uint32_t timeout_s, int64_t now_us, int64_t now_real_us);

/* Another timeout, from now on. */
void drain_set_timeout(struct drain *drain, uint32_t timeout_s, int64_t now_us);

/* Under way: begun, and not ended by its timeout. */
bool drain_is_running(const struct drain *drain);

/* So many packets went to the backend by now. */
void drain_sample(struct drain *drain, uint64_t packets, int64_t now_us);

/*
 * Whether nothing is left to wait for. A flow of which nothing is remembered, for it sent nothing
 * since the drain began, is waited for while the transition lasts, but no longer than until
 * DRAIN_QUIET_S passed without any packet.
 */
bool drain_is_done(const struct drain *drain, uint64_t flows_left, bool in_transition,
		   int64_t now_us);

/* Whether its time is up. */
bool drain_is_late(const struct drain *drain, int64_t now_us);

/* For api.h. */
struct daemon_drain drain_tell(const struct drain *drain, uint64_t flows_left, bool in_transition,
			       int64_t now_us);

#endif
