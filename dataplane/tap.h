/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's interface beside a port: a TAP with the port's Ethernet address. It stays when it is
 * closed, without a carrier, and the next process takes it up: addresses, routes, MTU, and what goes
 * over it, outlive a restart. Opened and closed by the control thread; frames are moved by the kernel
 * thread (kernel.h) alone.
 */
#ifndef SLUICE_DATAPLANE_TAP_H
#define SLUICE_DATAPLANE_TAP_H

#include "sluice/module.h"

struct rte_mbuf;
struct rte_mempool;

struct tap {
	int fd; /* readable when the kernel has a frame */
	bool no_carrier;
	char name[FAST_PATH_NAME_MAX];
};

/*
 * Takes the TAP of that name up, whoever made it, with the MTU that it has unless
 * another one is wanted; or makes one, of `mtu_bytes`. -EBUSY: the name is another kind of interface's, or another process has it; -EPERM,
 * -ENODEV: the kernel gives none.
 */
int tap_open(struct tap *t, const char *name, const uint8_t mac[6], uint32_t mtu_bytes,
	     bool mtu_wanted, char *error);

/* From now on it outlives this process; before, one that tap_open() made goes with tap_close(). */
void tap_keep(const struct tap *t);
void tap_close(struct tap *t);

/*
 * The next frame that the kernel sends, in a buffer of `pool`. -EAGAIN: there is none; -ENOBUFS:
 * no buffer is free; -EMSGSIZE: it was longer than a buffer, and is lost.
 */
int tap_receive(const struct tap *t, struct rte_mempool *pool, struct rte_mbuf **m);

/*
 * Whether the interface has a carrier: without one the kernel sends nothing by it, and routing daemons
 * take its routes out. A kernel before 4.20 can't, and the interface keeps it. Control thread.
 */
void tap_set_carrier(struct tap *t, bool carrier);

/* Gives the kernel a copy of the frame. False: it doesn't take it (the interface is down). */
bool tap_send(const struct tap *t, const struct rte_mbuf *m);

#endif
