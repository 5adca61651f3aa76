/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which way the kernel would send a packet to an address: policy rules, metrics, ECMP and path
 * MTU exceptions are the kernel's to weigh, so it is asked for each address and its routing
 * table is never read. Called by nexthop_picture.c, on the control thread.
 */
#ifndef SLUICE_NEXTHOP_ROUTE_QUERY_H
#define SLUICE_NEXTHOP_ROUTE_QUERY_H

#include "nexthop.h"

#include <stddef.h>
#include <stdint.h>

struct netlink;
struct nlmsghdr;

enum route_kind {
	ROUTE_NONE = 0,    /* ENETUNREACH, or the kernel lacks the address family */
	ROUTE_UNICAST,     /* the one that leads somewhere, with the rest of struct route set */
	ROUTE_LOCAL,       /* the address is this host's own */
	ROUTE_NOT_UNICAST, /* a broadcast, multicast or anycast address */
	ROUTE_BLACKHOLE,
	ROUTE_UNREACHABLE,
	ROUTE_PROHIBITED,
	ROUTE_ENCAP, /* leads into a tunnel of the route's own (RTA_ENCAP: MPLS, SRv6) */
};

struct route {
	enum route_kind kind;
	int ifindex;           /* output interface */
	struct ip_addr via;    /* gateway (IPv6 for IPv4, too: RFC 8950), or the address itself */
	struct ip_addr source; /* the address the host would send from; IP_NONE: none given */
	uint32_t mtu_bytes;    /* the route's, or what a path MTU message said; 0: none */
};

/* Asks for n ways; routes[i] answers ways[i]. Of a multipath route the kernel names one hop, that its
 * hash chooses for address and source. Of an IPv4 source that the host hasn't (nor a local route for)
 * the kernel tells nothing: then it is asked without.
 * Returns 0, or as netlink_ask; -ENOMEM, -ENOBUFS: the kernel had no memory for an answer. */
int routes_ask(struct netlink *nl, const struct nexthop_key *ways, struct route *routes, size_t n);

/* Reads a message RTM_NEWROUTE that answers the question for addr. Returns 0, or -EBADMSG: it is
 * cut short. */
int route_parse(const struct nlmsghdr *nlh, const struct ip_addr *addr, struct route *out);

#endif
