/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow's packets in their order. Packet path of the generator.
 */
#include "connection.h"
#include "headers.h"

void connection_open(struct connection *c, uint32_t life, bool tcp, uint32_t isn)
{
	*c = (struct connection){
		.life = life,
		.seq = isn,
		.stage = tcp ? STAGE_SYN : STAGE_DATAGRAMS,
	};
}

/* Is it time for the FIN? After it comes one ACK. */
static bool finishes(const struct connection *c, uint32_t packets_max)
{
	return c->closing || (packets_max > 0 && c->packets + 2 >= packets_max);
}

struct segment connection_next(struct connection *c, uint32_t payload_bytes, uint32_t packets_max,
			       uint32_t server_isn)
{
	struct segment s = {.flags = TCP_ACK, .seq = c->seq, .ack = server_isn + 1};
	uint32_t seq_bytes = payload_bytes;

	switch ((enum connection_stage)c->stage) {
	case STAGE_SYN:
		s.flags = TCP_SYN;
		s.ack = 0;
		seq_bytes++; /* SYN and FIN count as a byte each */
		c->stage = STAGE_ACK;
		break;
	case STAGE_ACK:
		c->stage = STAGE_DATA;
		break;
	case STAGE_DATA:
		if (finishes(c, packets_max)) {
			s.flags = TCP_FIN | TCP_ACK;
			seq_bytes++;
			c->stage = STAGE_LAST_ACK;
		} else {
			s.flags = TCP_PSH | TCP_ACK;
		}
		break;
	case STAGE_LAST_ACK:
		s.ack++; /* the server's FIN */
		s.last = true;
		break;
	case STAGE_DATAGRAMS:
		s.flags = 0;
		s.seq = 0;
		s.ack = 0;
		s.last = c->closing || c->packets + 1 == packets_max;
		break;
	}
	c->seq += seq_bytes;
	c->packets += c->packets < UINT32_MAX;
	return s;
}
