/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of the wire, and the internet checksum (RFC 1071). The generator's own: it checks what
 * include/sluice writes, so it uses nothing of it. Pure functions, any thread.
 */
#ifndef SLUICE_PKTGEN_BYTES_H
#define SLUICE_PKTGEN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t bytes_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t bytes_get32(const uint8_t *at)
{
	return (uint32_t)bytes_get16(at) << 16 | bytes_get16(at + 2);
}

static inline uint64_t bytes_get48(const uint8_t *at)
{
	return (uint64_t)bytes_get16(at) << 32 | bytes_get32(at + 2);
}

static inline void bytes_put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void bytes_put32(uint8_t *at, uint32_t value)
{
	bytes_put16(at, value >> 16);
	bytes_put16(at + 2, value);
}

static inline void bytes_put48(uint8_t *at, uint64_t value)
{
	bytes_put16(at, (uint32_t)(value >> 32));
	bytes_put32(at + 2, (uint32_t)value);
}

/*
 * Adds `n` bytes to a sum of 16-bit words, as they lie in memory (RFC 1071 §2 B: their order
 * doesn't matter as long as it is always the same). 64 bits hold the words of 4 GiB.
 */
static inline uint64_t sum_add(uint64_t sum, const uint8_t *at, size_t n)
{
	for (; n >= 4; at += 4, n -= 4) {
		uint32_t word;

		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	if (n >= 2) {
		uint16_t word;

		memcpy(&word, at, sizeof(word));
		sum += word;
		at += 2;
		n -= 2;
	}
	return n > 0 ? sum + *at : sum; /* little-endian: an odd byte is the lower one */
}

/* Adds a value that the packet holds in network byte order. */
static inline uint64_t sum_add16(uint64_t sum, uint32_t value)
{
	return sum + (uint16_t)((value & 0xff) << 8 | (value >> 8 & 0xff));
}

static inline uint64_t sum_add32(uint64_t sum, uint32_t value)
{
	return sum + __builtin_bswap32(value);
}

/* 0xffff over what carries a valid checksum. */
static inline uint16_t sum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

/* As it is to be stored by memcpy(). */
static inline void sum_put(uint8_t *at, uint64_t sum)
{
	uint16_t value = (uint16_t)~sum_fold(sum);

	memcpy(at, &value, sizeof(value));
}

/* SplitMix64 (Steele et al., 2014): one seed gives the same numbers everywhere. */
static inline uint64_t random_mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline uint64_t random_draw(uint64_t *state)
{
	return random_mix(*state += 0x9e3779b97f4a7c15ULL);
}

/* Addresses of one family, of 4 or 16 bytes. */
static inline bool address_is(const uint8_t *a, const uint8_t *b, bool v6)
{
	uint64_t a8[2], b8[2];
	uint32_t a4, b4;

	if (v6) {
		memcpy(a8, a, sizeof(a8));
		memcpy(b8, b, sizeof(b8));
		return ((a8[0] ^ b8[0]) | (a8[1] ^ b8[1])) == 0;
	}
	memcpy(&a4, a, sizeof(a4));
	memcpy(&b4, b, sizeof(b4));
	return a4 == b4;
}

#endif
