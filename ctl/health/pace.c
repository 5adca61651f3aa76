/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many checks may begin: the generic cell rate algorithm (ITU-T I.371, annex A), twice. One thread.
 */
#include "pace.h"

enum {
	/* So much of a second's checks may begin at once: more would be late by the turns of the loop. */
	BURST_US = 50000,
	/* Fast ones come in waves, since backends go down together. */
	FAST_BURST_US = 1000000,
	BEAT_SLACK_US = 10000, /* a beat is so late on a host that does other things, too */
};

static bool take(int64_t *next_ns, int64_t now_us, int64_t step_ns, int64_t burst_us,
		 int64_t *wait_us)
{
	int64_t now_ns = now_us * 1000, ahead_ns;

	if (*next_ns < now_ns)
		*next_ns = now_ns;
	ahead_ns = *next_ns - now_ns - burst_us * 1000;
	if (ahead_ns > 0) {
		*wait_us = ahead_ns / 1000 + 1;
		return false;
	}
	*next_ns += step_ns;
	return true;
}

bool pace_take(struct pace *pace, int64_t now_us, int64_t *wait_us)
{
	return take(&pace->next_ns, now_us, 1000000000 / pace->rate, BURST_US, wait_us);
}

bool pace_take_fast(struct pace *pace, int64_t now_us)
{
	int64_t wait_us;

	return take(&pace->fast_next_ns, now_us, PACE_FAST_SHARE * (1000000000LL / pace->rate),
		    FAST_BURST_US, &wait_us);
}

static int64_t late_us(const struct pace *pace, int64_t now_us)
{
	int64_t late = now_us - pace->beat_us - PACE_BEAT_MS * 1000;

	return pace->beat_us != 0 && late > BEAT_SLACK_US ? late : 0;
}

void pace_beat(struct pace *pace, int64_t now_us)
{
	pace->stood_us += late_us(pace, now_us);
	pace->beat_us = now_us;
}

int64_t pace_stood_us(const struct pace *pace, int64_t now_us)
{
	return pace->stood_us + late_us(pace, now_us);
}
