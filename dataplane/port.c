/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port: a DPDK device with one receive and one transmit queue for each worker. Control thread.
 */
#include "port.h"
#include "eal.h"
#include "eal_log.h"
#include "error.h"
#include "interface.h"
#include "rss.h"
#include "vlan.h"

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

enum {
	/* Of a device that tells no other: IEEE 802.3. */
	MTU_DEFAULT_BYTES = 1500,
	/* Ethernet, two tags, frame check sequence; and virtio keeps its header of 12 bytes in the
	 * buffer, too: it refuses queues whose buffers don't hold both. */
	L2_BYTES_MAX = 14 + 2 * 4 + 4 + 12,
};

static bool find(const char *device, uint16_t *id)
{
	struct rte_dev_iterator iterator;
	uint16_t port;

	RTE_ETH_FOREACH_MATCHING_DEV(port, device, &iterator)
	{
		*id = port;
		rte_eth_iterator_cleanup(&iterator);
		return true;
	}
	return false;
}

/* PCI devices are there since eal_start(), if at all. */
static int plug(struct port *p, uint32_t index, char *error)
{
	int ret;

	if (find(p->device, &p->id))
		return 0;
	if (eal_device_is_pci(p->device))
		return error_set(error, -ENODEV,
				 "ports[%u]: %s: no such network device for DPDK (%s); see "
				 "\"dpdk-devbind.py --status\", and bind it with "
				 "\"dpdk-devbind.py --bind vfio-pci %s\"",
				 index, p->device, eal_log_first_error(), p->device);
	eal_log_clear();
	ret = rte_dev_probe(p->device);
	if (ret < 0)
		return error_set(error, -ENODEV,
				 "ports[%u]: %s: can't be had (%s: %s); check the interface that "
				 "it names, and that sluiced runs as root or with CAP_NET_ADMIN, "
				 "CAP_NET_RAW and CAP_BPF",
				 index, p->device, strerror(-ret), eal_log_first_error());
	p->plugged = true;
	if (!find(p->device, &p->id))
		return error_set(error, -ENODEV, "ports[%u]: %s: not a network device", index,
				 p->device);
	return 0;
}

static void unplug(struct port *p)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_is_valid_port(p->id) && rte_eth_dev_info_get(p->id, &info) == 0)
		rte_dev_remove(info.device);
	p->plugged = false;
}

/* As far as the device tells. */
static uint32_t mtu_max(const struct rte_eth_dev_info *info)
{
	/* Drivers that leave max_mtu alone have a limit here; ethdev adds this much to the MTU. */
	if ((info->max_mtu == 0 || info->max_mtu == UINT16_MAX) &&
	    info->max_rx_pktlen > RTE_ETHER_MIN_MTU)
		return info->max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN;
	return info->max_mtu ? info->max_mtu : UINT16_MAX;
}

int port_probe(struct port *p, uint32_t index, const char *device, uint32_t mtu_bytes, char *error)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	int ret;

	*p = (struct port){.device = device, .id = RTE_MAX_ETHPORTS};
	ret = plug(p, index, error);
	if (ret < 0)
		goto err_unplug;
	ret = rte_eth_dev_info_get(p->id, &info);
	if (ret == 0)
		ret = rte_eth_macaddr_get(p->id, &mac);
	if (ret < 0) {
		error_set(error, -ENODEV, "ports[%u]: %s: tells nothing of itself: %s", index,
			  device, strerror(-ret));
		goto err_unplug;
	}
	if (!rte_is_valid_assigned_ether_addr(&mac)) /* a virtual device without one of its own */
		rte_eth_random_addr(mac.addr_bytes);
	memcpy(p->mac, mac.addr_bytes, sizeof(p->mac));
	snprintf(p->driver, sizeof(p->driver), "%s", info.driver_name);
	p->is_bond = strcmp(p->driver, "net_bonding") == 0;
	p->queues_max = (uint16_t)RTE_MIN(info.max_rx_queues, info.max_tx_queues);
	p->numa_node = rte_eth_dev_socket_id(p->id);
	p->spreads = rss_spreads(&info) || !eal_device_is_pci(device);
	/* A device that stands on a kernel's interface has that one's MTU. */
	p->mtu_bytes = MTU_DEFAULT_BYTES;
	if (info.if_index != 0)
		(void)interface_mtu_read(info.if_index, &p->mtu_bytes);
	if (mtu_bytes == 0)
		return 0;
	p->mtu_bytes = mtu_bytes;
	if (mtu_bytes <= mtu_max(&info))
		return 0;
	error_set(error, -ENODEV,
		  "ports[%u].mtu: %u: %s (%s) takes %u at most; lower it, or give the port another "
		  "device",
		  index, mtu_bytes, device, p->driver, mtu_max(&info));

