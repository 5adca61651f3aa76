/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from the kernel's messages, without a kernel: interfaces (VLANs above all) and
 * routes read from messages as the kernel writes them, and the next hop that follows.
 */
#include "link_table.h"
#include "neighbour_table.h"
#include "nexthop.h"
#include "nexthop_picture.h"
#include "route_query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum {
	UP = IFF_UP | 1 << 16, /* and IFF_LOWER_UP */
};

struct link_row {
	const char *name;
	unsigned short type;
	unsigned int flags;
	const char *kind;         /* NULL: no IFLA_LINKINFO */
	uint16_t vlan, ethertype; /* 0: left out */
	uint32_t lower;
	bool lower_elsewhere;
	uint32_t mtu6_bytes; /* 0: no IPv6 on it */
	struct link expected;
};

static void put_linkinfo(struct nlmsghdr *nlh, const struct link_row *row)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);

	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, row->kind);
	if (row->vlan) {
		struct nlattr *data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);

		if (row->ethertype)
			mnl_attr_put_u16(nlh, IFLA_VLAN_PROTOCOL, htons(row->ethertype));
		mnl_attr_put_u16(nlh, IFLA_VLAN_ID, row->vlan);
		mnl_attr_nest_end(nlh, data);
	}
	mnl_attr_nest_end(nlh, info);
}

static void put_inet6(struct nlmsghdr *nlh, uint32_t mtu6_bytes)
{
	int32_t conf[DEVCONF_MAX] = {[DEVCONF_MTU6] = (int32_t)mtu6_bytes};
	struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(nlh, AF_INET6);

	mnl_attr_put(nlh, IFLA_INET6_CONF, sizeof(conf), conf);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
}

static struct nlmsghdr *link_message(void *buffer, const struct link_row *row)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	nlh->nlmsg_type = RTM_NEWLINK;
	info->ifi_index = 7;
	info->ifi_type = row->type;
	info->ifi_flags = row->flags;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "eth0.5");
	mnl_attr_put_u32(nlh, IFLA_MTU, 1500);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, "\x02\x00\x00\x00\x00\x07");
	if (row->lower)
		mnl_attr_put_u32(nlh, IFLA_LINK, row->lower);
	if (row->lower_elsewhere)
		mnl_attr_put_u32(nlh, IFLA_LINK_NETNSID, 0);
	if (row->kind)
		put_linkinfo(nlh, row);
	if (row->mtu6_bytes)
		put_inet6(nlh, row->mtu6_bytes);
	return nlh;
}

#define COMMON .ifindex = 7, .name = "eth0.5", .mtu_bytes = 1500
#define MAC    .mac = {2, 0, 0, 0, 0, 7}

static void test_link_parse(void **state)
{
	static const struct link_row rows[] = {
		{"ethernet, up", ARPHRD_ETHER, UP, .mtu6_bytes = 1280,
		 .expected = {COMMON, MAC, .up = true, .ethernet = true, .mtu6_bytes = 1280}},
		{"set down", ARPHRD_ETHER, 1 << 16, .expected = {COMMON, MAC, .ethernet = true}},
		{"no carrier", ARPHRD_ETHER, IFF_UP, .expected = {COMMON, MAC, .ethernet = true}},
		{"arp off", ARPHRD_ETHER, UP | IFF_NOARP, .expected = {COMMON, MAC, .up = true}},
		{"point-to-point", ARPHRD_NONE, UP | IFF_POINTOPOINT,
		 .expected = {COMMON, .up = true}},
		{"loopback", ARPHRD_LOOPBACK, UP | IFF_LOOPBACK, .expected = {COMMON, .up = true}},
		{"veth: IFLA_LINK is no parent", ARPHRD_ETHER, UP, .kind = "veth", .lower = 3,
		 .expected = {COMMON, MAC, .up = true, .ethernet = true}},
		{"a kind that begins alike", ARPHRD_ETHER, UP, .kind = "vlanx", .vlan = 5,
		 .expected = {COMMON, MAC, .up = true, .ethernet = true}},
		{"vlan", ARPHRD_ETHER, UP, .kind = "vlan", .vlan = 5, .ethertype = 0x8100,
		 .lower = 3,
		 .expected = {COMMON, MAC, .up = true, .ethernet = true, .is_vlan = true, .vlan = 5,
			      .vlan_ethertype = 0x8100, .parent_ifindex = 3}},
		{"vlan of a kernel that names no protocol", ARPHRD_ETHER, UP, .kind = "vlan",
		 .vlan = 4094, .lower = 3,
		 .expected = {COMMON, MAC, .up = true, .ethernet = true, .is_vlan = true,
			      .vlan = 4094, .vlan_ethertype = 0x8100, .parent_ifindex = 3}},
		{"vlan, 802.1ad", ARPHRD_ETHER, UP, .kind = "vlan", .vlan = 5, .ethertype = 0x88a8,
		 .lower = 3,
		 .expected = {COMMON, MAC, .up = true, .ethernet = true, .is_vlan = true, .vlan = 5,
			      .vlan_ethertype = 0x88a8, .parent_ifindex = 3}},
		{"vlan, parent in another namespace", ARPHRD_ETHER, UP, .kind = "vlan", .vlan = 5,
		 .ethertype = 0x8100, .lower = 3, .lower_elsewhere = true,
		 .expected = {COMMON, MAC, .up = true, .ethernet = true, .is_vlan = true, .vlan = 5,
			      .vlan_ethertype = 0x8100}},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		_Alignas(struct nlmsghdr) uint8_t buffer[1024];
		struct link link;

		print_message("row: %s\n", rows[i].name);
		assert_int_equal(link_parse(link_message(buffer, &rows[i]), &link), 0);
		assert_true(link_equal(&link, &rows[i].expected));
	}
}

