/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot path: a burst in stages over arrays. Called by the workers. Nothing here locks,
 * allocates, logs or calls the kernel; what decides and what writes bytes is in include/sluice.
 */
#include "burst.h"
#include "capture.h"
#include "counters.h"
#include "packet_cursor.h"
#include "prefetch.h"
#include "sluice/steer.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

/* Inlined into burst_run() all stages together are slower by a quarter. */
#define STAGE static __attribute__((noinline))

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

/*
 * In vectors over the whole burst: the few hashes that nobody wants cost less than to pick the
 * others out.
 */
STAGE void burst_hash(struct burst *b, const struct generation *g)
{
	if (b->v6_n < b->n)
		hash_burst(&g->key, &b->flows, FLOW_BYTES_V4, b->hash, b->n);
	if (b->v6_n > 0)
		hash_burst(&g->key, &b->flows, FLOW_BYTES_V6, b->v6_n < b->n ? b->hash_v6 : b->hash,
			   b->n);
	if (b->v6_n > 0 && b->v6_n < b->n)
		for (uint16_t i = 0; i < b->n; i++)
			if (b->packets[i].flags & PACKET_V6)
				b->hash[i] = b->hash_v6[i];
}

/* Its value is read later. */
SLUICE_INLINE void slot_set(struct burst *b, const struct arena *arena, uint32_t i,
			    const struct service *s, uint64_t hash)
{
	uint32_t slot = service_slot(s, hash);

	b->slot[i] = slot;
	prefetch(arena_at(arena, service_current_offset(s, slot), sizeof(uint16_t)));
}

/* What steer_service() comes to. A function of its own: few packets need it. */
static __attribute__((noinline)) const struct service *service_look(struct burst *b,
								    const struct arena *arena,
								    const struct generation *g,
								    uint32_t i)
{
	enum verdict verdict =
		steer_service(arena, g, &b->packets[i], b->verdict[i], &b->service[i]);

	if (verdict == VERDICT_no_service)
		verdict = steer_unserved(arena, g, &b->packets[i], &b->service[i]);
	b->verdict[i] = (uint8_t)verdict;
	return b->service[i];
}

/* Whose packets are they? Those that go on stand in live. Returns all flags of their services. */
STAGE uint16_t burst_find_services(struct burst *b, const struct burst_context *ctx,
				   const struct generation *g)
{
	const struct arena *arena = ctx->arena;
	uint64_t *forwarded = ctx->counters->forwarded;
	const uint32_t n = b->n;
	uint32_t live_n = 0, flags = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct packet *p = &b->packets[i];
		const struct service *s = b->service[i];
		uint32_t row;

		if (b->verdict[i] != VERDICT_forward || !service_hits(arena, g, s, b->key[i], p))
			s = service_look(b, arena, g, i);
		row = steer_counter_row(s);
		b->row[i] = row;
		prefetch_write(&forwarded[row]);
		if (b->verdict[i] == VERDICT_forward) {
			slot_set(b, arena, i, s, b->hash[i]);
			flags |= s->flags;
			b->live[live_n++] = (uint8_t)i;
		}
	}
	b->live_n = (uint16_t)live_n;
	return (uint16_t)flags;
}

/* The slots of services with session affinity: few have it, so that it's a stage of its own. */
STAGE void burst_hash_sources(struct burst *b, const struct arena *arena,
			      const struct generation *g)
{
	for (uint16_t k = 0; k < b->live_n; k++) {
		uint8_t i = b->live[k];

		if (b->service[i]->flags & SERVICE_HASH_SOURCE)
			slot_set(b, arena, i, b->service[i],
				 flow_hash_source(&b->packets[i].flow, &g->key));
	}
}

