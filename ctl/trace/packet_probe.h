/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet that somebody asks about, made into a frame. Pure functions, any thread.
 */
#ifndef SLUICE_PACKET_PROBE_H
#define SLUICE_PACKET_PROBE_H

#include "ip.h"

enum {
	PACKET_PROBE_IP_BYTES_MAX = 65535,
	PACKET_PROBE_FRAME_MAX = 14 + PACKET_PROBE_IP_BYTES_MAX,
};

/* Of one family, both addresses. */
struct packet_probe {
	struct ip_addr src, dst;
	uint16_t src_port, dst_port; /* host order; an echo request has none */
	uint8_t proto;               /* PROTO_TCP, PROTO_UDP, or PROTO_ICMP: an echo request */
	bool opens;                  /* a TCP SYN, a QUIC Initial */
	bool may_fragment;           /* DF is clear; IPv6 knows no such packet */
	uint32_t ip_bytes;           /* of the IP packet; 0: as short as can be */
};

/* The shortest IP packet of this kind. */
uint32_t packet_probe_bytes_min(const struct packet_probe *probe);

/*
 * Writes the frame, untagged, with made-up MACs, TTL 64 and a payload of zeros. Checksums that
 * nothing of the fast path's decision hangs on are left at nonsense. Returns its length.
 * probe->ip_bytes is 0, or in packet_probe_bytes_min() to PACKET_PROBE_IP_BYTES_MAX.
 */
uint32_t packet_probe_frame(const struct packet_probe *probe,
			    uint8_t frame[PACKET_PROBE_FRAME_MAX]);

#endif
