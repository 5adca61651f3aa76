/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot path: a burst in stages over arrays. Called by the workers. Nothing here locks,
 * allocates, logs or calls the kernel; what decides and what writes bytes is in include/sluice.
 */
#include "burst.h"
#include "capture.h"
#include "packet_cursor.h"
#include "prefetch.h"
#include "sluice/steer.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

enum {
	/* So many packets ahead: more than a line from memory takes, less than the CPU has fill
	 * buffers. 8 and 16 measure alike. */
	PREFETCH_PACKETS = 8,
	/* The outer headers start at most ENCAP_GROWTH_MAX bytes before the frame. */
	PREFETCH_HEADROOM = 32,
};

/* Inlined into burst_run() all stages together are slower by a quarter. */
#define STAGE static __attribute__((noinline))

/* The entry where a key's probes start. */
SLUICE_INLINE const struct service *service_first(const struct arena *arena,
						  const struct generation *g, uint64_t key)
{
	uint32_t index = service_start(key) & g->services_mask;

	return arena_at(arena, g->services_off + index * (uint32_t)sizeof(struct service),
			sizeof(struct service));
}

/* Whether the entry where the probes of a packet's own port start is its service's, as mostly. */
SLUICE_INLINE bool service_hits(const struct arena *arena, const struct generation *g,
				const struct service *s, uint64_t key, const struct packet *p)
{
	const struct vip6 *vip;

	if (s->key != key)
		return false;
	if (!(p->flags & PACKET_V6))
		return true;
	vip = arena_at(arena, g->vips6_off + s->id * (uint32_t)sizeof(*vip), sizeof(*vip));
	return vip->addr[0] == p->flow.addrs[2] && vip->addr[1] == p->flow.addrs[3];
}

/* Copies a flow to where the vectors read it, and looks ahead for its service. */
SLUICE_INLINE void flow_pack(struct burst *b, const struct arena *arena, const struct generation *g,
			     uint32_t i, const struct packet *p)
{
	b->flows.addrs[0][i] = p->flow.addrs[0];
	b->flows.last[i] = p->flow.last;
	if (p->flags & PACKET_V6) {
		b->flows.addrs[1][i] = p->flow.addrs[1];
		b->flows.addrs[2][i] = p->flow.addrs[2];
		b->flows.addrs[3][i] = p->flow.addrs[3];
		b->v6_n++;
	}
	b->key[i] = service_flow_key(&p->flow, p->flags & PACKET_V6);
	b->service[i] = service_first(arena, g, b->key[i]);
	prefetch(b->service[i]);
}

/* A plain frame; `v6` is a constant. All that is made of it stays in registers until it is stored. */
SLUICE_INLINE bool frame_parse_plain(struct burst *b, const struct arena *arena,
				     const struct generation *g, uint32_t i, struct cursor c, bool v6)
{
	struct packet p;

	if (!packet_parse_plain(c, &p, v6))
		return false;
	b->packets[i] = p;
	b->verdict[i] = VERDICT_forward;
	flow_pack(b, arena, g, i, &p);
	return true;
}

/* A function of its own, so that the one below calls none: 9 instructions of an ICMP error. */
static __attribute__((noinline)) void frame_join(struct burst *b, const struct burst_context *ctx,
						 const struct generation *g, uint32_t i)
{
	b->verdict[i] = (uint8_t)burst_join(b, ctx, g, i);
	flow_pack(b, ctx->arena, g, i, &b->packets[i]);
}

static __attribute__((noinline)) void frame_parse_any(struct burst *b,
						      const struct burst_context *ctx,
						      const struct generation *g, uint32_t i,
						      struct cursor c)
{
	enum verdict verdict = packet_parse(&c, &b->packets[i]);

	if (verdict == VERDICT_fragment) {
		frame_join(b, ctx, g, i);
		return;
	}
	b->verdict[i] = (uint8_t)verdict;
	flow_pack(b, ctx->arena, g, i, &b->packets[i]);
}

