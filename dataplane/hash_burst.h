/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_hash() of many flows at once: the same function in as many lanes as the CPU has. Called by
 * the workers.
 */
#ifndef SLUICE_DATAPLANE_HASH_BURST_H
#define SLUICE_DATAPLANE_HASH_BURST_H

#include "sluice/flow.h"

enum {
	HASH_BURST_MAX = 64,
	HASH_BURST_LANES = 8, /* arrays have room for `n` rounded up to these */
};

_Static_assert(HASH_BURST_MAX % HASH_BURST_LANES == 0, "whole vectors");

/* struct flow, word by word; of an IPv4 flow only addrs[0] and last are read. */
struct hash_burst_flows {
	uint64_t addrs[4][HASH_BURST_MAX];
	uint64_t last[HASH_BURST_MAX];
};

/*
 * hashes[i] = flow_hash() of flow i, for i below `n`, at most HASH_BURST_MAX. All are taken for
 * flows of one family, whatever they are; what `n` rounded up to HASH_BURST_LANES adds is read and
 * written too.
 */
typedef void hash_burst_fn(const struct flow_key *key, const struct hash_burst_flows *flows,
			   enum flow_bytes bytes, uint64_t *hashes, uint32_t n);

/* The best variant for this CPU. The same from the first call on. */
extern hash_burst_fn *hash_burst;

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
