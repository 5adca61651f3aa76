/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK port that the generator stands at: the fast path's own EAL, port and buffer code, and
 * frames that wait to be sent. Made on the main thread; bursts are the generator's core's.
 */
#ifndef SLUICE_PKTGEN_LINK_H
#define SLUICE_PKTGEN_LINK_H

#include "options.h"
#include "port.h"

#include <rte_mbuf.h>

enum {
	LINK_BURST = 32,
	LINK_QUEUES_MAX = 16,
	LINK_WAITING_MAX = 64, /* frames of a queue: what the port didn't take comes first */
	LINK_NO_NUMBER = -1,
};

struct link_queue {
	struct rte_mbuf *waiting[LINK_WAITING_MAX];
	int64_t numbers[LINK_WAITING_MAX]; /* the ledger's, or LINK_NO_NUMBER */
	uint32_t n;
};

struct link {
	struct port port;
	struct rte_mempool *pool;
	uint16_t queues_n;
	uint8_t mac[6];
	bool started;
	struct link_queue queues[LINK_QUEUES_MAX];
	uint64_t sent, sent_bytes; /* frames with a number, taken by the port */
	uint64_t sent_other;       /* and without */
};

/* -errno, and why in error[FAST_PATH_ERROR_MAX]. */
int link_start(struct link *l, const struct options *o, char *error);
void link_stop(struct link *l);

/* The lcore that the generator is to run on. */
unsigned int link_lcore(void);

/* How many more frames this queue takes. */
static inline uint32_t link_room(const struct link *l, uint16_t queue)
{
	return LINK_WAITING_MAX - l->queues[queue].n;
}

/* An empty frame. NULL: all buffers are in use. */
static inline struct rte_mbuf *link_frame(struct link *l)
{
	return rte_pktmbuf_alloc(l->pool);
}

/* Hands a frame over to a queue that has room; it is sent by link_flush(). */
static inline void link_put(struct link *l, uint16_t queue, struct rte_mbuf *frame, uint32_t bytes,
			    int64_t number)
{
	struct link_queue *q = &l->queues[queue];

	frame->data_len = (uint16_t)bytes;
	frame->pkt_len = bytes;
	q->numbers[q->n] = number;
	q->waiting[q->n++] = frame;
}

struct ledger;

/* Sends what waits, as far as the port takes it; the ledger gets the time. */
void link_flush(struct link *l, struct ledger *ledger);

/* How many frames wait. */
uint32_t link_waiting(const struct link *l);

#endif
