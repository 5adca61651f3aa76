/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of probes: to the backend, or to the vip by way of the backend. Control thread.
 */
#ifndef SLUICE_HEALTH_PROBE_SOCKET_H
#define SLUICE_HEALTH_PROBE_SOCKET_H

#include <event2/event.h>
#include <sys/socket.h>

#include "probe.h"

union socket_address {
	struct sockaddr any;
	struct sockaddr_storage room; /* so that the whole is as large */
};

/* Returns the length. `port` in host order. */
socklen_t socket_address_from(const struct ip_addr *addr, uint16_t port, union socket_address *out);

/* A probe whose runs each have a socket and an event for it. */
struct probe_socket {
	const struct probe_env *env;
	const struct probe_target *target;
	probe_done_fn *done;
	void *ctx;
	const char *what; /* "tcp connect", for reasons */
	struct event *event;
	int fd; /* -1: no run is under way */
};

/* `on_event` is called with `arg`. False: no memory. */
bool probe_socket_init(struct probe_socket *s, const struct probe_env *env,
		       const struct probe_target *target, probe_done_fn *done, void *ctx,
		       const char *what, event_callback_fn on_event, void *arg);
void probe_socket_clear(struct probe_socket *s); /* cancels */

/*
 * Begins a run: a socket of SOCK_STREAM or SOCK_DGRAM that is connected to the target, or will be,
 * with the event for `events`, which is not added yet. False: the run has ended by that.
 */
bool probe_socket_connect(struct probe_socket *s, int type, short events);

/* Waits for the event, for so long at most. May end the run. */
void probe_socket_wait(struct probe_socket *s, int64_t at_most_us);

/* Ends the run. The probe may be gone behind it. */
void probe_socket_end(struct probe_socket *s, enum probe_outcome outcome, const char *reason);
void probe_socket_end_error(struct probe_socket *s, int error);
void probe_socket_cancel(struct probe_socket *s);

/*
 * A nonblocking socket of SOCK_STREAM or SOCK_DGRAM, of the family of probe_address(), which goes
 * by the vip's way if the target says so. What it sent is thrown away at close(), which resets a
 * connection: so no port waits for minutes in TIME_WAIT. Returns it, or -errno, with `reason`
 * where the vip's way can't be gone.
 */
int probe_socket_open(const struct probe_env *env, const struct probe_target *target, int type,
		      char reason[PROBE_REASON_MAX]);

/* Whether an error of connect() or so tells of this host and not of the backend. */
bool probe_error_is_ours(int error);

#endif
