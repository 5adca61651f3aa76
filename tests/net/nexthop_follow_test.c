/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the next hops follow what happens in the kernel, and that nobody is told of anything else.
 * The topology is drawn in nexthop_lab.h.
 */
#include "nexthop_lab.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

static void test_neighbour_appears(void **state)
{
	struct lab *lab = *state;

	watch(lab, "10.2.0.20");
	assert_state(hop_to(lab, "10.2.0.20"), NEXTHOP_NO_NEIGHBOUR);
	assert_int_equal(nexthops_stats(lab->hops).n_unresolved, 1);
	loop_for(lab, 300); /* solicited, in vain, several times */
	assert_int_equal(lab->n_changed, 0);
	assert_true(nexthops_stats(lab->hops).solicited >= 1);

	ip("neigh replace 10.2.0.20 lladdr 02:00:00:00:02:20 dev n1");
	wait_change(lab, 0);
	assert_state(hop_to(lab, "10.2.0.20"), NEXTHOP_RESOLVED);
	assert_mac(hop_to(lab, "10.2.0.20")->dst_mac, "02:00:00:00:02:20");
	assert_int_equal(nexthops_stats(lab->hops).n_unresolved, 0);
	assert_int_equal(lab->n_changed, 1);

	ip("neigh del 10.2.0.20 dev n1");
	wait_change(lab, 1);
	assert_state(hop_to(lab, "10.2.0.20"), NEXTHOP_NO_NEIGHBOUR);
}

static void test_mac_changes(void **state)
{
	struct lab *lab = *state;

	watch(lab, "10.1.0.10");
	ip("neigh replace 10.1.0.10 lladdr 02:00:00:00:02:bb dev n0");
	wait_change(lab, 0);
	assert_mac(hop_to(lab, "10.1.0.10")->dst_mac, "02:00:00:00:02:bb");

	/* Ours, too. */
	ip("link set n0 address 02:00:00:00:00:77");
	wait_change(lab, 1);
	assert_mac(hop_to(lab, "10.1.0.10")->src_mac, "02:00:00:00:00:77");
}

static void test_route_changes(void **state)
{
	struct lab *lab = *state;

	ip("route add 10.50.0.0/16 via 10.2.0.254");
	ip("route add 2001:db8:50::/48 via 2001:db8:2::fe");
	watch(lab, "10.50.0.1");
	assert_string_equal(hop_to(lab, "10.50.0.1")->ifname, "n1");
	ip("route replace 10.50.0.0/16 via 10.1.0.10");
	wait_change(lab, 0);
	assert_string_equal(hop_to(lab, "10.50.0.1")->ifname, "n0");
	assert_mac(hop_to(lab, "10.50.0.1")->dst_mac, "02:00:00:00:01:0a");
	ip("route del 10.50.0.0/16");
	wait_change(lab, 1);
	assert_state(hop_to(lab, "10.50.0.1"), NEXTHOP_NO_ROUTE);

	watch(lab, "2001:db8:50::1");
	ip("route replace 2001:db8:50::/48 via 2001:db8:1::10");
	wait_change(lab, 2);
	assert_mac(hop_to(lab, "2001:db8:50::1")->dst_mac, "02:00:00:00:01:6a");

	/* A policy rule, which no route announces. */
	ip("-6 rule add to 2001:db8:50::1 blackhole");
	wait_change(lab, 3);
	assert_state(hop_to(lab, "2001:db8:50::1"), NEXTHOP_BLACKHOLE);
}

static void test_mtu_changes(void **state)
{
	struct lab *lab = *state;

	watch(lab, "10.1.0.10");
	ip("link set n0 mtu 1420");
	wait_change(lab, 0);
	assert_int_equal(hop_to(lab, "10.1.0.10")->mtu_bytes, 1420);

	/* As a router's advertisement would; the kernel doesn't announce the sysctl. */
	kernel_set("/proc/sys/net/ipv6/conf/n0/mtu", "1380");
	watch(lab, "2001:db8:1::10");
	assert_int_equal(hop_to(lab, "2001:db8:1::10")->mtu_bytes, 1380);
	watch(lab, "10.1.0.10");
	assert_int_equal(hop_to(lab, "10.1.0.10")->mtu_bytes, 1420);
}

