/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From results to a state: rise, fall, and the damping of what changes too often. Pure; control
 * thread. Times are of the monotonic clock.
 */
#ifndef SLUICE_HEALTH_TRACK_H
#define SLUICE_HEALTH_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "health_conf.h"

/* X(identifier, word); words.h */
#define HEALTH_STATES(X)                                            \
	X(HEALTH_NONE, "none")       /* there is no check */        \
	X(HEALTH_UNKNOWN, "unknown") /* no check has decided yet */ \
	X(HEALTH_UP, "up")                                          \
	X(HEALTH_DOWN, "down")

enum health_state { HEALTH_STATES(ENUM_ID) };

ENUM_DECLARE(health_state);

enum {
	TRACK_DOWNS_MAX = 16,   /* and of flap_count */
	TRACK_HOLD_DOUBLES = 5, /* so a backend is held down for at most 32 times flap_hold_s */
};

struct track {
	enum health_state state;
	bool out;        /* takes no flows */
	uint16_t streak; /* results in a row that speak against the state; unknown: failures */
	uint16_t holds;  /* in a row */
	uint32_t downs_n;
	int64_t downs_us[TRACK_DOWNS_MAX]; /* when it went down, a ring */
	int64_t held_until_us;             /* 0: not held down */
};

/* `out`: takes no flows until a result says otherwise, as before a restart. */
struct track track_new(bool out);

/*
 * A result. Unknown: the first that passes makes it up, `fall` failures make it down. Whether the
 * state changed.
 *
 * Flapping: going down for the flap_count-th time within flap_window_s, a backend is held down for
 * flap_hold_s, and for twice as long each time that it flaps again, until it has not gone down for
 * flap_window_s. Results count meanwhile, so it is up when the hold is over, if they say so.
 */
bool track_result(struct track *track, const struct health_conf *conf,
		  const struct health_timing *timing, bool passed, int64_t now_us);

/* Whether the next result may change the state, so that it is wanted soon. */
bool track_in_doubt(const struct track *track, const struct health_timing *timing);

/* Down for nothing but its flapping. */
bool track_is_held(const struct track *track, int64_t now_us);

/* How often it went down within the window. */
uint32_t track_downs(const struct track *track, const struct health_conf *conf, int64_t now_us);

#endif
