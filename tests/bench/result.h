/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a benchmark found out: a line for people and scripts on standard output,
 *	bench name=… unit=… min=… median=… max=…
 * and the same as a JSON object in a line of its own, appended to the file that the environment
 * names in BENCH_JSON. Used by the benchmarks' main threads.
 */
#ifndef SLUICE_TESTS_BENCH_RESULT_H
#define SLUICE_TESTS_BENCH_RESULT_H

#include <stdint.h>

enum {
	RESULT_NAME_MAX = 64,
};

/* A further figure of the JSON object, of the medians. */
struct result_extra {
	const char *key; /* NULL: none */
	double value;
};

/* The middle one of `figures`, which are sorted by it. */
double result_median(double *figures, uint32_t n);

/* Sorts `figures` and tells of them. `extras` ends with a key NULL; NULL: none. */
void result_tell(const char *name, const char *unit, double *figures, uint32_t n,
		 const struct result_extra *extras);

#endif
