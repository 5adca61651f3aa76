/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's buffers as the packet code of include/sluice sees them: the first segment is what can be
 * reached. Called by the workers, within burst_run().
 */
#ifndef SLUICE_DATAPLANE_PACKET_CURSOR_H
#define SLUICE_DATAPLANE_PACKET_CURSOR_H

#include "sluice/cursor.h"

#include <rte_mbuf.h>

SLUICE_INLINE uint8_t *packet_data(const struct rte_mbuf *m)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	if (!data)
		__builtin_unreachable(); /* so that nobody looks */
	return data;
}

SLUICE_INLINE struct cursor packet_cursor(const struct rte_mbuf *m)
{
	uint8_t *data = packet_data(m);

	return (struct cursor){data, data + m->data_len, m->pkt_len};
}

#endif
