/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which queue, and so which worker, a device with receive side scaling gives a packet to: the
 * Toeplitz hash with the device's own key, and its redirection table. Control thread.
 */
#ifndef SLUICE_DATAPLANE_RSS_H
#define SLUICE_DATAPLANE_RSS_H

#include "sluice/module.h"

struct packet;
struct port;

enum {
	RSS_KEY_BYTES_MAX = 128,
	RSS_KEY_BYTES_MIN = 40, /* an IPv6 5-tuple takes it all */
	RSS_TABLE_MAX = 1024,
};

/* What a device told of itself. */
struct rss {
	uint8_t key[RSS_KEY_BYTES_MAX] __attribute__((aligned(4)));
	uint64_t hashes; /* RTE_ETH_RSS_*: what it hashes by ports, what by addresses alone */
	uint16_t table_n; /* a power of two */
	uint16_t queues[RSS_TABLE_MAX];
};

/* Reads it. -ENOTSUP: the device has none, or doesn't tell. */
int rss_read(uint16_t port_id, struct rss *rss);

/* The packet's queue. -ENOENT: the device doesn't hash such packets. */
int rss_queue(const struct rss *rss, const struct packet *packet);

/* As fast_path.worker_find(), for a port with several queues. */
int rss_explain(const struct port *port, const struct packet *packet, char how[FAST_PATH_HOW_MAX]);

#endif
