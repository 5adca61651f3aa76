/* SPDX-License-Identifier: Apache-2.0 */
/*
 * icmp: an echo request to the backend, of either family, passes when it is answered. Control
 * thread.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"
#include "probe.h"
#include "probe_socket.h"

struct icmp {
	struct echo_wait wait; /* first: answered() goes from it to us */
	const struct probe_env *env;
	const struct probe_target *target;
	probe_done_fn *done;
	void *ctx;
	struct event *timer;
	uint64_t dropped; /* echo_dropped(), when it began */
};

static void icmp_cancel(void *probe)
{
	struct icmp *p = probe;

	event_del(p->timer);
	echo_forget(p->env->echo, &p->wait);
}

static void answered(struct echo_wait *wait)
{
	struct icmp *p = (struct icmp *)wait;

	event_del(p->timer);
	p->done(p->ctx, PROBE_PASSED, "icmp echo answered");
}

static void on_timeout(evutil_socket_t fd, short events, void *ctx)
{
	struct icmp *p = ctx;
	char reason[PROBE_REASON_MAX];

	(void)fd;
	(void)events;
	icmp_cancel(p);
	if (echo_dropped(p->env->echo) != p->dropped) {
		p->done(p->ctx, PROBE_NOT_MADE, "icmp: answers came faster than they were read");
		return;
	}
	snprintf(reason, sizeof(reason), "icmp echo not answered within %u ms",
		 p->target->timing.timeout_ms);
	p->done(p->ctx, PROBE_FAILED, reason);
}

static void icmp_start(void *probe)
{
	struct icmp *p = probe;
	struct timeval timeout = {
		.tv_sec = p->target->timing.timeout_ms / 1000,
		.tv_usec = p->target->timing.timeout_ms % 1000 * 1000,
	};
	char reason[PROBE_REASON_MAX];
	int err;

	p->wait.addr = p->target->backend->addr;
	p->dropped = echo_dropped(p->env->echo);
	err = echo_send(p->env->echo, &p->wait);
	if (!err && evtimer_add(p->timer, &timeout) == 0)
		return;
	icmp_cancel(p);
	snprintf(reason, sizeof(reason), "icmp: %s%s", strerror(err ? -err : ENOMEM),
		 err == -EACCES || err == -EPERM ? " (an echo request needs CAP_NET_RAW)" : "");
	p->done(p->ctx, !err || probe_error_is_ours(-err) ? PROBE_NOT_MADE : PROBE_FAILED, reason);
}

static void icmp_free(void *probe)
{
	struct icmp *p = probe;

	icmp_cancel(p);
	event_free(p->timer);
	free(p);
}

static void *icmp_new(const struct probe_env *env, const struct probe_target *target,
		      probe_done_fn *done, void *ctx)
{
	struct icmp *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct icmp){
		.wait = {.answered = answered},
		.env = env,
		.target = target,
		.done = done,
		.ctx = ctx,
		.timer = evtimer_new(env->base, on_timeout, p),
	};
	if (p->timer)
		return p;
	free(p);
	return NULL;
}

const struct probe_kind probe_icmp = {
	.new = icmp_new,
	.start = icmp_start,
	.cancel = icmp_cancel,
	.free = icmp_free,
};
