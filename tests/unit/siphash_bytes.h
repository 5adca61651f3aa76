/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-1-3 again, byte by byte from the paper and sharing nothing with flow.h: the oracle of
 * the hash's tests and of tests/parity. Slow and plain.
 */
#ifndef SLUICE_TESTS_UNIT_SIPHASH_BYTES_H
#define SLUICE_TESTS_UNIT_SIPHASH_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* `n` bytes (up to 8), the first the least significant. */
static inline uint64_t siphash_bytes_load(const uint8_t *bytes, size_t n)
{
	uint64_t word = 0;

	for (size_t i = 0; i < n; i++)
		word += (uint64_t)bytes[i] << (8 * i);
	return word;
}

static inline uint64_t siphash_bytes_rotate(uint64_t x, int bits)
{
	for (int i = 0; i < bits; i++)
		x = (x << 1) | (x >> 63);
	return x;
}

/* Figure 2.1 of the paper, line by line. */
static inline void siphash_bytes_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = siphash_bytes_rotate(v[1], 13);
	v[3] = siphash_bytes_rotate(v[3], 16);
	v[1] ^= v[0];
	v[3] ^= v[2];
	v[0] = siphash_bytes_rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = siphash_bytes_rotate(v[1], 17);
	v[3] = siphash_bytes_rotate(v[3], 21);
	v[1] ^= v[2];
	v[3] ^= v[0];
	v[2] = siphash_bytes_rotate(v[2], 32);
}

/* Of any message; `key` as two little-endian words of the 16 bytes. */
static inline uint64_t siphash_bytes_hash(const uint64_t key[2], const uint8_t *message, size_t n)
{
	uint64_t v[4] = {
		key[0] ^ siphash_bytes_load((const uint8_t *)"uespemos", 8),
		key[1] ^ siphash_bytes_load((const uint8_t *)"modnarod", 8),
		key[0] ^ siphash_bytes_load((const uint8_t *)"arenegyl", 8),
		key[1] ^ siphash_bytes_load((const uint8_t *)"setybdet", 8),
	};

	for (size_t at = 0; at <= n; at += 8) {
		uint64_t word;

		if (n - at >= 8)
			word = siphash_bytes_load(message + at, 8);
		else
			word = siphash_bytes_load(message + at, n - at) | (uint64_t)(n & 0xff)
										  << 56;
		v[3] ^= word;
		siphash_bytes_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		siphash_bytes_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
