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
struct rte_eth_dev_info;
struct rte_eth_rss_conf;

enum {
	RSS_KEY_BYTES_MAX = 128,
	RSS_KEY_BYTES_MIN = 40, /* an IPv6 5-tuple takes it all */
	RSS_TABLE_MAX = 1024,
};

/* What a device told of itself. */
struct rss {
	uint8_t key[RSS_KEY_BYTES_MAX] __attribute__((aligned(4)));
	uint64_t hashes;  /* RTE_ETH_RSS_*: what it hashes by ports, what by addresses alone */
	uint16_t table_n; /* a power of two */
	uint16_t queues[RSS_TABLE_MAX];
};

/*
 * What to ask a device for: TCP and UDP by ports, the rest by addresses, as far as it can; and the key
 * that all ports get, made at random when it is first asked for: who sends packets can't aim at a
 * worker. 0: the device has no RSS, and conf is all 0.
 */
uint64_t rss_ask(const struct rte_eth_dev_info *info, struct rte_eth_rss_conf *conf);

/* After the start: gives each of the queues its share of the device's table, if it has one. */
void rss_fill_table(uint16_t port_id, uint16_t queues);

/*
 * How the port's packets come to its `queues`, from what was asked for and what the device tells that it
 * does; a line on it for people.
 */
enum fast_path_spread rss_spread(const struct port *port, uint16_t queues,
				 char how[FAST_PATH_HOW_MAX]);

/* Whether the device can give packets to more than one queue, by RSS or by means that are known. */
bool rss_spreads(const struct rte_eth_dev_info *info);

/* Reads it. -ENOTSUP: the device has none, or doesn't tell. */
int rss_read(uint16_t port_id, struct rss *rss);

/* The packet's queue. -ENOENT: the device doesn't hash such packets. */
int rss_queue(const struct rss *rss, const struct packet *packet);

/* As fast_path.worker_find(), for a port with several queues. */
int rss_explain(const struct port *port, const struct packet *packet, char how[FAST_PATH_HOW_MAX]);

#endif
