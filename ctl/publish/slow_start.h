/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a backend that comes, or comes back, takes up its weight: in equal steps, each of which is an
 * ordinary generation. Pure functions; control thread.
 */
#ifndef SLUICE_SLOW_START_H
#define SLUICE_SLOW_START_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SLOW_START_STEPS_MAX = 20,
};

/* Of a service: as many steps as fit at a second each, 1 (no ramp) to SLOW_START_STEPS_MAX. */
uint32_t slow_start_steps(uint32_t slow_start_s);

/*
 * The step that a ramp is in: 1, right at its start, to slow_start_steps(), the full weight. Each
 * takes slow_start_s / steps. `started_us` 0: none was begun.
 */
uint32_t slow_start_step(int64_t started_us, int64_t now_us, uint32_t slow_start_s);

/*
 * A weight in step `step` of `steps`, in steps-ths, so that nothing is lost in rounding: weights of
 * one service are compared with each other only.
 */
uint32_t slow_start_weight(uint32_t weight, uint32_t step);

#endif
