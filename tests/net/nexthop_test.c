/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nexthops_watch finds out at once, of every kind of way that the kernel knows, and how soon.
 * The topology is drawn in nexthop_lab.h.
 */
#include "nexthop_lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Every kind of way there is, resolved at once by nexthops_watch. */
static void test_kinds(void **state)
{
	static const struct {
		const char *name, *addr;
		enum nexthop_state state;
		const char *ifname, *via, *mac, *source;
		uint32_t mtu_bytes;
	} rows[] = {
#define N0_MAC "02:00:00:00:00:00"
		{"v4: direct neighbour", "10.1.0.10", NEXTHOP_RESOLVED, "n0", "10.1.0.10",
		 "02:00:00:00:01:0a", "10.1.0.1", 1500},
		{"v4: by gateway", "10.50.1.2", NEXTHOP_RESOLVED, "n1", "10.2.0.254",
		 "02:00:00:00:01:fe", "10.2.0.1", 1500},
		{"v4: the route's MTU and source", "10.51.1.2", NEXTHOP_RESOLVED, "n1",
		 "10.2.0.254", "02:00:00:00:01:fe", "10.1.0.1", 1300},
		{"v4: the route's MTU is over the link's", "10.54.1.2", NEXTHOP_RESOLVED, "n1",
		 "10.2.0.254", "02:00:00:00:01:fe", "10.2.0.1", 1500},
		{"v4: by a v6 gateway", "10.52.1.2", NEXTHOP_RESOLVED, "n1", "fe80::99",
		 "02:00:00:00:01:99", "10.2.0.1", 1500},
		{"v4: policy rule to another table", "10.53.1.2", NEXTHOP_RESOLVED, "n0",
		 "10.1.0.10", "02:00:00:00:01:0a", "10.1.0.1", 1500},
		{"v6: direct neighbour", "2001:db8:1::10", NEXTHOP_RESOLVED, "n0", "2001:db8:1::10",
		 "02:00:00:00:01:6a", "2001:db8:1::1", 1500},
		{"v6: by gateway", "2001:db8:50::1", NEXTHOP_RESOLVED, "n1", "2001:db8:2::fe",
		 "02:00:00:00:01:6e", "2001:db8:2::1", 1500},
		{"v6: by link-local gateway, MTU", "2001:db8:51::1", NEXTHOP_RESOLVED, "n1",
		 "fe80::99", "02:00:00:00:01:99", "2001:db8:2::1", 1400},
		{.name = "v4: no route", .addr = "192.0.2.1", .state = NEXTHOP_NO_ROUTE},
		{.name = "v6: no route", .addr = "2001:db8:ffff::1", .state = NEXTHOP_NO_ROUTE},
		{.name = "v4: blackhole", .addr = "10.60.0.1", .state = NEXTHOP_BLACKHOLE},
		{.name = "v6: blackhole", .addr = "2001:db8:60::", .state = NEXTHOP_BLACKHOLE},
		{.name = "v4: unreachable", .addr = "10.61.0.1", .state = NEXTHOP_UNREACHABLE},
		{.name = "v6: unreachable", .addr = "2001:db8:61::", .state = NEXTHOP_UNREACHABLE},
		{.name = "v4: prohibit", .addr = "10.62.0.1", .state = NEXTHOP_PROHIBITED},
		{.name = "v6: prohibit", .addr = "2001:db8:62::", .state = NEXTHOP_PROHIBITED},
		{.name = "v4: our own", .addr = "10.1.0.1", .state = NEXTHOP_LOCAL},
		{.name = "v6: our own", .addr = "2001:db8:1::1", .state = NEXTHOP_LOCAL},
		{.name = "v4: loopback", .addr = "127.0.0.5", .state = NEXTHOP_LOCAL},
		{.name = "v4: broadcast", .addr = "10.1.0.255", .state = NEXTHOP_NOT_UNICAST},
		{.name = "v4: multicast", .addr = "239.1.1.1", .state = NEXTHOP_NOT_UNICAST},
		{.name = "v6: multicast", .addr = "ff0e::5", .state = NEXTHOP_NOT_UNICAST},
		{"v4: silent neighbour", "10.2.0.77", NEXTHOP_NO_NEIGHBOUR, "n1", "10.2.0.77", NULL,
		 "10.2.0.1", 1500},
		{"v6: silent neighbour", "2001:db8:2::77", NEXTHOP_NO_NEIGHBOUR, "n1",
		 "2001:db8:2::77", NULL, "2001:db8:2::1", 1500},
		{"v4: interface with arp off", "10.3.0.5", NEXTHOP_NO_MAC, "n2", "10.3.0.5", NULL,
		 "10.3.0.1", 1500},
		{"v4: by way of lo", "10.70.0.1", NEXTHOP_NO_MAC, "lo", "10.70.0.1", NULL, NULL,
		 65536},
		{"v4: no carrier", "10.4.0.5", NEXTHOP_LINK_DOWN, "n3", "10.4.0.5", NULL,
		 "10.4.0.1", 1500},
	};
	struct ip_addr addrs[sizeof(rows) / sizeof(rows[0])];
	struct lab *lab = *state;

	ip("route add 10.50.0.0/16 via 10.2.0.254");
	ip("route add 10.51.0.0/16 via 10.2.0.254 src 10.1.0.1 mtu 1300");
	ip("route add 10.54.0.0/16 via 10.2.0.254 mtu 9000");
	ip("route add 10.52.0.0/16 via inet6 fe80::99 dev n1");
	ip("rule add to 10.53.0.0/16 table 100");
	ip("route add default via 10.1.0.10 table 100");
	ip("route add 2001:db8:50::/48 via 2001:db8:2::fe");
	ip("route add 2001:db8:51::/48 via fe80::99 dev n1 mtu 1400");
	ip("route add blackhole 10.60.0.0/16");
	ip("route add unreachable 10.61.0.0/16");
	ip("route add prohibit 10.62.0.0/16");
	ip("route add blackhole 2001:db8:60::/48");
	ip("route add unreachable 2001:db8:61::/48");
	ip("route add prohibit 2001:db8:62::/48");
	ip("route add 239.0.0.0/8 dev n0");
	ip("route add 10.70.0.0/16 dev lo");
	for (int i = 2; i < 4; i++) {
		ip("link add n%d type veth peer name p%d netns %d", i, i, (int)lab->peer);
		ip("addr add 10.%d.0.1/24 dev n%d", i + 1, i);
	}
	peer_ip(lab, "link set p2 up");
	ip("link set n2 up arp off");
	ip("link set n3 up");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		addrs[i] = addr_of(rows[i].addr);
	assert_int_equal(lab_watch(lab->hops, addrs, sizeof(rows) / sizeof(rows[0])), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nexthop *hop = hop_to(lab, rows[i].addr);

		print_message("row: %s\n", rows[i].name);
		assert_state(hop, rows[i].state);
		assert_string_equal(hop->ifname, rows[i].ifname ? rows[i].ifname : "");
		assert_addr(&hop->via, rows[i].via ? rows[i].via : "none");
		assert_mac(hop->dst_mac, rows[i].mac ? rows[i].mac : "00:00:00:00:00:00");
		if (rows[i].source)
			assert_addr(&hop->source, rows[i].source);
		assert_int_equal(hop->mtu_bytes, rows[i].mtu_bytes);
		assert_int_equal(hop->vlan, 0);
		assert_int_equal(hop->port_ifindex, hop->ifindex);
		assert_int_equal(hop->ifindex, rows[i].ifname ? if_nametoindex(rows[i].ifname) : 0);
		if (hop->state == NEXTHOP_RESOLVED)
			assert_mac(hop->src_mac,
				   rows[i].ifname[1] == '0' ? N0_MAC : "02:00:00:00:00:01");
	}
	assert_int_equal(lab->n_changed, 0);
}

