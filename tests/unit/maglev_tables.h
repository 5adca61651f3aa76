/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of ctl/tables/maglev.[ch]: backends, and tables of them. Included after cmocka.h.
 */
#ifndef SLUICE_TESTS_UNIT_MAGLEV_TABLES_H
#define SLUICE_TESTS_UNIT_MAGLEV_TABLES_H

#include <stdlib.h>

#include "maglev.h"

enum {
	SLOTS = 65537,
};

static const struct flow_key seed = {.k = {0x0706050403020100, 0x0f0e0d0c0b0a0908}};

static inline void *allocate(size_t n, size_t bytes)
{
	void *memory = calloc(n, bytes);

	assert_non_null(memory);
	return memory;
}

/* 10.1.x.y, n of them, of one weight. */
static inline struct maglev_backend *backends_new(uint32_t n, uint32_t weight)
{
	struct maglev_backend *backends = allocate(n + 1, sizeof(*backends));

	for (uint32_t i = 0; i < n; i++) {
		struct ip_addr addr = {IP_V4, {10, 1, (uint8_t)(i >> 8), (uint8_t)i}};

		backends[i] = (struct maglev_backend){
			.identity = maglev_identity(&seed, &addr),
			.weight = weight,
			.index = (uint16_t)i,
		};
	}
	return backends;
}

static inline uint16_t *slots_new(uint32_t slots_n, const struct maglev_backend *backends,
				  uint32_t n)
{
	uint16_t *slots = allocate(slots_n, sizeof(*slots));

	assert_int_equal(maglev_build(slots, slots_n, backends, n), 0);
	return slots;
}

/* How many slots each index has; every slot has one of them. */
static inline uint32_t *slots_count(const uint16_t *slots, uint32_t slots_n, uint32_t n)
{
	uint32_t *counts = allocate(n, sizeof(*counts));

	for (uint32_t i = 0; i < slots_n; i++) {
		assert_true(slots[i] < n);
		counts[slots[i]]++;
	}
	return counts;
}

#endif
