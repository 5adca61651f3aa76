/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes back from the balancer, taken apart as a backend would, and nothing believed: every
 * length and checksum of the outer and inner headers is checked. Written from the RFCs, without
 * include/sluice. Pure functions; the packet path of the generator.
 *
 * IPIP: RFC 2003, RFC 2473, RFC 4213. GUE: draft-ietf-intarea-gue §3 (variant 0), §4 (variant 1).
 */
#ifndef SLUICE_PKTGEN_DECODE_H
#define SLUICE_PKTGEN_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(identifier, word for programs, text for people). What follows OTHER is a fault. */
#define DECODE_RESULTS(X)                                                                 \
	X(OK, "ok", "as it should be")                                                    \
	X(OTHER, "other", "not ours: ARP, ND, multicast")                                 \
	X(ICMP, "icmp", "ICMP message to a client (too big? unreachable?)")               \
	X(DST_MAC, "dst_mac", "Ethernet: not to this port's MAC")                         \
	X(OUTER_SHORT, "outer_short", "outer header: longer than the frame")              \
	X(OUTER_LENGTH, "outer_length", "outer IP: its length is not the packet's")       \
	X(OUTER_CHECKSUM, "outer_checksum", "outer IPv4 header: wrong checksum")          \
	X(OUTER_FRAGMENT, "outer_fragment", "outer IPv4: a fragment")                     \
	X(OUTER_TTL, "outer_ttl", "outer IP: time to live is 0")                          \
	X(NOT_ENCAPSULATED, "not_encapsulated", "came back without outer headers")        \
	X(UDP_PORT, "udp_port", "outer UDP: not to GUE's port")                           \
	X(UDP_LENGTH, "udp_length", "outer UDP: its length is not the packet's")          \
	X(UDP_CHECKSUM, "udp_checksum", "outer UDP: wrong checksum")                      \
	X(GUE_HEADER, "gue_header", "GUE: variant, flags or protocol")                    \
	X(INNER_VERSION, "inner_version", "inner IP: not the version that was announced") \
	X(INNER_LENGTH, "inner_length", "inner IP: its length is not the packet's")       \
	X(INNER_CHECKSUM, "inner_checksum", "inner IPv4 header: wrong checksum")          \
	X(INNER_L4, "inner_l4", "inner packet: neither whole TCP nor UDP")                \
	X(INNER_L4_CHECKSUM, "inner_l4_checksum", "inner TCP or UDP: wrong checksum")

enum decode_result {
#define X(id, word, text) DECODE_##id,
	DECODE_RESULTS(X)
#undef X
		DECODE_N_RESULTS,
};

/* X(identifier, word). By outer family, since the inner one shows in the services. */
#define DECODE_KINDS(X)            \
	X(PLAIN, "plain")          \
	X(IPIP_V4, "ipip_over_v4") \
	X(IPIP_V6, "ipip_over_v6") \
	X(GUE1_V4, "gue1_over_v4") \
	X(GUE1_V6, "gue1_over_v6") \
	X(GUE0_V4, "gue0_over_v4") \
	X(GUE0_V6, "gue0_over_v6")

enum decode_kind {
#define X(id, word) KIND_##id,
	DECODE_KINDS(X)
#undef X
		KIND_N,
};

struct decode_rules {
	uint8_t mac[6]; /* frames must come to it */
	uint16_t gue_port;
	bool plain; /* nothing is encapsulated: behind a switch or a loop */
};

/* Pointers lead into the frame. */
struct decoded {
	enum decode_kind kind;
	bool outer_v6;
	const uint8_t *outer_dst; /* 4 or 16 bytes; with plain packets the inner one */
	const uint8_t *inner;     /* the IP packet that went in */
	uint32_t inner_bytes;
};

/* The inner packet, without its IP options or extension headers: the generator sends none. */
struct inner {
	bool v6;
	uint8_t proto;
	uint16_t src_port, dst_port;
	const uint8_t *src, *dst; /* 4 or 16 bytes */
	const uint8_t *payload;
	uint32_t payload_bytes;
};

/* The outer headers of a frame of `n` bytes. `d` is whole with DECODE_OK only. */
enum decode_result decode_outer(const struct decode_rules *rules, const uint8_t *frame, size_t n,
				struct decoded *d);

/* The packet inside it, with its checksums. */
enum decode_result decode_inner(const struct decoded *d, struct inner *inner);

const char *decode_result_word(enum decode_result result);
const char *decode_result_text(enum decode_result result);
const char *decode_kind_word(enum decode_kind kind);

#endif