/* Of several equal ways the kernel's choice is taken, and it stays the same one. */
static void test_ecmp(void **state)
{
	struct lab *lab = *state;
	struct nexthop first;

	ip("route add 10.55.0.0/16 nexthop via 10.1.0.10 nexthop via 10.2.0.254");
	watch(lab, "10.55.0.1");
	first = *hop_to(lab, "10.55.0.1");
	assert_state(&first, NEXTHOP_RESOLVED);
	assert_mac(first.dst_mac,
		   first.ifname[1] == '0' ? "02:00:00:00:01:0a" : "02:00:00:00:01:fe");
	for (int i = 0; i < 20; i++) {
		watch(lab, "10.55.0.1");
		assert_memory_equal(&first, hop_to(lab, "10.55.0.1"), sizeof(first));
	}
}

/*
 * Rules may go by the source that packets will have. Each source of one address has its own way; of an
 * IPv4 source that isn't the host's, unless a local route makes it so, the kernel tells nothing.
 */
static void test_sources(void **state)
{
	static const struct {
		const char *addr, *source, *interface;
	} rows[] = {
		{"10.56.0.1", NULL, "n0"},
		{"10.56.0.1", "10.1.0.1", "n0"},
		{"10.56.0.1", "10.2.0.1", "n1"},
		{"10.56.0.1", "10.77.0.0", "n1"}, /* an IPIP prefix that has a local route */
		{"10.56.0.1", "10.78.0.0", "n0"}, /* and one that hasn't */
		{"2001:db8:56::1", NULL, "n0"},
		{"2001:db8:56::1", "2001:db8:2::1", "n1"},
		{"2001:db8:56::1", "2001:db8:77::", "n1"},
		{"10.60.0.1", "10.78.0.0", NULL},
		{"10.60.0.1", "10.1.0.1", NULL},
	};
	struct nexthop_key ways[sizeof(rows) / sizeof(rows[0])] = {0};
	struct lab *lab = *state;

	ip("route add 10.56.0.0/16 via 10.1.0.10");
	ip("route add 10.56.0.0/16 via 10.2.0.254 table 100");
	ip("rule add from 10.2.0.0/16 table 100");
	ip("rule add from 10.77.0.0/16 table 100");
	ip("rule add from 10.78.0.0/16 table 100");
	ip("route add local 10.77.0.0/16 dev lo");
	ip("route add blackhole 10.60.0.0/16");
	ip("-6 route add 2001:db8:56::/48 via 2001:db8:1::10");
	ip("-6 route add 2001:db8:56::/48 via 2001:db8:2::fe table 100");
	ip("-6 rule add from 2001:db8:2::/48 table 100");
	ip("-6 rule add from 2001:db8:77::/48 table 100");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ways[i].addr = addr_of(rows[i].addr);
		if (rows[i].source)
			ways[i].source = addr_of(rows[i].source);
	}
	assert_int_equal(nexthops_watch(lab->hops, ways, sizeof(rows) / sizeof(rows[0])), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nexthop *hop = nexthops_get(lab->hops, &ways[i]);

		print_message("row: %s from %s\n", rows[i].addr,
			      rows[i].source ? rows[i].source : "any");
		assert_state(hop, rows[i].interface ? NEXTHOP_RESOLVED : NEXTHOP_BLACKHOLE);
		assert_string_equal(hop->ifname, rows[i].interface ? rows[i].interface : "");
	}
}

