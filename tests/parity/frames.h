/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the frames of the parity table from one-line descriptions. Plain byte writers, and an
 * internet checksum over all bytes: nothing of include/sluice, which is under test. Used by the
 * rows, the oracle and the mutations; pure functions.
 */
#ifndef SLUICE_TESTS_PARITY_FRAMES_H
#define SLUICE_TESTS_PARITY_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_MAX = 3072, /* what fits one buffer of every path */

	IP_ICMP = 1,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_ICMP6 = 58,

	TCP_PLAIN = 0x18, /* PSH, ACK */
	V4_DF = 0x4000,
	V4_MF = 0x2000,

	CLIENT_PORT = 40000,
};

#define CLIENT4 "192.0.2.77"
#define CLIENT6 "2001:db8:c::77"

/* A field that lies: it gets the value after all checksums but the IPv4 header's are made. */
enum poke_field {
	POKE_NONE,
	POKE_ETHER_TYPE,
	POKE_IP_FIRST, /* version and IHL, or version and 4 bits of class: 8 bits */
	POKE_IP_BYTES, /* total length, or payload length */
	POKE_IP_PROTO, /* protocol, or next header: 8 bits */
	POKE_IP_CHECKSUM,
	POKE_CHAIN_FIRST_BYTES, /* length of the first IPv6 extension header: 8 bits */
	POKE_CHAIN_FRAGMENT,    /* of the first extension header: offset, reserved bits, more */
	POKE_TCP_OFFSET,        /* data offset, in the upper 4 bits: 8 bits */
	POKE_UDP_BYTES,
	POKE_L4_CHECKSUM,
	POKE_QUOTE_FIRST, /* version and IHL of the quoted packet */
	POKE_QUOTE_PROTO, /* of a quoted IPv4 packet */
};

struct poke {
	enum poke_field field;
	uint16_t value;
};

/* The receiver's MAC. */
enum frame_to {
	TO_OWN,       /* FRAME_MAC_OWN */
	TO_VIRTUAL,   /* FRAME_MAC_VIRTUAL */
	TO_OTHER,     /* another host's, which differs in its last bit */
	TO_OTHER_TOO, /* in its first byte */
	TO_BROADCAST,
	TO_MULTICAST,
};

#define FRAME_MAC_OWN                  \
	{                              \
		0x02, 0, 0, 0, 0, 0x0b \
	}
#define FRAME_MAC_VIRTUAL              \
	{                              \
		0, 0, 0x5e, 0, 1, 0x0a \
	} /* RFC 9568 §7.3 */

/* What is 0 or NULL has the value in brackets. */
struct frame_spec {
	enum frame_to to;    /* [TO_OWN] */
	uint8_t tags;        /* VLAN tags, up to 3 */
	uint16_t tag_type;   /* of the first [0x8100]; further ones are 0x8100 */
	uint16_t ether_type; /* [that of the addresses' family] */
	const char *src;     /* [the client's] */
	const char *dst;     /* NULL: no IP header; the payload follows Ethernet */
	uint8_t ttl;         /* [57] */
	uint8_t tos;         /* DSCP and ECN */
	uint16_t id;
	uint32_t id6;          /* of IPv6 fragment headers */
	uint16_t fragment;     /* IPv4: flags and offset */
	uint8_t options_bytes; /* IPv4: up to 40 */
	const char *chain;     /* IPv6 extension headers, a letter each: frames.c */
	uint8_t proto;
	uint16_t sport; /* [CLIENT_PORT] */
	uint16_t dport;
	uint8_t flags;                  /* TCP's [TCP_PLAIN] */
	uint8_t tcp_options_bytes;      /* up to 40 */
	const char *tcp_options;        /* what they begin with, in hex; [no operation] */
	bool no_sum;                    /* UDP's checksum is 0 */
	uint8_t type, code;             /* ICMP */
	uint32_t rest;                  /* ICMP: the second word */
	const struct frame_spec *quote; /* ICMP: the packet that an error quotes */
	uint16_t quote_bytes;           /* of it; [all] */
	uint16_t payload_bytes;
	const char *payload; /* what it begins with, in hex; [counts on] */
	uint16_t pad_to;     /* frame bytes: Ethernet padding */
	uint16_t cut;        /* frame bytes that are left; [all] */
	struct poke poke[2];
};

struct frame {
	uint32_t n;
	uint8_t bytes[FRAME_MAX];
};

/* Aborts where the description makes no frame (options too long, no address, FRAME_MAX). */
void frame_build(const struct frame_spec *spec, struct frame *frame);

/* 4 or 16 bytes; returns which. Aborts if `text` is no address. */
size_t frame_address(const char *text, uint8_t bytes[16]);

void frame_put16(uint8_t *at, uint16_t value);
void frame_put32(uint8_t *at, uint32_t value);
uint16_t frame_get16(const uint8_t *at);

/*
 * The internet checksum's sum over `n` bytes, on top of `sum`, folded: 0xffff over what carries
 * a valid checksum. An odd last byte counts as the upper one of its word.
 */
uint16_t frame_sum(uint16_t sum, const uint8_t *bytes, size_t n);

/* The same over a pseudo header: RFC 9293 §3.1, RFC 8200 §8.1. */
uint16_t frame_pseudo_sum(const uint8_t *src, const uint8_t *dst, size_t addr_bytes, uint8_t proto,
			  uint32_t l4_bytes);

#endif
