/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counter rows: who has one keeps it, and one that was given back is the last to be given out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <cmocka.h>

#include "rows.h"

static void test_keeps(void **state)
{
	struct rows *rows = rows_new(4);
	uint32_t web, api, again;
	bool fresh;

	assert_int_equal(rows_take(rows, "web", &web, &fresh), 0);
	assert_true(fresh);
	assert_int_equal(rows_take(rows, "api", &api, &fresh), 0);
	assert_int_not_equal(web, 0);
	assert_int_not_equal(api, 0);
	assert_int_not_equal(web, api);
	assert_int_equal(rows_take(rows, "web", &again, &fresh), 0);
	assert_false(fresh);
	assert_int_equal(again, web);
	assert_int_equal(rows_find(rows, "api"), api);
	assert_int_equal(rows_find(rows, "none"), 0);
	rows_free(rows);
}

static void test_full(void **state)
{
	struct rows *rows = rows_new(3);
	uint32_t row;
	bool fresh;

	assert_int_equal(rows_take(rows, "a", &row, &fresh), 0);
	assert_int_equal(rows_take(rows, "b", &row, &fresh), 0);
	assert_int_equal(rows_take(rows, "c", &row, &fresh), -ENOSPC);
	rows_release(rows, "a");
	rows_release(rows, "a");
	assert_int_equal(rows_take(rows, "c", &row, &fresh), 0);
	assert_int_equal(rows_take(rows, "d", &row, &fresh), -ENOSPC);
	rows_free(rows);
}

/* A row's last packets may still be read by somebody: the longer it rests, the better. */
static void test_released_is_last(void **state)
{
	struct rows *rows = rows_new(100);
	uint32_t first, row;
	bool fresh;
	char key[16];

	assert_int_equal(rows_take(rows, "first", &first, &fresh), 0);
	rows_release(rows, "first");
	for (int i = 0; i < 98; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(rows_take(rows, key, &row, &fresh), 0);
		assert_int_not_equal(row, first);
	}
	assert_int_equal(rows_take(rows, "last", &row, &fresh), 0);
	assert_int_equal(row, first);
	rows_free(rows);
}

static void test_claim(void **state)
{
	struct rows *rows = rows_new(5); /* 1 to 4 */
	uint32_t row;
	bool fresh;

	assert_int_equal(rows_claim(rows, "web", 3), 0);
	assert_int_equal(rows_find(rows, "web"), 3);
	assert_int_equal(rows_claim(rows, "web", 2), -EEXIST);
	assert_int_equal(rows_claim(rows, "api", 3), -EEXIST);
	assert_int_equal(rows_claim(rows, "api", 0), -EEXIST);
	assert_int_equal(rows_claim(rows, "api", 5), -EEXIST);
	rows_defer(rows, 1);
	rows_defer(rows, 3); /* is taken */
	rows_defer(rows, 9); /* is none */
	assert_int_equal(rows_take(rows, "a", &row, &fresh), 0);
	assert_true(row == 2 || row == 4);
	assert_int_equal(rows_take(rows, "b", &row, &fresh), 0);
	assert_true(row == 2 || row == 4);
	assert_int_equal(rows_take(rows, "c", &row, &fresh), 0);
	assert_int_equal(row, 1);
	assert_int_equal(rows_take(rows, "d", &row, &fresh), -ENOSPC);
	rows_release(rows, "web");
	assert_int_equal(rows_take(rows, "d", &row, &fresh), 0);
	assert_int_equal(row, 3);
	rows_free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_released_is_last),
		cmocka_unit_test(test_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
