/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from a client to a service: a template for each service, and what is each packet's own.
 * Templates are made before the run, frames by the generator's core.
 */
#ifndef SLUICE_PKTGEN_FRAME_H
#define SLUICE_PKTGEN_FRAME_H

#include "connection.h"
#include "headers.h"
#include "target.h"

enum {
	FRAME_MAX_BYTES = 9014,
	/* What each packet carries in the first bytes of its payload: its number in the run. With
	 * it TCP over IPv4 takes exactly 60 bytes, the smallest frame. */
	FRAME_STAMP_BYTES = 6,
};

/* What payloads are made of behind the stamp: the same bytes for every packet, none repeated, so
 * that a packet cut or moved by a byte has a wrong checksum. */
struct filler {
	uint8_t bytes[FRAME_MAX_BYTES];
	uint32_t sums[FRAME_MAX_BYTES / 2 + 1]; /* of the first 2 × i bytes */
};

struct frame_template {
	/* With more bytes than any header has: copied as a whole, which is quicker. */
	uint8_t header[80];
	/* Over what no packet changes: of the IPv4 header; of transport and pseudo header. */
	uint32_t ip_sum, l4_sum;
	uint8_t payload_offset;
	uint8_t proto;
	bool v6;
};

/* What is one packet's own. */
struct frame_fields {
	const struct address *client;
	uint16_t client_port;
	struct segment segment;
	uint64_t number; /* 48 bits */
};

void filler_fill(struct filler *filler, uint64_t seed);

void frame_template_make(struct frame_template *template, const struct target *target);

void frame_template_set_macs(struct frame_template *template, const uint8_t dst[6],
			     const uint8_t src[6]);

/* How long the frame will be, without check sequence, when `wanted_bytes` are: at least all
 * headers and the stamp. */
static inline uint32_t frame_bytes(const struct frame_template *template, uint32_t wanted_bytes)
{
	uint32_t least = template->payload_offset + (uint32_t)FRAME_STAMP_BYTES;

	return wanted_bytes > least ? wanted_bytes : least;
}

/* Writes a frame of `bytes`, which frame_bytes() gave. All checksums are right. */
void frame_write(const struct frame_template *template, const struct filler *filler,
		 const struct frame_fields *fields, uint32_t bytes, uint8_t *out);

#endif
