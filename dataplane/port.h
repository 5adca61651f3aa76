/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port: a DPDK device with one receive and one transmit queue for each worker. Control thread,
 * but for the queues, which are the workers'.
 */
#ifndef SLUICE_DATAPLANE_PORT_H
#define SLUICE_DATAPLANE_PORT_H

#include "port_state.h"
#include "sluice/mac.h"
#include "sluice/module.h"

struct rte_mempool;

struct port {
	const char *device; /* as configured */
	uint16_t id;        /* DPDK's */
	uint16_t queues_max;
	uint32_t mtu_bytes;    /* for the kernel's interface to start with */
	uint32_t rx_mtu_bytes; /* what the port takes, at least that */
	int numa_node;         /* -1: any */
	bool spreads;          /* over several queues, if it has them */
	uint64_t rss_asked;    /* RTE_ETH_RSS_*; 0: it has no RSS, or one queue */
	enum fast_path_spread spread;
	char spread_how[FAST_PATH_HOW_MAX];
	uint8_t mac[6];
	struct macs macs; /* that it takes frames to */
	char driver[32];
	bool is_bond;     /* of DPDK's own */
	bool strips_tags; /* its device takes VLAN tags out, and can't be told not to */
	char hides_tags
		[16]; /* the kernel's interface that does, and tells DPDK nothing of them; "": none */
	bool plugged; /* by port_probe(), to be unplugged */
	bool configured;
	bool watched;
	bool closed;                                /* its device is no longer ours */
	uint64_t rx_packets, tx_packets, rx_missed; /* when it was closed */
	struct port_identity identity;
};

enum {
	/* Of one queue. Workers are quick or the burst is lost anyway. */
	PORT_DESCRIPTORS = 1024,
	/* What a driver may hold beside its descriptors: AF_XDP's fill queue is 2,048 long. */
	PORT_SPARE_BUFFERS = 3072,
};

/*
 * Finds `device`, plugs it in if it is a virtual one. -ENODEV: there is none, or it can't be had;
 * `index` is its place in the config, for messages. `mtu_bytes`: what it has to take; 0: as it is.
 */
int port_probe(struct port *p, uint32_t index, const char *device, uint32_t mtu_bytes, char *error);

/*
 * Sets up `queues` (at most queues_max) queues of each kind with buffers of `pool`, and starts.
 * `one_pool`: all that is ever sent by the port is of that pool.
 * -ENODEV: the device refuses; -ENOMEM.
 */
int port_start(struct port *p, uint16_t queues, struct rte_mempool *pool, bool one_pool,
	       char *error);

/*
 * From now on it takes frames to its own MAC and to these, which is told to the device. -errno: the
 * device can't, not even by letting all frames in.
 */
int port_macs_set(struct port *p, const uint8_t (*macs)[6], uint32_t n);

/* Its own MAC is another one, as its kernel's interface has by now. -errno: the device can't. */
int port_mac_change(struct port *p, const uint8_t mac[6]);

/* No worker polls it any more. The device is given back; once. */
void port_stop(struct port *p);

/* Fills in what the device knows; of one that is closed, what it knew. */
void port_read(const struct port *p, struct fast_path_port_info *info);

#endif
