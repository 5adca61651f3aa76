// SPDX-License-Identifier: Apache-2.0
/*
 * udp: sends a datagram, and passes when one comes back that has the expected bytes in it, any if
 * none are. Control thread.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probe_socket.h"

enum {
	DATAGRAM_MAX = 65536,
};

struct udp {
	const struct probe_env *env;
	const struct probe_target *target;
	probe_done_fn *done;
	void *ctx;
	struct event *event;
	int fd; /* -1: no run is under way */
	int64_t deadline_us;
	bool answered; /* but not with what was expected */
};

static void udp_cancel(void *probe)
{
	struct udp *u = probe;

	if (u->fd < 0)
		return;
	event_del(u->event);
	close(u->fd);
	u->fd = -1;
}

static void end(struct udp *u, enum probe_outcome outcome, const char *reason)
{
	udp_cancel(u);
	u->done(u->ctx, outcome, reason);
}

static void end_error(struct udp *u, int error)
{
	char reason[PROBE_REASON_MAX];

	snprintf(reason, sizeof(reason), "udp: %s", strerror(error));
	end(u, probe_error_is_ours(error) ? PROBE_NOT_MADE : PROBE_FAILED, reason);
}

static void end_late(struct udp *u)
{
	char reason[PROBE_REASON_MAX];

	snprintf(reason, sizeof(reason), "udp: %s within %u ms",
		 u->answered ? "only unexpected answers" : "no answer",
		 u->target->timing.timeout_ms);
	end(u, PROBE_FAILED, reason);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* For an answer, until the deadline. */
static void wait_on(struct udp *u)
{
	int64_t left_us = u->deadline_us - now_us();
	struct timeval left = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};

	if (left_us <= 0)
		end_late(u);
	else if (event_add(u->event, &left) != 0)
		end(u, PROBE_NOT_MADE, "no memory");
}

static void on_event(evutil_socket_t fd, short events, void *ctx)
{
	static uint8_t datagram[DATAGRAM_MAX]; /* of the control thread */
	struct udp *u = ctx;
	const struct health_bytes *expect = &u->target->service->health.expect;
	ssize_t n;

	/* Both, where this loop was late. */
	if (!(events & EV_READ)) {
		end_late(u);
		return;
	}
	n = recv(fd, datagram, sizeof(datagram), 0);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		end_error(u, errno);
		return;
	}
	if (n >= 0 && (expect->n == 0 || memmem(datagram, (size_t)n, expect->bytes, expect->n))) {
		end(u, PROBE_PASSED, "udp answer");
		return;
	}
	u->answered = u->answered || n >= 0;
	wait_on(u);
}

static void udp_start(void *probe)
{
	struct udp *u = probe;
	const struct health_bytes *send_bytes = &u->target->service->health.send;
	union socket_address to;
	socklen_t bytes =
		socket_address_from(probe_address(u->target), u->target->timing.port, &to);
	char reason[PROBE_REASON_MAX];

	u->answered = false;
	u->deadline_us = now_us() + u->target->timing.timeout_ms * 1000LL;
	u->fd = probe_socket_open(u->env, u->target, SOCK_DGRAM, reason);
	if (u->fd < 0) {
		u->done(u->ctx, PROBE_NOT_MADE, reason);
		return;
	}
	event_assign(u->event, u->env->base, u->fd, EV_READ, on_event, u);
	if (connect(u->fd, &to.any, bytes) != 0 ||
	    send(u->fd, send_bytes->bytes, send_bytes->n, 0) < 0)
		end_error(u, errno);
	else
		wait_on(u);
}

static void udp_free(void *probe)
{
	struct udp *u = probe;

	udp_cancel(u);
	event_free(u->event);
	free(u);
}

static void *udp_new(const struct probe_env *env, const struct probe_target *target,
		     probe_done_fn *done, void *ctx)
{
	struct udp *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	*u = (struct udp){.env = env, .target = target, .done = done, .ctx = ctx, .fd = -1};
	u->event = event_new(env->base, -1, 0, on_event, u);
	if (u->event)
		return u;
	free(u);
	return NULL;
}

const struct probe_kind probe_udp = {
	.new = udp_new,
	.start = udp_start,
	.cancel = udp_cancel,
	.free = udp_free,
};
