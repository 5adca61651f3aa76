/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of probes: to the backend, or to the vip by way of the backend. Control thread.
 */
#ifndef SLUICE_HEALTH_PROBE_SOCKET_H
#define SLUICE_HEALTH_PROBE_SOCKET_H

#include <sys/socket.h>

#include "probe.h"

union socket_address {
	struct sockaddr any;
	struct sockaddr_storage room; /* so that the whole is as large */
};

/* Returns the length. `port` in host order. */
socklen_t socket_address_from(const struct ip_addr *addr, uint16_t port,
			      union socket_address *out);

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