err_unplug:
	if (p->plugged)
		unplug(p);
	return -ENODEV;
}

/*
 * The port takes what a buffer holds, so that the MTU is whatever the operator gives the kernel's
 * interface: control reads it from there.
 */
static void mtu_choose(struct port *p, const struct rte_eth_dev_info *info,
		       const struct rte_mempool *pool)
{
	uint32_t room = rte_pktmbuf_data_room_size((struct rte_mempool *)(uintptr_t)pool) -
			RTE_PKTMBUF_HEADROOM - L2_BYTES_MAX;

	p->rx_mtu_bytes = RTE_MAX(p->mtu_bytes, room);
	p->rx_mtu_bytes = RTE_MIN(p->rx_mtu_bytes, mtu_max(info));
	/* A bond gives it to its members, of whose limits it doesn't tell. */
	if (p->is_bond)
		p->rx_mtu_bytes = p->mtu_bytes;
}

static int configure(struct port *p, uint16_t queues, bool one_pool,
		     const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = {.rxmode = {.mtu = p->rx_mtu_bytes}};

	conf.intr_conf.rmv = (*info->dev_flags & RTE_ETH_DEV_INTR_RMV) != 0;
	/* A buffer holds a jumbo frame whole; a device that fills less of it takes and sends pieces. */
	if (p->mtu_bytes + L2_BYTES_MAX > RTE_MBUF_DEFAULT_DATAROOM) {
		conf.rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
		conf.txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	} else if (one_pool) {
		conf.txmode.offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	}
	if (queues > 1)
		p->rss_asked = rss_ask(info, &conf.rx_adv_conf.rss_conf);
	if (p->rss_asked != 0)
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	return rte_eth_dev_configure(p->id, queues, queues, &conf);
}

static int queues_setup(struct port *p, uint16_t queues, struct rte_mempool *pool)
{
	uint16_t rx_n = PORT_DESCRIPTORS, tx_n = PORT_DESCRIPTORS;
	unsigned int node =
		p->numa_node < 0 ? (unsigned int)SOCKET_ID_ANY : (unsigned int)p->numa_node;
	int ret = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx_n, &tx_n);

	for (uint16_t q = 0; q < queues && ret == 0; q++) {
		ret = rte_eth_rx_queue_setup(p->id, q, rx_n, node, NULL, pool);
		if (ret == 0)
			ret = rte_eth_tx_queue_setup(p->id, q, tx_n, node, NULL);
	}
	return ret;
}

