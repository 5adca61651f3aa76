/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hears what routers say of outer packets that were too long for them. Packets of no service reach
 * the kernel on both fast paths, so packet sockets see these messages whichever path runs, also
 * those to an address of `outer.ipip_source_v4` or `_v6`, which is none of the kernel's own. Used
 * by nexthop.c, on the control thread.
 */
#ifndef SLUICE_NEXTHOP_PATH_MTU_LISTENER_H
#define SLUICE_NEXTHOP_PATH_MTU_LISTENER_H

#include "path_mtu_message.h"

#include <stdint.h>

struct event_base;
struct path_mtu_listener;

/* Called from the event loop. */
typedef void path_mtu_heard(void *ctx, const struct path_mtu_message *message);

/* Listens on all interfaces of the calling thread's network namespace, for this host's packets.
 * Returns 0, or -errno: -EPERM: no CAP_NET_RAW; -ENOMEM, -EMFILE, -ENFILE: later may do. */
int path_mtu_listener_new(struct event_base *base, uint16_t gue_port, path_mtu_heard *heard,
			  void *ctx, struct path_mtu_listener **out);

void path_mtu_listener_free(struct path_mtu_listener *listener); /* NULL is allowed */

/* Messages that came faster than they were read, so that the kernel dropped them. */
uint64_t path_mtu_listener_lost(struct path_mtu_listener *listener);

#endif
