/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of words.h: each enum has a word for each value, and reads it back.
 */
#include "words.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COLORS(X)         \
	X(RED, "red")     \
	X(GREEN, "green") \
	X(BLUE, "navy-blue")

enum color { COLORS(ENUM_ID) COLOR_N };

ENUM_DECLARE(color);
ENUM_DEFINE(color, COLORS);

static const char *const single_words[] = {"one", NULL}, *const empty_words[] = {NULL};

static void test_names(void **state)
{
	for (int i = 0; i < COLOR_N; i++)
		assert_int_equal(enum_parse(color_words, color_name(i)), i);
	assert_string_equal(color_name(BLUE), "navy-blue");
	assert_string_equal(color_name(COLOR_N), "unknown");
	assert_string_equal(color_name(-1), "unknown");
	assert_string_equal(color_name(INT64_MAX), "unknown");
}

static void test_parse(void **state)
{
	static const char *const others[] = {"", "Red", "re", "redd", "navy", "unknown", " red"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (enum_parse(color_words, others[i]) != -EINVAL)
			fail_msg("\"%s\" is taken for a color", others[i]);
	assert_int_equal(enum_parse(empty_words, "red"), -EINVAL);
}

static void test_list(void **state)
{
	char buf[ENUM_LIST_MAX], small[8];

	assert_string_equal(enum_list(color_words, ", ", " or ", buf, sizeof(buf)),
			    "red, green or navy-blue");
	assert_string_equal(enum_list(single_words, ", ", " or ", buf, sizeof(buf)), "one");
	assert_string_equal(enum_list(empty_words, ", ", " or ", buf, sizeof(buf)), "");
	assert_string_equal(enum_list(color_words, "|", "|", small, sizeof(small)), "red|gre");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
