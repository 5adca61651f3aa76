/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of api.h in words: one for each, wherever it is told. Any thread.
 */
#include "api.h"

const char *daemon_drain_word(enum daemon_drain_state state)
{
	static const char *const words[] = {
		[DRAIN_NONE] = "none",
		[DRAIN_RUNNING] = "running",
		[DRAIN_DONE] = "done",
		[DRAIN_TIMED_OUT] = "timed_out",
	};

	return words[state];
}

const char *daemon_transition_word(enum daemon_transition_state state)
{
	static const char *const words[] = {
		[TRANSITION_NONE] = "none",
		[TRANSITION_ACTIVE] = "active",
		[TRANSITION_SETTLING] = "settling",
	};

	return words[state];
}