int port_start(struct port *p, uint16_t queues, struct rte_mempool *pool, bool one_pool,
	       char *error)
{
	struct rte_eth_dev_info info;
	const char *what = "describe itself";
	int ret;

	eal_log_clear();
	ret = rte_eth_dev_info_get(p->id, &info);
	if (ret < 0)
		goto err;
	mtu_choose(p, &info, pool);
	what = "take its configuration";
	ret = configure(p, queues, one_pool, &info);
	if (ret < 0)
		goto err;
	p->configured = true;
	what = "set its queues up";
	ret = queues_setup(p, queues, pool);
	if (ret < 0)
		goto err;
	what = "start";
	ret = rte_eth_dev_start(p->id);
	if (ret < 0)
		goto err;
	/* Neighbour discovery and routing protocols come by multicast. Devices that can't filter
	 * refuse, and let it all in. */
	(void)rte_eth_allmulticast_enable(p->id);
	p->strips_tags = vlan_is_stripped(p->id);
	if (strcmp(p->driver, "net_af_xdp") == 0 && if_indextoname(info.if_index, p->hides_tags) &&
	    !interface_strips_tags(p->hides_tags))
		p->hides_tags[0] = 0;
	if (p->rss_asked != 0)
		rss_fill_table(p->id, queues);
	p->spread = rss_spread(p, queues, p->spread_how);
	port_state_watch(p);
	return 0;

err:
	return error_set(error, ret == -ENOMEM ? -ENOMEM : -ENODEV,
			 "port %s: the device doesn't %s: %s (%s)", p->device, what, strerror(-ret),
			 eal_log_first_error());
}

int port_macs_set(struct port *p, const uint8_t (*macs)[6], uint32_t n)
{
	int ret = 0;

	p->macs.words[0] = mac_word_from(p->mac);
	for (uint32_t i = 0; i < n && i < MACS_MAX - 1; i++) {
		struct rte_ether_addr addr;

		memcpy(addr.addr_bytes, macs[i], sizeof(addr.addr_bytes));
		if (ret == 0)
			ret = rte_eth_dev_mac_addr_add(p->id, &addr, 0);
		p->macs.words[1 + i] = mac_word_from(macs[i]);
	}
	p->macs.n = 1 + RTE_MIN(n, (uint32_t)MACS_MAX - 1);
	return ret < 0 ? rte_eth_promiscuous_enable(p->id) : 0;
}

int port_mac_change(struct port *p, const uint8_t mac[6])
{
	struct rte_ether_addr addr;
	int ret;

	memcpy(addr.addr_bytes, mac, sizeof(addr.addr_bytes));
	ret = rte_eth_dev_default_mac_addr_set(p->id, &addr);
	if (ret < 0)
		ret = rte_eth_promiscuous_enable(p->id);
	/* Frames to it may come all the same. */
	memcpy(p->mac, mac, sizeof(p->mac));
	__atomic_store_n(&p->macs.words[0], mac_word_from(mac), __ATOMIC_RELAXED);
	return ret;
}

static void stats_read(const struct port *p, uint64_t *rx, uint64_t *tx, uint64_t *missed)
{
	struct rte_eth_stats stats = {0};

	(void)rte_eth_stats_get(p->id, &stats);
	*rx = stats.ipackets;
	*tx = stats.opackets;
	*missed = stats.imissed + stats.rx_nombuf;
}

/* Not of a virtual device alone: the kernel waits until a PCI device that it takes away is let go. */
static void give_back(struct port *p)
{
	if (p->is_bond) /* which can't be unplugged: it ends with EAL */
		(void)rte_eth_dev_close(p->id);
	else if (p->plugged || p->identity.leaving)
		unplug(p);
	else if (rte_eth_dev_is_valid_port(p->id))
		(void)rte_eth_dev_close(p->id);
}

void port_stop(struct port *p)
{
	if (p->closed)
		return;
	stats_read(p, &p->rx_packets, &p->tx_packets, &p->rx_missed);
	port_state_unwatch(p);
	p->closed = true;
	if (p->configured) {
		(void)rte_eth_dev_stop(p->id);
		p->configured = false;
	}
	give_back(p);
}

void port_read(const struct port *p, struct fast_path_port_info *info)
{
	memcpy(info->mac, p->mac, sizeof(info->mac));
	info->numa_node = (int16_t)p->numa_node;
	info->spread = p->spread;
	snprintf(info->spread_how, sizeof(info->spread_how), "%s", p->spread_how);
	snprintf(info->driver, sizeof(info->driver), "%s", p->driver);
	info->rx_packets = p->rx_packets;
	info->tx_packets = p->tx_packets;
	info->rx_missed = p->rx_missed;
	if (!p->closed)
		stats_read(p, &info->rx_packets, &info->tx_packets, &info->rx_missed);
}
