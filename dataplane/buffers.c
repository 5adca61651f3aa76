/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffers of all ports and of the exception path. Control thread.
 */
#include "buffers.h"
#include "burst.h"
#include "eal.h"
#include "kernel.h"
#include "port.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <stdio.h>

enum {
	CACHE_BUFFERS = 256, /* of each worker; it can grow to half as much again */
	TAGS_BYTES = 2 * 4,
	BUFFER_OTHER_BYTES = 256, /* the mbuf, and what the pool has beside it */
};

uint32_t buffers_count(const struct fast_path_config *config, uint32_t workers_n)
{
	/* In the worker's hands, and in its cache. */
	uint32_t n = workers_n * (BURST_MAX + CACHE_BUFFERS * 3 / 2);

	for (uint32_t i = 0; i < config->ports_n; i++) {
		uint32_t queue_n = 2 * PORT_DESCRIPTORS + KERNEL_TO_FRAMES;

		if (!eal_device_is_pci(config->ports[i].device))
			queue_n += PORT_SPARE_BUFFERS;
		n += workers_n * queue_n + KERNEL_FROM_FRAMES;
	}
	return n;
}

static uint32_t room_for(uint32_t mtu_bytes)
{
	uint32_t room = RTE_MAX(mtu_bytes + RTE_ETHER_HDR_LEN + TAGS_BYTES + RTE_ETHER_CRC_LEN,
				(uint32_t)RTE_MBUF_DEFAULT_DATAROOM);

	room = RTE_ALIGN_CEIL(room, 64U) + RTE_PKTMBUF_HEADROOM;
	return RTE_MIN(room, (uint32_t)UINT16_MAX);
}

size_t buffers_bytes(uint32_t buffers_n, uint32_t mtu_bytes)
{
	return (size_t)buffers_n * (room_for(mtu_bytes) + BUFFER_OTHER_BYTES);
}

/*
 * An empty pool, for which EAL may put buffers anywhere in one span of memory. The default would
 * keep each within a page, with gaps between them; net_af_xdp takes the pool for gapless and tells
 * the kernel a size that is too small, so that frames in the last buffers are silently lost. With
 * IOVAs that are virtual addresses a device may cross pages; with physical ones it may not, and
 * the default stays.
 */
static struct rte_mempool *pool_create_empty(uint32_t buffers_n, uint32_t element_bytes,
					     int numa_node)
{
	unsigned int flags = rte_eal_iova_mode() == RTE_IOVA_VA ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0;
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "buffers_%d", numa_node);
	return rte_mempool_create_empty(name, buffers_n, element_bytes, CACHE_BUFFERS,
					sizeof(struct rte_pktmbuf_pool_private), numa_node, flags);
}

/*
 * Of a pool that may cross pages, DPDK doesn't know what address devices see a buffer at, and says
 * RTE_BAD_IOVA: a NIC would send zeros and receive nothing. Where it is the virtual address, we do.
 */
static void address_set(struct rte_mempool *pool, void *arg, void *object, unsigned int i)
{
	(void)pool;
	(void)arg;
	(void)i;
	rte_mempool_get_header(object)->iova = (rte_iova_t)(uintptr_t)object;
}

struct rte_mempool *buffers_create(uint32_t buffers_n, uint32_t mtu_bytes, int numa_node)
{
	struct rte_pktmbuf_pool_private private = {0};
	struct rte_mempool *pool;
	uint32_t room = room_for(mtu_bytes);

	private.mbuf_data_room_size = (uint16_t)room;
	pool = pool_create_empty(buffers_n, (uint32_t)sizeof(struct rte_mbuf) + room, numa_node);
	if (!pool)
		return NULL;
	rte_pktmbuf_pool_init(pool, &private);
	/* The kernel thread may lose its core at any moment, also while it frees buffers: with
	 * relaxed tails (RTS) no worker waits for it then. */
	if (rte_mempool_set_ops_byname(pool, "ring_mt_rts", NULL) != 0 ||
	    rte_mempool_populate_default(pool) < 0) {
		rte_mempool_free(pool);
		rte_errno = ENOMEM;
		return NULL;
	}
	if (rte_eal_iova_mode() == RTE_IOVA_VA)
		rte_mempool_obj_iter(pool, address_set, NULL);
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}
