/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a service's lookup table: Maglev (Eisenbud et al., NSDI 2016, §3.4), with weights. Called
 * by the control plane, off the packet path, and by tests and benches. Pure functions, any
 * thread.
 */
#ifndef SLUICE_TABLES_MAGLEV_H
#define SLUICE_TABLES_MAGLEV_H

#include <stdbool.h>
#include <stdint.h>

#include "ip.h"
#include "sluice/flow.h"

enum {
	MAGLEV_SLOTS_MIN = 7,
	MAGLEV_SLOTS_MAX = 4194301, /* 8 MiB of slots: 128 each for BACKENDS_PER_SERVICE_MAX */
	MAGLEV_SLOTS_PER_BACKEND = 100,
};

struct maglev_backend {
	uint64_t identity; /* maglev_identity(); no two of one call have the same */
	uint32_t weight;   /* 0: gets no slot */
	uint16_t index;    /* what stands in its slots, below SLOT_NONE */
};

/* A backend's order of preference: offset, offset + skip, offset + 2 * skip ... mod slots_n. */
struct maglev_permutation {
	uint32_t offset; /* 0 to slots_n - 1 */
	uint32_t skip;   /* 1 to slots_n - 1 */
	uint32_t weight;
	uint16_t index;
};

/*
 * Who a backend is to Maglev: its address, hashed with the cluster's seed. So the same addresses
 * take the same slots whatever they are called, and on every node of the cluster.
 */
uint64_t maglev_identity(const struct flow_key *seed, const struct ip_addr *addr);

/*
 * Fills slots[0 .. slots_n - 1] with indices. What comes out depends on the set of (identity,
 * weight) alone: not on the order of `backends`, nor on a common factor of the weights. Of
 * R rounds a backend has a turn in ceil(R * weight / greatest weight), so its share is that of
 * its weight to within one slot or so, and is never nothing (while there are fewer backends than
 * slots). Without any positive weight all slots are SLOT_NONE.
 *
 * Returns 0, or, with `slots` untouched,
 * -EINVAL: slots_n is not valid (below), or n is over BACKENDS_PER_SERVICE_MAX;
 * -ENOMEM: no memory for the scratch space (60 bytes a backend and 4 a slot).
 * Takes about 2 ms for 1,000 backends in 65,537 slots, and 0.3 s for the greatest table.
 */
int maglev_build(uint16_t *slots, uint32_t slots_n, const struct maglev_backend *backends,
		 uint32_t n);

/*
 * The paper's "populate": the same for given permutations, which take their turns of a round in
 * the order of the array. Returns 0, or -EINVAL and -ENOMEM as above (-EINVAL also for an offset
 * or a skip out of its range).
 */
int maglev_fill(uint16_t *slots, uint32_t slots_n, const struct maglev_permutation *permutations,
		uint32_t n);

/*
 * A size for a service of so many backends: the smallest of a short list of primes that gives
 * each MAGLEV_SLOTS_PER_BACKEND. More than BACKENDS_PER_SERVICE_MAX: MAGLEV_SLOTS_MAX.
 */
uint32_t maglev_slots_for(uint32_t backends_n);

/* A prime from MAGLEV_SLOTS_MIN to MAGLEV_SLOTS_MAX. */
bool maglev_slots_valid(uint32_t slots_n);

#endif
