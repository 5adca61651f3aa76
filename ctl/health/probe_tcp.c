// SPDX-License-Identifier: Apache-2.0
/*
 * tcp: passes when a connection comes about. A process that hangs keeps its kernel accepting: to
 * find that out takes http, udp or exec. Control thread.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe_socket.h"

struct tcp {
	const struct probe_env *env;
	const struct probe_target *target;
	probe_done_fn *done;
	void *ctx;
	struct event *event;
	int fd; /* -1: no run is under way */
};

static void tcp_cancel(void *probe)
{
	struct tcp *t = probe;

	if (t->fd < 0)
		return;
	event_del(t->event);
	close(t->fd);
	t->fd = -1;
}

static void end(struct tcp *t, enum probe_outcome outcome, const char *reason)
{
	tcp_cancel(t);
	t->done(t->ctx, outcome, reason);
}

static void end_error(struct tcp *t, int error)
{
	char reason[PROBE_REASON_MAX];

	snprintf(reason, sizeof(reason), "tcp connect: %s", strerror(error));
	end(t, probe_error_is_ours(error) ? PROBE_NOT_MADE : PROBE_FAILED, reason);
}

static void on_event(evutil_socket_t fd, short events, void *ctx)
{
	struct tcp *t = ctx;
	socklen_t bytes = sizeof(int);
	char reason[PROBE_REASON_MAX];
	int error = 0;

	/* Both, where this loop was late. */
	if (!(events & EV_WRITE)) {
		snprintf(reason, sizeof(reason), "tcp connect timed out after %u ms",
			 t->target->timing.timeout_ms);
		end(t, PROBE_FAILED, reason);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
		error = errno;
	if (error)
		end_error(t, error);
	else
		end(t, PROBE_PASSED, "tcp connect");
}

static void tcp_start(void *probe)
{
	struct tcp *t = probe;
	struct timeval timeout = {
		.tv_sec = t->target->timing.timeout_ms / 1000,
		.tv_usec = t->target->timing.timeout_ms % 1000 * 1000,
	};
	union socket_address to;
	socklen_t bytes =
		socket_address_from(probe_address(t->target), t->target->timing.port, &to);
	char reason[PROBE_REASON_MAX];

	t->fd = probe_socket_open(t->env, t->target, SOCK_STREAM, reason);
	if (t->fd < 0) {
		t->done(t->ctx, PROBE_NOT_MADE, reason);
		return;
	}
	event_assign(t->event, t->env->base, t->fd, EV_WRITE, on_event, t);
	if (connect(t->fd, &to.any, bytes) != 0 && errno != EINPROGRESS)
		end_error(t, errno);
	else if (event_add(t->event, &timeout) != 0)
		end(t, PROBE_NOT_MADE, "no memory");
}

static void tcp_free(void *probe)
{
	struct tcp *t = probe;

	tcp_cancel(t);
	event_free(t->event);
	free(t);
}

static void *tcp_new(const struct probe_env *env, const struct probe_target *target,
		     probe_done_fn *done, void *ctx)
{
	struct tcp *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct tcp){.env = env, .target = target, .done = done, .ctx = ctx, .fd = -1};
	t->event = event_new(env->base, -1, 0, on_event, t);
	if (t->event)
		return t;
	free(t);
	return NULL;
}

const struct probe_kind probe_tcp = {
	.new = tcp_new,
	.start = tcp_start,
	.cancel = tcp_cancel,
	.free = tcp_free,
};
