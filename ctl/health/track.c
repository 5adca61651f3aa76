/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From results to a state. Control thread.
 */
#include "track.h"

ENUM_DEFINE(health_state, HEALTH_STATES);

struct track track_new(bool out)
{
	return (struct track){.state = HEALTH_UNKNOWN, .out = out};
}

uint32_t track_downs(const struct track *track, const struct health_conf *conf, int64_t now_us)
{
	int64_t since_us = now_us - conf->flap_window_s * 1000000LL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < TRACK_DOWNS_MAX && i < track->downs_n; i++)
		n += track->downs_us[i] > since_us;
	return n;
}

static void note_down(struct track *track, const struct health_conf *conf, int64_t now_us)
{
	int64_t hold_us = conf->flap_hold_s * 1000000LL;

	if (track_downs(track, conf, now_us) == 0)
		track->holds = 0;
	track->downs_us[track->downs_n++ % TRACK_DOWNS_MAX] = now_us;
	if (conf->flap_count == 0 || track_downs(track, conf, now_us) < conf->flap_count)
		return;
	track->held_until_us = now_us + (hold_us << track->holds);
	if (track->holds < TRACK_HOLD_DOUBLES)
		track->holds++;
}

static bool become(struct track *track, enum health_state state)
{
	track->state = state;
	track->out = state == HEALTH_DOWN;
	track->streak = 0;
	return true;
}

bool track_result(struct track *track, const struct health_conf *conf,
		  const struct health_timing *timing, bool passed, int64_t now_us)
{
	bool against = track->state == HEALTH_DOWN ? passed : !passed;

	if (track->state == HEALTH_UNKNOWN && passed)
		return become(track, HEALTH_UP);
	if (!against) {
		track->streak = 0;
		return false;
	}
	if (track->streak < UINT16_MAX)
		track->streak++;
	if (passed) {
		if (track->streak < timing->rise || track_is_held(track, now_us))
			return false;
		track->held_until_us = 0;
		return become(track, HEALTH_UP);
	}
	if (track->streak < timing->fall)
		return false;
	if (track->state == HEALTH_UP)
		note_down(track, conf, now_us);
	return become(track, HEALTH_DOWN);
}

bool track_in_doubt(const struct track *track, const struct health_timing *timing)
{
	if (track->state == HEALTH_DOWN)
		return track->streak > 0 && track->streak < timing->rise;
	return track->state == HEALTH_UNKNOWN || track->streak > 0;
}

bool track_is_held(const struct track *track, int64_t now_us)
{
	return track->state == HEALTH_DOWN && now_us < track->held_until_us;
}
