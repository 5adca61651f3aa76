// SPDX-License-Identifier: Apache-2.0
/*
 * Sockets of probes. Control thread.
 */
#include "probe_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vip_way.h"

socklen_t socket_address_from(const struct ip_addr *addr, uint16_t port,
			      union socket_address *out)
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
