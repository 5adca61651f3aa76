/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often which value came: 128 buckets for each power of two, so a value that is read back is
 * at most 1/128 too large, whatever its size (the idea of HdrHistogram). One thread writes.
 */
#ifndef SLUICE_PKTGEN_HISTOGRAM_H
#define SLUICE_PKTGEN_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_BITS = 7,
	HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS,
};

struct histogram {
	uint64_t n, min, max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Values below 256 have a bucket each; then 128 for each further bit. */
static inline uint32_t histogram_bucket(uint64_t value)
{
	uint32_t shift;

	if (value < 2U << HISTOGRAM_BITS)
		return (uint32_t)value;
	shift = 63U - HISTOGRAM_BITS - (uint32_t)__builtin_clzll(value);
	return (shift << HISTOGRAM_BITS) + (uint32_t)(value >> shift);
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	h->min = h->n == 0 || value < h->min ? value : h->min;
	h->max = value > h->max ? value : h->max;
	h->n++;
	h->buckets[histogram_bucket(value)]++;
}

/*
 * The smallest value that at least the part `q` (0 to 1) of all values does not exceed: exact
 * for values below 256, else at most 1/128 too large, and never above the maximum. 0 if empty.
 */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
