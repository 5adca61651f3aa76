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

#endif
