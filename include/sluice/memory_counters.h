/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * The names and meanings of struct memory_counters, once for control socket, command line and
 * docs/counters.md: X(member, meaning), in the order of the struct. A test holds the page to it.
 */
#ifndef SLUICE_MEMORY_COUNTERS_H
#define SLUICE_MEMORY_COUNTERS_H

#include "sluice/counters.h"

#define SLUICE_MEMORY_COUNTERS(X)                                                         \
	X(lookups, "packets that looked for their flow; in a steady state none does")     \
	X(hits, "look-ups that found it")                                                 \
	X(inserts, "flows newly remembered")                                              \
	X(evicted_half_open, "half-open flows that gave way to another")                  \
	X(evicted_established,                                                            \
	  "established flows that gave way to another: no half-open was near")            \
	X(expired, "flows that were silent for longer than their idle time")              \
	X(forgotten, "flows that the lookup table alone sends to their backend by now")   \
	X(untracked,                                                                      \
	  "packets whose flow should be remembered, but found no room: the hash decided") \
	X(entries, "flows remembered now")                                                \
	X(capacity, "flows that there is room for")

#define X(member, meaning) +1
_Static_assert(sizeof(struct memory_counters) == (0 SLUICE_MEMORY_COUNTERS(X)) * sizeof(uint64_t),
	       "each counter is listed");
#undef X

#endif
