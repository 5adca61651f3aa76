/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Echo requests and their answers. An answer is known by a number in it that nobody else knows, and
 * by who sent it. Control thread.
 */
#include "echo.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "probe_socket.h"
#include "shortage.h"
#include "sluice/wire.h"

enum {
	WAITS_LOG2 = 16, /* at once: what the sequence number tells apart */
	WAITS_MAX = 1 << WAITS_LOG2,
	DATAGRAM_MAX = 512,
	/* An answer takes some 768 bytes of it, and the kernel doubles it: WAITS_MAX of them, as many as
	 * can be out, may come before they are read. It is memory only while it is in use. */
	RECEIVE_BYTES = 32 << 20,
	MEMINFO_N =
		9, /* SK_MEMINFO_VARS of linux/sock_diag.h, which is younger than some headers */
	MEMINFO_DROPS = 8,
	/* linux/icmp.h's, which doesn't go together with sluice/wire.h. */
	ICMP_TYPES_OPTION = 1,
};

struct message {
	uint8_t type, code;
	uint16_t checksum, id, sequence;
	uint64_t token;
};

_Static_assert(sizeof(struct message) == 16, "as on the wire");

struct family {
	int fd; /* or -errno */
	bool raw;
	struct event *event;
	bool rests; /* its socket could not be read: soon again */
};

struct echo {
	struct family v4, v6;
	struct event *again; /* ends their rests */
	uint64_t secret;
	uint32_t next;
	struct echo_wait *waits[WAITS_MAX]; /* by sequence number */
};

static uint16_t checksum(const struct message *m)
{
	uint16_t words[sizeof(*m) / 2];
	uint32_t sum = 0;

	memcpy(words, m, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* Ours, of who was asked: tells who waits for it. */
static void take(struct echo *echo, const struct ip_addr *from, const uint8_t *bytes, size_t n)
{
	struct echo_wait *wait;
	struct message m;

	if (n < sizeof(m))
		return;
	memcpy(&m, bytes, sizeof(m));
	if (m.type != (from->family == IP_V4 ? ICMP_ECHO_REPLY : ICMPV6_ECHO_REPLY))
		return;
	wait = echo->waits[be16_to(m.sequence)];
	if (!wait || wait->token != m.token || !ip_equal(&wait->addr, from))
		return;
	echo_forget(echo, wait);
	wait->answered(wait);
}

/* A socket that can't be read stays readable: without a rest the loop would do nothing else. */
static void rest(struct echo *echo, struct family *family)
{
	static const struct timeval pause = {.tv_usec = 50000};

	if (errno == EAGAIN || errno == EINTR)
		return;
	shortage_note(SHORTAGE_HEALTH, errno);
	if (event_add(echo->again, &pause) != 0)
		return;
	event_del(family->event);
	family->rests = true;
}

static void on_again(evutil_socket_t fd, short events, void *ctx)
{
	static const struct timeval pause = {.tv_usec = 50000};
	struct echo *echo = ctx;
	struct family *families[] = {&echo->v4, &echo->v6};

	(void)fd;
	(void)events;
	for (size_t i = 0; i < 2; i++) {
		if (families[i]->rests && event_add(families[i]->event, NULL) == 0)
			families[i]->rests = false;
		if (families[i]->rests)
			event_add(echo->again, &pause);
	}
}

static void on_v4(evutil_socket_t fd, short events, void *ctx)
{
	struct echo *echo = ctx;
	uint8_t bytes[DATAGRAM_MAX];
	struct sockaddr_in from;
	socklen_t from_bytes = sizeof(from);
	ssize_t n;

	(void)events;
	while ((n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &from_bytes)) > 0) {
		struct ip_addr addr = ip_from_bytes(IP_V4, &from.sin_addr);
		size_t header_bytes = echo->v4.raw ? (bytes[0] & 15U) * 4 : 0;

		if ((size_t)n > header_bytes)
			take(echo, &addr, bytes + header_bytes, (size_t)n - header_bytes);
	}
	if (n < 0)
		rest(echo, &echo->v4);
}

static void on_v6(evutil_socket_t fd, short events, void *ctx)
{
	struct echo *echo = ctx;
	uint8_t bytes[DATAGRAM_MAX];
	struct sockaddr_in6 from;
	socklen_t from_bytes = sizeof(from);
	ssize_t n;

	(void)events;
	while ((n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &from_bytes)) > 0) {
		struct ip_addr addr = ip_from_bytes(IP_V6, &from.sin6_addr);

		take(echo, &addr, bytes, (size_t)n);
	}
	if (n < 0)
		rest(echo, &echo->v6);
}

