/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a histogram. Any thread, when its writer is done.
 */
#include "histogram.h"

/* The largest value of a bucket. */
static uint64_t bucket_top(uint32_t bucket)
{
	uint32_t shift;

	if (bucket < 2U << HISTOGRAM_BITS)
		return bucket;
	shift = (bucket >> HISTOGRAM_BITS) - 1;
	return ((uint64_t)(bucket - (shift << HISTOGRAM_BITS)) << shift) + (1ULL << shift) - 1;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	double exact = q * (double)h->n;
	uint64_t rank = (uint64_t)exact, seen = 0;

	if (h->n == 0)
		return 0;
	rank += (double)rank < exact; /* rounded up */
	if (rank == 0)
		return h->min;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= rank)
			return bucket_top(i) < h->max ? bucket_top(i) : h->max;
	}
	return h->max;
}
