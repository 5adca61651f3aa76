/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stable indices of backends: who keeps one, who gets which, and when one is used again. The last
 * test compares with a list of everything that was ever given out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "indices.h"
#include "named_rows.h"

enum {
	HOUR_US = 1000,
	LONGEST_US = 100,
};

static struct ip_addr addr(uint32_t n)
{
	struct ip_addr a = {.family = IP_V4, .bytes = {10, 0, (uint8_t)(n >> 8), (uint8_t)n}};

	return a;
}

/* Backends by number, up to the first 0. Gives `was` up. */
static struct indices *next(struct indices *was, const uint32_t *numbers, int64_t now_us)
{
	struct ip_addr addrs[64];
	struct indices *indices;
	uint32_t n = 0;

	for (; numbers[n] != 0; n++)
		addrs[n] = addr(numbers[n]);
	indices = indices_new(was, addrs, n, now_us);
	assert_non_null(indices);
	indices_unref(was);
	return indices;
}

static uint16_t of(const struct indices *indices, uint32_t number)
{
	struct ip_addr a = addr(number);

	return indices_find(indices, &a);
}

static void test_first_in_order(void **state)
{
	struct indices *i = next(NULL, (uint32_t[]){9, 3, 7, 0}, 1);

	assert_int_equal(of(i, 9), 0);
	assert_int_equal(of(i, 3), 1);
	assert_int_equal(of(i, 7), 2);
	assert_int_equal(of(i, 8), SLOT_NONE);
	assert_int_equal(i->length, 3);
	indices_unref(i);
}

static void test_others_keep_theirs(void **state)
{
	struct indices *i = next(NULL, (uint32_t[]){1, 2, 3, 0}, 1);

	i = next(i, (uint32_t[]){4, 3, 1, 0}, 2);
	assert_int_equal(of(i, 1), 0);
	assert_int_equal(of(i, 3), 2);
	assert_int_equal(of(i, 2), SLOT_NONE);
	assert_int_equal(of(i, 4), 3); /* not 1: that may be remembered */
	assert_int_equal(i->freed_n, 1);
	assert_int_equal(i->freed[0].index, 1);
	indices_unref(i);
}

static void test_comes_back_as_another(void **state)
{
	struct indices *i = next(NULL, (uint32_t[]){1, 2, 0}, 1);

	i = next(i, (uint32_t[]){2, 0}, 2);
	i = next(i, (uint32_t[]){1, 2, 0}, 3);
	assert_int_equal(of(i, 1), 2);
	assert_int_equal(of(i, 2), 1);
	assert_int_equal(i->length, 3);
	indices_unref(i);
}

static bool bears_one(const void *ctx, uint16_t index)
{
	return index == *(const uint16_t *)ctx;
}

static void test_release(void **state)
{
	const uint16_t borne = 1;
	struct indices *i = next(NULL, (uint32_t[]){1, 2, 3, 0}, 1);

	i = next(i, (uint32_t[]){3, 0}, 10);
	assert_int_equal(i->freed_n, 2);
	indices_release(i, bears_one, &borne, 20, LONGEST_US);
	assert_int_equal(i->freed_n, 1);
	i = next(i, (uint32_t[]){3, 4, 5, 0}, 21);
	assert_int_equal(of(i, 4), 0); /* free again */
	assert_int_equal(of(i, 5), 3); /* 1 is not */
	indices_release(i, bears_one, &borne, 10 + LONGEST_US - 1, LONGEST_US);
	assert_int_equal(i->freed_n, 1);
	indices_release(i, bears_one, &borne, 10 + LONGEST_US, LONGEST_US);
	assert_int_equal(i->freed_n, 0); /* whoever bore it was silent for too long */
	i = next(i, (uint32_t[]){3, 4, 5, 6, 0}, 200);
	assert_int_equal(of(i, 6), 1);
	indices_unref(i);
}

static void test_not_known(void **state)
{
	struct indices *i = next(NULL, (uint32_t[]){1, 2, 0}, 1);

	i = next(i, (uint32_t[]){1, 0}, 10);
	indices_release(i, NULL, NULL, 20, LONGEST_US);
	assert_int_equal(i->freed_n, 1);
	indices_unref(i);
}

