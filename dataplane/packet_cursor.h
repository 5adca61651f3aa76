/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's buffers as the packet code of include/sluice sees them: the first segment is what can be
 * reached. Where headers go on behind it, packet_pull() fetches them. Called by the workers, within
 * burst_run().
 */
#ifndef SLUICE_DATAPLANE_PACKET_CURSOR_H
#define SLUICE_DATAPLANE_PACKET_CURSOR_H

#include "sluice/cursor.h"

#include <string.h>

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

/* As much of the segments behind the first as has room there, and as they have, goes into it. */
SLUICE_INLINE void packet_pull(struct rte_mbuf *m)
{
	while (m->next) {
		struct rte_mbuf *next = m->next;
		uint16_t room = rte_pktmbuf_tailroom(m);
		uint16_t n = next->data_len < room ? next->data_len : room;

		memcpy(packet_data(m) + m->data_len, packet_data(next), n);
		m->data_len = (uint16_t)(m->data_len + n);
		next->data_off = (uint16_t)(next->data_off + n);
		next->data_len = (uint16_t)(next->data_len - n);
		if (next->data_len > 0)
			return;
		m->next = next->next;
		m->nb_segs--;
		next->next = NULL;
		next->nb_segs = 1;
		rte_pktmbuf_free_seg(next);
	}
}

#endif
