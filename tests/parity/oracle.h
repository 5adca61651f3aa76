/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to happen to a frame, worked out a second time from the RFCs and the fixture's table:
 * its verdict, where it goes, and each byte of it, with all checksums computed over all bytes.
 * Nothing of include/sluice but the names of verdicts and encapsulations. Slow and plain.
 */
#ifndef SLUICE_TESTS_PARITY_ORACLE_H
#define SLUICE_TESTS_PARITY_ORACLE_H

#include "fixture.h"
#include "frames.h"
#include "path.h"

/* What a frame says of itself. Offsets are from its first byte. */
struct view {
	bool v6;
	size_t addr_bytes;
	uint32_t l3, ip_bytes;
	uint32_t l4, l4_bytes;    /* behind all IP options and extension headers */
	uint32_t chain_bytes;     /* of IPv6 extension headers */
	const uint8_t *src, *dst; /* in the frame */
	uint8_t tos, proto;
	uint16_t id, offset; /* IPv4 */
	bool df, fragment;
	bool echo, error; /* an ICMP echo request; an ICMP error */
	bool sums;        /* its transport checksum covers all behind its IP header */
	/* The flow, seen from the client; of an ICMP error, what it quotes. */
	const uint8_t *flow_src, *flow_dst;
	uint16_t sport, dport;
	uint8_t flow_proto;
};

/*
 * Reads a frame. The verdicts are those of a frame to a vip: who else it is for makes a
 * difference that is not made here.
 */
enum verdict view_read(const struct frame *frame, struct view *view);

/* Fills *expected from the frame alone. */
void oracle_expect(const struct fixture *fixture, const struct frame *frame,
		   struct parity_result *expected);

/* The flow hash of a frame that has one. */
uint64_t oracle_hash(const struct fixture *fixture, const struct view *view);

/* The bytes of a frame that is forwarded, and of the answers. */
void oracle_encap(const struct fixture *fixture, const struct frame *frame, const struct view *view,
		  uint32_t service, uint32_t backend, uint64_t hash,
		  struct parity_result *expected);
void oracle_echo(const struct frame *frame, const struct view *view,
		 struct parity_result *expected);
void oracle_too_big(const struct fixture_backend *backend, const struct frame *frame,
		    const struct view *view, struct parity_result *expected);

void oracle_reject(const struct frame *frame, const struct view *view,
		   struct parity_result *expected);

/* Whether a frame is one that a refusal may answer. */
bool oracle_may_reject(const struct frame *frame, const struct view *view);

/* What becomes of a frame to a service with an `mss`: a SYN with another size in it, or as it was. */
void oracle_clamp(const struct frame *frame, const struct view *view, uint16_t mss,
		  struct frame *clamped);

/* Outer IP, UDP and GUE of a way to a backend. */
uint32_t oracle_outer_bytes(const struct fixture_backend *backend);

#endif
