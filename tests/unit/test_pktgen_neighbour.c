/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator's ARP and ND, byte by byte; sums by the functions of the parity tests.
 */
#include "../parity/frames.h"
#include "../pktgen/neighbour.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

static struct neighbour world(void)
{
	struct neighbour nb = {.own_n = 3};

	memcpy(nb.mac, our_mac, 6);
	assert_true(prefix_parse("10.10.2.1", &nb.own[0]));
	assert_true(prefix_parse("2001:db8:2::/64", &nb.own[1]));
	assert_true(prefix_parse("10.10.16.0/20", &nb.own[2]));
	return nb;
}

static size_t arp_make(uint8_t operation, const char *src, const char *target, uint8_t *frame)
{
	memset(frame, 0, 60);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, peer_mac, 6);
	frame_put16(frame + 12, 0x0806);
	frame_put16(frame + 14, 1);
	frame_put16(frame + 16, 0x0800);
	frame[18] = 6;
	frame[19] = 4;
	frame[21] = operation;
	memcpy(frame + 22, peer_mac, 6);
	frame_address(src, frame + 28);
	frame_address(target, frame + 38);
	return 60; /* padded */
}

static size_t nd_make(uint8_t type, const char *src, const char *target, uint8_t hops,
		      uint8_t *frame)
{
	memset(frame, 0, 86);
	memcpy(frame, our_mac, 6);
	memcpy(frame + 6, peer_mac, 6);
	frame_put16(frame + 12, 0x86dd);
	frame[14] = 0x60;
	frame_put16(frame + 18, 32);
	frame[20] = IP_ICMP6;
	frame[21] = hops;
	frame_address(src, frame + 22);
	frame_address(target, frame + 38);
	frame[54] = type;
	frame_address(target, frame + 62);
	frame[78] = 1;
	frame[79] = 1;
	memcpy(frame + 80, peer_mac, 6);
	return 86;
}

static void test_arp(void **state)
{
	static const struct {
		const char *name, *target;
		uint8_t operation;
		bool answered;
	} rows[] = {
		{"our address", "10.10.2.1", 1, true},
		{"of our prefix, first", "10.10.16.0", 1, true},
		{"of our prefix, last", "10.10.31.255", 1, true},
		{"behind our prefix", "10.10.32.0", 1, false},
		{"before our prefix", "10.10.15.255", 1, false},
		{"another's", "10.10.2.2", 1, false},
		{"a reply", "10.10.2.1", 2, false},
	};
	uint8_t frame[86], answer[NEIGHBOUR_FRAME_MAX_BYTES];

	(void)state;
	for (size_t r = 0; r < ROWS(rows); r++) {
		struct neighbour nb = world();
		size_t n = arp_make(rows[r].operation, "10.10.2.2", rows[r].target, frame);
		size_t got = neighbour_take(&nb, frame, n, answer);

		row_assert(rows[r].name, got == (rows[r].answered ? 42 : 0));
		row_assert(rows[r].name, nb.answered == rows[r].answered);
		row_assert(rows[r].name, nb.known && memcmp(nb.peer_mac, peer_mac, 6) == 0);
		if (!rows[r].answered)
			continue;
		row_assert(rows[r].name, memcmp(answer, peer_mac, 6) == 0);
		row_assert(rows[r].name, memcmp(answer + 6, our_mac, 6) == 0);
		row_assert(rows[r].name, memcmp(answer + 12, frame + 12, 9) == 0);
		row_assert(rows[r].name, answer[21] == 2);
		row_assert(rows[r].name, memcmp(answer + 22, our_mac, 6) == 0);
		row_assert(rows[r].name, memcmp(answer + 28, frame + 38, 4) == 0);
		row_assert(rows[r].name, memcmp(answer + 32, frame + 22, 10) == 0);
		for (size_t cut = 0; cut < 42; cut++)
			row_assert(rows[r].name, neighbour_take(&nb, frame, cut, answer) == 0);
	}
}

static void test_nd(void **state)
{
	static const struct {
		const char *name, *src, *target;
		uint8_t type, hops;
		bool answered;
	} rows[] = {
		{"ours", "2001:db8:2::2", "2001:db8:2::1", 135, 255, true},
		{"from a link-local address", "fe80::2", "2001:db8:2::ffff", 135, 255, true},
		{"duplicate address detection", "::", "2001:db8:2::1", 135, 255, false},
		{"was routed", "2001:db8:2::2", "2001:db8:2::1", 135, 254, false},
		{"another's", "2001:db8:2::2", "2001:db8:3::1", 135, 255, false},
		{"advertisement", "2001:db8:2::2", "2001:db8:2::1", 136, 255, false},
		{"router solicitation", "2001:db8:2::2", "2001:db8:2::1", 133, 255, false},
	};
	uint8_t frame[86], a[NEIGHBOUR_FRAME_MAX_BYTES];

	(void)state;
	for (size_t r = 0; r < ROWS(rows); r++) {
		struct neighbour nb = world();
		size_t n = nd_make(rows[r].type, rows[r].src, rows[r].target, rows[r].hops, frame);

		row_assert(rows[r].name,
			   neighbour_take(&nb, frame, n, a) == (rows[r].answered ? 86 : 0));
		if (!rows[r].answered)
			continue;
		row_assert(rows[r].name, nb.known && memcmp(nb.peer_mac, peer_mac, 6) == 0);
		row_assert(rows[r].name, memcmp(a, peer_mac, 6) == 0);
		row_assert(rows[r].name, frame_get16(a + 18) == 32 && a[20] == 58 && a[21] == 255);
		row_assert(rows[r].name, memcmp(a + 22, frame + 62, 16) == 0);
		row_assert(rows[r].name, memcmp(a + 38, frame + 22, 16) == 0);
		row_assert(rows[r].name, a[54] == 136 && a[58] == 0x60);
		row_assert(rows[r].name, memcmp(a + 62, frame + 62, 16) == 0);
		row_assert(rows[r].name, a[78] == 2 && a[79] == 1 && !memcmp(a + 80, our_mac, 6));
		row_assert(rows[r].name, frame_sum(frame_pseudo_sum(a + 22, a + 38, 16, 58, 32),
						   a + 54, 32) == 0xffff);
		for (size_t cut = 0; cut < 78; cut++)
			row_assert(rows[r].name, neighbour_take(&nb, frame, cut, a) == 0);
	}
}

/* What is asked is what another one answers; the reply closes the question. */
static void test_ask(void **state)
{
	static const char *const peers[] = {"10.10.2.2", "2001:db8:2::2"};

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct neighbour nb = world(), other = {.own_n = 1};
		uint8_t question[NEIGHBOUR_FRAME_MAX_BYTES], reply[NEIGHBOUR_FRAME_MAX_BYTES];
		size_t n;

		memcpy(other.mac, peer_mac, 6);
		assert_true(prefix_parse(peers[v6], &other.own[0]));
		assert_true(address_parse(peers[v6], &nb.peers[v6]));
		nb.asks[v6] = true;
		assert_true(neighbour_is_open(&nb, v6));
		n = neighbour_ask(&nb, v6, question);
		assert_true(question[0] & 1);
		n = neighbour_take(&other, question, n, reply);
		assert_true(n > 0);
		assert_memory_equal(other.peer_mac, our_mac, 6); /* asking tells as well */
		assert_int_equal(neighbour_take(&nb, reply, n, question), 0);
		assert_false(neighbour_is_open(&nb, v6));
		assert_memory_equal(nb.peer_mac, peer_mac, 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_nd),
		cmocka_unit_test(test_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
