/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator's command line.
 */
#include "../pktgen/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	WORDS_MAX = 32,
};

static int parse(struct options *o, const char *line, char *error)
{
	static char copy[512];
	char *argv[WORDS_MAX] = {(char *)(uintptr_t) "sluice-pktgen"}, *save = NULL;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word && argc < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	error[0] = '\0';
	return options_parse(o, argc, argv, error);
}

#define BASE "--device d --to 10.0.0.1:80/tcp "

static void test_defaults(void **state)
{
	char error[OPTIONS_ERROR_MAX];
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, BASE, error), 0);
	assert_int_equal(o.seconds, 10);
	assert_int_equal(o.flows, 10000);
	assert_int_equal(o.rate_pps, 0);
	assert_int_equal(o.gue_port, 6080);
	assert_int_equal(o.sizes.frame_bytes[0], 64);
	options_free(&o);
	assert_int_equal(parse(&o, BASE "--count 5k", error), 0);
	assert_int_equal(o.seconds, 0);
	assert_int_equal(o.count, 5000);
	options_free(&o);
}

static void test_values(void **state)
{
	char error[OPTIONS_ERROR_MAX], text[ADDRESS_TEXT_MAX];
	struct options o;

	(void)state;
	assert_int_equal(parse(&o,
			       "--device=d --to 10.0.0.255:80/tcp*3@2 --to [2001:db8::ff]:53/udp "
			       "--own 10.1.0.0/16 --own 2001:db8:2::1 --peer 02:0a:00:00:00:0f "
			       "--rate 2M --size 64:7,594:4 --clients 10.64.0.0/10",
			       error),
			 0);
	assert_int_equal(o.targets.n, 4);
	assert_string_equal(address_format(&o.targets.list[1].address, text), "10.0.1.0");
	assert_string_equal(address_format(&o.targets.list[3].address, text), "2001:db8::ff");
	assert_int_equal(o.targets.list[3].proto, 17);
	assert_int_equal(o.targets.list[3].port, 53);
	assert_int_equal(o.targets.wheel_n, 7);
	assert_int_equal(o.own_n, 2);
	assert_int_equal(o.peer_mac[5], 15);
	assert_int_equal(o.rate_pps, 2000000);
	assert_int_equal(o.sizes.n, 2);
	assert_int_equal(o.clients4.bits, 10);
	assert_int_equal(o.clients6.bits, 48);
	options_free(&o);
}

static const struct {
	const char *name, *line, *says;
} bad_rows[] = {
	{"nothing", "", "--device"},
	{"no service", "--device d", "--to"},
	{"unknown", BASE "--foo", "--foo"},
	{"a word", BASE "foo", "foo"},
	{"no value", BASE "--flows", "--flows needs a value"},
	{"a flag's value", BASE "--json=1", "--json"},
	{"zero flows", BASE "--flows 0", "0 is not in 1-"},
	{"a negative number", BASE "--flows -1", "-1 is not in"},
	{"what follows a number", BASE "--flows 5kk", "5kk"},
	{"a number past 2^64", BASE "--seed 18446744073709551616", "--seed"},
	{"a factor past 2^64", BASE "--seed 18446744073709551615G", "--seed"},
	{"service: port 0", "--device d --to 10.0.0.1:0/tcp", "10.0.0.1:0/tcp"},
	{"service: port 65536", "--device d --to 10.0.0.1:65536/tcp", "65536"},
	{"service: no protocol", "--device d --to 10.0.0.1:80", "--to"},
	{"service: sctp", "--device d --to 10.0.0.1:80/sctp", "--to"},
	{"service: IPv6 without brackets", "--device d --to 2001:db8::1:80/tcp", "--to"},
	{"service: IPv4 in brackets", "--device d --to [10.0.0.1]:80/tcp", "--to"},
	{"service: none of them", "--device d --to 10.0.0.1:80/tcp*0", "--to"},
	{"service: something behind", "--device d --to 10.0.0.1:80/tcpx", "--to"},
	{"services: too many", "--device d --to 10.0.0.1:80/tcp*65537", "--to"},
	{"shares: too many", "--device d --to 10.0.0.1:80/tcp*60000@60000", "shares"},
	{"prefix: host bits", BASE "--own 10.0.0.1/24", "--own"},
	{"prefix: too long", BASE "--own 10.0.0.0/33", "--own"},
	{"prefix: no number", BASE "--own 10.0.0.0/", "--own"},
	{"MAC: multicast", BASE "--mac 01:00:00:00:00:01", "--mac"},
	{"MAC: too long", BASE "--mac 02:00:00:00:00:01:02", "--mac"},
	{"peer", BASE "--peer router", "--peer"},
	{"size: runt", BASE "--size 63", "--size"},
	{"size: above the MTU", BASE "--size 1619", "--mtu"},
	{"size: no share", BASE "--size 64:0", "--size"},
	{"size: comma at the end", BASE "--size 64,", "--size"},
	{"rate", BASE "--rate 0", "--rate"},
	{"closed without count", BASE "--closed 10", "--count"},
	{"once without pcap", BASE "--once", "--pcap"},
	{"pcap with churn", "--device d --pcap f --new-flows 5", "--new-flows"},
	{"TCP flows of 3", BASE "--flow-packets 3", "at least 4"},
	{"hugepages", BASE "--hugepages maybe", "--hugepages"},
};

static void test_bad(void **state)
{
	char error[OPTIONS_ERROR_MAX];

	(void)state;
	for (size_t r = 0; r < ROWS(bad_rows); r++) {
		struct options o;

		row_assert(bad_rows[r].name, parse(&o, bad_rows[r].line, error) == -EINVAL);
		if (!strstr(error, bad_rows[r].says))
			fail_msg("row '%s': says '%s'", bad_rows[r].name, error);
		options_free(&o);
	}
}

/* Each share of sizes comes as often as it should: 5 standard deviations. */
static void test_imix(void **state)
{
	uint32_t n[3] = {0};
	struct sizes sizes;
	uint64_t seed = 1;

	(void)state;
	assert_true(sizes_parse(&sizes, "imix"));
	for (int i = 0; i < 120000; i++) {
		uint32_t bytes = sizes_pick(&sizes, (uint32_t)(random_next(&seed) >> 32));

		n[bytes == 64 ? 0 : bytes == 594 ? 1 : 2]++;
		assert_true(bytes == 64 || bytes == 594 || bytes == 1518);
	}
	assert_in_range(n[0], 70000 - 855, 70000 + 855);
	assert_in_range(n[1], 40000 - 817, 40000 + 817);
	assert_in_range(n[2], 10000 - 479, 10000 + 479);
	assert_int_equal(sizes_pick(&sizes, 0), 64);
	assert_int_equal(sizes_pick(&sizes, UINT32_MAX), 1518);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_imix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
