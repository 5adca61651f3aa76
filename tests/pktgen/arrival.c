/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What arrives: taken apart, found in the books, counted. In two stages over a burst, so that a
 * flow's entry is on its way from memory while the other packets are read. The generator's core.
 */
#include "generator.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>

/* A packet of ours that has come back whole. */
struct arrival {
	struct source_match match;
	struct decoded decoded;
	uint32_t frame_bytes;
};

/* False: it was no question for us. */
static bool answer(struct generator *g, const uint8_t *frame, size_t n)
{
	uint8_t bytes[NEIGHBOUR_FRAME_MAX_BYTES];
	size_t answer_n = neighbour_take(&g->neighbour, frame, n, bytes);
	struct rte_mbuf *m;

	if (answer_n == 0)
		return false;
	m = link_room(&g->link, 0) > 0 ? link_frame(&g->link) : NULL;
	if (!m)
		return true; /* it will ask again */
	memcpy(rte_pktmbuf_mtod(m, void *), bytes, answer_n);
	link_put(&g->link, 0, m, (uint32_t)answer_n, LINK_NO_NUMBER);
	return true;
}

/* Of a frame with sound outer headers: which of our packets is in it? */
static enum decode_result match_made(struct generator *g, struct arrival *a, bool *is_ours)
{
	struct inner inner;
	enum decode_result result = decode_inner(&a->decoded, &inner);
	uint64_t probe;

	*is_ours = false;
	if (result != DECODE_OK)
		return result;
	if (traffic_is_probe(&inner, &probe))
		probe_take(g, probe);
	else if (traffic_match(&g->traffic, &inner, &a->match))
		*is_ours = true;
	else
		g->unknown++;
	return DECODE_OK;
}

/* A file's packets are as they are, wrong checksums too: only all their bytes count. */
static void match_replayed(struct generator *g, struct arrival *a, uint64_t now, bool *is_ours)
{
	uint64_t timeout_tsc = g->options->timeout_ms * g->tsc_hz / 1000;

	*is_ours = replay_match(&g->replay, &a->decoded, &g->ledger, now - timeout_tsc, &a->match);
	if (!*is_ours) {
		struct inner inner;
		uint64_t probe;

		if (decode_inner(&a->decoded, &inner) == DECODE_OK &&
		    traffic_is_probe(&inner, &probe))
			probe_take(g, probe);
		else
			g->unknown++;
	}
}

/* True: `a` is one for the books. */
static bool frame_read(struct generator *g, const struct rte_mbuf *m, uint64_t now,
		       struct arrival *a)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	enum decode_result result = decode_outer(&g->rules, frame, m->data_len, &a->decoded);
	bool is_ours = false;

	if (result == DECODE_OK && g->replays)
		match_replayed(g, a, now, &is_ours);
	else if (result == DECODE_OK)
		result = match_made(g, a, &is_ours);
	else if ((result == DECODE_OTHER || result == DECODE_ICMP) && answer(g, frame, m->data_len))
		result = DECODE_OTHER; /* a solicitation is ICMP as well */
	g->results[result]++;
	a->frame_bytes = m->pkt_len + ETH_FCS_BYTES;
	if (is_ours)
		ledger_prefetch(&g->ledger, a->match.place);
	return is_ours;
}

static void arrival_book(struct generator *g, const struct arrival *a, uint64_t now)
{
	uint64_t latency_tsc = 0;
	struct backend_row *row;

	switch (ledger_return(&g->ledger, a->match.number, now, &latency_tsc)) {
	case RETURN_UNKNOWN:
		g->unknown++;
		return;
	case RETURN_DUPLICATE:
		return;
	case RETURN_TOO_LATE:
		break;
	case RETURN_FIRST:
		histogram_add(&g->latency, latency_tsc);
		break;
	}
	g->kinds[a->decoded.kind]++;
	g->received_bytes += a->frame_bytes;
	if (g->services)
		g->services[a->match.target].received++;
	row = backends_row(&g->backends, a->decoded.outer_dst, a->decoded.outer_v6);
	if (!row) {
		g->backends_lost++;
		return;
	}
	row->packets++;
	row->bytes += a->frame_bytes;
	row->flows += ledger_flow(&g->ledger, a->match.place, a->match.life, a->match.number,
				  (uint32_t)(row - g->backends.rows));
}

static uint32_t queue_poll(struct generator *g, uint16_t queue)
{
	struct rte_mbuf *frames[LINK_BURST];
	struct arrival arrivals[LINK_BURST];
	uint16_t n = rte_eth_rx_burst(g->link.port.id, queue, frames, LINK_BURST);
	uint32_t ours = 0;
	uint64_t now;

	if (n == 0)
		return 0;
	now = rte_rdtsc();
	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(frames[i], void *));
	for (uint16_t i = 0; i < n; i++)
		ours += frame_read(g, frames[i], now, &arrivals[ours]);
	for (uint32_t i = 0; i < ours; i++)
		arrival_book(g, &arrivals[i], now);
	rte_pktmbuf_free_bulk(frames, n);
	if (ours > 0)
		g->arrival_tsc = now;
	return n;
}

uint32_t arrival_poll(struct generator *g)
{
	uint32_t n = 0;

	for (uint16_t queue = 0; queue < g->link.queues_n; queue++)
		n += queue_poll(g, queue);
	return n;
}
