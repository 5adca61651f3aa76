/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The traffic that is made: flows from clients to services, packet by packet. The order depends
 * on the settings alone, so a seed gives the same packets every time. Made before the run; then
 * the generator's core alone.
 *
 * A flow has a place, 0 to flows - 1, and a life: how many flows had the place before. Its number
 * is place + life × flows; client and service follow from it.
 */
#ifndef SLUICE_PKTGEN_TRAFFIC_H
#define SLUICE_PKTGEN_TRAFFIC_H

#include "client.h"
#include "decode.h"
#include "frame.h"
#include "size.h"
#include "source.h"

struct traffic_settings {
	const struct targets *targets;
	struct clients clients4, clients6;
	struct sizes sizes;
	uint32_t flows;        /* at a time */
	uint32_t flow_packets; /* a flow; 0: until it is renewed */
	bool shuffled;         /* flows in random order; else each in its turn */
	uint64_t seed;
};

struct traffic {
	struct traffic_settings set;
	struct frame_template *templates; /* by target */
	struct filler filler;
	struct connection *connections; /* by place */
	uint64_t random;
	uint32_t next_place, next_renewal;
	uint32_t lives_max;    /* then client addresses begin anew */
	uint64_t flows_opened; /* those with a packet */
};

/* -ENOMEM; -ERANGE: more flows than the clients' prefixes have room for. */
int traffic_create(struct traffic *t, const struct traffic_settings *settings);
void traffic_destroy(struct traffic *t);

void traffic_set_macs(struct traffic *t, const uint8_t dst[6], const uint8_t src[6]);

/* The next packet: which flow, how long. traffic_write() must follow. */
struct source_packet traffic_next(struct traffic *t);

/* Writes it, as number `number` of the run. */
void traffic_write(struct traffic *t, const struct source_packet *packet, uint64_t number,
		   uint8_t *out);

/* The flow that has not been renewed for longest ends, and a new one takes its place. */
void traffic_renew(struct traffic *t);

/* Which packet is it? False: none of these flows has such an inner packet. */
bool traffic_match(const struct traffic *t, const struct inner *inner, struct source_match *match);

/*
 * A packet of the service's `flow`th probing flow, to see whether the balancer serves it: from a
 * port below all others'. Carries `number`. Returns its frame's bytes.
 */
uint32_t traffic_probe(const struct traffic *t, uint32_t target, uint32_t flow, uint64_t number,
		       uint8_t *out);

/* Is it a probe, and which number has it? */
bool traffic_is_probe(const struct inner *inner, uint64_t *number);

#endif
