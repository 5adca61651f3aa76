/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the flows come from: each flow's number makes its client's address and port, and both make
 * the number again. So a packet that comes back says which flow it is of. Pure functions.
 */
#ifndef SLUICE_PKTGEN_CLIENT_H
#define SLUICE_PKTGEN_CLIENT_H

#include "address.h"

enum {
	CLIENT_PORT_MIN = 1024, /* ports below are the probes' */
	CLIENT_PORTS = 65536 - CLIENT_PORT_MIN,
	CLIENT_HOST_BITS_MAX = 24,
};

struct clients {
	struct address base; /* the prefix's first address */
	uint32_t hosts_log2;
};

/* At most 2^24 addresses are used of it. */
struct clients clients_of(const struct prefix *prefix);

/* How many flows there can be: numbers below this. */
uint64_t clients_flows_max(const struct clients *clients);

void clients_endpoint(const struct clients *clients, uint64_t flow, struct address *address,
		      uint16_t *port);

/* False: no flow has this address (4 or 16 bytes) and port. */
bool clients_flow(const struct clients *clients, const uint8_t *address, uint16_t port,
		  uint64_t *flow);

#endif
