/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker receives, without a port: buffers whose frames are written aside (as a NIC does)
 * and handed out in bursts with their metadata set (as a driver does). Made on the main thread,
 * used by one thread.
 */
#ifndef SLUICE_TESTS_BENCH_TRAFFIC_H
#define SLUICE_TESTS_BENCH_TRAFFIC_H

#include "sluice/verdict.h"

#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;

enum {
	/* As many as a worker on one port has under way: PORT_DESCRIPTORS each to receive and to
	 * send. They and their frames take half a MiB of the caches. */
	TRAFFIC_BUFFERS = 2048,
	TRAFFIC_BURST = 32, /* as the worker takes them */
	TRAFFIC_BURSTS = TRAFFIC_BUFFERS / TRAFFIC_BURST,
	TRAFFIC_FRAME_MAX = 128,
};

/* Frames of one kind, each of the next flow. */
struct traffic_kind {
	const char *name;     /* "tcp4" */
	enum verdict verdict; /* what becomes of them */
	bool v6;
	uint8_t proto; /* of the flow */
	uint16_t bytes;
	uint8_t frame[TRAFFIC_FRAME_MAX];
	/* Offsets of the last 4 bytes of the client's address and the vip's, and of the client's
	 * port; the second of each is that of a quoted packet; 0: none. */
	uint8_t client_at[2], vip_at[2], port_at[2];
};

/* The kinds there are, by name; NULL: none. */
const struct traffic_kind *traffic_kind(const char *name);

struct traffic {
	struct rte_mbuf *pkts[TRAFFIC_BUFFERS]; /* in the order they are received, which is none */
};

/* Takes all its buffers from `pool`, and gives them back. Aborts where it can't. */
void traffic_init(struct traffic *t, struct rte_mempool *pool);
void traffic_release(struct traffic *t);

/*
 * Writes all frames anew: of flows `first`, `first` + 1 and so on, modulo `flows`. Flow i is one
 * to service i % services, in an order that looks like chance. Returns the flow that comes next.
 */
uint64_t traffic_write(const struct traffic *t, const struct traffic_kind *kind, uint64_t first,
		       uint64_t flows, uint32_t services);

/* Burst `i`, below TRAFFIC_BURSTS, fresh from the port. Returns its first packet. */
struct rte_mbuf **traffic_receive(struct traffic *t, uint32_t i, uint16_t bytes);

#endif