/* Returns whether there are some whose slot changed: what they get here is a guess. */
STAGE bool burst_find_backends(struct burst *b, const struct arena *arena)
{
	const uint32_t n = b->live_n;
	uint32_t values = 0;

	for (uint32_t k = 0; k < n; k++) {
		uint8_t i = b->live[k];
		struct steering st = {.service = b->service[i], .slot = b->slot[i]};
		enum verdict verdict = steer_slot(arena, &st);
		const struct backend *backend = NULL;

		if (verdict == VERDICT_forward)
			verdict = steer_backend(arena, st.service, st.value, &backend);
		prefetch(backend);
		values |= st.value;
		b->value[k] = st.value;
		b->backend[i] = backend;
		if (verdict != VERDICT_forward)
			b->verdict[i] = (uint8_t)verdict;
	}
	return values & SLOT_CHANGED;
}

/* Few services have their SYNs' segment size lowered. */
STAGE void burst_clamp(struct burst *b, const struct arena *arena)
{
	for (uint16_t k = 0; k < b->live_n; k++) {
		const uint8_t i = b->live[k];
		const struct packet *p = &b->packets[i];

		if (!steer_clamps(b->service[i], p))
			continue;
		/* A plain frame's TCP options may go on there. */
		if (b->pkts[i]->nb_segs > 1)
			packet_pull(b->pkts[i]);
		mss_clamp(packet_cursor(b->pkts[i]), p->l4_offset,
			  service_mss(arena, b->service[i]));
	}
}

/* Few bursts have ICMP errors: those that go to a backend get the verdict of their own here. */
static __attribute__((noinline)) void burst_name_errors(struct burst *b)
{
	for (uint16_t i = 0; i < b->n; i++)
		if (b->verdict[i] == VERDICT_forward)
			b->verdict[i] = (uint8_t)steer_fitting(&b->packets[i]);
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
	burst_check_sources(b);
	burst_hash(b, g);
	flags = burst_find_services(b, ctx, g);
	if (flags & SERVICE_HASH_SOURCE)
		burst_hash_sources(b, ctx->arena, g);
	b->changed_n = 0;
	/* steer_looks_further(), of all at once: in a steady state that's it. */
	if (burst_find_backends(b, ctx->arena) || flags & SERVICE_REMEMBERS)
		burst_find_changed(b, ctx, flags & SERVICE_REMEMBERS);
	if (b->capture) {
		burst_choose_changed(b, ctx, g);
		b->changed_n = 0;
		capture_take_in(b->capture, b);
	}
	if (flags & SERVICE_CLAMPS)
		burst_clamp(b, ctx->arena);
	if (b->changed_n < n)
		burst_act(b, ctx, g);
	if (b->changed_n > 0) {
		burst_choose_changed(b, ctx, g);
		burst_act_changed(b, ctx, g);
	}
	if (b->errors_n > 0)
		burst_name_errors(b);
	if (b->drop_n > 0)
		rte_pktmbuf_free_bulk(b->drop, b->drop_n);
}

void burst_send(struct burst *b, const struct burst_context *ctx)
{
	for (uint16_t port = 0; port < ctx->ports_n; port++) {
		uint16_t n = b->out_n[port], sent_n = 0, id;

		if (n == 0)
			continue;
		id = __atomic_load_n(&ctx->port_ids[port], __ATOMIC_RELAXED);
		if (id != BURST_NO_PORT)
			sent_n = rte_eth_tx_burst(id, ctx->queue, b->out[port], n);
		if (sent_n == n)
			continue;
		for (uint16_t k = sent_n; k < n; k++)
			b->verdict[b->out_at[port][k]] = VERDICT_transmit_full;
		rte_pktmbuf_free_bulk(&b->out[port][sent_n], n - sent_n);
	}
}

void burst_count(const struct burst *b, const struct burst_context *ctx)
{
	const struct counters counters = *ctx->counters;
	const uint32_t n = b->n;

	for (uint32_t i = 0; i < n; i++) {
		enum verdict verdict = b->verdict[i];
		struct backend_counters *row;

		if (verdict == VERDICT_forward) {
			counters.forwarded[b->row[i]]++;
		} else {
			counters.services[b->row[i]].packets[verdict]++;
			if (verdict_action(verdict) != ACTION_FORWARD)
				continue;
		}
		row = &counters.backends[b->backend[i]->counter];
		row->packets++;
		row->bytes += b->packets[i].ip_bytes;
	}
}