static void test_set_replaced(void **state)
{
	struct ip_addr addrs[3] = {addr_of("10.1.0.10"), addr_of("2001:db8:1::10"),
				   addr_of("10.1.0.10")};
	struct ip_addr bad[2] = {addr_of("10.2.0.254"), {.family = 5}};
	struct lab *lab = *state;

	assert_int_equal(lab_watch(lab->hops, addrs, 3), 0);
	assert_state(hop_to(lab, "10.1.0.10"), NEXTHOP_RESOLVED);
	assert_state(hop_to(lab, "2001:db8:1::10"), NEXTHOP_RESOLVED);
	assert_int_equal(lab_watch(lab->hops, addrs, 1), 0);
	assert_state(hop_to(lab, "10.1.0.10"), NEXTHOP_RESOLVED);
	assert_null(lab_get(lab->hops, &addrs[1]));

	assert_int_equal(lab_watch(lab->hops, bad, 2), -EINVAL);
	assert_state(hop_to(lab, "10.1.0.10"), NEXTHOP_RESOLVED);
	assert_null(lab_get(lab->hops, &bad[0]));

	assert_int_equal(lab_watch(lab->hops, NULL, 0), 0);
	assert_null(lab_get(lab->hops, &addrs[0]));
	ip("neigh replace 10.1.0.10 lladdr 02:00:00:00:02:bb dev n0");
	loop_for(lab, 100);
	assert_int_equal(lab->n_changed, 0);
}

/* 5,000 addresses: 2,000 neighbours of ours, 3,000 behind a gateway, in under 200 ms. */
static void test_many(void **state)
{
	enum { N = 5000, N_DIRECT = 2000 };
	struct ip_addr *addrs = calloc(N, sizeof(*addrs));
	struct lab *lab = *state;
	uint64_t best_us = UINT64_MAX;
	FILE *batch;

	assert_non_null(addrs);
	ip("addr add 10.8.0.1/16 dev n0");
	ip("route add 10.50.0.0/16 via 10.2.0.254");
	batch = popen("ip -batch -", "w");
	assert_non_null(batch);
	for (unsigned int i = 0; i < N; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.%u.%u.%u", i < N_DIRECT ? 8 : 50, 1 + i / 200,
			 1 + i % 200);
		addrs[i] = addr_of(text);
		if (i < N_DIRECT)
			fprintf(batch, "neigh add %s lladdr 02:00:00:01:%02x:%02x dev n0\n", text,
				i >> 8, i & 255);
	}
	assert_int_equal(pclose(batch), 0);
	for (int i = 0; i < 5; i++) {
		uint64_t start_us = now_us();

		assert_int_equal(lab_watch(lab->hops, addrs, N), 0);
		if (now_us() - start_us < best_us)
			best_us = now_us() - start_us;
	}
	print_message("%d addresses resolved in %.1f ms\n", N, (double)best_us / 1000);
	assert_true(best_us < 200000);
	for (unsigned int i = 0; i < N; i++) {
		const struct nexthop *hop = lab_get(lab->hops, &addrs[i]);

		assert_non_null(hop);
		assert_state(hop, NEXTHOP_RESOLVED);
		assert_int_equal(hop->dst_mac[4], i < N_DIRECT ? i >> 8 : 0x01);
		assert_int_equal(hop->dst_mac[5], i < N_DIRECT ? (i & 255) : 0xfe);
	}
	free(addrs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(test_kinds),        LAB_TEST(test_ecmp), LAB_TEST(test_sources),
		LAB_TEST(test_set_replaced), LAB_TEST(test_many),
	};

	if (!lab_possible())
		return 77; /* what meson takes for skipped */
	return cmocka_run_group_tests_name("nexthop", tests, NULL, NULL);
}
