/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's network interfaces of one namespace, as one snapshot. Read by nexthop_picture.c
 * and by whoever maps the fast path's ports to interfaces; on the control thread.
 */
#ifndef SLUICE_NEXTHOP_LINK_TABLE_H
#define SLUICE_NEXTHOP_LINK_TABLE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink;
struct nlmsghdr;

struct link {
	int ifindex;
	char name[IFNAMSIZ];
	uint8_t mac[6]; /* 0 unless Ethernet */
	bool up;        /* set up by the operator, and has a carrier */

	/* Its frames need a MAC, and ARP and ND find it: Ethernet, and not loopback,
	 * point-to-point or "arp off". */
	bool ethernet;

	bool is_vlan;            /* a VLAN sub-interface (IFLA_INFO_KIND "vlan") */
	uint16_t vlan;           /* its id, host order, 0-4095 */
	uint16_t vlan_ethertype; /* of its tag, host order: 0x8100 (802.1Q), 0x88a8 (802.1ad) */
	int parent_ifindex;      /* what it is a VLAN of; 0: no VLAN, or in another namespace */
	uint32_t mtu_bytes;      /* of an IP packet */

	/* For IPv6, which a router may have advertised (RFC 4861 §4.6.4); 0: the kernel has no
	 * IPv6 on it. */
	uint32_t mtu6_bytes;
};

struct link_table {
	struct link *links; /* sorted by ifindex */
	size_t n;
};

/* Reads a message RTM_NEWLINK. Returns 0, or -EBADMSG: no ifindex, name or MTU in it. */
int link_parse(const struct nlmsghdr *nlh, struct link *out);

/* Asks the kernel for all interfaces, anew as often as they change meanwhile (ten times).
 * Returns 0; -EINTR: they never stood still; -ENOMEM; or as netlink_dump. `out` is written on
 * success only, and freed with link_table_free. */
int link_table_read(struct netlink *nl, struct link_table *out);

void link_table_free(struct link_table *table);

/* NULL: no such interface. */
const struct link *link_by_index(const struct link_table *table, int ifindex);
const struct link *link_by_name(const struct link_table *table, const char *name);

/* Whether two snapshots of an interface say the same; a NULL equals a NULL. */
bool link_equal(const struct link *a, const struct link *b);

#endif
