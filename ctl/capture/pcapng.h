/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), as Wireshark and tshark read them: one section
 * with two interfaces, "in" and "out", and times in nanoseconds. Each appends whole blocks to an
 * evbuffer. 0; -ENOMEM.
 */
#ifndef SLUICE_PCAPNG_H
#define SLUICE_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>

struct evbuffer;

enum {
	PCAPNG_IN,
	PCAPNG_OUT,
};

struct pcapng_packet {
	uint32_t interface; /* PCAPNG_IN, PCAPNG_OUT */
	uint64_t time_ns;   /* since the epoch */
	uint64_t id;        /* the same for both frames of a packet */
	uint32_t frame_bytes, bytes_n;
	const uint8_t *bytes;
	const char *comment;
};

/* The beginning: `program` wrote it, and copied snap_bytes of a frame at most. */
int pcapng_head(struct evbuffer *out, const char *program, const char *service,
		uint32_t snap_bytes);

int pcapng_packet(struct evbuffer *out, const struct pcapng_packet *packet);

/* The end: what came in and was written, and what could not be kept up with. */
int pcapng_tail(struct evbuffer *out, uint64_t time_ns, uint64_t written, uint64_t missed);

#endif