static void test_link_goes(void **state)
{
	static const char *const names[] = {"n0", "n9"};
	struct lab *lab = *state;
	const struct link *link;

	watch(lab, "10.1.0.10");
	assert_int_equal(nexthops_watch_links(lab->hops, names, 2), 0);
	peer_ip(lab, "link set p0 down");
	wait_change(lab, 0);
	assert_state(hop_to(lab, "10.1.0.10"), NEXTHOP_LINK_DOWN);
	assert_false(nexthops_link(lab->hops, "n0")->up);
	peer_ip(lab, "link set p0 up");
	wait_state(lab, "10.1.0.10", NEXTHOP_RESOLVED);

	ip("link set n0 down"); /* its route goes with it, and of that IPv4 says nothing */
	wait_state(lab, "10.1.0.10", NEXTHOP_NO_ROUTE);
	ip("link del n0");
	while (nexthops_link(lab->hops, "n0"))
		wait_change(lab, lab->n_changed);
	loop_for(lab, 50);

	/* One that comes, with nothing that is routed over it. */
	lab->n_changed = 0;
	ip("link add n9 mtu 1234 address 02:00:00:00:00:99 type veth peer name n8");
	wait_change(lab, 0);
	link = nexthops_link(lab->hops, "n9");
	assert_non_null(link);
	assert_int_equal(link->ifindex, if_nametoindex("n9"));
	assert_int_equal(link->mtu_bytes, 1234);
	assert_mac(link->mac, "02:00:00:00:00:99");
	assert_false(link->up);
	assert_non_null(nexthops_link(lab->hops, "n8")); /* known, though not watched */
	assert_null(nexthops_link(lab->hops, "n7"));
}

/* The peer answers ARP and ND; then it stops, and the kernel finds out only because the entry is
 * used. */
static void test_real_resolution(void **state)
{
	static const struct nexthop_timing refreshing = {5, 100, 200};
	static const char *const addrs[] = {"10.1.0.2", "2001:db8:1::2"};
	struct lab *lab = *state;

	lab_retime(lab, &refreshing);
	for (int i = 0; i < 2; i++) {
		const char *family = i == 0 ? "ipv4" : "ipv6";
		static const struct {
			const char *key, *value;
		} rows[] = {
			{"base_reachable_time_ms", "200"},
			{"delay_first_probe_time", "0"},
			{"retrans_time_ms", "100"},
		};
		char path[96];

		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
			snprintf(path, sizeof(path), "/proc/sys/net/%s/neigh/n0/%s", family,
				 rows[j].key);
			kernel_set(path, rows[j].value);
		}
		watch(lab, addrs[i]);
		wait_state(lab, addrs[i], NEXTHOP_RESOLVED);
		assert_mac(hop_to(lab, addrs[i])->dst_mac, "02:00:00:00:00:50");

		/* Stale again and again, and each time confirmed: nothing changes for us. */
		lab->n_changed = 0;
		loop_for(lab, 1500);
		assert_int_equal(lab->n_changed, 0);
		assert_state(hop_to(lab, addrs[i]), NEXTHOP_RESOLVED);
		assert_true(nexthops_stats(lab->hops).solicited >= 2);

		peer_ip(lab, i == 0 ? "addr del 10.1.0.2/24 dev p0"
				    : "addr del 2001:db8:1::2/64 dev p0");
		wait_state(lab, addrs[i], NEXTHOP_NO_NEIGHBOUR);
		loop_for(lab, 1000); /* the kernel gives up trying, and has to be told again */
		assert_state(hop_to(lab, addrs[i]), NEXTHOP_NO_NEIGHBOUR);
		peer_ip(lab, i == 0 ? "addr add 10.1.0.2/24 dev p0"
				    : "addr add 2001:db8:1::2/64 dev p0 nodad");
		wait_state(lab, addrs[i], NEXTHOP_RESOLVED);
	}
	assert_int_equal(nexthops_stats(lab->hops).failures, 0);
}

