/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/tables/ip.[ch] in named rows: what is an address, what is a prefix, and what a prefix
 * contains.
 */
#include "../../ctl/tables/ip.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void test_parse(void **state)
{
	static const struct {
		const char *name, *text, *back; /* back: as ip_format writes it; NULL: refused */
		uint8_t family;
	} rows[] = {
		{"v4", "10.0.0.11", "10.0.0.11", IP_V4},
		{"v4: all ones", "255.255.255.255", "255.255.255.255", IP_V4},
		{"v4: all zeros", "0.0.0.0", "0.0.0.0", IP_V4},
		{"v6: shortened", "2001:0db8:0:0::0011", "2001:db8::11", IP_V6},
		{"v6: any", "::", "::", IP_V6},
		{"v6: longest text", "1111:2222:3333:4444:5555:6666:123.123.123.123",
		 "1111:2222:3333:4444:5555:6666:7b7b:7b7b", IP_V6},
		{"v6: v4-mapped stays v6", "::ffff:10.0.0.1", "::ffff:10.0.0.1", IP_V6},
		{"empty", "", NULL, 0},
		{"v4: three parts", "10.0.1", NULL, 0},
		{"v4: 256", "10.0.0.256", NULL, 0},
		{"v4: leading blank", " 10.0.0.1", NULL, 0},
		{"v4: trailing blank", "10.0.0.1 ", NULL, 0},
		{"v4: with a length", "10.0.0.1/32", NULL, 0},
		{"v4: five parts", "10.0.0.1.2", NULL, 0},
		{"v6: two gaps", "2001::1::2", NULL, 0},
		{"v6: scope", "fe80::1%lo", NULL, 0},
		{"v6: brackets", "[2001:db8::1]", NULL, 0},
		{"a name", "localhost", NULL, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr addr = {.family = 99};
		char text[IP_TEXT_MAX];
		int rc = ip_parse(rows[i].text, &addr);

		print_message("row: %s\n", rows[i].name);
		assert_int_equal(rc, rows[i].back ? 0 : -EINVAL);
		assert_int_equal(addr.family, rows[i].back ? rows[i].family : 99);
		if (rows[i].back)
			assert_string_equal(ip_format(&addr, text), rows[i].back);
	}
}

static void test_prefix(void **state)
{
	static const struct {
		const char *name, *text;
		int rc;
		const char *inside, *outside;
	} rows[] = {
		{"v4 /8", "10.0.0.0/8", 0, "10.255.255.255", "11.0.0.0"},
		{"v4 /0", "0.0.0.0/0", 0, "255.1.2.3", "::"},
		{"v4 /32", "10.0.0.1/32", 0, "10.0.0.1", "10.0.0.0"},
		{"v4 /13: inside a byte", "10.8.0.0/13", 0, "10.15.255.255", "10.16.0.0"},
		{"v6 /32", "2001:db8::/32", 0, "2001:db8:ffff::1", "2001:db9::"},
		{"v6 /128", "2001:db8::1/128", 0, "2001:db8::1", "2001:db8::"},
		{"v6 /33", "2001:db8:8000::/33", 0, "2001:db8:ffff::", "2001:db8:7fff::"},
		{"v6 /0 holds no v4", "::/0", 0, "ffff::", "0.0.0.0"},
		{"no length", "10.0.0.0", -EINVAL, NULL, NULL},
		{"empty length", "10.0.0.0/", -EINVAL, NULL, NULL},
		{"negative length", "10.0.0.0/-1", -EINVAL, NULL, NULL},
		{"length with a tail", "10.0.0.0/8x", -EINVAL, NULL, NULL},
		{"length with blank", "10.0.0.0/ 8", -EINVAL, NULL, NULL},
		{"two lengths", "10.0.0.0/8/8", -EINVAL, NULL, NULL},
		{"length past 2^32", "10.0.0.0/4294967304", -EINVAL, NULL, NULL},
		{"no address", "/8", -EINVAL, NULL, NULL},
		{"address too long for any", "1111:2222:3333:4444:5555:6666:1111:2222:3333:4444/8",
		 -EINVAL, NULL, NULL},
		{"v4 /33", "10.0.0.0/33", -ERANGE, NULL, NULL},
		{"v6 /129", "2001:db8::/129", -ERANGE, NULL, NULL},
		{"v4: host bit", "10.0.0.1/8", -EDOM, NULL, NULL},
		{"v4: host bit in the mask's byte", "10.12.0.0/13", -EDOM, NULL, NULL},
		{"v6: host bit", "2001:db8::1/64", -EDOM, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix prefix;
		struct ip_addr inside, outside;
		char text[IP_PREFIX_TEXT_MAX];

		print_message("row: %s\n", rows[i].name);
		assert_int_equal(ip_prefix_parse(rows[i].text, &prefix), rows[i].rc);
		if (rows[i].rc < 0)
			continue;
		assert_string_equal(ip_prefix_format(&prefix, text), rows[i].text);
		assert_int_equal(ip_parse(rows[i].inside, &inside), 0);
		assert_int_equal(ip_parse(rows[i].outside, &outside), 0);
		assert_true(ip_prefix_contains(&prefix, &inside));
		assert_false(ip_prefix_contains(&prefix, &outside));
	}
}

static void test_order(void **state)
{
	static const char *const sorted[] = {
		"0.0.0.0", "10.0.0.2", "10.0.0.10",  "200.0.0.1",
		"::",      "::1",      "2001:db8::", "fe80::1",
	};

	for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++) {
		for (size_t j = 0; j < sizeof(sorted) / sizeof(sorted[0]); j++) {
			struct ip_addr a, b;
			int order;

			print_message("row: %s, %s\n", sorted[i], sorted[j]);
			assert_int_equal(ip_parse(sorted[i], &a), 0);
			assert_int_equal(ip_parse(sorted[j], &b), 0);
			order = ip_compare(&a, &b);
			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(ip_equal(&a, &b), i == j);
		}
	}
}

static void test_none(void **state)
{
	struct ip_addr none = {0};
	char text[IP_TEXT_MAX];

	assert_string_equal(ip_format(&none, text), "none");
	assert_int_equal(ip_length_bytes(IP_NONE), 0);
	assert_int_equal(ip_length_bytes(IP_V4), 4);
	assert_int_equal(ip_length_bytes(IP_V6), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
