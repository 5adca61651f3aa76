/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of next hops in words. Pure functions, any thread.
 */
#include "nexthop.h"

const char *const nexthop_state_words[] = {
#define X(id, word, text) [NEXTHOP_##id] = word,
	NEXTHOP_STATES(X)
#undef X
		NULL,
};

const char *nexthop_state_text(enum nexthop_state state)
{
	static const char *const texts[] = {
#define X(id, word, text) [NEXTHOP_##id] = text,
		NEXTHOP_STATES(X)
#undef X
	};

	return state < NEXTHOP_N_STATES ? texts[state] : "unknown";
}
