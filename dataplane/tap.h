/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's interface beside a port: a TAP with the port's Ethernet address. It goes when it
 * is closed. Made and closed by the control thread; frames are moved by the kernel thread
 * (kernel.h) alone.
 */
#ifndef SLUICE_DATAPLANE_TAP_H
#define SLUICE_DATAPLANE_TAP_H

#include "sluice/module.h"

struct rte_mbuf;
struct rte_mempool;

struct tap {
	int fd; /* readable when the kernel has a frame */
	char name[FAST_PATH_NAME_MAX];
};

/* -EBUSY: the name is taken; -EPERM, -ENODEV: the kernel gives none. */
int tap_open(struct tap *t, const char *name, const uint8_t mac[6], uint32_t mtu_bytes,
	     char *error);
void tap_close(struct tap *t);

/*
 * The next frame that the kernel sends, in a buffer of `pool`. -EAGAIN: there is none; -ENOBUFS:
 * no buffer is free; -EMSGSIZE: it was longer than a buffer, and is lost.
 */
int tap_receive(const struct tap *t, struct rte_mempool *pool, struct rte_mbuf **m);

/* Gives the kernel a copy of the frame. False: it doesn't take it (the interface is down). */
bool tap_send(const struct tap *t, const struct rte_mbuf *m);

#endif
