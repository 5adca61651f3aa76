/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two packet sockets with a filter in the kernel, read when the event loop says so. Called by
 * nexthop.c. Control thread.
 */
#include "path_mtu_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MESSAGE_MAX_BYTES = 2048,
	MESSAGES_A_TURN = 64, /* a flood of messages leaves the loop its turns */
	RECEIVE_BUFFER_BYTES = 128 << 10,
	FAMILIES = 2,
};

struct listener_socket {
	struct path_mtu_listener *listener;
	int fd;
	struct event *readable;
	uint64_t lost;
};

struct path_mtu_listener {
	struct listener_socket sockets[FAMILIES];
	uint16_t gue_port;
	path_mtu_heard *heard;
	void *ctx;
};

/* Unfragmented ICMP "fragmentation needed"; offsets are from the IP header. */
static struct sock_filter filter_v4[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, 6),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3 << 8 | 4, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, MESSAGE_MAX_BYTES),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* ICMPv6 "packet too big", without extension headers. */
static struct sock_filter filter_v6[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 40),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, MESSAGE_MAX_BYTES),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static const struct family {
	uint16_t ethertype;
	struct sock_fprog filter;
} families[FAMILIES] = {
	{ETH_P_IP, {sizeof(filter_v4) / sizeof(filter_v4[0]), filter_v4}},
	{ETH_P_IPV6, {sizeof(filter_v6) / sizeof(filter_v6[0]), filter_v6}},
};

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	const struct path_mtu_listener *listener = ((struct listener_socket *)ctx)->listener;
	uint8_t packet[MESSAGE_MAX_BYTES];

	for (int i = 0; i < MESSAGES_A_TURN; i++) {
		struct path_mtu_message message;
		struct sockaddr_ll from;
		socklen_t from_bytes = sizeof(from);
		ssize_t bytes = recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT,
					 (struct sockaddr *)&from, &from_bytes);

		if (bytes < 0)
			return; /* nothing more, or an interface that went: others go on */
		if (from.sll_pkttype != PACKET_HOST)
			continue;
		if (path_mtu_message_read(packet, (size_t)bytes, listener->gue_port, &message))
			listener->heard(listener->ctx, &message);
	}
}

/* The filter comes before the protocol, so that nothing else is ever queued. */
static int socket_open(struct listener_socket *socket_, struct event_base *base,
		       const struct family *family)
{
	const struct sockaddr_ll all = {.sll_family = AF_PACKET,
					.sll_protocol = htons(family->ethertype)};
	int bytes = RECEIVE_BUFFER_BYTES;

	socket_->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (socket_->fd < 0)
		return -errno;
	setsockopt(socket_->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(socket_->fd, SOL_SOCKET, SO_ATTACH_FILTER, &family->filter,
		       sizeof(family->filter)) < 0)
		return -errno;
	if (bind(socket_->fd, (const struct sockaddr *)&all, sizeof(all)) < 0)
		return -errno;
	socket_->readable =
		event_new(base, socket_->fd, EV_READ | EV_PERSIST, on_readable, socket_);
	if (!socket_->readable || event_add(socket_->readable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int path_mtu_listener_new(struct event_base *base, uint16_t gue_port, path_mtu_heard *heard,
			  void *ctx, struct path_mtu_listener **out)
{
	struct path_mtu_listener *listener = calloc(1, sizeof(*listener));
	int rc = 0;

	if (!listener)
		return -ENOMEM;
	listener->gue_port = gue_port;
	listener->heard = heard;
	listener->ctx = ctx;
	for (int i = 0; i < FAMILIES; i++) {
		listener->sockets[i].listener = listener;
		listener->sockets[i].fd = -1;
	}
	for (int i = 0; i < FAMILIES && rc == 0; i++)
		rc = socket_open(&listener->sockets[i], base, &families[i]);
	if (rc < 0) {
		path_mtu_listener_free(listener);
		return rc;
	}
	*out = listener;
	return 0;
}

void path_mtu_listener_free(struct path_mtu_listener *listener)
{
	if (!listener)
		return;
	for (int i = 0; i < FAMILIES; i++) {
		if (listener->sockets[i].readable)
			event_free(listener->sockets[i].readable);
		if (listener->sockets[i].fd >= 0)
			close(listener->sockets[i].fd);
	}
	free(listener);
}

uint64_t path_mtu_listener_lost(struct path_mtu_listener *listener)
{
	uint64_t lost = 0;

	for (int i = 0; i < FAMILIES; i++) {
		struct listener_socket *socket_ = &listener->sockets[i];
		struct tpacket_stats stats = {0};
		socklen_t bytes = sizeof(stats);

		/* The kernel counts from the last question on. */
		if (getsockopt(socket_->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) == 0)
			socket_->lost += stats.tp_drops;
		lost += socket_->lost;
	}
	return lost;
}
