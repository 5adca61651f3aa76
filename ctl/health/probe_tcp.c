/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp: passes when a connection comes about. A process that hangs keeps its kernel accepting: to
 * find that out takes http, udp or exec. Control thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe_socket.h"

static void on_event(evutil_socket_t fd, short events, void *ctx)
{
	struct probe_socket *s = ctx;
	socklen_t bytes = sizeof(int);
	char reason[PROBE_REASON_MAX];
	int error = 0;

	/* Both, where this loop was late. */
	if (!(events & EV_WRITE)) {
		snprintf(reason, sizeof(reason), "%s timed out after %u ms", s->what,
			 s->target->timing.timeout_ms);
		probe_socket_end(s, PROBE_FAILED, reason);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
		error = errno;
	if (error)
		probe_socket_end_error(s, error);
	else
		probe_socket_end(s, PROBE_PASSED, s->what);
}

static void tcp_start(void *probe)
{
	struct probe_socket *s = probe;

	if (probe_socket_connect(s, SOCK_STREAM, EV_WRITE))
		probe_socket_wait(s, s->target->timing.timeout_ms * 1000LL);
}

static void tcp_cancel(void *probe)
{
	probe_socket_cancel(probe);
}

static void tcp_free(void *probe)
{
	probe_socket_clear(probe);
	free(probe);
}

static void *tcp_new(const struct probe_env *env, const struct probe_target *target,
		     probe_done_fn *done, void *ctx)
{
	struct probe_socket *s = calloc(1, sizeof(*s));

	if (s && probe_socket_init(s, env, target, done, ctx, "tcp connect", on_event, s))
		return s;
	free(s);
	return NULL;
}

const struct probe_kind probe_tcp = {
	.has_file = true,
	.new = tcp_new,
	.start = tcp_start,
	.cancel = tcp_cancel,
	.free = tcp_free,
};
