/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow from its first packet to its last, the client's side: TCP is SYN, ACK, data, FIN, ACK
 * (RFC 9293 §3.5, §3.6), with sequence numbers that go on; UDP is datagrams. The server is
 * imagined, since it answers past the balancer. Pure functions.
 *
 * Every packet carries a stamp as payload, the SYN too (which RFC 9293 §3.4 allows), and sequence
 * numbers count it.
 */
#ifndef SLUICE_PKTGEN_CONNECTION_H
#define SLUICE_PKTGEN_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CONNECTION_TCP_PACKETS_MIN = 4, /* SYN, ACK, FIN, ACK */
};

enum connection_stage {
	STAGE_SYN,
	STAGE_ACK,
	STAGE_DATA,
	STAGE_LAST_ACK,
	STAGE_DATAGRAMS,
};

struct connection {
	uint32_t life;    /* how many flows have had this place before */
	uint32_t seq;     /* of the next byte; TCP */
	uint32_t packets; /* sent; no more than fit */
	uint8_t stage;
	bool closing;    /* it ends as soon as it can */
	uint16_t target; /* its service: the caller's to set */
};

/* What is to be put into a packet. */
struct segment {
	uint8_t flags; /* TCP's */
	uint32_t seq, ack;
	bool last; /* of its flow */
};

/* Begins flow number `life` of this place. `isn`: its first sequence number. */
void connection_open(struct connection *c, uint32_t life, bool tcp, uint32_t isn);

/*
 * The next packet, of so many payload bytes. `packets_max`: how many the flow is to have, 0 for
 * as many as it is let.
 */
struct segment connection_next(struct connection *c, uint32_t payload_bytes, uint32_t packets_max,
			       uint32_t server_isn);

#endif
