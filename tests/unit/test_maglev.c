/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/tables/maglev.[ch] against the paper (Maglev, NSDI 2016, §3.4): its example, a plain
 * transcription of its pseudo-code as the oracle, and what a table may depend on. Tables of named
 * rows; a failure names its row.
 */
#include "maglev.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "maglev_tables.h"
#include "named_rows.h"
#include "sluice/generation.h"

static void test_paper(void **state)
{
	/* Permutations 3 0 4 1 5 2 6, 0 2 4 6 1 3 5 and 3 4 5 6 0 1 2. */
	static const struct {
		const char *name;
		uint32_t weights[3];
		uint16_t slots[7];
	} rows[] = {
		{"before B1 goes", {1, 1, 1}, {1, 0, 1, 0, 2, 2, 0}},
		{"after B1 went", {1, 0, 1}, {0, 0, 0, 0, 2, 2, 2}},
		{"of weight 7 each", {7, 7, 7}, {1, 0, 1, 0, 2, 2, 0}},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const uint32_t *w = rows[i].weights;
		const struct maglev_permutation permutations[] = {
			{.offset = 3, .skip = 4, .weight = w[0], .index = 0},
			{.offset = 0, .skip = 2, .weight = w[1], .index = 1},
			{.offset = 3, .skip = 1, .weight = w[2], .index = 2},
		};
		uint16_t slots[7];

		row_assert(rows[i].name, maglev_fill(slots, 7, permutations, 3) == 0);
		row_assert(rows[i].name, memcmp(slots, rows[i].slots, sizeof(slots)) == 0);
	}
}

/*
 * Pseudo-code 1 of the paper, with whole permutations. With weights, a backend takes part in those
 * rounds r for which some whole k has floor(k * greatest / weight) = r, and goes before those
 * whose last turn was later than its own.
 */
static void oracle_fill(uint16_t *slots, uint32_t m, const struct maglev_permutation *p, uint32_t n)
{
	uint32_t *permutation = allocate((size_t)n * m, sizeof(*permutation));
	uint32_t *next = allocate(n, sizeof(*next));
	uint64_t *turns = allocate(n, sizeof(*turns));
	uint32_t *last = allocate(n, sizeof(*last));
	uint32_t weight_max = 0, filled = 0;

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < m; j++)
			permutation[i * m + j] =
				(uint32_t)((p[i].offset + (uint64_t)j * p[i].skip) % m);
		last[i] = i; /* before round 0: in the order of the array */
		weight_max = p[i].weight > weight_max ? p[i].weight : weight_max;
	}
	for (uint32_t j = 0; j < m; j++)
		slots[j] = SLOT_NONE;
	for (uint32_t clock = n, round = 0; weight_max > 0; round++) {
		for (;;) {
			uint32_t i = n, c;

			for (uint32_t k = 0; k < n; k++)
				if (p[k].weight > 0 &&
				    turns[k] * weight_max / p[k].weight == round &&
				    (i == n || last[k] < last[i]))
					i = k;
			if (i == n)
				break;
			c = permutation[i * m + next[i]];
			while (slots[c] != SLOT_NONE) {
				next[i]++;
				c = permutation[i * m + next[i]];
			}
			slots[c] = p[i].index;
			next[i]++;
			turns[i]++;
			last[i] = clock++;
			if (++filled == m)
				goto full;
		}
	}
full:
	free(permutation);
	free(next);
	free(turns);
	free(last);
}

