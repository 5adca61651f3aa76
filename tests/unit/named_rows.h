/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests in tables of named rows, also on random input: a failure names its row, and one seed
 * gives the same numbers everywhere. Included after cmocka.h.
 */
#ifndef SLUICE_TESTS_UNIT_NAMED_ROWS_H
#define SLUICE_TESTS_UNIT_NAMED_ROWS_H

#include <stdint.h>

#define ROWS(rows) (sizeof(rows) / sizeof((rows)[0]))

#define row_assert(row, condition)                                        \
	do {                                                              \
		if (!(condition))                                         \
			fail_msg("row '%s': not: %s", (row), #condition); \
	} while (0)

/* SplitMix64 (Steele et al., 2014). */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)(random_next(state) % limit);
}

#endif
