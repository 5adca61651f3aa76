/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * The internet checksum (RFC 1071), over words as they lie in memory: it is the same sum in
 * either byte order (§2 B), so nothing is swapped. A running sum is a uint32_t of 16-bit words
 * not yet folded; it holds 65,536 of them.
 */
#ifndef SLUICE_CHECKSUM_H
#define SLUICE_CHECKSUM_H

#include "sluice/types.h"

/* Two folds do: the first leaves at most 0x1fffe. */
SLUICE_INLINE uint16_t checksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A 32-bit word's two halves. */
SLUICE_INLINE uint32_t checksum_word(uint32_t word)
{
	return (word & 0xffff) + (word >> 16);
}

/*
 * A sum of words of 16 or 32 bits, below 2^34. It is modulo 65,535 what the sum of their 16-bit
 * words is, and 0 only where that is, so it folds to the same: the first fold leaves at most
 * 2^32 + 2, the second 0x1fffe or 0x10002; after the third there is no carry.
 */
SLUICE_INLINE uint16_t checksum_fold64(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* What a checksum field gets. */
SLUICE_INLINE uint16_t checksum_finish(uint32_t sum)
{
	return (uint16_t)~checksum_fold(sum);
}

/* The field after one 16-bit word under it changed: RFC 1624 eq. 3. */
SLUICE_INLINE uint16_t checksum_update(uint16_t field, uint16_t before, uint16_t after)
{
	return checksum_finish((uint32_t)(uint16_t)~field + (uint16_t)~before + after);
}

#endif
