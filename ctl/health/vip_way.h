/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of checks via = "vip": packets for the vip go to one backend in the service's own outer
 * headers, as the fast path's packets do, and the server's answers come straight back to the
 * node. An ordinary socket sends them; a mark on it leads them into a TUN interface of ours, the
 * local port tells whose they are, encap.h writes the outer headers and the kernel routes what
 * comes out. Made when the first such check runs; needs CAP_NET_ADMIN then. Control thread.
 */
#ifndef SLUICE_HEALTH_VIP_WAY_H
#define SLUICE_HEALTH_VIP_WAY_H

#include "probe.h"

struct vip_way;

/* What the fast path would send the backend's packets with. */
struct vip_outer {
	struct backend entry;         /* without BACKEND_RESOLVED: nowhere */
	struct generation generation; /* its key, gue_port and outer_ttl */
};

typedef void vip_outer_fn(void *ctx, const struct service_conf *service,
			  const struct backend_conf *backend, struct vip_outer *out);

/* `mark`: of the sockets, and the number of the routing table. NULL: no memory. */
struct vip_way *vip_way_new(struct event_base *base, uint32_t mark, vip_outer_fn *outer, void *ctx);
void vip_way_free(struct vip_way *way); /* NULL is allowed */

/* A number for target->vip_id, by which `target` is found from now on; 0: no memory. */
uint32_t vip_way_add(struct vip_way *way, const struct probe_target *target);
void vip_way_remove(struct vip_way *way, uint32_t id);

/*
 * Makes a new socket go this way: marks it and binds it to a port. 0, or -errno with `reason`:
 * there is no such way, for what the host is like.
 */
int vip_way_bind(struct vip_way *way, const struct probe_target *target, int fd,
		 char reason[PROBE_REASON_MAX]);

#endif
