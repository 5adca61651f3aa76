/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How late checks began: counts in steps of a quarter of a doubling. Any thread.
 */
#include "checker.h"

#include <math.h>

int64_t health_late_bound_us(uint32_t i)
{
	return i >= HEALTH_LATE_N - 1 ? INT64_MAX
				      : (int64_t)ceil(exp2((double)i / HEALTH_LATE_STEPS));
}

void health_totals_late(struct health_totals *totals, int64_t late_us)
{
	uint32_t at = 0;

	if (late_us > 1) {
		totals->late_us += (uint64_t)late_us;
		/* Of the doubling, then of the quarter. */
		at = (63 - (uint32_t)__builtin_clzll((uint64_t)late_us)) * HEALTH_LATE_STEPS;
		while (at < HEALTH_LATE_N - 1 && health_late_bound_us(at) < late_us)
			at++;
	}
	if (at > HEALTH_LATE_N - 1)
		at = HEALTH_LATE_N - 1;
	totals->late_n[at]++;
}

int64_t health_late_quantile_us(const struct health_totals *totals,
				const struct health_totals *before, double share)
{
	uint64_t n = 0, below = 0;

	for (uint32_t i = 0; i < HEALTH_LATE_N; i++)
		n += totals->late_n[i] - before->late_n[i];
	for (uint32_t i = 0; i < HEALTH_LATE_N; i++) {
		below += totals->late_n[i] - before->late_n[i];
		if (n > 0 && (double)below >= share * (double)n)
			return health_late_bound_us(i);
	}
	return 0;
}