/* Cut off anywhere (netlink pads to 4 bytes): refused, or read as far as it goes; never read
 * beyond, which the sanitizer sees. */
static void test_link_truncated(void **state)
{
	static const struct link_row row = {"", ARPHRD_ETHER, UP, "vlan",
					    5,  0x8100,       3,  .mtu6_bytes = 1280};
	_Alignas(struct nlmsghdr) uint8_t buffer[1024];
	const struct nlmsghdr *whole = link_message(buffer, &row);
	const size_t least = 16 + sizeof(struct ifinfomsg) + (4 + 8) + (4 + 4); /* name, MTU */

	for (size_t n = NLMSG_HDRLEN; n < whole->nlmsg_len; n += NLMSG_ALIGNTO) {
		struct nlmsghdr *cut = malloc(n);
		struct link link;

		assert_non_null(cut);
		memcpy(cut, whole, n);
		cut->nlmsg_len = (uint32_t)n;
		assert_int_equal(link_parse(cut, &link), n < least ? -EBADMSG : 0);
		free(cut);
	}
}

static void test_route_parse(void **state)
{
	static const struct {
		const char *name, *addr;
		uint8_t type;
		uint32_t oif;
		bool encap;
		enum route_kind expected;
	} rows[] = {
		{"unicast", "10.0.0.1", RTN_UNICAST, 3, false, ROUTE_UNICAST},
		{"unicast, no interface", "10.0.0.1", RTN_UNICAST, 0, false, ROUTE_NONE},
		{"into a tunnel", "10.0.0.1", RTN_UNICAST, 3, true, ROUTE_ENCAP},
		{"v6, into a tunnel", "2001:db8::1", RTN_UNICAST, 3, true, ROUTE_ENCAP},
		{"anycast", "2001:db8::1", RTN_ANYCAST, 3, false, ROUTE_NOT_UNICAST},
		{"blackhole", "2001:db8::1", RTN_BLACKHOLE, 1, false, ROUTE_BLACKHOLE},
		{"of a kind not known", "10.0.0.1", RTN_XRESOLVE, 3, false, ROUTE_NONE},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		_Alignas(struct nlmsghdr) uint8_t buffer[256];
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
		struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
		struct ip_addr addr;
		struct route route;

		print_message("row: %s\n", rows[i].name);
		assert_int_equal(ip_parse(rows[i].addr, &addr), 0);
		rtm->rtm_type = rows[i].type;
		if (rows[i].oif)
			mnl_attr_put_u32(nlh, RTA_OIF, rows[i].oif);
		if (rows[i].encap) {
			mnl_attr_put_u16(nlh, RTA_ENCAP_TYPE, 1);
			mnl_attr_put_u32(nlh, RTA_ENCAP, 0);
		}
		assert_int_equal(route_parse(nlh, &addr, &route), 0);
		assert_int_equal(route.kind, rows[i].expected);
		assert_true(ip_equal(&route.via, &addr));
		nlh->nlmsg_len = NLMSG_HDRLEN + sizeof(*rtm) - 1;
		assert_int_equal(route_parse(nlh, &addr, &route), -EBADMSG);
	}
}

