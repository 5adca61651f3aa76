/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of which only the first bytes can be reached, as a fast path has them whose frame lies in
 * several buffers. For test_reach.c and the fuzzer. One thread.
 */
#ifndef SLUICE_TESTS_PARITY_REACH_H
#define SLUICE_TESTS_PARITY_REACH_H

#include "frames.h"
#include "sluice/arena.h"
#include "sluice/verdict.h"

#include <stdbool.h>

/* What a frame can be called whose end is not there; no_service, where it is for nobody here. */
bool reach_verdict_short(enum verdict verdict);

/*
 * Decides about a frame, of which `reach` bytes can be reached, by the arena's generation, of which
 * no slot is changed, and rewrites it as the paths do. *written: whether the rewriting was done.
 */
enum verdict reach_steer(const struct arena *arena, const struct frame *frame, uint32_t reach,
			 bool *written);

#endif
