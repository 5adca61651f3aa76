/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_hash() of many flows at once. The body is flow_hash() itself in a loop that the
 * compiler turns into vectors, compiled once for each width, so that a package built on one
 * machine runs on another, and makes the most of it. Called by the workers.
 */
#include "hash_burst.h"

/* `bytes` is a constant: so no lane branches on its length, which is written out for that. */
SLUICE_INLINE void hash_family(const struct flow_key *key,
			       const struct hash_burst_flows *restrict flows, enum flow_bytes bytes,
			       uint64_t *restrict hashes, uint32_t n)
{
	const struct flow_key k = *key;
	const uint64_t message = (1ULL << 56) - 1;

	/* Whole vectors only. */
	n = (n + HASH_BURST_LANES - 1) / HASH_BURST_LANES * HASH_BURST_LANES;
	for (uint32_t i = 0; i < n; i++) {
		struct flow f = {
			.addrs = {flows->addrs[0][i], flows->addrs[1][i], flows->addrs[2][i],
				  flows->addrs[3][i]},
			.last = (flows->last[i] & message) | (uint64_t)bytes << 56,
		};

		hashes[i] = flow_hash(&f, &k);
	}
}

SLUICE_INLINE void hash_all(const struct flow_key *key, const struct hash_burst_flows *flows,
			    enum flow_bytes bytes, uint64_t *hashes, uint32_t n)
{
	if (bytes == FLOW_BYTES_V4)
		hash_family(key, flows, FLOW_BYTES_V4, hashes, n);
	else
		hash_family(key, flows, FLOW_BYTES_V6, hashes, n);
}

static void hash_plain(const struct flow_key *key, const struct hash_burst_flows *flows,
		       enum flow_bytes bytes, uint64_t *hashes, uint32_t n)
{
	hash_all(key, flows, bytes, hashes, n);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void hash_avx2(const struct flow_key *key,
						      const struct hash_burst_flows *flows,
						      enum flow_bytes bytes, uint64_t *hashes,
						      uint32_t n)
{
	hash_all(key, flows, bytes, hashes, n);
}

/* AVX-512 can rotate. */
__attribute__((target("avx512f"))) static void hash_avx512(const struct flow_key *key,
							   const struct hash_burst_flows *flows,
							   enum flow_bytes bytes, uint64_t *hashes,
							   uint32_t n)
{
	hash_all(key, flows, bytes, hashes, n);
}
#endif

uint32_t hash_burst_variants(struct hash_burst_variant variants[HASH_BURST_VARIANTS_MAX])
{
	uint32_t n = 0;

#ifdef __x86_64__
	__builtin_cpu_init();
	variants[n++] = (struct hash_burst_variant){"avx512f", hash_avx512,
						    __builtin_cpu_supports("avx512f") != 0};
	variants[n++] =
		(struct hash_burst_variant){"avx2", hash_avx2, __builtin_cpu_supports("avx2") != 0};
#endif
	variants[n++] = (struct hash_burst_variant){"plain", hash_plain, true};
	return n;
}

hash_burst_fn *hash_burst = hash_plain;

__attribute__((constructor)) static void hash_burst_choose(void)
{
	struct hash_burst_variant variants[HASH_BURST_VARIANTS_MAX];
	uint32_t n = hash_burst_variants(variants);

	for (uint32_t i = 0; i < n; i++) {
		if (variants[i].usable) {
			hash_burst = variants[i].hash;
			return;
		}
	}
}
