/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port: a DPDK device with one receive and one transmit queue for each worker. Control thread,
 * but for the queues, which are the workers'.
 */
#ifndef SLUICE_DATAPLANE_PORT_H
#define SLUICE_DATAPLANE_PORT_H

#include "sluice/module.h"

struct rte_mempool;

struct port {
	const char *device; /* as configured */
	uint16_t id;        /* DPDK's */
	uint16_t queues_max;
	uint32_t mtu_bytes; /* for the kernel's interface to start with */
	uint32_t rx_mtu_bytes; /* what the port takes, at least that */
	int numa_node;      /* -1: any */
	uint8_t mac[6];
	char driver[32];
	bool plugged; /* by port_probe(), to be unplugged */
	bool configured;
};

enum {
	/* Of one queue. Workers are quick or the burst is lost anyway. */
	PORT_DESCRIPTORS = 1024,
	/* What a driver may hold beside its descriptors: AF_XDP's fill queue is 2,048 long. */
	PORT_SPARE_BUFFERS = 3072,
};

/*
 * Finds `device`, plugs it in if it is a virtual one. -ENODEV: there is none, or it can't be had;
 * `index` is its place in the config, for messages.
 */
int port_probe(struct port *p, uint32_t index, const char *device, char *error);

/*
 * Sets up `queues` (at most queues_max) queues of each kind with buffers of `pool`, and starts.
 * -ENODEV: the device refuses; -ENOMEM.
 */
int port_start(struct port *p, uint16_t queues, struct rte_mempool *pool,
	       char *error);

/* No worker polls it any more. Fills in what the device knows. */
void port_stop(struct port *p);
void port_read(const struct port *p, struct fast_path_port_info *info);

#endif
