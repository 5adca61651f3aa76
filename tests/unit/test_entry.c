/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend's entry, from configuration and next hop: which outer source, how much entropy, and
 * when it is not to be used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "entry.h"

enum {
	NONE = -1,
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr a = {0};

	if (text)
		assert_int_equal(ip_parse(text, &a), 0);
	return a;
}

static const struct row {
	const char *name;
	enum encap encap;
	const char *backend;
	const char *source; /* settings.source_v4 or _v6, by the backend's family */
	const char *prefix; /* settings.ipip_source_v4 or _v6 */
	const char *hop_source;
	enum nexthop_state state;
	int32_t port;
	const char *want_source; /* NULL: not resolved */
	be32 want_mask;
} rows[] = {
	{"gue: the configured source", ENCAP_GUE, "192.0.2.1", "192.0.2.9", NULL, "192.0.2.8",
	 NEXTHOP_RESOLVED, 0, "192.0.2.9", 0},
	{"gue: else the route's", ENCAP_GUE, "192.0.2.1", NULL, NULL, "192.0.2.8", NEXTHOP_RESOLVED,
	 0, "192.0.2.8", 0},
	{"gue: the ipip prefix is not for it", ENCAP_GUE, "192.0.2.1", NULL, "100.64.0.0/16",
	 "192.0.2.8", NEXTHOP_RESOLVED, 0, "192.0.2.8", 0},
	{"ipip: the prefix, 16 bits of entropy", ENCAP_IPIP, "192.0.2.1", "192.0.2.9",
	 "100.64.0.0/16", "192.0.2.8", NEXTHOP_RESOLVED, 0, "100.64.0.0", 0xffff0000},
	{"ipip: a prefix of one address, no entropy", ENCAP_IPIP, "192.0.2.1", NULL,
	 "100.64.0.7/32", "192.0.2.8", NEXTHOP_RESOLVED, 0, "100.64.0.7", 0},
	{"ipip: /31, one bit", ENCAP_IPIP, "192.0.2.1", NULL, "100.64.0.6/31", "192.0.2.8",
	 NEXTHOP_RESOLVED, 0, "100.64.0.6", 0x01000000},
	{"ipip: no prefix, the route's source", ENCAP_IPIP, "192.0.2.1", NULL, NULL, "192.0.2.8",
	 NEXTHOP_RESOLVED, 0, "192.0.2.8", 0},
	{"ipip over IPv6: /64, the last 32 bits", ENCAP_IPIP, "2001:db8::1", NULL,
	 "2001:db8:ff::/64", "2001:db8::8", NEXTHOP_RESOLVED, 0, "2001:db8:ff::", 0xffffffff},
	{"ipip over IPv6: /120, 8 bits", ENCAP_IPIP, "2001:db8::1", NULL, "2001:db8:ff::/120",
	 "2001:db8::8", NEXTHOP_RESOLVED, 0, "2001:db8:ff::", 0xff000000},
	{"no source of the backend's family", ENCAP_GUE, "192.0.2.1", NULL, NULL, "2001:db8::8",
	 NEXTHOP_RESOLVED, 0, NULL, 0},
	{"no source at all", ENCAP_GUE, "192.0.2.1", NULL, NULL, NULL, NEXTHOP_RESOLVED, 0, NULL,
	 0},
	{"not resolved", ENCAP_GUE, "192.0.2.1", NULL, NULL, "192.0.2.8", NEXTHOP_NO_NEIGHBOUR, 0,
	 NULL, 0},
	{"by an interface that is no port", ENCAP_GUE, "192.0.2.1", NULL, NULL, "192.0.2.8",
	 NEXTHOP_RESOLVED, NONE, NULL, 0},
};

static void fill(const struct row *row, struct backend *entry)
{
	struct settings settings = {.gue_port = 6080, .outer_ttl = 64};
	struct backend_conf conf = {.addr = addr(row->backend)};
	struct nexthop hop = {
		.state = row->state,
		.mtu_bytes = 70000,
		.dst_mac = {2, 0, 0, 0, 0, 1},
		.src_mac = {2, 0, 0, 0, 0, 2},
		.vlan = 5,
		.source = addr(row->hop_source),
	};
	bool v4 = conf.addr.family == IP_V4;

	*(v4 ? &settings.source_v4 : &settings.source_v6) = addr(row->source);
	if (row->prefix)
		assert_int_equal(ip_prefix_parse(row->prefix, v4 ? &settings.ipip_source_v4
								 : &settings.ipip_source_v6),
				 0);
	entry_fill(entry, &settings, row->encap, &conf, &hop, row->port, 77);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct ip_addr backend = addr(row->backend), want = addr(row->want_source);
		struct backend entry;

		print_message("# %s\n", row->name);
		fill(row, &entry);
		assert_int_equal(entry.counter, 77);
		assert_int_equal(entry.encap, row->encap);
		assert_memory_equal(entry.outer_dst, backend.bytes, 16);
		assert_int_equal(!!(entry.flags & BACKEND_OUTER_V6), backend.family == IP_V6);
		assert_int_equal(!!(entry.flags & BACKEND_RESOLVED), row->want_source != NULL);
		if (!row->want_source)
			continue;
		assert_memory_equal(entry.outer_src, want.bytes, 16);
		assert_int_equal(entry.entropy_mask, row->want_mask);
		assert_int_equal(entry.vlan_tci, be16_from(5));
		assert_int_equal(entry.mtu_bytes, UINT16_MAX);
		assert_int_equal(entry.dst_mac[5], 1);
		assert_int_equal(entry.src_mac[5], 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
