/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From sluicectl to the first packet: how long until a change is seen by packets. Called by
 * control.sh, in a network namespace with a running sluiced:
 *
 *	bench_change INTERFACE VIP ROUNDS ADD... -- REMOVE...
 *
 * A round starts the command ADD, which gives the service at VIP port 80 (UDP) its only backend,
 * and sends a frame to it every 20 microseconds. It ends with the first frame that comes back
 * with an outer IP header; then REMOVE takes the backend away again. Each frame has a number of
 * its own, so that none of an earlier round is taken for it. Prints `bench
 * name=control.sluicectl_to_packet unit=ms ...`. Needs root.
 */
#include "../parity/frames.h"
#include "result.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ROUNDS_MAX = 1000,
	SEND_EVERY_NS = 20 * 1000,
	ROUND_MAX_NS = 1000 * 1000 * 1000,
	DRAIN_NS = 20 * 1000 * 1000,
	PROTO_AT = 14 + 9,   /* of the outer IPv4 header */
	ID_AT = 14 + 20 + 4, /* identification of the inner one */
	PLAIN_ID_AT = 14 + 4,
	PROTO_IN_IP = 4,
};

extern char **environ;

static void give_up(const char *what)
{
	fprintf(stderr, "bench_change: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int port_open(const char *interface)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_IP));

	if (addr.sll_ifindex == 0 || fd < 0 || bind(fd, (void *)&addr, sizeof(addr)) != 0)
		give_up(interface);
	return fd;
}

static pid_t command_start(char *const *argv)
{
	pid_t pid;

	errno = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
	if (errno != 0)
		give_up(argv[0]);
	return pid;
}

static void command_end(pid_t pid, const char *name)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0) {
		errno = EIO;
		give_up(name);
	}
}

/* The number of a frame that came back with an outer header; -1: there is none to read now. */
static int32_t frame_take(int fd)
{
	uint8_t bytes[2048];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	if (n < ID_AT + 2 || bytes[PROTO_AT] != PROTO_IN_IP)
		return -1;
	return frame_get16(bytes + ID_AT);
}

static void drain(int fd)
{
	int64_t end = now_ns() + DRAIN_NS;

	while (now_ns() < end)
		(void)frame_take(fd);
}

/* Sends frames with rising numbers until one that is of this round comes back. */
static int64_t wait_for_packet(int fd, struct frame *frame, uint16_t *number)
{
	int64_t start = now_ns(), next = start;
	uint16_t first = *number;

	for (;;) {
		int64_t now = now_ns();
		int32_t came = frame_take(fd);

		if (came >= 0 && (uint16_t)(came - first) < (uint16_t)(*number - first))
			return now;
		if (now - start > ROUND_MAX_NS) {
			errno = ETIMEDOUT;
			give_up("no packet was forwarded");
		}
		if (now < next)
			continue;
		next = now + SEND_EVERY_NS;
		frame_put16(frame->bytes + PLAIN_ID_AT, (*number)++);
		(void)!send(fd, frame->bytes, frame->n, 0);
	}
}

int main(int argc, char **argv)
{
	double ms[ROUNDS_MAX];
	struct frame frame;
	uint16_t number = 0;
	char **undo = argv;
	int fd, rounds;

	while (*undo && strcmp(*undo, "--") != 0)
		undo++;
	rounds = argc > 3 ? atoi(argv[3]) : 0;
	if (!*undo || !undo[1] || undo < argv + 5 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_change INTERFACE VIP ROUNDS ADD... -- REMOVE...\n");
		return 2;
	}
	*undo++ = NULL;
	fd = port_open(argv[1]);
	frame_build(
		&(struct frame_spec){
			.dst = argv[2], .proto = IP_UDP, .dport = 80, .payload_bytes = 18},
		&frame);
	for (int i = 0; i < rounds; i++) {
		int64_t start = now_ns();
		pid_t pid = command_start(&argv[4]);

		ms[i] = (double)(wait_for_packet(fd, &frame, &number) - start) / 1e6;
		command_end(pid, argv[4]);
		command_end(command_start(undo), undo[0]);
		drain(fd);
	}
	result_tell("control.sluicectl_to_packet", "ms", ms, (uint32_t)rounds, NULL);
	return 0;
}
