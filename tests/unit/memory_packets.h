/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of sluice/memory.h: packets of every kind, as packet_parse() would have them.
 * Included after cmocka.h.
 */
#ifndef SLUICE_TESTS_UNIT_MEMORY_PACKETS_H
#define SLUICE_TESTS_UNIT_MEMORY_PACKETS_H

#include "named_rows.h"
#include "sluice/memory.h"

enum {
	NOW_S = 5000,
	SERVICE = 7,
	/* Indices of backends. */
	NEW = 1,   /* what a slot says now */
	OLD = 2,   /* what it said before */
	OTHER = 3, /* where some flow is, whatever the slot says */
};

enum kind {
	SYN,
	SYN_ACK, /* no client opens with it */
	ACK,
	FIN,
	RST,
	QUIC, /* an Initial */
	UDP,
	ICMP, /* an error about a TCP flow */
	KINDS,
};

static const char *const kind_names[KINDS] = {"syn", "syn-ack", "ack", "fin",
					      "rst", "quic",    "udp", "icmp error"};

static inline struct packet packet_of(enum kind kind)
{
	static const struct packet packets[KINDS] = {
		[SYN] = {.proto = PROTO_TCP, .tcp_flags = TCP_SYN, .flags = PACKET_OPENS},
		[SYN_ACK] = {.proto = PROTO_TCP, .tcp_flags = TCP_SYN | TCP_ACK},
		[ACK] = {.proto = PROTO_TCP, .tcp_flags = TCP_ACK},
		[FIN] = {.proto = PROTO_TCP, .tcp_flags = TCP_FIN | TCP_ACK},
		[RST] = {.proto = PROTO_TCP, .tcp_flags = TCP_RST},
		[QUIC] = {.proto = PROTO_UDP, .flags = PACKET_OPENS},
		[UDP] = {.proto = PROTO_UDP},
		[ICMP] = {.proto = PROTO_ICMP, .flags = PACKET_ICMP_ERROR},
	};

	return packets[kind];
}

static inline struct memory memory_of(enum memory_state state, uint16_t backend, uint32_t seen_s)
{
	return (struct memory){memory_pack(seen_s, state), backend, SERVICE};
}

#endif