static void test_adopt(void **state)
{
	struct backend entries[4] = {
		{.counter = 5, .flags = BACKEND_LIVES},
		{.counter = 0}, /* a hole */
		{.counter = 6, .flags = BACKEND_LIVES | BACKEND_OUTER_V6},
		{.counter = 7}, /* doesn't live */
	};
	struct ip_addr v6 = {.family = IP_V6, .bytes = {0x20, 1, [15] = 2}};
	struct ip_addr a = addr(1);
	struct indices *i;

	memcpy(entries[0].outer_dst, a.bytes, 16);
	memcpy(entries[2].outer_dst, v6.bytes, 16);
	i = indices_adopt(entries, 4, 7, 10);
	assert_non_null(i);
	assert_int_equal(of(i, 1), 0);
	assert_int_equal(indices_find(i, &v6), 2);
	assert_int_equal(i->length, 3);
	assert_int_equal(i->freed_n, 5); /* 1, 3, and 4 to 6, which flows still bear */
	i = next(i, (uint32_t[]){8, 1, 0}, 11);
	assert_int_equal(of(i, 1), 0);
	assert_int_equal(of(i, 8), 7);
	indices_unref(i);
}

/* With every index taken or freed, the longest freed is taken. */
static void test_exhausted(void **state)
{
	struct ip_addr *addrs = calloc(BACKENDS_PER_SERVICE_MAX, sizeof(*addrs));
	struct ip_addr more = {.family = IP_V4, .bytes = {192, 0, 2, 1}};
	struct indices *all, *fewer, *i;

	assert_non_null(addrs);
	for (uint32_t k = 0; k < BACKENDS_PER_SERVICE_MAX; k++)
		addrs[k] = addr(k + 1);
	all = indices_new(NULL, addrs, BACKENDS_PER_SERVICE_MAX, 1);
	assert_non_null(all);
	assert_int_equal(all->length, BACKENDS_PER_SERVICE_MAX);
	fewer = indices_new(all, addrs, BACKENDS_PER_SERVICE_MAX - 1, 2);
	addrs[5] = more;
	i = indices_new(fewer, addrs, BACKENDS_PER_SERVICE_MAX - 1, 3);
	assert_int_equal(indices_find(i, &more), BACKENDS_PER_SERVICE_MAX - 1);
	assert_int_equal(i->freed_n, 1);
	assert_int_equal(i->freed[0].index, 5);
	indices_unref(all);
	indices_unref(fewer);
	indices_unref(i);
	free(addrs);
}

static bool bears_any(const void *ctx, uint16_t index)
{
	return ((const bool *)ctx)[index];
}

/* No index that a flow bears is ever given to another backend; no two backends have one. */
static void test_random(void **state)
{
	enum { BACKENDS = 40, ROUNDS = 2000 };
	static bool borne[BACKENDS_PER_SERVICE_MAX];
	uint32_t owner_of[BACKENDS_PER_SERVICE_MAX] = {0}, before[BACKENDS + 1] = {0};
	uint64_t random = 3;
	struct indices *i = NULL;

	for (int64_t now = 1; now <= ROUNDS; now++) {
		uint32_t numbers[BACKENDS + 1], n = 0;
		bool used[BACKENDS_PER_SERVICE_MAX] = {false};

		for (uint32_t k = 1; k <= BACKENDS; k++)
			if (random_below(&random, 3) != 0)
				numbers[n++] = k;
		numbers[n] = 0;
		i = next(i, numbers, now);
		for (uint32_t k = 0; k < n; k++) {
			uint16_t index = of(i, numbers[k]);

			assert_true(index < i->length);
			assert_false(used[index]);
			used[index] = true;
			if (owner_of[index] != numbers[k] || before[numbers[k]] != index + 1U)
				assert_false(borne[index]);
			owner_of[index] = numbers[k];
			borne[index] = borne[index] || random_below(&random, 2) == 0;
		}
		memset(before, 0, sizeof(before));
		for (uint32_t k = 0; k < n; k++)
			before[numbers[k]] = of(i, numbers[k]) + 1U;
		/* Flows end; then somebody counts. */
		for (uint32_t k = 0; k < 200; k++)
			if (random_below(&random, 4) == 0)
				borne[k] = false;
		if (random_below(&random, 2) == 0)
			indices_release(i, bears_any, borne, now, HOUR_US * 1000LL);
	}
	assert_true(i->length < 400); /* they are used again */
	indices_unref(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_in_order),
		cmocka_unit_test(test_others_keep_theirs),
		cmocka_unit_test(test_comes_back_as_another),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_not_known),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
