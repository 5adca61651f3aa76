/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK port that the generator stands at.
 */
#include "link.h"
#include "buffers.h"
#include "bytes.h"
#include "eal.h"
#include "ledger.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <errno.h>

enum {
	/* A queue's descriptors in both directions, twice (a virtual device hands them on), and
	 * what stands in caches and in hands. */
	QUEUE_BUFFERS = 4 * PORT_DESCRIPTORS + PORT_SPARE_BUFFERS,
	BUFFERS_SPARE = 1024,
};

/* What DPDK says while it starts is in our own message, if it was serious. */
static bool log_is_on;

static void log_line(enum fast_path_log level, const char *line)
{
	if (__atomic_load_n(&log_is_on, __ATOMIC_RELAXED) && level == FAST_PATH_LOG_ERROR)
		fprintf(stderr, "sluice-pktgen: %s\n", line);
}

static int eal_begin(const struct options *o, uint32_t buffers_n, char *error)
{
	struct fast_path_config config = {
		.ports = {{.device = o->device}},
		.ports_n = 1,
		.cores = {(uint16_t)o->core},
		.cores_n = 1,
		.hugepages = o->hugepages == OPTIONS_HUGEPAGES_ON    ? FAST_PATH_HUGEPAGES_ON
			     : o->hugepages == OPTIONS_HUGEPAGES_OFF ? FAST_PATH_HUGEPAGES_OFF
								     : FAST_PATH_HUGEPAGES_AUTO,
		.memory_mb = (uint32_t)o->memory_mb,
		.eal_args = o->eal_args,
		.log = log_line,
	};
	bool hugepages;

	return eal_start(&config, buffers_bytes(buffers_n, (uint32_t)o->mtu_bytes + 64), &hugepages,
			 error);
}

static int port_begin(struct link *l, const struct options *o, uint32_t buffers_n, char *error)
{
	int ret = port_probe(&l->port, 0, o->device, 0, error);

	if (ret < 0)
		return ret;
	if (l->port.queues_max < o->queues) {
		snprintf(error, FAST_PATH_ERROR_MAX,
			 "%s has %u queues, --queues asks for %llu: give the device more "
			 "(\"queues=\")",
			 o->device, l->port.queues_max, (unsigned long long)o->queues);
		ret = -EINVAL;
		goto err_stop;
	}
	l->pool = buffers_create(buffers_n, (uint32_t)o->mtu_bytes + 64, l->port.numa_node);
	if (!l->pool) {
		snprintf(error, FAST_PATH_ERROR_MAX,
			 "no memory for %u buffers (%zu MB): %s; raise --memory-mb", buffers_n,
			 buffers_bytes(buffers_n, (uint32_t)o->mtu_bytes + 64) >> 20,
			 rte_strerror(rte_errno));
		ret = -ENOMEM;
		goto err_stop;
	}
	ret = port_start(&l->port, (uint16_t)o->queues, l->pool, true, error);
	if (ret < 0)
		goto err_stop;
	/* --mac isn't the port's: a NIC must let its frames in. Virtual ones refuse, and do. */
	if (o->has_mac)
		(void)rte_eth_promiscuous_enable(l->port.id);
	return 0;

err_stop:
	port_stop(&l->port);
	rte_mempool_free(l->pool);
	l->pool = NULL;
	return ret;
}

int link_start(struct link *l, const struct options *o, char *error)
{
	uint32_t buffers_n = (uint32_t)o->queues * QUEUE_BUFFERS + BUFFERS_SPARE;
	int ret;

	memset(l, 0, sizeof(*l));
	l->queues_n = (uint16_t)o->queues;
	ret = eal_begin(o, buffers_n, error);
	if (ret < 0)
		return ret;
	ret = port_begin(l, o, buffers_n, error);
	if (ret < 0) {
		eal_stop();
		return ret;
	}
	memcpy(l->mac, o->has_mac ? o->mac : l->port.mac, sizeof(l->mac));
	l->started = true;
	__atomic_store_n(&log_is_on, true, __ATOMIC_RELAXED);
	return 0;
}

void link_stop(struct link *l)
{
	if (!l->started)
		return;
	for (uint16_t q = 0; q < l->queues_n; q++)
		rte_pktmbuf_free_bulk(l->queues[q].waiting, l->queues[q].n);
	port_stop(&l->port);
	rte_mempool_free(l->pool);
	eal_stop();
	l->started = false;
}

unsigned int link_lcore(void)
{
	return eal_worker_lcore(0);
}

static void queue_flush(struct link *l, uint16_t queue, struct ledger *ledger)
{
	struct link_queue *q = &l->queues[queue];
	uint16_t n = (uint16_t)RTE_MIN(q->n, (uint32_t)LINK_BURST), sent_n;
	uint32_t bytes[LINK_BURST];
	uint64_t now = rte_rdtsc();

	/* Before they go: a frame that is sent belongs to the port. */
	for (uint16_t i = 0; i < n; i++) {
		bytes[i] = q->waiting[i]->pkt_len;
		if (q->numbers[i] != LINK_NO_NUMBER)
			ledger_sent(ledger, (uint64_t)q->numbers[i], now);
	}
	sent_n = rte_eth_tx_burst(l->port.id, queue, q->waiting, n);
	for (uint16_t i = 0; i < sent_n; i++) {
		bool numbered = q->numbers[i] != LINK_NO_NUMBER;

		l->sent += numbered;
		l->sent_other += !numbered;
		l->sent_bytes += numbered ? bytes[i] + 4 : 0;
	}
	q->n -= sent_n;
	memmove(q->waiting, q->waiting + sent_n, q->n * sizeof(q->waiting[0]));
	memmove(q->numbers, q->numbers + sent_n, q->n * sizeof(q->numbers[0]));
}

void link_flush(struct link *l, struct ledger *ledger)
{
	for (uint16_t q = 0; q < l->queues_n; q++)
		if (l->queues[q].n > 0)
			queue_flush(l, q, ledger);
}

uint32_t link_waiting(const struct link *l)
{
	uint32_t n = 0;

	for (uint16_t q = 0; q < l->queues_n; q++)
		n += l->queues[q].n;
	return n;
}
