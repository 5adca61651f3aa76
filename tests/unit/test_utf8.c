/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 has it: rows of its sections 3, 4 and 10, and every code point there is, put
 * together by the table of section 3; jansson, which state files are read by, agrees about random
 * bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "utf8.h"

static const struct {
	const char *name, *text;
	long fault;
	bool control;
} rows[] = {
	{"empty", "", UTF8_VALID, false},
	{"ASCII", "abc", UTF8_VALID, false},
	{"A, not identical to, Alpha, .", "A\xe2\x89\xa2\xce\x91.", UTF8_VALID, false},
	{"a stump of a tree", "\xf0\xa3\x8e\xb4", UTF8_VALID, false},
	{"Latin-1", "gr\xfc\xdf", 2, false},
	{"a tail alone", "a\x80", 1, false},
	{"cut after one", "\xc3", 0, false},
	{"cut after two", "ab\xe2\x89", 2, false},
	{"cut after three", "\xf0\xa3\x8e", 0, false},
	{"NUL in two bytes", "\xc0\x80", 0, false},
	{"/ in two bytes", "\xc0\xaf", 0, false},
	{"/ in three bytes", "\xe0\x80\xaf", 0, false},
	{"/ in four bytes", "\xf0\x80\x80\xaf", 0, false},
	{"the first surrogate", "\xed\xa0\x80", 0, false},
	{"the last surrogate", "\xed\xbf\xbf", 0, false},
	{"the last character", "\xf4\x8f\xbf\xbf", UTF8_VALID, false},
	{"beyond the last", "\xf4\x90\x80\x80", 0, false},
	{"five bytes", "\xf8\x88\x80\x80\x80", 0, false},
	{"a byte that is never there", "\xff", 0, false},
	{"an escape", "a\x1b[0m", UTF8_VALID, true},
	{"DEL", "\x7f", UTF8_VALID, true},
	{"CSI", "\xc2\x9b", UTF8_VALID, true},
	{"no-break space", "\xc2\xa0", UTF8_VALID, false},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (utf8_fault(rows[i].text) != rows[i].fault)
			fail_msg("%s: %ld", rows[i].name, utf8_fault(rows[i].text));
		assert_int_equal(utf8_valid(rows[i].text), rows[i].fault == UTF8_VALID);
		if (rows[i].fault == UTF8_VALID &&
		    utf8_has_control(rows[i].text) != rows[i].control)
			fail_msg("%s: control", rows[i].name);
	}
}

static void encode(uint32_t point, char out[5])
{
	memset(out, 0, 5);
	if (point < 0x80) {
		out[0] = (char)point;
	} else if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
	} else if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
	} else {
		out[0] = (char)(0xf0 | point >> 18);
		out[1] = (char)(0x80 | (point >> 12 & 0x3f));
		out[2] = (char)(0x80 | (point >> 6 & 0x3f));
		out[3] = (char)(0x80 | (point & 0x3f));
	}
}

static void test_points(void **state)
{
	for (uint32_t point = 1; point < 0x120000; point++) {
		const bool is = point < 0x110000 && (point < 0xd800 || point > 0xdfff);
		char text[5];

		encode(point, text);
		if (utf8_valid(text) != is)
			fail_msg("U+%04X", point);
	}
}

static void test_as_jansson(void **state)
{
	static const unsigned char bytes[] = {0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
					      0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
					      0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
	size_t valid = 0;

	srand(1);
	for (int i = 0; i < 200000; i++) {
		char text[6] = {0};
		json_t *string;

		for (int j = 0, n = 1 + rand() % 5; j < n; j++)
			text[j] = (char)bytes[(size_t)rand() % sizeof(bytes)];
		string = json_string(text);
		if (utf8_valid(text) != (string != NULL))
			fail_msg("round %d", i);
		valid += string != NULL;
		json_decref(string);
	}
	assert_in_range(valid, 1000, 199000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_as_jansson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
