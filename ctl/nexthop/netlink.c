/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtnetlink requests, dumps and announcements over libmnl. Called by the tables of links, routes
 * and neighbours and by nexthop.c, on the control thread.
 */
#include "netlink.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

enum {
	IN_FLIGHT = 64,             /* questions in one datagram to the kernel */
	RECEIVE_BYTES = 32 * 1024,  /* the kernel fills up to this much in a dump */
	ASK_BUFFER_BYTES = 1 << 20, /* room for all answers to IN_FLIGHT questions */
	EVENT_BUFFER_BYTES = 4 << 20,
	ANSWER_WITHIN_S = 2,
	DRAIN_AT_ONCE = 4096,  /* datagrams, before others on the event loop get a turn */
	OVERRUNS_AT_ONCE = 16, /* the error is told once, and again if it overruns meanwhile */
};

/* Beyond net.core.rmem_max where we may (CAP_NET_ADMIN), else as far as it goes. */
static void receive_buffer_grow(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static int socket_open(struct netlink *nl, int flags)
{
	memset(nl, 0, sizeof(*nl));
	nl->buffer = malloc(RECEIVE_BYTES);
	if (!nl->buffer)
		return -ENOMEM;
	nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return 0;
}

int netlink_open(struct netlink *nl)
{
	const struct timeval limit = {.tv_sec = ANSWER_WITHIN_S};
	int on = 1;
	int rc = socket_open(nl, 0);

	if (rc < 0)
		goto err_close;
	receive_buffer_grow(netlink_fd(nl), ASK_BUFFER_BYTES);
	/* An error then quotes the header of its question only, not all of it. */
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(netlink_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0) {
		rc = -errno;
		goto err_close;
	}
	return 0;

err_close:
	netlink_close(nl);
	return rc;
}

int netlink_open_events(struct netlink *nl, const unsigned int *groups, size_t n)
{
	int rc = socket_open(nl, SOCK_NONBLOCK);

	if (rc < 0) {
		netlink_close(nl);
		return rc;
	}
	receive_buffer_grow(netlink_fd(nl), EVENT_BUFFER_BYTES);
	for (size_t i = 0; i < n; i++) {
		unsigned int group = groups[i];

		mnl_socket_setsockopt(nl->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	}
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl->buffer);
	memset(nl, 0, sizeof(*nl));
}

int netlink_fd(const struct netlink *nl)
{
	return mnl_socket_get_fd(nl->socket);
}

/* Returns the bytes received or -errno; never 0 for a socket that lives. */
static ssize_t receive(struct netlink *nl)
{
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(nl->socket, nl->buffer, RECEIVE_BYTES);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* As receive, where silence is a failure. */
static ssize_t receive_answer(struct netlink *nl)
{
	ssize_t n = receive(nl);

	return n == -EAGAIN ? -ETIMEDOUT : n;
}

/* libmnl 1.0.4 takes a length beyond INT_MAX for one below 0, which fits. */
static bool message_ok(const struct nlmsghdr *nlh, int bytes)
{
	return bytes >= (int)sizeof(*nlh) && nlh->nlmsg_len <= (uint32_t)bytes &&
	       mnl_nlmsg_ok(nlh, bytes);
}

/* The kernel's -errno in an NLMSG_ERROR or NLMSG_DONE; 0 where it stands for success. */
static int message_error(const struct nlmsghdr *nlh)
{
	int error;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(error))
		return nlh->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	return error;
}

/* Sends questions first .. first + n - 1 as one datagram; seq of the first is nl->seq + 1. */
static int questions_send(struct netlink *nl, const struct netlink_query *query, size_t first,
			  size_t n)
{
	_Alignas(struct nlmsghdr) uint8_t out[IN_FLIGHT * NETLINK_REQUEST_MAX_BYTES];
	size_t used = 0;

	assert(n <= IN_FLIGHT);
	for (size_t i = 0; i < n; i++) {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(out + used);

		query->put(query->ctx, first + i, nlh);
		assert(nlh->nlmsg_len <= NETLINK_REQUEST_MAX_BYTES);
		nlh->nlmsg_seq = nl->seq + 1 + (uint32_t)i;
		used += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return mnl_socket_sendto(nl->socket, out, used) < 0 ? -errno : 0;
}

/* One datagram of answers to questions that began at (index) first and (seq) base. */
static int answers_take(struct netlink *nl, const struct netlink_query *query, size_t first,
			size_t n, uint32_t base, size_t *left)
{
	ssize_t received = receive_answer(nl);
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)nl->buffer;
	int bytes = (int)received;

	if (received < 0)
		return (int)received;
	for (; message_ok(nlh, bytes); nlh = mnl_nlmsg_next(nlh, &bytes)) {
		bool is_status = nlh->nlmsg_type == NLMSG_ERROR;
		uint32_t i = nlh->nlmsg_seq - base;
		int rc;

		if (i >= n)
			continue; /* of an earlier call that gave up */
		rc = query->answer(query->ctx, first + i, is_status ? NULL : nlh,
				   is_status ? message_error(nlh) : 0);
		if (rc < 0)
			return rc;
		--*left;
	}
	return 0;
}

int netlink_ask(struct netlink *nl, const struct netlink_query *query, size_t n)
{
	for (size_t first = 0; first < n; first += IN_FLIGHT) {
		size_t count = n - first < IN_FLIGHT ? n - first : IN_FLIGHT;
		uint32_t base = nl->seq + 1;
		size_t left = count;
		int rc = questions_send(nl, query, first, count);

		nl->seq += (uint32_t)count;
		while (rc == 0 && left > 0)
			rc = answers_take(nl, query, first, count, base, &left);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* One datagram of a dump. Returns 1 for more, 0 for done, -errno. */
static int dump_take(struct netlink *nl, netlink_each *each, void *ctx, bool *interrupted)
{
	ssize_t received = receive_answer(nl);
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)nl->buffer;
	int bytes = (int)received;

	if (received < 0)
		return (int)received;
	for (; message_ok(nlh, bytes); nlh = mnl_nlmsg_next(nlh, &bytes)) {
		if (nlh->nlmsg_seq != nl->seq)
			continue;
		*interrupted |= (nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
			return message_error(nlh);
		each(ctx, nlh);
	}
	return 1;
}

int netlink_dump(struct netlink *nl, uint16_t type, const void *body, size_t body_bytes,
		 netlink_each *each, void *ctx)
{
	_Alignas(struct nlmsghdr) uint8_t out[NETLINK_REQUEST_MAX_BYTES];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(out);
	bool interrupted = false;
	int rc;

	assert(body_bytes <= sizeof(out) - NLMSG_HDRLEN);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++nl->seq;
	memcpy(mnl_nlmsg_put_extra_header(nlh, body_bytes), body, body_bytes);
	if (mnl_socket_sendto(nl->socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		rc = dump_take(nl, each, ctx, &interrupted);
	} while (rc > 0);
	return rc == 0 && interrupted ? -EINTR : rc;
}

int netlink_drain(struct netlink *nl, netlink_each *each, void *ctx)
{
	int lost = 0;

	for (int i = 0; i < DRAIN_AT_ONCE && lost < OVERRUNS_AT_ONCE; i++) {
		ssize_t received = receive(nl);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)nl->buffer;
		int bytes = (int)received;

		if (received == -EAGAIN)
			break;
		if (received == -ENOBUFS) {
			lost++;
			continue;
		}
		if (received < 0)
			return (int)received;
		for (; message_ok(nlh, bytes); nlh = mnl_nlmsg_next(nlh, &bytes))
			each(ctx, nlh);
	}
	return lost > 0 ? -ENOBUFS : 0;
}
