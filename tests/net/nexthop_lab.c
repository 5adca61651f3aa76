/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces, commands and waiting for the tests of the next-hop resolution.
 */
#include "nexthop_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

enum {
	WAIT_MS = 8000, /* no test waits longer for anything */
};

static const struct nexthop_timing quick = {
	.debounce_ms = 5, .solicit_ms = 100, .refresh_ms = 600000};

bool lab_possible(void)
{
	if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
		return true;
	printf("skip: needs root, for network namespaces (%s)\n",
	       geteuid() == 0 ? strerror(errno) : "not root");
	return false;
}

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("command failed: %s", command);
}

void ip(const char *format, ...)
{
	char command[512] = "ip ";
	va_list args;

	va_start(args, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, args);
	va_end(args);
	shell(command);
}

void peer_ip(const struct lab *lab, const char *arguments)
{
	char command[512];

	snprintf(command, sizeof(command), "nsenter --net=/proc/%d/ns/net ip %s", (int)lab->peer,
		 arguments);
	shell(command);
}

void kernel_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), (ssize_t)strlen(value));
	close(fd);
}

static void namespace_enter(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		abort();
	/* No waiting for duplicate address detection. */
	kernel_set("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
}

/* A child that does nothing but hold a namespace. Returns when that is there. */
static pid_t peer_start(void)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		namespace_enter();
		if (write(ready[1], &byte, 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void count_change(void *ctx)
{
	((struct lab *)ctx)->n_changed++;
}

static void lab_links(struct lab *lab)
{
	ip("link set lo up");
	for (int i = 0; i < 2; i++) {
		ip("link add n%d address 02:00:00:00:00:0%d type veth peer name p%d netns %d", i, i,
		   i, (int)lab->peer);
		ip("link set n%d up", i);
		ip("addr add 10.%d.0.1/24 dev n%d", i + 1, i);
		ip("addr add 2001:db8:%d::1/64 dev n%d nodad", i + 1, i);
	}
	peer_ip(lab, "link set p0 address 02:00:00:00:00:50 up");
	peer_ip(lab, "addr add 10.1.0.2/24 dev p0");
	peer_ip(lab, "addr add 2001:db8:1::2/64 dev p0 nodad");
	peer_ip(lab, "link set p1 up");
	ip("neigh add 10.1.0.10 lladdr 02:00:00:00:01:0a dev n0");
	ip("neigh add 2001:db8:1::10 lladdr 02:00:00:00:01:6a dev n0");
	ip("neigh add 10.2.0.254 lladdr 02:00:00:00:01:fe dev n1");
	ip("neigh add 2001:db8:2::fe lladdr 02:00:00:00:01:6e dev n1");
	ip("neigh add fe80::99 lladdr 02:00:00:00:01:99 dev n1");
}

int lab_up(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	namespace_enter();
	lab->peer = peer_start();
	lab_links(lab);
	lab->base = event_base_new();
	assert_non_null(lab->base);
	assert_int_equal(nexthops_new(lab->base, &quick, count_change, lab, &lab->hops), 0);
	*state = lab;
	return 0;
}

int lab_down(void **state)
{
	struct lab *lab = *state;

	nexthops_free(lab->hops);
	event_base_free(lab->base);
	kill(lab->peer, SIGKILL);
	waitpid(lab->peer, NULL, 0);
	free(lab);
	return 0;
}

void lab_retime(struct lab *lab, const struct nexthop_timing *timing)
{
	nexthops_free(lab->hops);
	assert_int_equal(nexthops_new(lab->base, timing, count_change, lab, &lab->hops), 0);
}

struct ip_addr addr_of(const char *text)
{
	struct ip_addr addr;

	if (ip_parse(text, &addr) < 0)
		fail_msg("no address: %s", text);
	return addr;
}

void watch(struct lab *lab, const char *text)
{
	struct ip_addr addr = addr_of(text);

	assert_int_equal(lab_watch(lab->hops, &addr, 1), 0);
}

const struct nexthop *hop_to(const struct lab *lab, const char *text)
{
	struct ip_addr addr = addr_of(text);
	const struct nexthop *hop = lab_get(lab->hops, &addr);

	if (!hop)
		fail_msg("%s is not watched", text);
	return hop;
}

void assert_state(const struct nexthop *hop, enum nexthop_state state)
{
	assert_string_equal(nexthop_state_name(hop->state), nexthop_state_name(state));
}

void assert_mac(const uint8_t mac[6], const char *expected)
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	assert_string_equal(text, expected);
}

void assert_addr(const struct ip_addr *addr, const char *expected)
{
	char text[IP_TEXT_MAX];

	assert_string_equal(ip_format(addr, text), expected);
}

void loop_for(struct lab *lab, unsigned int ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(lab->base, &tv);
	event_base_dispatch(lab->base);
}

void wait_change(struct lab *lab, unsigned int before)
{
	uint64_t start_us = now_us();

	while (lab->n_changed == before) {
		if (now_us() - start_us > WAIT_MS * 1000)
			fail_msg("no change was told of within %d ms", WAIT_MS);
		loop_for(lab, 10);
	}
}

void wait_state(struct lab *lab, const char *addr, enum nexthop_state state)
{
	uint64_t start_us = now_us();

	while (hop_to(lab, addr)->state != state && now_us() - start_us < WAIT_MS * 1000)
		loop_for(lab, 10);
	assert_state(hop_to(lab, addr), state);
}

int lab_watch(struct nexthops *hops, const struct ip_addr *addrs, size_t n)
{
	struct nexthop_key *ways = calloc(n + 1, sizeof(*ways));
	int rc;

	assert_non_null(ways);
	for (size_t i = 0; i < n; i++)
		ways[i].addr = addrs[i];
	rc = nexthops_watch(hops, ways, n);
	free(ways);
	return rc;
}

const struct nexthop *lab_get(const struct nexthops *hops, const struct ip_addr *addr)
{
	return nexthops_get(hops, &(struct nexthop_key){.addr = *addr});
}
