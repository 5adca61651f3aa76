/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time it is. Any thread.
 */
#ifndef SLUICE_CLOCK_H
#define SLUICE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds of a clock: CLOCK_REALTIME since the epoch, CLOCK_MONOTONIC since some time. */
static inline int64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* To measure how long something takes. */
static inline int64_t clock_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

#endif
