/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of many flows at once: every variant that this CPU can run gives what flow_hash()
 * gives, for every number of flows in a burst.
 */
#include "hash_burst.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	ROUNDS = 200,
};

static void flows_fill(struct hash_burst_flows *flows, enum flow_bytes bytes, uint64_t *seed)
{
	for (int i = 0; i < HASH_BURST_MAX; i++) {
		uint64_t bits = random_next(seed);

		/* Of an IPv4 flow the other words are not to be read. */
		for (int word = 0; word < 4; word++)
			flows->addrs[word][i] = random_next(seed);
		flows->last[i] =
			flow_last((be16)bits, (be16)(bits >> 16), (uint8_t)(bits >> 32), bytes);
	}
}

static void variant_check(const struct hash_burst_variant *variant, const struct flow_key *key,
			  const struct hash_burst_flows *flows, enum flow_bytes bytes, uint32_t n)
{
	uint64_t hashes[HASH_BURST_MAX + 1];
	uint32_t whole = (n + HASH_BURST_LANES - 1) / HASH_BURST_LANES * HASH_BURST_LANES;

	memset(hashes, 0x5a, sizeof(hashes));
	variant->hash(key, flows, bytes, hashes, n);
	for (uint32_t i = 0; i < n; i++) {
		struct flow f = {
			.addrs = {flows->addrs[0][i], flows->addrs[1][i], flows->addrs[2][i],
				  flows->addrs[3][i]},
			.last = flows->last[i],
		};

		if (hashes[i] != flow_hash(&f, key))
			fail_msg("%s: %d bytes: flow %u of %u", variant->name, bytes, i, n);
	}
	if (hashes[whole] != 0x5a5a5a5a5a5a5a5aULL)
		fail_msg("%s: %u flows write beyond %u", variant->name, n, whole);
}

static void variant_check_all(const struct hash_burst_variant *variant, enum flow_bytes bytes,
			      uint64_t *seed)
{
	struct hash_burst_flows flows;

	for (int round = 0; round < ROUNDS; round++) {
		struct flow_key key = {{random_next(seed), random_next(seed)}};

		flows_fill(&flows, bytes, seed);
		variant_check(variant, &key, &flows, bytes, 1 + random_below(seed, HASH_BURST_MAX));
	}
	for (uint32_t n = 0; n <= HASH_BURST_MAX; n++) {
		struct flow_key key = {{n, ~0ULL}};

		flows_fill(&flows, bytes, seed);
		variant_check(variant, &key, &flows, bytes, n);
	}
}

static void test_variants_agree(void **state)
{
	struct hash_burst_variant variants[HASH_BURST_VARIANTS_MAX];
	uint32_t variants_n = hash_burst_variants(variants);
	uint64_t seed = 20261;

	(void)state;
	assert_in_range(variants_n, 1, HASH_BURST_VARIANTS_MAX);
	assert_string_equal(variants[variants_n - 1].name, "plain");
	assert_true(variants[variants_n - 1].usable);
	for (uint32_t v = 0; v < variants_n; v++) {
		if (!variants[v].usable) {
			print_message("# %s: not on this CPU\n", variants[v].name);
			continue;
		}
		variant_check_all(&variants[v], FLOW_BYTES_V4, &seed);
		variant_check_all(&variants[v], FLOW_BYTES_V6, &seed);
	}
}

/* What the workers call is the first one that is usable. */
static void test_best_is_chosen(void **state)
{
	struct hash_burst_variant variants[HASH_BURST_VARIANTS_MAX];
	uint32_t n = hash_burst_variants(variants), best = 0;

	(void)state;
	while (best < n && !variants[best].usable)
		best++;
	assert_true(best < n);
	assert_ptr_equal(hash_burst, variants[best].hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variants_agree),
		cmocka_unit_test(test_best_is_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