/* Beyond net.core.rmem_max where we may (CAP_NET_ADMIN), else as far as it goes. */
static void receive_buffer_grow(int fd)
{
	const int bytes = RECEIVE_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* A raw socket needs CAP_NET_RAW; one for pings net.ipv4.ping_group_range. */
static void family_open(struct family *family, struct event_base *base, int domain, int protocol,
			event_callback_fn on_answer, struct echo *echo)
{
	family->raw = true;
	family->fd = socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (family->fd < 0) {
		family->raw = false;
		family->fd = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	}
	if (family->fd < 0) {
		family->fd = -errno;
		return;
	}
	receive_buffer_grow(family->fd);
	family->event = event_new(base, family->fd, EV_READ | EV_PERSIST, on_answer, echo);
	if (!family->event || event_add(family->event, NULL) != 0) {
		close(family->fd);
		family->fd = -ENOMEM;
	}
}

/* Other programs' answers need not wake us. */
static void answers_only(const struct echo *echo)
{
	uint32_t v4 = ~(1U << ICMP_ECHO_REPLY); /* those left out */
	struct icmp6_filter v6;

	ICMP6_FILTER_SETBLOCKALL(&v6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6);
	if (echo->v4.raw && echo->v4.fd >= 0)
		setsockopt(echo->v4.fd, SOL_RAW, ICMP_TYPES_OPTION, &v4, sizeof(v4));
	if (echo->v6.raw && echo->v6.fd >= 0)
		setsockopt(echo->v6.fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6, sizeof(v6));
}

struct echo *echo_new(struct event_base *base)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	if (!echo)
		return NULL;
	if (getrandom(&echo->secret, sizeof(echo->secret), 0) < 0)
		echo->secret = (uint64_t)(uintptr_t)echo; /* an early boot; still nobody's guess */
	echo->again = evtimer_new(base, on_again, echo);
	if (!echo->again) {
		free(echo);
		return NULL;
	}
	family_open(&echo->v4, base, AF_INET, IPPROTO_ICMP, on_v4, echo);
	family_open(&echo->v6, base, AF_INET6, IPPROTO_ICMPV6, on_v6, echo);
	answers_only(echo);
	return echo;
}

static void family_close(struct family *family)
{
	if (family->event)
		event_free(family->event);
	if (family->fd >= 0)
		close(family->fd);
}

void echo_free(struct echo *echo)
{
	if (!echo)
		return;
	family_close(&echo->v4);
	family_close(&echo->v6);
	event_free(echo->again);
	free(echo);
}

int echo_send(struct echo *echo, struct echo_wait *wait)
{
	bool v4 = wait->addr.family == IP_V4;
	const struct family *family = v4 ? &echo->v4 : &echo->v6;
	struct message m = {.type = v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST};
	union socket_address to;
	socklen_t bytes = socket_address_from(&wait->addr, 0, &to);
	uint16_t sequence;

	if (family->fd < 0)
		return family->fd;
	for (uint32_t tried = 0; echo->waits[echo->next % WAITS_MAX]; echo->next++)
		if (tried++ == WAITS_MAX)
			return -ENOBUFS;
	sequence = (uint16_t)(echo->next++ % WAITS_MAX);
	/* Never 0, which stands for none. */
	wait->token = (echo->secret ^ (uint64_t)echo->next * 0x9e3779b97f4a7c15ULL) | 1;
	m.id = be16_from((uint16_t)echo->secret);
	m.sequence = be16_from(sequence);
	m.token = wait->token;
	if (v4)
		m.checksum = checksum(&m); /* of IPv6 the kernel makes it */
	echo->waits[sequence] = wait;
	wait->sequence = sequence;
	if (sendto(family->fd, &m, sizeof(m), 0, &to.any, bytes) == sizeof(m))
		return 0;
	echo->waits[sequence] = NULL;
	wait->token = 0;
	return -errno;
}

static uint64_t family_dropped(const struct family *family)
{
	uint32_t info[MEMINFO_N] = {0};
	socklen_t bytes = sizeof(info);

	if (family->fd < 0 || getsockopt(family->fd, SOL_SOCKET, SO_MEMINFO, info, &bytes) != 0)
		return 0;
	return info[MEMINFO_DROPS];
}

uint64_t echo_dropped(const struct echo *echo)
{
	return family_dropped(&echo->v4) + family_dropped(&echo->v6);
}

void echo_forget(struct echo *echo, struct echo_wait *wait)
{
	if (wait->token == 0)
		return;
	wait->token = 0;
	echo->waits[wait->sequence] = NULL;
}
