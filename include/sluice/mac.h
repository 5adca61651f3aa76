/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * The Ethernet addresses that a port takes frames to: its own, and those of the configuration (virtual
 * ones, as of VRRP). A frame to any other, or to broadcast or multicast, is the kernel's, which knows
 * what such a frame may be used for: RFC 1812 §5.3.4, RFC 1122 §3.3.6.
 *
 * An address is kept as the upper six bytes of a word, as a load of a frame's first eight bytes leaves
 * them after a shift (wire.h's mac_word()): so a look is a load, a shift and a comparison.
 */
#ifndef SLUICE_MAC_H
#define SLUICE_MAC_H

#include "sluice/types.h"

enum {
	MACS_MAX = 9, /* of a port: its own, and eight more */
	/* The word of no address. */
	MAC_NONE = 1,
};

/* The other thread of a path may store a word at any time; `n` only rises, behind its word. */
struct macs {
	uint64_t words[MACS_MAX]; /* the port's own first */
	uint32_t n;
};

SLUICE_INLINE uint64_t mac_word_from(const uint8_t mac[6])
{
	uint64_t word = 0;

	for (int i = 0; i < 6; i++)
		word |= (uint64_t)mac[i] << (16 + 8 * i);
	return word;
}

/* Whether the port takes frames to that address. */
SLUICE_INLINE bool macs_have(const struct macs *macs, uint64_t word)
{
	for (uint32_t i = 0; i < macs->n && i < MACS_MAX; i++)
		if (macs->words[i] == word)
			return true;
	return false;
}

#endif
