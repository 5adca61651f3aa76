/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * The words that everything a packet touches is written in. Freestanding: gcc, clang and
 * clang -target bpf compile each header of this folder alone.
 */
#ifndef SLUICE_TYPES_H
#define SLUICE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Integers that hold network byte order. */
typedef uint16_t be16;
typedef uint32_t be32;

/* Checksums and the flow hash read words as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian machines only");

#define SLUICE_INLINE static inline __attribute__((always_inline))

/*
 * A header as it lies in a packet: at any address, and reached through pointers to other types.
 * The BPF compiler splits accesses to packed fields into bytes, although the verifier takes
 * unaligned words wherever the CPU does; since every header below is naturally aligned within
 * itself, leaving `packed` away there changes no offset (the sizes are asserted).
 */
#ifdef __bpf__
#define SLUICE_WIRE __attribute__((may_alias))
#else
#define SLUICE_WIRE __attribute__((packed, may_alias))
#endif

SLUICE_INLINE be16 be16_from(uint16_t host)
{
	return __builtin_bswap16(host);
}

SLUICE_INLINE uint16_t be16_to(be16 wire)
{
	return __builtin_bswap16(wire);
}

SLUICE_INLINE be32 be32_from(uint32_t host)
{
	return __builtin_bswap32(host);
}

SLUICE_INLINE uint32_t be32_to(be32 wire)
{
	return __builtin_bswap32(wire);
}

#endif
