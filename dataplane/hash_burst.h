/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_hash() of many IPv4 flows at once: the same function in as many lanes as the CPU has.
 * Called by the workers.
 */
#ifndef SLUICE_DATAPLANE_HASH_BURST_H
#define SLUICE_DATAPLANE_HASH_BURST_H

#include "sluice/flow.h"

enum {
	HASH_BURST_LANES = 8, /* arrays have room for `n` rounded up to these */
};

/*
 * hashes[i] = flow_hash() of the IPv4 flow with words addrs[i] and last[i] (struct flow), for i
 * below `n`; what `n` rounded up to HASH_BURST_LANES adds is read and written too.
 */
typedef void hash_burst_fn(const struct flow_key *key, const uint64_t *addrs, const uint64_t *last,
			   uint64_t *hashes, uint32_t n);

/* The best variant for this CPU. The same from the first call on. */
extern hash_burst_fn *hash_burst_v4;

/* All there are, best first, for tests and benchmarks. */
struct hash_burst_variant {
	const char *name;
	hash_burst_fn *hash;
	bool usable; /* on this CPU */
};

enum {
	HASH_BURST_VARIANTS_MAX = 3,
};

/* Returns how many. */
uint32_t hash_burst_variants(struct hash_burst_variant variants[HASH_BURST_VARIANTS_MAX]);

#endif
