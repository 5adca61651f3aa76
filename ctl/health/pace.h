/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many checks may begin: so many a second, however many are due at once; and how many of them may
 * be fast ones, of backends in doubt, so that a network that fails for all doesn't multiply the load. And
 * for how long the process stood still, in which time no backend failed. Pure; times are of the monotonic clock.
 */
#ifndef SLUICE_HEALTH_PACE_H
#define SLUICE_HEALTH_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PACE_FAST_SHARE = 4, /* one in so many may be a fast one */
	PACE_BEAT_MS = 20,   /* how often pace_beat() is called */
};

struct pace {
	uint32_t rate;                 /* checks a second, at least 1 */
	int64_t next_ns, fast_next_ns; /* when the next fits in, if none before it does */
	int64_t beat_us;               /* the latest; 0: none was */
	int64_t stood_us;              /* all together */
};

/* Whether a check may begin now, which counts it. Else *wait_us: not before that is over. */
bool pace_take(struct pace *pace, int64_t now_us, int64_t *wait_us);

/* Whether the next check of a backend in doubt may come after its fast interval, which counts it. */
bool pace_take_fast(struct pace *pace, int64_t now_us);

/* Each PACE_BEAT_MS; what it comes later is a time for which the process stood still. */
void pace_beat(struct pace *pace, int64_t now_us);

/* For how long it stood still since pace_beat() was called first, the time since the latest included. */
int64_t pace_stood_us(const struct pace *pace, int64_t now_us);

#endif