/* What doesn't concern the set is not told of. */
static void test_unconcerned(void **state)
{
	static const char *const names[] = {"n0"};
	struct lab *lab = *state;

	watch(lab, "10.1.0.10");
	assert_int_equal(nexthops_watch_links(lab->hops, names, 1), 0);
	ip("neigh add 10.1.0.99 lladdr 02:00:00:00:01:99 dev n0");
	ip("route add 10.77.0.0/16 via 10.2.0.254");
	ip("link set n1 mtu 1400");
	ip("neigh replace 10.1.0.10 lladdr 02:00:00:00:01:0a nud reachable dev n0");
	loop_for(lab, 200);
	assert_int_equal(lab->n_changed, 0);
	assert_int_equal(nexthops_stats(lab->hops).failures, 0);
}

/* NTF_USE makes an ordinary entry of a permanent one: it has to stay away from those. */
static void test_permanent_stays(void **state)
{
	static const struct nexthop_timing hectic = {5, 20, 50};
	struct lab *lab = *state;

	lab_retime(lab, &hectic);
	watch(lab, "10.1.0.10");
	loop_for(lab, 300);
	shell("ip neigh show 10.1.0.10 dev n0 | grep -q PERMANENT");
	assert_true(nexthops_stats(lab->hops).pictures >= 3);
	assert_int_equal(lab->n_changed, 0);
}

enum { MANY = 20000 };

/* 10.50.0.0 and on. */
static void watch_many(struct lab *lab, uint32_t n)
{
	static struct ip_addr addrs[MANY];

	for (uint32_t i = 0; i < n; i++)
		addrs[i] = ip_from_bytes(IP_V4,
					 (const uint8_t[]){10, 50, (uint8_t)(i >> 8), (uint8_t)i});
	assert_int_equal(lab_watch(lab->hops, addrs, n), 0);
}

/*
 * So many addresses are asked for in steps, between which all else has its turn: another change, and
 * another set of addresses, which ends the old one's picture.
 */
static void test_many(void **state)
{
	struct lab *lab = *state;
	uint64_t pictures;

	ip("route add 10.50.0.0/16 via 10.2.0.254");
	watch_many(lab, MANY);
	assert_string_equal(hop_to(lab, "10.50.78.31")->ifname, "n1");
	pictures = nexthops_stats(lab->hops).pictures;
	ip("route replace 10.50.0.0/16 via 10.1.0.10");
	/* Till the picture is begun, and not at its end. */
	for (int i = 0; i < 100 && nexthops_stats(lab->hops).pictures == pictures; i++) {
		event_base_loop(lab->base, EVLOOP_ONCE);
		if (i == 2) /* behind what was asked for already */
			ip("route replace 10.50.0.0/20 via 10.2.0.254");
	}
	wait_change(lab, 0);
	wait_state(lab, "10.50.78.31", NEXTHOP_RESOLVED);
	assert_string_equal(hop_to(lab, "10.50.78.31")->ifname, "n0");
	for (int i = 0; i < 80 && strcmp(hop_to(lab, "10.50.0.0")->ifname, "n1") != 0; i++)
		loop_for(lab, 100);
	assert_string_equal(hop_to(lab, "10.50.0.0")->ifname, "n1");

	ip("route replace 10.50.0.0/16 via 10.2.0.254");
	for (int i = 0; i < 3; i++)
		event_base_loop(lab->base, EVLOOP_ONCE);
	watch_many(lab, 10);
	loop_for(lab, 200);
	assert_non_null(hop_to(lab, "10.50.0.9"));
	assert_null(
		lab_get(lab->hops, &(struct ip_addr){.family = IP_V4, .bytes = {10, 50, 0, 10}}));
	assert_string_equal(hop_to(lab, "10.50.0.9")->ifname, "n1");
}

static bool is_local(const struct lab *lab, const char *vip)
{
	const struct ip_addr addr = addr_of(vip);

	return nexthops_is_local(lab->hops, &addr);
}

