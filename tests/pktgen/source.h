/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What traffic (made) and replay (from a file) have in common: a packet that goes, and how it is
 * known again when it comes back.
 */
#ifndef SLUICE_PKTGEN_SOURCE_H
#define SLUICE_PKTGEN_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

/* A packet to be sent. */
struct source_packet {
	uint32_t bytes;  /* of the frame */
	uint32_t place;  /* of its flow: what the ledger and the choice of a queue go by */
	uint32_t target; /* index of the service */
	bool expected;   /* to come back */
};

/* A packet that came back. */
struct source_match {
	uint64_t number;
	uint32_t place, life, target;
};

#endif
