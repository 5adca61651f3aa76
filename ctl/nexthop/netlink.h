/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to the kernel's rtnetlink (RFC 3549, rtnetlink(7)): many questions at a time, dumps,
 * and the kernel's announcements. Called by the tables of links, routes and neighbours and by
 * nexthop.c, on the control thread. A struct netlink serves one thread at a time.
 */
#ifndef SLUICE_NEXTHOP_NETLINK_H
#define SLUICE_NEXTHOP_NETLINK_H

#include <stddef.h>
#include <stdint.h>

struct mnl_socket;
struct nlmsghdr;

enum {
	NETLINK_REQUEST_MAX_BYTES = 128, /* longest message that netlink_query.put may build */
};

struct netlink {
	struct mnl_socket *socket; /* NULL: closed */
	uint32_t seq;              /* of the last request sent */
	uint8_t *buffer;           /* what is received */
};

/* n questions, each with exactly one answer. */
struct netlink_query {
	/* Fills in question i. nlh has a zeroed header; put sets type and flags (NLM_F_REQUEST,
	 * and NLM_F_ACK where the kernel would otherwise answer nothing) and adds the body. */
	void (*put)(void *ctx, size_t i, struct nlmsghdr *nlh);

	/* Takes the answer to question i: a message (error is 0), or NULL with error 0 (done)
	 * or the kernel's -errno. Returns 0, or -errno to give up on the rest. */
	int (*answer)(void *ctx, size_t i, const struct nlmsghdr *nlh, int error);

	void *ctx;
};

/* Takes one message; it is gone when the function returns. */
typedef void netlink_each(void *ctx, const struct nlmsghdr *nlh);

/* Opens a socket in the network namespace of the calling thread, where it stays.
 * Returns 0, or -errno: -ENOMEM, -EMFILE, -EAFNOSUPPORT (a kernel without netlink). nl may be
 * passed to netlink_close in any case. */
int netlink_open(struct netlink *nl);

/* As netlink_open, for announcements of these groups (RTNLGRP_...): a socket that never blocks,
 * to be read with netlink_drain when netlink_fd is readable. A group that the kernel doesn't
 * know is left out. */
int netlink_open_events(struct netlink *nl, const unsigned int *groups, size_t n);

void netlink_close(struct netlink *nl);

int netlink_fd(const struct netlink *nl);

/* Asks n questions, many in flight at once, and hands over each answer.
 * Returns 0, or
 * what `answer` returned;
 * -ENOBUFS: the kernel had to throw answers away;
 * -ETIMEDOUT: the kernel did not answer within two seconds;
 * another -errno of sending or receiving. Which questions have been answered is then unknown;
 * answers that come late are not mistaken for those to later questions. */
int netlink_ask(struct netlink *nl, const struct netlink_query *query, size_t n);

/* Asks for a table: `type` is RTM_GETLINK and the like; `family` is AF_UNSPEC for all; `body` of
 * body_bytes goes behind the family's header (the struct ifinfomsg, ndmsg or rtmsg as a whole).
 * Returns 0, or -EINTR: the table changed meanwhile, and what was handed over may hold an entry
 * twice or lack one: start anew; else as netlink_ask. */
int netlink_dump(struct netlink *nl, uint16_t type, const void *body, size_t body_bytes,
		 netlink_each *each, void *ctx);

/* Reads what has been announced, until there is nothing more or others should get a turn (the
 * socket is then still readable).
 * Returns 0, or -ENOBUFS: announcements were lost (the rest has been read nevertheless, and the
 * caller has to ask for what it wants to know); another -errno of receiving. */
int netlink_drain(struct netlink *nl, netlink_each *each, void *ctx);

#endif
