/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.h.
 */
#include "result.h"

#include <stdio.h>
#include <stdlib.h>

static int figure_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double result_median(double *figures, uint32_t n)
{
	qsort(figures, n, sizeof(*figures), figure_compare);
	return n % 2 ? figures[n / 2] : (figures[n / 2 - 1] + figures[n / 2]) / 2;
}

static void json_append(const char *name, const char *unit, const double *figures, double median,
			uint32_t n, const struct result_extra *extras)
{
	const char *path = getenv("BENCH_JSON");
	FILE *file;

	if (!path)
		return;
	file = fopen(path, "a");
	if (!file) {
		perror(path);
		exit(1);
	}
	fprintf(file,
		"{\"name\": \"%s\", \"unit\": \"%s\", \"min\": %.3f, \"median\": %.3f, "
		"\"max\": %.3f, \"rounds\": %u",
		name, unit, figures[0], median, figures[n - 1], n);
	for (; extras && extras->key; extras++)
		fprintf(file, ", \"%s\": %.3f", extras->key, extras->value);
	fprintf(file, "}\n");
	fclose(file);
}

void result_tell(const char *name, const char *unit, double *figures, uint32_t n,
		 const struct result_extra *extras)
{
	double median = result_median(figures, n);

	printf("bench name=%s unit=%s min=%.2f median=%.2f max=%.2f\n", name, unit, figures[0],
	       median, figures[n - 1]);
	fflush(stdout);
	json_append(name, unit, figures, median, n, extras);
}
