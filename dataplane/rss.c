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
#include <sys/random.h>

enum {
	TUPLE_WORDS_MAX = 9,
	GROUPS_MAX = RSS_TABLE_MAX / RTE_ETH_RETA_GROUP_SIZE,
};

#define RSS_WANTED (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP)

static const uint8_t *key_get(void)
{
	static uint8_t key[RSS_KEY_BYTES_MAX];
	static bool made;

	/* Fails for interrupts alone, before the kernel's generator is seeded. */
	while (!made)
		made = getrandom(key, sizeof(key), 0) == sizeof(key);
	return key;
}

uint64_t rss_ask(const struct rte_eth_dev_info *info, struct rte_eth_rss_conf *conf)
{
	uint64_t hashes = info->flow_type_rss_offloads & RSS_WANTED;

	*conf = (struct rte_eth_rss_conf){0};
	if (hashes == 0 || info->hash_key_size > RSS_KEY_BYTES_MAX)
		return 0;
	conf->rss_hf = hashes;
	conf->rss_key = (uint8_t *)(uintptr_t)key_get(); /* drivers read it */
	/* Drivers that don't tell a size take that of an IPv6 5-tuple. */
	conf->rss_key_len = info->hash_key_size ? info->hash_key_size : RSS_KEY_BYTES_MIN;
	return hashes;
}

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

static bool table_is_fair(const struct rss *rss, uint16_t queues)
{
	uint16_t shares[RSS_TABLE_MAX] = {0};

	for (uint16_t i = 0; i < rss->table_n; i++)
		if (rss->queues[i] < RSS_TABLE_MAX)
			shares[rss->queues[i]]++;
	for (uint16_t queue = 0; queue < queues; queue++)
		if (shares[queue] < rss->table_n / queues)
			return false;
	return true;
}

void rss_fill_table(uint16_t port_id, uint16_t queues)
{
	struct rte_eth_rss_reta_entry64 groups[GROUPS_MAX];
	struct rss rss;

	if (rss_read(port_id, &rss) != 0 || table_is_fair(&rss, queues))
		return;
	memset(groups, 0, sizeof(groups));
	for (uint16_t i = 0; i < rss.table_n; i++) {
		groups[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ULL << i % RTE_ETH_RETA_GROUP_SIZE;
		groups[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			(uint16_t)(i % queues);
	}
	/* What a device refuses stays as it is; rss_spread() tells what there is. */
	(void)rte_eth_dev_rss_reta_update(port_id, groups, rss.table_n);
}

/* By the whole 5-tuple (1), by addresses alone (0), or not at all (-ENOENT). */
static int hashed_by(const struct rss *rss, const struct packet *packet)
{
	bool v6 = packet->flags & PACKET_V6, ports = packet->l4_offset != 0;
	uint64_t l4 = 0, l3 = v6 ? RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER
				 : RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER;

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
static uint32_t tuple_make(const struct packet *packet, bool ports, uint32_t words[TUPLE_WORDS_MAX])
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
	return NULL;
}

bool rss_spreads(const struct rte_eth_dev_info *info)
{
	return info->flow_type_rss_offloads & RSS_WANTED || means_of(info->driver_name);
}

static const struct {
	const char *name;
	uint64_t ports, addresses;
} kinds[] = {
	{"tcp4", RTE_ETH_RSS_NONFRAG_IPV4_TCP, RTE_ETH_RSS_IPV4},
	{"udp4", RTE_ETH_RSS_NONFRAG_IPV4_UDP, RTE_ETH_RSS_IPV4},
	{"tcp6", RTE_ETH_RSS_NONFRAG_IPV6_TCP, RTE_ETH_RSS_IPV6},
	{"udp6", RTE_ETH_RSS_NONFRAG_IPV6_UDP, RTE_ETH_RSS_IPV6},
};

enum {
	KINDS = sizeof(kinds) / sizeof(kinds[0]),
	KIND_TEXT_MAX = 48,
};

/* "tcp4, tcp6 by ports", with what is before it. Returns how many kinds that are. */
static int kinds_name(uint64_t hashes, int by, const char *after, char *text, size_t bytes)
{
	const char *separator = text[0] ? "; " : ": ";
	int n = 0;

	for (size_t i = 0; i < KINDS; i++) {
		int this_by = hashes & kinds[i].ports ? 2 : hashes & kinds[i].addresses ? 1 : 0;
		size_t at = strlen(text);

		if (this_by != by)
			continue;
		snprintf(text + at, bytes - at, "%s%s", n == 0 ? separator : ", ", kinds[i].name);
		n++;
	}
	if (n > 0)
		snprintf(text + strlen(text), bytes - strlen(text), " %s", after);
	return n;
}

static enum fast_path_spread spread_of(uint64_t hashes, char *text, size_t bytes)
{
	int by_ports;

	text[0] = '\0';
	by_ports = kinds_name(hashes, 2, "by ports", text, bytes);
	(void)kinds_name(hashes, 1, "by addresses alone", text, bytes);
	(void)kinds_name(hashes, 0, "all by one queue", text, bytes);
	return by_ports == KINDS ? FAST_PATH_SPREAD_FLOWS : FAST_PATH_SPREAD_SOME;
}

enum fast_path_spread rss_spread(const struct port *port, uint16_t queues,
				 char how[FAST_PATH_HOW_MAX])
{
	const char *means = means_of(port->driver);
	enum fast_path_spread spread;
	struct rss rss;
	char text[160];

	how[0] = '\0';
	if (queues == 1)
		return FAST_PATH_SPREAD_ONE;
	if (port->rss_asked == 0) {
		snprintf(how, FAST_PATH_HOW_MAX, "no RSS: %s",
			 means ? means : "the device gives all packets to its first queue");
		return means ? FAST_PATH_SPREAD_OTHER : FAST_PATH_SPREAD_NONE;
	}
	if (rss_read(port->id, &rss) != 0) {
		spread = spread_of(port->rss_asked, text, sizeof(text));
		snprintf(how, FAST_PATH_HOW_MAX,
			 "RSS was asked for%s (the driver doesn't tell what "
			 "its device does)",
			 text);
		return spread;
	}
	spread = spread_of(rss.hashes, text, sizeof(text));
	snprintf(how, FAST_PATH_HOW_MAX, "RSS%s; %s key, table of %u%s", text,
		 memcmp(rss.key, key_get(), RSS_KEY_BYTES_MIN) == 0 ? "our" : "the device's own",
		 rss.table_n, table_is_fair(&rss, queues) ? "" : ", which leaves queues out");
	return spread;
}

int rss_explain(const struct port *port, const struct packet *packet, char how[FAST_PATH_HOW_MAX])
{
	struct rss rss;
	int queue;

	if (rss_read(port->id, &rss) != 0) {
		const char *means = means_of(port->driver);

		snprintf(how, FAST_PATH_HOW_MAX, "port %.100s: %s", port->device,
			 means && port->rss_asked == 0 ? means : "it tells no RSS key and table");
		return -ENOENT;
	}
	queue = rss_queue(&rss, packet);
	if (queue < 0)
		snprintf(how, FAST_PATH_HOW_MAX,
			 "port %.100s: its RSS doesn't hash such packets by what is told here",
			 port->device);
	else
		snprintf(how, FAST_PATH_HOW_MAX,
			 "port %.100s: by the RSS key and table of the device", port->device);
	return queue;
}
