/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame sizes and how often each is sent. In bytes with the frame check sequence (RFC 2544 §9):
 * 64 is the smallest. Any thread; immutable after parsing.
 */
#ifndef SLUICE_PKTGEN_SIZE_H
#define SLUICE_PKTGEN_SIZE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SIZES_MAX = 16,
	SIZE_MIN_BYTES = 64,
	SIZE_MAX_BYTES = 9018,
};

struct sizes {
	uint32_t n;
	uint16_t frame_bytes[SIZES_MAX];
	uint32_t until[SIZES_MAX]; /* shares of this one and those before it */
};

/* "64", "64:7,594:4,1518:1" (size and share), or "imix", which is just that. False: neither. */
bool sizes_parse(struct sizes *sizes, const char *text);

/* One of them, by its share; `random` is 32 random bits. */
static inline uint32_t sizes_pick(const struct sizes *sizes, uint32_t random)
{
	uint32_t at, i = 0;

	if (sizes->n == 1)
		return sizes->frame_bytes[0];
	at = (uint32_t)((uint64_t)random * sizes->until[sizes->n - 1] >> 32);
	while (at >= sizes->until[i])
		i++;
	return sizes->frame_bytes[i];
}

static inline uint32_t sizes_largest(const struct sizes *sizes)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < sizes->n; i++)
		if (sizes->frame_bytes[i] > most)
			most = sizes->frame_bytes[i];
	return most;
}

#endif
