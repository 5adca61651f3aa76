/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TUN interface, and the rule and route that lead marked packets into it. Control thread.
 */
#ifndef SLUICE_HEALTH_VIP_ROUTE_H
#define SLUICE_HEALTH_VIP_ROUTE_H

#include <stdint.h>

enum {
	/* What every way carries with the longest outer headers around it, and IPv6 demands. */
	VIP_ROUTE_MTU = 1280,
};

/*
 * Makes them: what is marked `mark` is routed by table `mark`, into the interface. *error6: what
 * IPv6 failed with, or 0. Returns its file descriptor, nonblocking, a packet a read; or -errno.
 */
int vip_route_open(uint32_t mark, int *error6);

/* Removes them. */
void vip_route_close(int fd, uint32_t mark);

#endif