static void test_oracle(void **state)
{
	static const struct {
		const char *name;
		uint32_t slots_n, n, weight_max;
	} rows[] = {
		{"smallest table", 7, 3, 1},
		{"smallest table, more backends than slots", 7, 20, 1},
		{"smallest table, weights", 7, 4, 5},
		{"equal", 251, 17, 1},
		{"weights to 2", 251, 17, 2},
		{"weights to 10", 509, 30, 10},
		{"weights to 65535", 1021, 10, 65535},
		{"weights to 2^32 - 1", 251, 5, UINT32_MAX},
		{"one backend", 251, 1, 100},
	};
	uint64_t random = 2;

	for (size_t i = 0; i < ROWS(rows); i++) {
		for (int round = 0; round < 20; round++) {
			uint32_t m = rows[i].slots_n, n = rows[i].n;
			struct maglev_permutation p[32];
			uint16_t slots[1021], expected[1021];

			for (uint32_t k = 0; k < n; k++)
				p[k] = (struct maglev_permutation){
					.offset = random_below(&random, m),
					.skip = 1 + random_below(&random, m - 1),
					.weight = 1 + random_below(&random, rows[i].weight_max),
					.index = (uint16_t)k,
				};
			if (n > 2)
				p[random_below(&random, n)].weight = 0;
			oracle_fill(expected, m, p, n);
			row_assert(rows[i].name, maglev_fill(slots, m, p, n) == 0);
			row_assert(rows[i].name, memcmp(slots, expected, m * sizeof(*slots)) == 0);
		}
	}
}

static void test_order(void **state)
{
	enum { N = 100 };
	struct maglev_backend *backends = backends_new(N, 0);
	uint64_t random = 3;
	uint16_t *first;

	for (uint32_t i = 0; i < N; i++)
		backends[i].weight = random_below(&random, 10);
	first = slots_new(SLOTS, backends, N);
	for (int round = 0; round < 20; round++) {
		uint16_t *slots;

		for (uint32_t i = N - 1; i > 0; i--) {
			uint32_t other = random_below(&random, i + 1);
			struct maglev_backend swapped = backends[i];

			backends[i] = backends[other];
			backends[other] = swapped;
		}
		slots = slots_new(SLOTS, backends, N);
		assert_memory_equal(slots, first, SLOTS * sizeof(*slots));
		free(slots);
	}
	free(first);
	free(backends);
}

/* Who takes the place of one that comes back, under any name: the same slots as before. */
static void test_history(void **state)
{
	struct maglev_backend *backends = backends_new(10, 100);
	uint16_t *before = slots_new(SLOTS, backends, 10);
	uint16_t *after;

	for (uint16_t i = 0; i < 10; i++)
		backends[i].index = (uint16_t)(1000 + i);
	after = slots_new(SLOTS, backends, 10);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(after[i], before[i] + 1000);
	free(before);
	free(after);
	free(backends);
}

static void test_none(void **state)
{
	static const struct {
		const char *name;
		uint32_t n;
	} rows[] = {
		{"no backends", 0},
		{"one of weight 0", 1},
		{"all of weight 0", 50},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct maglev_backend *backends = backends_new(rows[i].n, 0);
		uint16_t *slots = slots_new(251, backends, rows[i].n);

		for (uint32_t k = 0; k < 251; k++)
			row_assert(rows[i].name, slots[k] == SLOT_NONE);
		free(slots);
		free(backends);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		uint32_t slots_n, n;
		struct maglev_permutation first;
	} rows[] = {
		{"no slots", 0, 1, {0, 1, 1, 0}},
		{"below the smallest", 5, 1, {0, 1, 1, 0}},
		{"even", 8, 1, {0, 1, 1, 0}},
		{"a product", 65535, 1, {0, 1, 1, 0}},
		{"a square", 961, 1, {0, 1, 1, 0}},
		{"a prime that is too large", 4194319, 1, {0, 1, 1, 0}},
		{"too many backends", 7, BACKENDS_PER_SERVICE_MAX + 1, {0, 1, 1, 0}},
		{"offset beyond the table", 7, 1, {7, 1, 1, 0}},
		{"skip 0", 7, 1, {0, 0, 1, 0}},
		{"skip beyond the table", 7, 1, {0, 7, 1, 0}},
		{"an index that means none", 7, 1, {0, 1, 1, SLOT_NONE}},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint16_t slots[7] = {1, 2, 3, 4, 5, 6, 7};
		const uint16_t untouched[7] = {1, 2, 3, 4, 5, 6, 7};

		row_assert(rows[i].name, maglev_fill(slots, rows[i].slots_n, &rows[i].first,
						     rows[i].n) == -EINVAL);
		row_assert(rows[i].name, memcmp(slots, untouched, sizeof(slots)) == 0);
	}
	assert_int_equal(maglev_build(NULL, 8, NULL, 0), -EINVAL);
	assert_int_equal(maglev_build(NULL, 7, NULL, BACKENDS_PER_SERVICE_MAX + 1), -EINVAL);
}