STAGE void burst_parse(struct burst *b, const struct burst_context *ctx,
		       const struct generation *g)
{
	const struct arena *arena = ctx->arena;
	struct rte_mbuf **pkts = b->pkts;
	uint32_t n = b->n;

	b->v6_n = 0;
	for (uint32_t i = 0; i < n && i < PREFETCH_PACKETS; i++)
		prefetch(packet_data(pkts[i]));
	for (uint32_t i = 0; i < n; i++) {
		struct cursor c = packet_cursor(pkts[i]);

		if (i + PREFETCH_PACKETS < n)
			prefetch(packet_data(pkts[i + PREFETCH_PACKETS]));
		prefetch_write(c.pos - PREFETCH_HEADROOM);
		if (!frame_parse_plain(b, arena, g, i, c, false) &&
		    !frame_parse_plain(b, arena, g, i, c, true))
			frame_parse_any(b, ctx, g, i, c);
	}
}

/*
 * In vectors over the whole burst: the few hashes that nobody wants cost less than to pick the
 * others out.
 */
STAGE void burst_hash(struct burst *b, const struct generation *g)
{
	if (b->v6_n < b->n)
		hash_burst(&g->key, &b->flows, FLOW_BYTES_V4, b->hash, b->n);
	if (b->v6_n > 0)
		hash_burst(&g->key, &b->flows, FLOW_BYTES_V6,
			   b->v6_n < b->n ? b->hash_v6 : b->hash, b->n);
	if (b->v6_n > 0 && b->v6_n < b->n)
		for (uint16_t i = 0; i < b->n; i++)
			if (b->packets[i].flags & PACKET_V6)
				b->hash[i] = b->hash_v6[i];
}

/* Its value is read later. */
SLUICE_INLINE void slot_set(struct burst *b, const struct arena *arena, uint16_t i, uint64_t hash)
{
	const struct service *s = b->service[i];

	b->slot[i] = service_slot(s, hash);
	prefetch(arena_at(arena, service_current_offset(s, b->slot[i]), sizeof(uint16_t)));
}

/* Whose packets are they? Those that go on stand in live. Returns all flags of their services. */
STAGE uint16_t burst_find_services(struct burst *b, const struct burst_context *ctx,
				   const struct generation *g)
{
	uint16_t live_n = 0, flags = 0;

	for (uint16_t i = 0; i < b->n; i++) {
		const struct packet *p = &b->packets[i];
		enum verdict verdict = b->verdict[i];
		const struct service *s = b->service[i];

		/* Else what steer_service() comes to. */
		if (verdict != VERDICT_forward || p->flags & PACKET_ECHO ||
		    !service_hits(ctx->arena, g, s, b->key[i], p)) {
			verdict = steer_service(ctx->arena, g, p, verdict, &s);
			b->service[i] = s;
		}
		b->verdict[i] = (uint8_t)verdict;
		b->row[i] = steer_counter_row(s);
		prefetch_write(&ctx->services[b->row[i]]);
		if (verdict == VERDICT_forward) {
			b->live[live_n++] = (uint8_t)i;
			slot_set(b, ctx->arena, i, b->hash[i]);
			flags |= s->flags;
		}
	}
	b->live_n = live_n;
	return flags;
}

/* The slots of services with session affinity: few have it, so that it's a stage of its own. */
STAGE void burst_hash_sources(struct burst *b, const struct arena *arena,
			      const struct generation *g)
{
	for (uint16_t k = 0; k < b->live_n; k++) {
		uint8_t i = b->live[k];

		if (b->service[i]->flags & SERVICE_HASH_SOURCE)
			slot_set(b, arena, i, flow_hash_source(&b->packets[i].flow, &g->key));
	}
}

