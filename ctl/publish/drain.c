/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend's drain. Control thread.
 */
#include "drain.h"

struct drain drain_begin(uint32_t timeout_s, int64_t now_us, int64_t now_real_us)
{
	struct drain drain = {
		.started_us = now_us,
		.started_real_us = now_real_us,
		.packets = UINT64_MAX,
		.moved_us = now_us,
	};

	drain_set_timeout(&drain, timeout_s, now_us);
	return drain;
}

void drain_set_timeout(struct drain *drain, uint32_t timeout_s, int64_t now_us)
{
	drain->timeout_s = timeout_s;
	drain->deadline_us = timeout_s == 0 ? 0 : now_us + (int64_t)timeout_s * 1000000;
}

bool drain_is_running(const struct drain *drain)
{
	return drain->started_us != 0 && !drain->timed_out;
}

void drain_sample(struct drain *drain, uint64_t packets, int64_t now_us)
{
	if (drain->packets != UINT64_MAX && drain->packets != packets)
		drain->moved_us = now_us;
	drain->packets = packets;
}

static int64_t quiet_us(const struct drain *drain, int64_t now_us)
{
	return now_us - drain->moved_us;
}

bool drain_is_done(const struct drain *drain, uint64_t flows_left, bool in_transition,
		   int64_t now_us)
{
	if (flows_left > 0)
		return false;
	return !in_transition || quiet_us(drain, now_us) >= DRAIN_QUIET_S * 1000000LL;
}

bool drain_is_late(const struct drain *drain, int64_t now_us)
{
	return drain_is_running(drain) && drain->deadline_us != 0 && now_us >= drain->deadline_us;
}

struct daemon_drain drain_tell(const struct drain *drain, uint64_t flows_left, bool in_transition,
			       int64_t now_us)
{
	struct daemon_drain out = {.state = DRAIN_NONE};

	if (drain->started_us == 0)
		return out;
	out.started_us = drain->started_real_us;
	if (drain->deadline_us != 0)
		out.deadline_us = drain->started_real_us + (drain->deadline_us - drain->started_us);
	out.quiet_s = (uint32_t)(quiet_us(drain, now_us) / 1000000);
	out.flows_cut = drain->flows_cut;
	if (drain->timed_out)
		out.state = DRAIN_TIMED_OUT;
	else
		out.state = drain_is_done(drain, flows_left, in_transition, now_us) ? DRAIN_DONE
										    : DRAIN_RUNNING;
	return out;
}
