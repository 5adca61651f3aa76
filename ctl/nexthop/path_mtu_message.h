/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a router says of an outer packet that was too long for it: ICMP "fragmentation needed"
 * (RFC 792, RFC 1191 §4) and ICMPv6 "packet too big" (RFC 4443 §3.2). Read by
 * path_mtu_listener.c and by a fuzz target; pure functions, any thread.
 */
#ifndef SLUICE_NEXTHOP_PATH_MTU_MESSAGE_H
#define SLUICE_NEXTHOP_PATH_MTU_MESSAGE_H

#include "ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct path_mtu_message {
	struct ip_addr source; /* of the outer packet that it quotes: one of ours, if it is true */
	struct ip_addr destination; /* of the same: the backend */
	uint32_t packet_bytes;      /* length of the same, by its own header */

	/* Of the link that it didn't fit. Never 0: a router older than RFC 1191 gives none, and
	 * its message is read as the next lower of the plateaus of RFC 1191 §7.1. */
	uint32_t mtu_bytes;
};

/* Reads an IP packet of `bytes` bytes, from its IP header on. The outer packet is IPIP (protocol
 * 4 or 41) or UDP to `gue_port` (host order); of what follows its IP header 8 bytes suffice, which
 * is all that RFC 792 promises. Returns false, and writes nothing, unless it is such a message:
 * whole, with a right checksum where all of it is there, no fragment, without extension headers. */
bool path_mtu_message_read(const uint8_t *packet, size_t bytes, uint16_t gue_port,
			   struct path_mtu_message *out);

#endif
