/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a backend takes up its weight. Control thread.
 */
#include "slow_start.h"

uint32_t slow_start_steps(uint32_t slow_start_s)
{
	if (slow_start_s == 0)
		return 1;
	return slow_start_s < SLOW_START_STEPS_MAX ? slow_start_s : SLOW_START_STEPS_MAX;
}

uint32_t slow_start_step(int64_t started_us, int64_t now_us, uint32_t slow_start_s)
{
	uint32_t steps = slow_start_steps(slow_start_s);
	int64_t done;

	if (started_us == 0 || slow_start_s == 0)
		return steps;
	done = (now_us - started_us) * steps / ((int64_t)slow_start_s * 1000000);
	return done >= steps - 1 ? steps : (uint32_t)done + 1;
}

uint32_t slow_start_weight(uint32_t weight, uint32_t step)
{
	return weight * step;
}