static struct link links[] = {
	{.ifindex = 2,
	 .name = "port",
	 .mac = {2, 0, 0, 0, 0, 2},
	 .up = true,
	 .ethernet = true,
	 .mtu_bytes = 9000},
	{.ifindex = 3,
	 .name = "port.5",
	 .mac = {2, 0, 0, 0, 0, 3},
	 .up = true,
	 .ethernet = true,
	 .mtu_bytes = 1500,
	 .is_vlan = true,
	 .vlan = 5,
	 .vlan_ethertype = 0x8100,
	 .parent_ifindex = 2},
	{.ifindex = 4,
	 .name = "port.5.6",
	 .up = true,
	 .ethernet = true,
	 .mtu_bytes = 1500,
	 .is_vlan = true,
	 .vlan = 6,
	 .vlan_ethertype = 0x8100,
	 .parent_ifindex = 3},
	{.ifindex = 5,
	 .name = "port.7",
	 .up = true,
	 .ethernet = true,
	 .mtu_bytes = 1500,
	 .is_vlan = true,
	 .vlan = 7,
	 .vlan_ethertype = 0x88a8,
	 .parent_ifindex = 2},
	{.ifindex = 6,
	 .name = "astray.8",
	 .up = true,
	 .ethernet = true,
	 .mtu_bytes = 1500,
	 .is_vlan = true,
	 .vlan = 8,
	 .vlan_ethertype = 0x8100},
};

static void test_compose(void **state)
{
	static const struct {
		const char *name;
		int ifindex;
		uint16_t nud;
		uint8_t mac_0;
		int solicit_error;
		enum nexthop_state state;
		int port_ifindex;
		uint16_t vlan;
	} rows[] = {
		{"plain, permanent", 2, NUD_PERMANENT, 2, 0, NEXTHOP_RESOLVED, 2, 0},
		{"plain, reachable", 2, NUD_REACHABLE, 2, 0, NEXTHOP_RESOLVED, 2, 0},
		{"plain, stale", 2, NUD_STALE, 2, 0, NEXTHOP_RESOLVED, 2, 0},
		{"plain, delay", 2, NUD_DELAY, 2, 0, NEXTHOP_RESOLVED, 2, 0},
		{"plain, probe", 2, NUD_PROBE, 2, 0, NEXTHOP_RESOLVED, 2, 0},
		{"plain, noarp", 2, NUD_NOARP, 2, 0, NEXTHOP_RESOLVED, 2, 0},
		{"plain, no entry", 2, NUD_NONE, 0, 0, NEXTHOP_NO_NEIGHBOUR, 2, 0},
		{"plain, incomplete", 2, NUD_INCOMPLETE, 0, 0, NEXTHOP_NO_NEIGHBOUR, 2, 0},
		{"plain, failed, MAC remembered", 2, NUD_FAILED, 2, 0, NEXTHOP_NO_NEIGHBOUR, 2, 0},
		{"plain, permanent without MAC", 2, NUD_PERMANENT, 0, 0, NEXTHOP_NO_NEIGHBOUR, 2,
		 0},
		{"plain, a group's MAC", 2, NUD_PERMANENT, 1, 0, NEXTHOP_NO_NEIGHBOUR, 2, 0},
		{"plain, table full", 2, NUD_NONE, 0, -ENOBUFS, NEXTHOP_NEIGHBOURS_FULL, 2, 0},
		{"plain, not permitted", 2, NUD_NONE, 0, -EPERM, NEXTHOP_NO_NEIGHBOUR, 2, 0},
		{"vlan", 3, NUD_STALE, 2, 0, NEXTHOP_RESOLVED, 2, 5},
		{"vlan in a vlan", 4, NUD_STALE, 2, 0, NEXTHOP_VLAN_UNSUPPORTED, 3, 6},
		{"vlan, 802.1ad", 5, NUD_STALE, 2, 0, NEXTHOP_VLAN_UNSUPPORTED, 2, 7},
		{"vlan, parent not here", 6, NUD_STALE, 2, 0, NEXTHOP_VLAN_UNSUPPORTED, 0, 8},
		{"interface just gone", 99, NUD_STALE, 2, 0, NEXTHOP_LINK_DOWN, 0, 0},
	};
	const struct link_table link_table = {links, LENGTH(links)};
	const struct ip_addr via = {IP_V4, {10, 0, 0, 1}};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct neighbour neighbour = {.ifindex = rows[i].ifindex,
					      .addr = via,
					      .nud = rows[i].nud,
					      .mac = {rows[i].mac_0},
					      .solicit_error = rows[i].solicit_error};
		const struct neighbour_table neighbours = {&neighbour, 1};
		const struct route route = {
			.kind = ROUTE_UNICAST, .ifindex = rows[i].ifindex, .via = via};
		struct nexthop hop = nexthop_compose(&via, &route, &link_table, &neighbours);

		print_message("row: %s\n", rows[i].name);
		assert_string_equal(nexthop_state_name(hop.state),
				    nexthop_state_name(rows[i].state));
		assert_int_equal(hop.ifindex, rows[i].ifindex);
		assert_int_equal(hop.port_ifindex, rows[i].port_ifindex);
		assert_int_equal(hop.vlan, rows[i].vlan);
		assert_int_equal(hop.dst_mac[0],
				 rows[i].state == NEXTHOP_RESOLVED ? rows[i].mac_0 : 0);
		if (hop.state == NEXTHOP_RESOLVED)
			assert_int_equal(hop.src_mac[5], rows[i].ifindex);
	}
}

