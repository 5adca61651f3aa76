/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a backend's entry, as the fast path reads it, from what the operator asked for and from
 * the way that the kernel knows. Control thread.
 */
#ifndef SLUICE_ENTRY_H
#define SLUICE_ENTRY_H

#include "model.h"
#include "nexthop.h"

/*
 * `port`: index of the port of the next hop's interface, -1 if it is none. `row`: the backend's
 * counters. Unless the hop is resolved, leads out of a port and an outer source address is known,
 * BACKEND_RESOLVED is not set, and packets for the backend are dropped as no_next_hop.
 */
void entry_fill(struct backend *entry, const struct settings *settings, enum encap encap,
		const struct backend_conf *conf, const struct nexthop *hop, int32_t port,
		uint32_t row);

/* The way that packets to a backend at `addr` take, of which the kernel is to be asked. */
struct nexthop_key entry_key(const struct settings *settings, enum encap encap,
			     const struct ip_addr *addr);

/* Whether there is an outer source address towards a backend of that family. */
bool entry_has_source(const struct settings *settings, enum encap encap, uint8_t family,
		      const struct nexthop *hop);

#endif
