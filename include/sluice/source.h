/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * Source addresses that are no host's. What comes from one to a vip is neither forwarded nor answered:
 *
 *  - IPv4 (RFC 1122 §3.2.1.3): 0.0.0.0/8, 127.0.0.0/8, multicast 224.0.0.0/4, and 240.0.0.0/4, which
 *    is reserved (RFC 1112 §4) and has the broadcast address 255.255.255.255;
 *  - IPv6 (RFC 4291 §2.5.2, 2.5.3, 2.5.5, 2.7): multicast ff00::/8, and ::/64, in which :: and ::1 are,
 *    IPv4-mapped addresses (::ffff:0:0/96: never a source on a link, RFC 6890 §2.2.3) and the deprecated
 *    IPv4-compatible ones. 64:ff9b::/96 (RFC 6052), which NAT64 has, is outside of it;
 *  - the destination itself, of either family: nobody else has it (RFC 2827 calls it spoofed).
 *
 * Link-local sources (169.254.0.0/16, fe80::/10) are those of hosts on the link, health checks of some
 * clouds among them, and are not in this list.
 */
#ifndef SLUICE_SOURCE_H
#define SLUICE_SOURCE_H

#include "sluice/types.h"

/*
 * Whether a packet with these addresses comes from no host. Each term borrows from bit 63 where it is
 * so: one comparison for all, where a branch for each would be a way of its own to the BPF verifier.
 */
SLUICE_INLINE bool source_is_bad_v4(be32 src, be32 dst)
{
	const uint64_t first = src & 0xff, difference = src ^ dst;

	/* 224 to 255 and 0, as a range of a byte; 127; the same. */
	return (int64_t)((((first + 32) & 0xff) - 33) | ((first ^ 127) - 1) | (difference - 1)) < 0;
}

/*
 * The same; two words each, as they lie in the packet. The first comparison lets through what begins
 * with neither 0 nor 255, and has another lower half than the destination.
 */
SLUICE_INLINE bool source_is_bad_v6(const uint64_t src[2], const uint64_t dst[2])
{
	const uint64_t first = src[0] & 0xff, difference = src[1] ^ dst[1];

	if ((int64_t)((((first + 1) & 0xff) - 2) | ((difference - 1) & ~difference)) >= 0)
		return false;
	return src[0] == 0 || first == 0xff || (difference == 0 && src[0] == dst[0]);
}

#endif
