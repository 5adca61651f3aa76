/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow numbers to clients' addresses and ports, and back. Flows that follow one another come from
 * hosts that do; when all hosts have one flow, each gets a second. Packet path of the generator.
 */
#include "client.h"
#include "bytes.h"

#include <string.h>

enum {
	/* Ports of neighbouring hosts differ, as those of real ones do. A prime. */
	PORT_STEP = 7919,
};

struct clients clients_of(const struct prefix *prefix)
{
	unsigned int bits = (prefix->address.v6 ? 128U : 32U) - prefix->bits;

	if (bits > CLIENT_HOST_BITS_MAX)
		bits = CLIENT_HOST_BITS_MAX;
	return (struct clients){.base = prefix->address, .hosts_log2 = bits};
}

uint64_t clients_flows_max(const struct clients *clients)
{
	return (uint64_t)CLIENT_PORTS << clients->hosts_log2;
}

void clients_endpoint(const struct clients *clients, uint64_t flow, struct address *address,
		      uint16_t *port)
{
	uint32_t host = (uint32_t)flow & ((1U << clients->hosts_log2) - 1);
	uint64_t round = flow >> clients->hosts_log2;

	*address = clients->base;
	address_add(address, host);
	*port = (uint16_t)(CLIENT_PORT_MIN + (round + (uint64_t)host * PORT_STEP) % CLIENT_PORTS);
}

bool clients_flow(const struct clients *clients, const uint8_t *address, uint16_t port,
		  uint64_t *flow)
{
	unsigned int head = clients->base.v6 ? 12 : 0;
	uint32_t host = bytes_get32(address + head) - bytes_get32(clients->base.bytes + head);
	uint32_t offset, round;

	if (host >> clients->hosts_log2 != 0 || port < CLIENT_PORT_MIN ||
	    (head > 0 && memcmp(address, clients->base.bytes, 12) != 0))
		return false;
	offset = (uint32_t)((uint64_t)host * PORT_STEP % CLIENT_PORTS);
	round = (port - (uint32_t)CLIENT_PORT_MIN + CLIENT_PORTS - offset) % CLIENT_PORTS;
	*flow = (uint64_t)round << clients->hosts_log2 | host;
	return true;
}
