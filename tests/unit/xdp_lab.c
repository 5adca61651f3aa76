/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the namespace, its two wires and its bpffs, and sends and takes frames. Called by the
 * test_xdp_* that need interfaces.
 */
#include "xdp_lab.h"

#include "../parity/fixture.h"
#include "../parity/frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

/* What a forwarded frame starts with: Ethernet, an outer IPv4 header, the client's (IPIP: ways 0 and 1). */
enum {
	OUTER_IP = 14,
	OUTER_DST = OUTER_IP + 16,
	INNER_IP = OUTER_IP + 20,
	INNER_ID = INNER_IP + 4,
	REPLY_MAX_MS = 10000, /* on a machine that does other things */
	LOOP_TRIES = 5,
};

struct lab_loop {
	pthread_t thread;
	struct lab *lab;
	atomic_bool stop;
	unsigned int sent, lost;
};

static void give_up(const char *what)
{
	fprintf(stderr, "tests/unit/xdp_lab: %s: %s\n", what, strerror(errno));
	abort();
}

static void shell(const char *command)
{
	if (system(command) != 0)
		give_up(command);
}

int lab_wire(const char *interface)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	struct timeval wait = {.tv_usec = 50000};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0)
		give_up(interface);
	return fd;
}

bool lab_enter(struct lab *lab)
{
	*lab = (struct lab){.wires = {-1, -1}};
	if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
		return false;
	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		give_up("private mounts");
	mkdir(LAB_BPFFS, 0700);
	if (mount("bpf", LAB_BPFFS, "bpf", 0, NULL) != 0)
		give_up("mount -t bpf");
	shell("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 && ip link set lo up");
	for (int i = 0; i < 2; i++) {
		char command[256], peer[] = {'p', (char)('0' + i), 0};

		/* Without gro the peer would lose what XDP sends. */
		snprintf(command, sizeof(command),
			 "ip link add l%d address 02:00:00:00:00:0b type veth peer name p%d && "
			 "ip link set l%d up && "
			 "ip link set p%d up && ethtool -K p%d gro on",
			 i, i, i, i, i);
		shell(command);
		lab->wires[i] = lab_wire(peer);
	}
	return true;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A way's backend is 10.4.0.(way + 1): fixture.c. The odd ones are tagged. */
static bool is_reply(const uint8_t *bytes, ssize_t n, uint16_t seq, unsigned int way)
{
	const uint8_t dst[4] = {10, 4, 0, (uint8_t)(way + 1)};

	/* The tag stands beside the frame in a packet socket's view. */
	return n > INNER_ID + 2 && frame_get16(bytes + INNER_ID) == seq &&
	       memcmp(bytes + OUTER_DST, dst, sizeof(dst)) == 0;
}

static void packet_send(const struct lab *lab, unsigned int way, uint16_t id)
{
	char vip[32];
	struct frame_spec spec = {
		.dst = vip,
		.proto = IP_TCP,
		.dport = 80,
		.id = id,
		.payload_bytes = 64,
	};
	struct frame frame;

	snprintf(vip, sizeof(vip), WAYS4, FIXTURE_WAYS_FIRST + way);
	frame_build(&spec, &frame);
	if (send(lab->wires[0], frame.bytes, frame.n, 0) != (ssize_t)frame.n)
		give_up("send");
}

void lab_send(struct lab *lab, unsigned int way)
{
	packet_send(lab, way, ++lab->seq);
}

/* The reply to the latest. */
static bool reply_wait(const struct lab *lab, unsigned int way, unsigned int wire, int64_t max_ms)
{
	int64_t until = now_ms() + max_ms;
	uint8_t bytes[2048];

	/* Once at least: whoever is woken too late finds it there. */
	do {
		ssize_t n = recv(lab->wires[wire], bytes, sizeof(bytes), 0);

		if (n > 0 && is_reply(bytes, n, lab->seq, way))
			return true;
	} while (now_ms() < until);
	return false;
}

bool lab_exchange(struct lab *lab, unsigned int way, unsigned int wire)
{
	packet_send(lab, way, ++lab->seq);
	return reply_wait(lab, way, wire, REPLY_MAX_MS);
}

unsigned int lab_lost(struct lab *lab, unsigned int n)
{
	unsigned int lost = 0;

	for (unsigned int i = 0; i < n; i++)
		lost += !lab_exchange(lab, 0, 0);
	return lost;
}

/*
 * A veth whose receiver is not told of a packet keeps it until the next: such a one is late, not
 * lost, and comes out with the one that is sent behind it.
 */
static bool loop_exchange(struct lab *lab)
{
	packet_send(lab, 0, ++lab->seq);
	for (int i = 1; i < LOOP_TRIES; i++) {
		if (reply_wait(lab, 0, 0, REPLY_MAX_MS / LOOP_TRIES))
			return true;
		packet_send(lab, 0, (uint16_t)(lab->seq ^ 0x8000));
	}
	return reply_wait(lab, 0, 0, REPLY_MAX_MS / LOOP_TRIES);
}

static void *loop_run(void *arg)
{
	struct lab_loop *loop = arg;

	while (!atomic_load(&loop->stop)) {
		loop->sent++;
		loop->lost += !loop_exchange(loop->lab);
	}
	return NULL;
}

struct lab_loop *lab_loop_start(struct lab *lab)
{
	struct lab_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		give_up("loop");
	loop->lab = lab;
	errno = pthread_create(&loop->thread, NULL, loop_run, loop);
	if (errno != 0)
		give_up("thread");
	return loop;
}

unsigned int lab_loop_stop(struct lab_loop *loop, unsigned int *sent)
{
	unsigned int lost;

	atomic_store(&loop->stop, true);
	pthread_join(loop->thread, NULL);
	lost = loop->lost;
	*sent = loop->sent;
	free(loop);
	return lost;
}

uint32_t lab_program_id(const char *interface)
{
	uint32_t id = 0;

	if (bpf_xdp_query_id((int)if_nametoindex(interface), 0, &id) != 0)
		give_up(interface);
	return id;
}
