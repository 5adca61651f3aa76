/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which queue a device gives a packet to. Control thread.
 */
#include "rss.h"
#include "port.h"
#include "sluice/packet.h"

#include <rte_ethdev.h>
#include <rte_thash.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	TUPLE_WORDS_MAX = 9,
	GROUPS_MAX = RSS_TABLE_MAX / RTE_ETH_RETA_GROUP_SIZE,
};

static int table_read(uint16_t port_id, struct rss *rss)
{
	struct rte_eth_rss_reta_entry64 groups[GROUPS_MAX];

	memset(groups, 0, sizeof(groups));
	for (uint16_t i = 0; i < rss->table_n; i++)
		groups[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ULL << i % RTE_ETH_RETA_GROUP_SIZE;
	if (rte_eth_dev_rss_reta_query(port_id, groups, rss->table_n) != 0)
		return -ENOTSUP;
	for (uint16_t i = 0; i < rss->table_n; i++)
		rss->queues[i] =
			groups[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
	return 0;
}

int rss_read(uint16_t port_id, struct rss *rss)
{
	struct rte_eth_rss_conf conf = {.rss_key = rss->key};
	struct rte_eth_dev_info info;

	*rss = (struct rss){0};
	if (rte_eth_dev_info_get(port_id, &info) != 0 || info.hash_key_size < RSS_KEY_BYTES_MIN ||
	    info.hash_key_size > RSS_KEY_BYTES_MAX || info.reta_size == 0 ||
	    info.reta_size > RSS_TABLE_MAX || (info.reta_size & (info.reta_size - 1)) != 0)
		return -ENOTSUP;
	conf.rss_key_len = info.hash_key_size;
	if (rte_eth_dev_rss_hash_conf_get(port_id, &conf) != 0 || conf.rss_hf == 0)
		return -ENOTSUP;
	rss->hashes = conf.rss_hf;
	rss->table_n = info.reta_size;
	return table_read(port_id, rss);
}

/* By the whole 5-tuple (1), by addresses alone (0), or not at all (-ENOENT). */
static int hashed_by(const struct rss *rss, const struct packet *packet)
{
	bool v6 = packet->flags & PACKET_V6, ports = packet->l4_offset != 0;
	uint64_t l4 = 0, l3 = v6 ? RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER :
				   RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER;

	if (packet->flags & PACKET_FRAGMENT)
		l3 |= v6 ? RTE_ETH_RSS_FRAG_IPV6 : RTE_ETH_RSS_FRAG_IPV4;
	else if (packet->proto == PROTO_TCP && ports)
		l4 = v6 ? RTE_ETH_RSS_NONFRAG_IPV6_TCP : RTE_ETH_RSS_NONFRAG_IPV4_TCP;
	else if (packet->proto == PROTO_UDP && ports)
		l4 = v6 ? RTE_ETH_RSS_NONFRAG_IPV6_UDP : RTE_ETH_RSS_NONFRAG_IPV4_UDP;
	if (rss->hashes & l4)
		return 1;
	return rss->hashes & l3 ? 0 : -ENOENT;
}

/* Words in host order, as rte_softrss() wants them. Returns how many. */
static uint32_t tuple_make(const struct packet *packet, bool ports,
			   uint32_t words[TUPLE_WORDS_MAX])
{
	const struct flow *f = &packet->flow;
	uint32_t n = 0, address_words = packet->flags & PACKET_V6 ? 8 : 2;

	for (; n < address_words; n++) {
		uint64_t pair = f->addrs[n / 2];

		words[n] = be32_to((be32)(n % 2 ? pair >> 32 : pair));
	}
	if (ports)
		words[n++] = (uint32_t)be16_to(flow_src_port(f)) << 16 | be16_to(flow_dst_port(f));
	return n;
}

int rss_queue(const struct rss *rss, const struct packet *packet)
{
	uint32_t words[TUPLE_WORDS_MAX], n, hash;
	int by = hashed_by(rss, packet);

	/* An ICMP error's flow is that of the packet it quotes; the device sees its own addresses. */
	if (by < 0 || packet->flags & PACKET_ICMP_ERROR)
		return -ENOENT;
	n = tuple_make(packet, by > 0, words);
	hash = rte_softrss(words, n, rss->key);
	return rss->queues[hash & (rss->table_n - 1U)];
}

/* Devices that spread packets by means that DPDK can't ask for. */
static const char *means_of(const char *driver)
{
	static const struct {
		const char *driver, *means;
	} rows[] = {
		{"net_af_packet", "the kernel spreads flows over its queues (PACKET_FANOUT_HASH)"},
		{"net_af_xdp", "the queue that the NIC's own RSS picks (ethtool -x)"},
		{"net_tap", "the kernel's TAP spreads flows over its queues by itself"},
		{"net_virtio", "the host spreads flows over its queues"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(driver, rows[i].driver) == 0)
			return rows[i].means;
	return "it tells no RSS key and table";
}

int rss_explain(const struct port *port, const struct packet *packet, char how[FAST_PATH_HOW_MAX])
{
	struct rss rss;
	int queue;

	if (rss_read(port->id, &rss) != 0) {
		snprintf(how, FAST_PATH_HOW_MAX, "port %.100s: %s", port->device,
			 means_of(port->driver));
		return -ENOENT;
	}
	queue = rss_queue(&rss, packet);
	if (queue < 0)
		snprintf(how, FAST_PATH_HOW_MAX,
			 "port %.100s: its RSS doesn't hash such packets by what is told here",
			 port->device);
	else
		snprintf(how, FAST_PATH_HOW_MAX, "port %.100s: by the RSS key and table of the device",
			 port->device);
	return queue;
}