/* 10.60.0.0 and on, sorted, with one in front of and one behind them, and a vip or two. */
static void watch_more(struct lab *lab, uint32_t n, bool more, size_t vips_n)
{
	static struct nexthop_key ways[MANY + 2];
	const struct ip_addr vips[] = {addr_of("198.51.100.1"), addr_of("10.1.0.1")};
	uint32_t at = 0;

	if (more)
		ways[at++].addr = addr_of("10.1.0.10");
	for (uint32_t i = 0; i < n; i++)
		ways[at++].addr = ip_from_bytes(
			IP_V4, (const uint8_t[]){10, 60, (uint8_t)(i >> 8), (uint8_t)i});
	if (more)
		ways[at++].addr = addr_of("10.61.0.1");
	assert_int_equal(nexthops_watch_vips(lab->hops, ways, at, vips, vips_n), 0);
}

/*
 * Where there are many, only what is new is asked for; the rest, what is removed, and what the
 * kernel announces, is as it would be otherwise.
 */
static void test_one_more_of_many(void **state)
{
	struct lab *lab = *state;
	uint64_t pictures;

	ip("route add 10.60.0.0/15 via 10.2.0.254");
	watch_more(lab, MANY, false, 1);
	pictures = nexthops_stats(lab->hops).pictures;
	watch_more(lab, MANY, true, 2);
	assert_int_equal(nexthops_stats(lab->hops).pictures, pictures);
	assert_state(hop_to(lab, "10.1.0.10"), NEXTHOP_RESOLVED);
	assert_mac(hop_to(lab, "10.1.0.10")->dst_mac, "02:00:00:00:01:0a");
	assert_string_equal(hop_to(lab, "10.61.0.1")->ifname, "n1");
	assert_string_equal(hop_to(lab, "10.60.0.0")->ifname, "n1");
	assert_string_equal(hop_to(lab, "10.60.78.31")->ifname, "n1");
	assert_true(is_local(lab, "10.1.0.1"));
	assert_false(is_local(lab, "198.51.100.1"));

	/* A neighbour that came with the one that was added is followed. */
	ip("neigh replace 10.1.0.10 lladdr 02:00:00:00:02:bb dev n0");
	wait_change(lab, 0);
	assert_mac(hop_to(lab, "10.1.0.10")->dst_mac, "02:00:00:00:02:bb");
	/* And so is the vip. */
	ip("addr add 198.51.100.1/32 dev lo");
	for (int i = 0; i < 80 && !is_local(lab, "198.51.100.1"); i++)
		loop_for(lab, 100);
	assert_true(is_local(lab, "198.51.100.1"));
	ip("addr del 198.51.100.1/32 dev lo");

	watch_more(lab, MANY, false, 1);
	assert_null(
		lab_get(lab->hops, &(struct ip_addr){.family = IP_V4, .bytes = {10, 1, 0, 10}}));
	assert_false(is_local(lab, "10.1.0.1"));
	assert_string_equal(hop_to(lab, "10.60.78.31")->ifname, "n1");
	assert_int_equal(nexthops_stats(lab->hops).failures, 0);
}

/* More announcements than the socket holds: what was lost is found out all the same. */
static void test_overrun(void **state)
{
	struct lab *lab = *state;
	FILE *batch;

	watch(lab, "10.1.0.10");
	batch = popen("ip -batch -", "w");
	assert_non_null(batch);
	for (unsigned int i = 0; i < 30000; i++) /* of one that is not watched */
		fprintf(batch, "neigh replace 10.1.0.99 lladdr 02:00:00:00:03:%02x dev n0\n",
			i & 1);
	fprintf(batch, "neigh replace 10.1.0.10 lladdr 02:00:00:00:02:cc dev n0\n");
	assert_int_equal(pclose(batch), 0);
	wait_change(lab, 0);
	assert_true(nexthops_stats(lab->hops).lost >= 1);
	assert_mac(hop_to(lab, "10.1.0.10")->dst_mac, "02:00:00:00:02:cc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(test_neighbour_appears), LAB_TEST(test_mac_changes),
		LAB_TEST(test_route_changes),     LAB_TEST(test_mtu_changes),
		LAB_TEST(test_link_goes),         LAB_TEST(test_real_resolution),
		LAB_TEST(test_unconcerned),       LAB_TEST(test_permanent_stays),
		LAB_TEST(test_overrun),           LAB_TEST(test_many),
		LAB_TEST(test_one_more_of_many),
	};

	if (!lab_possible())
		return 77; /* what meson takes for skipped */
	return cmocka_run_group_tests_name("nexthop_follow", tests, NULL, NULL);
}
