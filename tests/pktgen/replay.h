/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets of a capture file, sent as they are. They carry no stamp: a packet that comes back
 * is known by the hash of all its bytes from the IP header on, which the balancer doesn't change.
 * Of packets that are the same byte for byte (in the file, or since it is sent in a loop), the one
 * sent first is taken to come back first, unless its flow has been past it.
 * Made before the run; then the generator's core alone.
 */
#ifndef SLUICE_PKTGEN_REPLAY_H
#define SLUICE_PKTGEN_REPLAY_H

#include "decode.h"
#include "pcap.h"
#include "source.h"

struct replay_packet {
	const uint8_t *frame;
	uint32_t bytes;
	uint32_t place; /* its flow */
	uint32_t group; /* packets that are the same */
	bool expected;  /* TCP or UDP, no fragment; all else isn't balanced */
};

struct replay_group {
	uint64_t oldest;   /* under way; UINT64_MAX: none */
	uint64_t newest;   /* under way, if oldest is */
	uint64_t returned; /* the latest one that has come back; UINT64_MAX: none yet */
	uint32_t place;
};

struct ledger;
struct replay_table; /* of hashes */

struct replay {
	struct pcap file;
	struct replay_packet *packets;
	uint32_t n, next, loops;
	uint32_t longest_bytes; /* of a frame */
	uint32_t places, groups_n;
	struct replay_group *groups;
	struct replay_table *by_bytes;
	uint64_t *later; /* of number n at n % window: the next one of its group */
};

/*
 * -errno of pcap_open(), -EINVAL and -EMSGSIZE of pcap_next(), with the packet's number (from 1)
 * in `packet`; -ENODATA: not one TCP or UDP packet; -EFBIG: a frame that fits no buffer; -ENOMEM.
 */
int replay_create(struct replay *r, const char *path, uint32_t *packet);
void replay_destroy(struct replay *r);

/* The next packet; after the last one the first. replay_write() must follow. */
struct source_packet replay_next(struct replay *r);

/* Writes it, as number `number` of the run (if it is expected back). */
void replay_write(struct replay *r, const struct source_packet *packet, uint64_t number,
		  uint8_t *out);

/*
 * Which packet is it? Those that were sent before `lost_tsc`, by the ledger, are not under way
 * any more. False: none that was sent.
 */
bool replay_match(struct replay *r, const struct decoded *d, const struct ledger *ledger,
		  uint64_t lost_tsc, struct source_match *match);

#endif