/* A link of 9000 bytes, whose IPv6 MTU is 1400. */
static void test_compose_mtu(void **state)
{
	static const struct {
		const char *name, *addr;
		uint32_t route_bytes, expected_bytes;
	} rows[] = {
		{"v4: the link's", "10.0.0.1", 0, 9000},
		{"v4: the route's is less", "10.0.0.1", 1300, 1300},
		{"v4: the route's is more", "10.0.0.1", 9001, 9000},
		{"v6: IPv6's", "2001:db8::1", 0, 1400},
		{"v6: the route's is less", "2001:db8::1", 1300, 1300},
		{"v6: the route's is more", "2001:db8::1", 1401, 1400},
	};
	struct link link = links[0];
	const struct link_table link_table = {&link, 1};
	const struct neighbour_table no_neighbours = {0};

	link.mtu6_bytes = 1400;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct route route = {
			.kind = ROUTE_UNICAST, .ifindex = 2, .mtu_bytes = rows[i].route_bytes};
		struct ip_addr addr;
		struct nexthop hop;

		print_message("row: %s\n", rows[i].name);
		assert_int_equal(ip_parse(rows[i].addr, &addr), 0);
		hop = nexthop_compose(&addr, &route, &link_table, &no_neighbours);
		assert_int_equal(hop.mtu_bytes, rows[i].expected_bytes);
	}
}

/* Which announcements are worth asking about. */
static void test_announce(void **state)
{
	static const struct {
		const char *name;
		uint8_t family;
		int ifindex;
		uint8_t addr_3, mac_5;
		uint16_t type, nud;
		bool expected;
	} rows[] = {
		{"confirmed", AF_INET, 2, 1, 9, RTM_NEWNEIGH, NUD_REACHABLE, false},
		{"stale again", AF_INET, 2, 1, 9, RTM_NEWNEIGH, NUD_STALE, false},
		{"another MAC", AF_INET, 2, 1, 8, RTM_NEWNEIGH, NUD_STALE, true},
		{"failed", AF_INET, 2, 1, 9, RTM_NEWNEIGH, NUD_FAILED, true},
		{"removed", AF_INET, 2, 1, 9, RTM_DELNEIGH, NUD_STALE, true},
		{"another address", AF_INET, 2, 2, 8, RTM_NEWNEIGH, NUD_STALE, false},
		{"another interface", AF_INET, 3, 1, 8, RTM_NEWNEIGH, NUD_STALE, false},
		{"a bridge's", AF_BRIDGE, 2, 1, 8, RTM_NEWNEIGH, NUD_STALE, false},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct neighbour neighbour = {.ifindex = 2,
					      .addr = {IP_V4, {10, 0, 0, 1}},
					      .known = true,
					      .nud = NUD_STALE,
					      .mac = {2, 0, 0, 0, 0, 9}};
		struct neighbour_table table = {&neighbour, 1};
		const uint8_t addr[4] = {10, 0, 0, rows[i].addr_3};
		const uint8_t mac[6] = {2, 0, 0, 0, 0, rows[i].mac_5};
		_Alignas(struct nlmsghdr) uint8_t buffer[256];
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
		struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

		print_message("row: %s\n", rows[i].name);
		nlh->nlmsg_type = rows[i].type;
		ndm->ndm_family = rows[i].family;
		ndm->ndm_ifindex = rows[i].ifindex;
		ndm->ndm_state = rows[i].nud;
		mnl_attr_put(nlh, NDA_DST, sizeof(addr), addr);
		mnl_attr_put(nlh, NDA_LLADDR, sizeof(mac), mac);
		assert_int_equal(neighbour_table_announce(&table, nlh), rows[i].expected);
		assert_int_equal(neighbour.dirty, rows[i].expected);
	}
}

static void test_state_texts(void **state)
{
	for (int i = 0; i < NEXTHOP_N_STATES; i++) {
		const char *word = nexthop_state_name((enum nexthop_state)i);

		assert_true(strlen(word) > 0);
		assert_true(strlen(nexthop_state_text((enum nexthop_state)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(word, nexthop_state_name((enum nexthop_state)j));
	}
	assert_string_equal(nexthop_state_name(NEXTHOP_N_STATES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_parse),  cmocka_unit_test(test_link_truncated),
		cmocka_unit_test(test_route_parse), cmocka_unit_test(test_compose),
		cmocka_unit_test(test_compose_mtu), cmocka_unit_test(test_announce),
		cmocka_unit_test(test_state_texts),
	};

	return cmocka_run_group_tests_name("nexthop", tests, NULL, NULL);
}
