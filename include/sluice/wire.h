/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * Headers as they lie in a packet. Every multi-byte field is in network byte order.
 */
#ifndef SLUICE_WIRE_H
#define SLUICE_WIRE_H

#include "sluice/types.h"

enum ether_type {
	ETHER_IPV4 = 0x0800,
	ETHER_VLAN = 0x8100, /* IEEE 802.1Q */
	ETHER_IPV6 = 0x86dd,
	ETHER_QINQ = 0x88a8, /* IEEE 802.1ad */
};

enum ip_proto {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_DEST_OPTS = 60,
};

struct SLUICE_WIRE ether_header {
	uint8_t dst[6];
	uint8_t src[6];
	be16 type;
};

struct SLUICE_WIRE vlan_tag {
	be16 tci;  /* priority (3 bits), drop eligible (1), id (12) */
	be16 type; /* of what follows */
};

/* RFC 791 §3.1 */
struct SLUICE_WIRE ipv4_header {
	uint8_t version_ihl;
	uint8_t tos; /* DSCP (6 bits), ECN (2): RFC 2474, RFC 3168 */
	be16 total_bytes;
	be16 id;
	be16 fragment; /* flags (3 bits), offset in 8 bytes (13) */
	uint8_t ttl;
	uint8_t proto;
	uint16_t checksum;
	be32 src;
	be32 dst;
};

/* Of ipv4_header.fragment, in host byte order. */
enum ipv4_fragment {
	IPV4_DF = 0x4000,
	IPV6_MTU_MIN_BYTES = 1280, /* every link carries it: RFC 8200 §5 */
	IPV4_MF = 0x2000,
	IPV4_OFFSET = 0x1fff,
};

/* RFC 8200 §3. Addresses as two words each, as the flow hash reads them. */
struct SLUICE_WIRE ipv6_header {
	be32 version_class_label;
	be16 payload_bytes;
	uint8_t next;
	uint8_t hop_limit;
	uint64_t src[2];
	uint64_t dst[2];
};

/* RFC 8200 §4.5 */
struct SLUICE_WIRE ipv6_fragment {
	uint8_t next;
	uint8_t reserved;
	be16 offset_more; /* offset in 8 bytes (13 bits), reserved (2), more (1) */
	be32 id;
};

/* RFC 9293 §3.1 */
struct SLUICE_WIRE tcp_header {
	be16 src_port;
	be16 dst_port;
	be32 seq;
	be32 ack;
	uint8_t data_offset; /* in 4 bytes, upper 4 bits */
	uint8_t flags;
	be16 window;
	uint16_t checksum;
	be16 urgent;
};

enum tcp_flags {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
};

/* RFC 768 */
struct SLUICE_WIRE udp_header {
	be16 src_port;
	be16 dst_port;
	be16 length_bytes;
	uint16_t checksum;
};

/* RFC 792, RFC 4443: the first eight bytes of any message. */
struct SLUICE_WIRE icmp_header {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	be32 rest;
};

enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_PORT_CODE = 3, /* codes of ICMP_UNREACHABLE */
	ICMP_FRAG_NEEDED_CODE = 4,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_PORT_CODE = 4, /* code of ICMPV6_UNREACHABLE */
	ICMPV6_TOO_BIG = 2,
	ICMPV6_ERROR_LAST = 127, /* RFC 4443 §2.1: 1 to 127 are errors */
	ICMPV6_ECHO = 128,
	ICMPV6_ECHO_REPLY = 129,
};

/* GUE, variant 0 without optional fields: draft-ietf-intarea-gue-09 §3.1 */
struct SLUICE_WIRE gue_header {
	uint8_t variant_hlen; /* variant (2 bits) 0, control (1) 0, header length in 4 bytes (5) 0 */
	uint8_t proto;
	be16 flags;
};

/* A word of a packet, at any address: fields that lie side by side, written at once. */
struct SLUICE_WIRE wire_word16 {
	uint16_t value;
};

struct SLUICE_WIRE wire_word32 {
	uint32_t value;
};

struct SLUICE_WIRE wire_word64 {
	uint64_t value;
};

SLUICE_INLINE uint32_t wire_load32(const void *at)
{
	return ((const struct wire_word32 *)at)->value;
}

SLUICE_INLINE uint64_t wire_load64(const void *at)
{
	return ((const struct wire_word64 *)at)->value;
}

/* Of a frame of 8 bytes at least: the destination MAC, as mac.h keeps it. */
SLUICE_INLINE uint64_t mac_word(const void *frame)
{
	return wire_load64(frame) << 16;
}

SLUICE_INLINE void wire_store16(void *at, uint16_t value)
{
	((struct wire_word16 *)at)->value = value;
}

SLUICE_INLINE void wire_store32(void *at, uint32_t value)
{
	((struct wire_word32 *)at)->value = value;
}

SLUICE_INLINE void wire_store64(void *at, uint64_t value)
{
	((struct wire_word64 *)at)->value = value;
}

_Static_assert(sizeof(struct ether_header) == 14, "ethernet");
_Static_assert(sizeof(struct vlan_tag) == 4, "vlan");
_Static_assert(sizeof(struct ipv4_header) == 20, "ipv4");
_Static_assert(sizeof(struct ipv6_header) == 40, "ipv6");
_Static_assert(sizeof(struct ipv6_fragment) == 8, "ipv6 fragment");
_Static_assert(sizeof(struct tcp_header) == 20, "tcp");
_Static_assert(sizeof(struct udp_header) == 8, "udp");
_Static_assert(sizeof(struct icmp_header) == 8, "icmp");
_Static_assert(sizeof(struct gue_header) == 4, "gue");

#endif
