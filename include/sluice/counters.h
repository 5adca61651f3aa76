/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * What the fast path counts. Rows are written by one worker (a core) each, as plain integers,
 * and summed by who reads. Row 0 of the services holds packets of no service. A row's numbers
 * only grow: a reader that gives a row to another service remembers where it stood.
 */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include "sluice/verdict.h"

/* Packets of one service, by verdict. Padded to whole lines. */
struct service_counters {
	uint64_t packets[(VERDICT_COUNT + 7) / 8 * 8];
};

/* What was sent to one backend; bytes of the inner IP packets. */
struct backend_counters {
	uint64_t packets;
	uint64_t bytes;
};

/* Of flow tables (memory.h). Look-ups in a steady state: none. */
struct memory_counters {
	uint64_t lookups;
	uint64_t hits;
	uint64_t inserts;
	uint64_t evicted_half_open;   /* gave way to another flow */
	uint64_t evicted_established; /* gave way to another flow, for no half-open one was near */
	uint64_t expired;             /* were silent for too long */
	uint64_t forgotten;           /* the lookup table says the same by now */
	uint64_t untracked;           /* should be remembered, but had no room: the hash decides */
	uint64_t entries;             /* now */
	uint64_t capacity;
};

#endif
