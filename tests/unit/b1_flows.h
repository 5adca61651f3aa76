/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service, web, with flows, of which b1 has some: for tests of what the publisher does with them.
 */
#ifndef SLUICE_TESTS_UNIT_B1_FLOWS_H
#define SLUICE_TESTS_UNIT_B1_FLOWS_H

#include "world_packets.h"

#define VIP "198.51.100.1"

enum { FLOWS = 400 };

static inline uint64_t flow(uint32_t i)
{
	return world_hash(world_service(VIP), i % world_service(VIP)->slots, i);
}

static inline void start_spec(struct fixture *f, struct service_conf *spec)
{
	world_apply(f, world_with(model_new(&f->settings), spec));
}

/* All flows open; those of b1 go on sending. Returns how many that are. */
static inline uint32_t b1_sends(bool opens)
{
	static uint8_t homes[FLOWS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < FLOWS; i++) {
		if (opens)
			homes[i] = world_send(VIP, flow(i), true);
		else if (homes[i] == 1)
			assert_int_equal(world_send(VIP, flow(i), false), 1);
		n += homes[i] == 1;
	}
	return n;
}

#endif