static void test_slots_for(void **state)
{
	static const struct {
		uint32_t backends_n, slots_n;
	} rows[] = {
		{0, 251},         {1, 251},
		{2, 251},         {3, 509},
		{10, 1021},       {20, 2039},
		{21, 4093},       {655, 65537},
		{656, 131071},    {1000, 131071},
		{6553, 655373},   {6554, 1048573},
		{32767, 4194301}, {1U << 31, 4194301},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		assert_int_equal(maglev_slots_for(rows[i].backends_n), rows[i].slots_n);
	for (uint32_t n = 0; n <= BACKENDS_PER_SERVICE_MAX; n++) {
		uint32_t slots_n = maglev_slots_for(n);

		assert_true(slots_n >= n * MAGLEV_SLOTS_PER_BACKEND);
		if (n % 64 == 0)
			assert_true(maglev_slots_valid(slots_n));
	}
}

static void test_slots_valid(void **state)
{
	static const uint32_t primes[] = {7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47};
	size_t found = 0;

	for (uint32_t n = 0; n <= 47; n++)
		if (maglev_slots_valid(n))
			assert_int_equal(n, primes[found++]);
	assert_int_equal(found, ROWS(primes));
	assert_true(maglev_slots_valid(MAGLEV_SLOTS_MAX));
	assert_false(maglev_slots_valid(2047 * 2047));
	assert_false(maglev_slots_valid(UINT32_MAX));
}

static void test_identity(void **state)
{
	static const struct {
		const char *name, *a, *b;
	} rows[] = {
		{"neighbours", "10.0.0.1", "10.0.0.2"},
		{"v6 neighbours", "2001:db8::1", "2001:db8::2"},
		{"upper halves", "2001:db8::1", "2001:db9::1"},
		{"families", "0.0.0.1", "::1"},
		{"v4 and v4-mapped", "10.0.0.1", "::ffff:10.0.0.1"},
	};
	const struct flow_key other = {.k = {seed.k[0], seed.k[1] ^ 1}};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ip_addr a, b;

		row_assert(rows[i].name,
			   ip_parse(rows[i].a, &a) == 0 && ip_parse(rows[i].b, &b) == 0);
		row_assert(rows[i].name, maglev_identity(&seed, &a) == maglev_identity(&seed, &a));
		row_assert(rows[i].name, maglev_identity(&seed, &a) != maglev_identity(&seed, &b));
		row_assert(rows[i].name, maglev_identity(&seed, &a) != maglev_identity(&other, &a));
	}
}

/*
 * Nodes of a cluster may run different versions: what one seed and one set of backends give stays
 * as it is. FNV-1a over the slots, of ten backends with weights 1 to 10.
 */
static void test_golden(void **state)
{
	struct maglev_backend *backends = backends_new(10, 0);
	uint64_t hash = 0xcbf29ce484222325ULL;
	uint16_t *slots;

	for (uint32_t i = 0; i < 10; i++)
		backends[i].weight = i + 1;
	slots = slots_new(SLOTS, backends, 10);
	for (uint32_t i = 0; i < SLOTS; i++)
		hash = (hash ^ slots[i]) * 0x100000001b3ULL;
	assert_int_equal(hash, 0x4039106870f70688);
	free(slots);
	free(backends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paper),     cmocka_unit_test(test_oracle),
		cmocka_unit_test(test_order),     cmocka_unit_test(test_history),
		cmocka_unit_test(test_none),      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_slots_for), cmocka_unit_test(test_slots_valid),
		cmocka_unit_test(test_identity),  cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
