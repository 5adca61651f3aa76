/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: what the kernel and the network say of the ways to backends: rtnetlink's answers, dumps and
 * announcements, and ICMP messages about the path's MTU. The input is a byte that says what is read, and then what
 * is received, in the place of a socket: datagrams, each behind its length (2 bytes, little-endian).
 *
 *	'l'  the table of links            'n'  answers about three neighbours, then their table
 *	'r'  answers about three routes    'a'  announcements of links, routes and neighbours
 *	'm'  an IP packet, to be read as a path MTU message
 *
 * nlmsg_seq counts from the first question, so that an input is an answer whatever was asked before. Each
 * datagram lies at the end of a buffer of its own size: AddressSanitizer sees a byte too far. What comes of
 * it must be within its type's bounds. Called by libFuzzer, on one thread.
 */
#include "fuzz.h"
#include "link_table.h"
#include "neighbour_table.h"
#include "netlink.h"
#include "path_mtu_message.h"
#include "route_query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

enum {
	RECEIVE_BYTES = 32 * 1024, /* of netlink.c */
	ASKED = 3,
	GUE_PORT = 6080,
};

static struct {
	const uint8_t *at;
	size_t left;
	uint32_t seq; /* what the socket had sent before */
} input;

static struct netlink nl; /* of which the functions below take the socket's place */

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *s, void *buffer, size_t bytes);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *s, const void *buffer, size_t bytes);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* Sequence numbers of the input count from 1. */
static void renumber(uint8_t *bytes, size_t n)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)bytes;
	int left = (int)n;

	for (; left >= (int)sizeof(*nlh) && nlh->nlmsg_len <= (uint32_t)left &&
	       mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left))
		nlh->nlmsg_seq += input.seq;
}

/* The socket's next datagram; none is left: silence, which for questions is a failure. */
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *s, void *buffer, size_t bytes)
{
	size_t n;

	(void)s;
	if (input.left < 2) {
		errno = EAGAIN;
		return -1;
	}
	n = input.at[0] | (size_t)input.at[1] << 8;
	input.at += 2;
	input.left -= 2;
	if (n > input.left)
		n = input.left;
	if (n == 0 || n > bytes) { /* the kernel had no room */
		errno = ENOBUFS;
		return -1;
	}
	free(nl.buffer);
	/* The size that it has, not the one that there is room for; but for its last word, which
	 * libmnl reads whole, and which the buffer that there is has. */
	nl.buffer = calloc(1, NLMSG_ALIGN(n));
	if (!nl.buffer)
		fuzz_fail("no memory");
	memcpy(nl.buffer, input.at, n);
	renumber(nl.buffer, n);
	input.at += n;
	input.left -= n;
	return (ssize_t)n;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *s, const void *buffer, size_t bytes)
{
	(void)s;
	(void)buffer;
	return (ssize_t)bytes;
}

static void check_links(void)
{
	struct link_table table = {0};

	if (link_table_read(&nl, &table) < 0)
		return;
	for (size_t i = 0; i < table.n; i++) {
		const struct link *link = &table.links[i];

		if (link->ifindex <= 0 || !link->mtu_bytes || !link->name[0])
			fuzz_fail("a link without index, name or MTU");
		if (strnlen(link->name, sizeof(link->name)) == sizeof(link->name))
			fuzz_fail("a link's name that doesn't end");
		if (i > 0 && table.links[i - 1].ifindex > link->ifindex)
			fuzz_fail("links out of order");
	}
	link_table_free(&table);
}

/* 10.10.2.1, 2001:db8:2::1, 10.10.2.77: those of the corpus. */
static struct ip_addr address(int i)
{
	static const uint8_t v4[2][4] = {{10, 10, 2, 1}, {10, 10, 2, 77}};
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 2, [15] = 1};

	return i == 1 ? ip_from_bytes(IP_V6, v6) : ip_from_bytes(IP_V4, v4[i / 2]);
}

static void check_routes(void)
{
	struct nexthop_key ways[ASKED];
	struct route routes[ASKED];

	memset(ways, 0, sizeof(ways));
	memset(routes, 0, sizeof(routes));
	for (int i = 0; i < ASKED; i++)
		ways[i].addr = address(i);
	ways[2].source = address(0);
	if (routes_ask(&nl, ways, routes, ASKED) < 0)
		return;
	for (int i = 0; i < ASKED; i++) {
		if ((int)routes[i].kind < ROUTE_NONE || routes[i].kind > ROUTE_ENCAP)
			fuzz_fail("a route of kind %d", (int)routes[i].kind);
		if (routes[i].kind == ROUTE_UNICAST && routes[i].ifindex <= 0)
			fuzz_fail("a way through no interface");
		if (routes[i].kind == ROUTE_UNICAST && routes[i].via.family != IP_V4 &&
		    routes[i].via.family != IP_V6)
			fuzz_fail("a way via no address");
	}
}

static struct neighbour_table neighbours(void)
{
	struct neighbour_table table;
	struct neighbour *list = calloc(ASKED, sizeof(*list));

	if (!list)
		fuzz_fail("no memory");
	for (int i = 0; i < ASKED; i++)
		list[i] = (struct neighbour){.ifindex = 2, .addr = address(i)};
	neighbour_table_init(&table, list, ASKED, NULL);
	return table;
}

static void check_neighbours(void)
{
	struct neighbour_table table = neighbours();

	(void)neighbour_table_read(&nl, &table);
	for (size_t i = 0; i < table.n; i++) {
		if (neighbour_usable(&table.neighbours[i]) && (table.neighbours[i].mac[0] & 1))
			fuzz_fail("a usable neighbour with a group's MAC");
	}
	(void)neighbour_table_solicit(&nl, &table, NEIGHBOUR_UNUSABLE);
	neighbour_table_free(&table);
}

static void announced(void *ctx, const struct nlmsghdr *nlh)
{
	struct neighbour_table *table = ctx;
	const struct ip_addr asked = address(0);
	struct link link;
	struct route route;

	if (nlh->nlmsg_type == RTM_NEWLINK || nlh->nlmsg_type == RTM_DELLINK)
		(void)link_parse(nlh, &link);
	else if (nlh->nlmsg_type == RTM_NEWROUTE)
		(void)route_parse(nlh, &asked, &route);
	else
		(void)neighbour_table_announce(table, nlh);
}

static void check_announcements(void)
{
	struct neighbour_table table = neighbours();

	(void)netlink_drain(&nl, announced, &table);
	neighbour_table_free(&table);
}

static void check_path_mtu(void)
{
	struct path_mtu_message message;
	uint8_t *packet = malloc(input.left);

	if (!packet)
		fuzz_fail("no memory");
	memcpy(packet, input.at, input.left);
	if (path_mtu_message_read(packet, input.left, GUE_PORT, &message)) {
		if (message.mtu_bytes == 0)
			fuzz_fail("an MTU of 0");
		if (message.source.family != message.destination.family)
			fuzz_fail("a packet of two families");
	}
	free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	if (data_bytes < 2)
		return -1;
	input.at = data + 1;
	input.left = data_bytes - 1;
	input.seq = nl.seq;
	switch (data[0]) {
	case 'l':
		check_links();
		break;
	case 'r':
		check_routes();
		break;
	case 'n':
		check_neighbours();
		break;
	case 'a':
		check_announcements();
		break;
	case 'm':
		check_path_mtu();
		break;
	default:
		return -1;
	}
	return 0;
}
