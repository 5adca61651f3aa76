/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp: sends a datagram, and passes when one comes back that has the expected bytes in it, any if
 * none are. Control thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "probe_socket.h"

enum {
	DATAGRAM_MAX = 65536,
};

struct udp {
	struct probe_socket socket;
	int64_t deadline_us;
	bool answered; /* but not with what was expected */
};

static void end_late(struct udp *u)
{
	char reason[PROBE_REASON_MAX];

	snprintf(reason, sizeof(reason), "udp: %s within %u ms",
		 u->answered ? "only unexpected answers" : "no answer",
		 u->socket.target->timing.timeout_ms);
	probe_socket_end(&u->socket, PROBE_FAILED, reason);
}

/* For an answer, until the deadline. */
static void wait_on(struct udp *u)
{
	int64_t left_us = u->deadline_us - clock_now_us();

	if (left_us <= 0)
		end_late(u);
	else
		probe_socket_wait(&u->socket, left_us);
}

static void on_event(evutil_socket_t fd, short events, void *ctx)
{
	static uint8_t datagram[DATAGRAM_MAX]; /* of the control thread */
	struct udp *u = ctx;
	const struct health_bytes *expect = &u->socket.target->service->health.expect;
	ssize_t n;

	/* Both, where this loop was late. */
	if (!(events & EV_READ)) {
		end_late(u);
		return;
	}
	n = recv(fd, datagram, sizeof(datagram), 0);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		probe_socket_end_error(&u->socket, errno);
		return;
	}
	if (n >= 0 && (expect->n == 0 || memmem(datagram, (size_t)n, expect->bytes, expect->n))) {
		probe_socket_end(&u->socket, PROBE_PASSED, "udp answer");
		return;
	}
	u->answered = u->answered || n >= 0;
	wait_on(u);
}

static void udp_start(void *probe)
{
	struct udp *u = probe;
	const struct health_bytes *send_bytes = &u->socket.target->service->health.send;

	u->answered = false;
	u->deadline_us = clock_now_us() + u->socket.target->timing.timeout_ms * 1000LL;
	if (!probe_socket_connect(&u->socket, SOCK_DGRAM, EV_READ))
		return;
	if (send(u->socket.fd, send_bytes->bytes, send_bytes->n, 0) < 0)
		probe_socket_end_error(&u->socket, errno);
	else
		wait_on(u);
}

static void udp_cancel(void *probe)
{
	probe_socket_cancel(&((struct udp *)probe)->socket);
}

static void udp_free(void *probe)
{
	struct udp *u = probe;

	probe_socket_clear(&u->socket);
	free(u);
}

static void *udp_new(const struct probe_env *env, const struct probe_target *target,
		     probe_done_fn *done, void *ctx)
{
	struct udp *u = calloc(1, sizeof(*u));

	if (u && probe_socket_init(&u->socket, env, target, done, ctx, "udp", on_event, u))
		return u;
	free(u);
	return NULL;
}

const struct probe_kind probe_udp = {
	.has_file = true,
	.new = udp_new,
	.start = udp_start,
	.cancel = udp_cancel,
	.free = udp_free,
};