/* Returns whether there are some whose slot changed: what they get here is a guess. */
STAGE bool burst_find_backends(struct burst *b, const struct arena *arena)
{
	uint16_t values = 0;

	for (uint16_t k = 0; k < b->live_n; k++) {
		uint8_t i = b->live[k];
		struct steering st = {.service = b->service[i], .slot = b->slot[i]};
		enum verdict verdict = steer_slot(arena, &st);

		if (verdict == VERDICT_forward)
			verdict = steer_backend(arena, st.service, st.value, &b->backend[i]);
		b->verdict[i] = (uint8_t)verdict;
		prefetch(b->backend[i]);
		values |= st.value;
	}
	return values & SLOT_CHANGED;
}

/* Before the first generation: all is the kernel's. */
static void burst_pass_all(struct burst *b)
{
	for (uint16_t i = 0; i < b->n; i++) {
		b->verdict[i] = VERDICT_no_service;
		b->row[i] = 0;
		b->kernel_at[i] = (uint8_t)i;
		b->kernel[i] = b->pkts[i];
	}
	b->kernel_n = b->n;
}

void burst_run(struct burst *b, const struct burst_context *ctx, struct rte_mbuf **pkts, uint16_t n)
{
	const struct arena_head *head = arena_at(ctx->arena, 0, sizeof(*head));
	uint32_t current = __atomic_load_n(&head->current, __ATOMIC_ACQUIRE);
	const struct generation *g;
	uint16_t flags;

	b->pkts = pkts;
	b->n = n;
	b->kernel_n = 0;
	b->drop_n = 0;
	for (uint16_t port = 0; port < ctx->ports_n; port++)
		b->out_n[port] = 0;
	if (current == 0) {
		burst_pass_all(b);
		return;
	}
	g = arena_at(ctx->arena, current, sizeof(*g));
	burst_parse(b, ctx, g);
	burst_hash(b, g);
	flags = burst_find_services(b, ctx, g);
	if (flags & SERVICE_HASH_SOURCE)
		burst_hash_sources(b, ctx->arena, g);
	/* steer_looks_further(), of all at once: in a steady state that's it. */
	if (burst_find_backends(b, ctx->arena) || flags & SERVICE_REMEMBERS)
		burst_choose_changed(b, ctx, g);
	if (b->capture)
		capture_take_in(b->capture, b);
	burst_act(b, ctx, g);
	if (b->drop_n > 0)
		rte_pktmbuf_free_bulk(b->drop, b->drop_n);
}

void burst_send(struct burst *b, const struct burst_context *ctx)
{
	for (uint16_t port = 0; port < ctx->ports_n; port++) {
		uint16_t n = b->out_n[port], sent_n;

		if (n == 0)
			continue;
		sent_n = rte_eth_tx_burst(ctx->port_ids[port], ctx->queue, b->out[port], n);
		if (sent_n == n)
			continue;
		for (uint16_t k = sent_n; k < n; k++)
			b->verdict[b->out_at[port][k]] = VERDICT_transmit_full;
		rte_pktmbuf_free_bulk(&b->out[port][sent_n], n - sent_n);
	}
}

void burst_pass(struct burst *b, struct rte_ring *ring)
{
	uint16_t n = b->kernel_n, passed_n;

	if (n == 0)
		return;
	passed_n = (uint16_t)rte_ring_sp_enqueue_burst(ring, (void *const *)b->kernel, n, NULL);
	if (passed_n == n)
		return;
	for (uint16_t k = passed_n; k < n; k++)
		b->verdict[b->kernel_at[k]] = VERDICT_kernel_full;
	rte_pktmbuf_free_bulk(&b->kernel[passed_n], n - passed_n);
}

void burst_count(const struct burst *b, const struct burst_context *ctx)
{
	for (uint16_t i = 0; i < b->n; i++) {
		enum verdict verdict = b->verdict[i];

		ctx->services[b->row[i]].packets[verdict]++;
		if (verdict == VERDICT_forward || verdict_action(verdict) == ACTION_FORWARD) {
			struct backend_counters *row = &ctx->backends[b->backend[i]->counter];

			row->packets++;
			row->bytes += b->packets[i].ip_bytes;
		}
	}
}
