/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prefetches. These two, and what does nothing but call them, must be inlined: gcc 12 takes a
 * function that only prefetches for one without effect, and drops calls of it. Called by the
 * workers.
 */
#ifndef SLUICE_DATAPLANE_PREFETCH_H
#define SLUICE_DATAPLANE_PREFETCH_H

#include "sluice/types.h"

SLUICE_INLINE void prefetch(const void *at)
{
	__builtin_prefetch(at, 0, 3);
}

SLUICE_INLINE void prefetch_write(const void *at)
{
	__builtin_prefetch(at, 1, 3);
}

#endif
