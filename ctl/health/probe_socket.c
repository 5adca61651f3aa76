/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of probes. Control thread.
 */
#include "probe_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shortage.h"
#include "vip_way.h"

socklen_t socket_address_from(const struct ip_addr *addr, uint16_t port, union socket_address *out)
{
	memset(out, 0, sizeof(*out));
	if (addr->family == IP_V4) {
		struct sockaddr_in *v4 = (void *)out;

		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, addr->bytes, sizeof(v4->sin_addr));
		return sizeof(*v4);
	} else {
		struct sockaddr_in6 *v6 = (void *)out;

		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		memcpy(&v6->sin6_addr, addr->bytes, sizeof(v6->sin6_addr));
		return sizeof(*v6);
	}
}

int probe_socket_open(const struct probe_env *env, const struct probe_target *target, int type,
		      char reason[PROBE_REASON_MAX])
{
	const struct linger at_once = {.l_onoff = 1};
	int fd = socket(ip_socket_family(probe_address(target)->family),
			type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0) {
		err = -errno;
		shortage_note(SHORTAGE_HEALTH, err);
		snprintf(reason, PROBE_REASON_MAX, "no socket: %s", strerror(-err));
		return err;
	}
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (target->vip_id == 0)
		return fd;
	err = vip_way_bind(env->vip, target, fd, reason);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

bool probe_error_is_ours(int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EADDRNOTAVAIL:
	case EADDRINUSE:
	case EACCES:
	case EPERM:
	case EAGAIN:
		return true;
	}
	return false;
}

/* ---- a run ---- */

bool probe_socket_init(struct probe_socket *s, const struct probe_env *env,
		       const struct probe_target *target, probe_done_fn *done, void *ctx,
		       const char *what, event_callback_fn on_event, void *arg)
{
	*s = (struct probe_socket){
		.env = env, .target = target, .done = done, .ctx = ctx, .what = what, .fd = -1};
	s->event = event_new(env->base, -1, 0, on_event, arg);
	return s->event != NULL;
}

void probe_socket_clear(struct probe_socket *s)
{
	probe_socket_cancel(s);
	event_free(s->event);
}

void probe_socket_cancel(struct probe_socket *s)
{
	if (s->fd < 0)
		return;
	event_del(s->event);
	close(s->fd);
	s->fd = -1;
}

void probe_socket_end(struct probe_socket *s, enum probe_outcome outcome, const char *reason)
{
	probe_socket_cancel(s);
	s->done(s->ctx, outcome, reason);
}

void probe_socket_end_error(struct probe_socket *s, int error)
{
	char reason[PROBE_REASON_MAX];

	shortage_note(SHORTAGE_HEALTH, error);
	snprintf(reason, sizeof(reason), "%s: %s", s->what, strerror(error));
	probe_socket_end(s, probe_error_is_ours(error) ? PROBE_NOT_MADE : PROBE_FAILED, reason);
}

bool probe_socket_connect(struct probe_socket *s, int type, short events)
{
	union socket_address to;
	socklen_t bytes =
		socket_address_from(probe_address(s->target), s->target->timing.port, &to);
	char reason[PROBE_REASON_MAX];

	s->fd = probe_socket_open(s->env, s->target, type, reason);
	if (s->fd < 0) {
		s->done(s->ctx, PROBE_NOT_MADE, reason);
		return false;
	}
	event_assign(s->event, s->env->base, s->fd, events, event_get_callback(s->event),
		     event_get_callback_arg(s->event));
	if (connect(s->fd, &to.any, bytes) == 0 || errno == EINPROGRESS)
		return true;
	probe_socket_end_error(s, errno);
	return false;
}

void probe_socket_wait(struct probe_socket *s, int64_t at_most_us)
{
	const struct timeval left = {.tv_sec = at_most_us / 1000000,
				     .tv_usec = at_most_us % 1000000};

	if (event_add(s->event, &left) == 0)
		return;
	shortage_note(SHORTAGE_TIMER, ENOMEM);
	probe_socket_end(s, PROBE_NOT_MADE, "no memory");
}
