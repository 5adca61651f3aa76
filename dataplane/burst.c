/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot path: a burst in stages over arrays. Called by the workers. Nothing here locks,
 * allocates, logs or calls the kernel; what decides and what writes bytes is in include/sluice.
 */
#include "burst.h"
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

static uint8_t *packet_data(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, uint8_t *);
}

static struct cursor packet_cursor(const struct rte_mbuf *m)
{
	uint8_t *data = packet_data(m);

	return (struct cursor){data, data + m->data_len, m->pkt_len};
}

static void prefetch(const void *at)
{
	__builtin_prefetch(at, 0, 3);
}

static void prefetch_write(const void *at)
{
	__builtin_prefetch(at, 1, 3);
}

/* The line where service_find() starts, for the packet's own port. */
static void service_prefetch(const struct arena *arena, const struct generation *g,
			     const struct packet *p)
{
	bool v6 = !flow_is_v4(&p->flow);
	uint32_t addr = v6 ? service_fold(&p->flow.addrs[2]) : (uint32_t)(p->flow.addrs[0] >> 32);
	uint64_t key = service_key(addr, flow_dst_port(&p->flow), flow_proto(&p->flow), v6);
	uint32_t index = service_start(key) & g->services_mask;

	prefetch(arena_at(arena, g->services_off + index * (uint32_t)sizeof(struct service),
			  sizeof(struct service)));
}

static void burst_parse(struct burst *b, const struct arena *arena, const struct generation *g)
{
	uint16_t n = b->n;

	for (uint16_t i = 0; i < n && i < PREFETCH_PACKETS; i++)
		prefetch(packet_data(b->pkts[i]));
	for (uint16_t i = 0; i < n; i++) {
		struct cursor c = packet_cursor(b->pkts[i]);

		if (i + PREFETCH_PACKETS < n)
			prefetch(packet_data(b->pkts[i + PREFETCH_PACKETS]));
		prefetch_write(c.pos - PREFETCH_HEADROOM);
		b->verdict[i] = (uint8_t)packet_parse(&c, &b->packets[i]);
		service_prefetch(arena, g, &b->packets[i]);
	}
}

/* Whose packets are they? Those that go on stand in live. Returns all flags of their services. */
static uint16_t burst_find_services(struct burst *b, const struct burst_context *ctx,
				const struct generation *g)
{
	uint16_t live_n = 0, flags = 0;

	for (uint16_t i = 0; i < b->n; i++) {
		enum verdict verdict = steer_service(ctx->arena, g, &b->packets[i], b->verdict[i],
						     &b->service[i]);

		b->verdict[i] = (uint8_t)verdict;
		b->row[i] = steer_counter_row(b->service[i]);
		flags |= b->service[i] ? b->service[i]->flags : 0;
		prefetch_write(&ctx->services[b->row[i]]);
		b->live[live_n] = (uint8_t)i;
		live_n = (uint16_t)(live_n + (verdict == VERDICT_forward));
	}
	b->live_n = live_n;
	return flags;
}

/* Its value is read later. */
static void slot_set(struct burst *b, const struct arena *arena, uint16_t i, uint64_t hash)
{
	const struct service *s = b->service[i];

	b->slot[i] = service_slot(s, hash);
	prefetch(arena_at(arena, service_current_offset(s, b->slot[i]), sizeof(uint16_t)));
}

/* IPv4 in vectors, IPv6 one by one. */
static void burst_hash(struct burst *b, const struct arena *arena, const struct generation *g)
{
	uint16_t v4_n = 0;

	for (uint16_t k = 0; k < b->live_n; k++) {
		uint8_t i = b->live[k];
		const struct flow *f = &b->packets[i].flow;

		if (!flow_is_v4(f)) {
			b->hash[i] = flow_hash(f, &g->key);
			slot_set(b, arena, i, b->hash[i]);
			continue;
		}
		b->flow_at[v4_n] = i;
		b->flow_addrs[v4_n] = f->addrs[0];
		b->flow_last[v4_n] = f->last;
		v4_n++;
	}
	if (v4_n == 0)
		return;
	hash_burst_v4(&g->key, b->flow_addrs, b->flow_last, b->flow_hash, v4_n);
	for (uint16_t k = 0; k < v4_n; k++) {
		uint8_t i = b->flow_at[k];

		b->hash[i] = b->flow_hash[k];
		slot_set(b, arena, i, b->hash[i]);
	}
}

/* The slots of services with session affinity: few have it, so that it's a stage of its own. */
static void burst_hash_sources(struct burst *b, const struct arena *arena,
			       const struct generation *g)
{
	for (uint16_t k = 0; k < b->live_n; k++) {
		uint8_t i = b->live[k];

		if (b->service[i]->flags & SERVICE_HASH_SOURCE)
			slot_set(b, arena, i, flow_hash_source(&b->packets[i].flow, &g->key));
	}
}

/* Returns whether there are some whose slot changed: what they get here is a guess. */
static bool burst_find_backends(struct burst *b, const struct arena *arena)
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

static void burst_find_ways(struct burst *b, const struct burst_context *ctx)
{
	for (uint16_t k = 0; k < b->live_n; k++) {
		uint8_t i = b->live[k];
		const struct backend *backend = b->backend[i];

		if (b->verdict[i] != VERDICT_forward)
			continue;
		b->verdict[i] = (uint8_t)steer_way(backend, &b->packets[i]);
		prefetch_write(&ctx->backends[backend->counter]);
	}
}

/* Returns the verdict, or what kept it from being carried out. */
static enum verdict packet_encapsulate(struct rte_mbuf *m, const struct burst *b, uint16_t i,
				       const struct generation *g, enum verdict verdict)
{
	const struct packet *p = &b->packets[i];
	const struct backend *backend = b->backend[i];
	struct cursor c;

	if (!rte_pktmbuf_prepend(m, (uint16_t)encap_growth_bytes(backend, p)))
		return VERDICT_no_headroom;
	c = packet_cursor(m);
	return encap_write(&c, g, backend, p, b->hash[i]) ? verdict : VERDICT_no_headroom;
}

/* Cuts the frame to `bytes`. Segments that are not needed any more are freed. */
static void packet_cut(struct rte_mbuf *m, uint32_t bytes)
{
	struct rte_mbuf *last = m;
	uint16_t segments_n = 1;
	uint32_t before = 0;

	if (m->pkt_len <= bytes)
		return;
	while (before + last->data_len < bytes && last->next) {
		before += last->data_len;
		last = last->next;
		segments_n++;
	}
	if (last->next)
		rte_pktmbuf_free(last->next);
	last->next = NULL;
	last->data_len = (uint16_t)(bytes - before);
	m->nb_segs = segments_n;
	m->pkt_len = bytes;
}

static enum verdict packet_answer_too_big(struct rte_mbuf *m, const struct packet *p,
					  const struct backend *backend)
{
	/* The quote has to be in one piece. */
	if (m->nb_segs > 1 && m->data_len < p->l3_offset + ANSWER_QUOTE_BYTES) {
		packet_cut(m, p->l3_offset + ANSWER_QUOTE_BYTES);
		if (rte_pktmbuf_linearize(m) < 0)
			return VERDICT_no_headroom;
	}
	if (!rte_pktmbuf_prepend(m, (uint16_t)answer_too_big_growth(p)))
		return VERDICT_no_headroom;
	packet_cut(m, answer_too_big_bytes(p));
	return answer_too_big(packet_cursor(m), p, steer_inner_mtu_bytes(backend)) ?
		       VERDICT_too_big :
		       VERDICT_no_headroom;
}

static void out_add(struct burst *b, uint16_t port, uint16_t i)
{
	uint16_t k = b->out_n[port]++;

	b->out[port][k] = b->pkts[i];
	b->out_at[port][k] = (uint8_t)i;
}

/* Does what the verdicts say, and sorts the packets by where they go. */
static void burst_act(struct burst *b, const struct burst_context *ctx, const struct generation *g)
{
	for (uint16_t i = 0; i < b->n; i++) {
		struct rte_mbuf *m = b->pkts[i];
		enum verdict verdict = b->verdict[i];
		uint16_t port = ctx->port;

		switch (verdict_action(verdict)) {
		case ACTION_FORWARD:
			port = b->backend[i]->port;
			verdict = port < ctx->ports_n ? packet_encapsulate(m, b, i, g, verdict) :
							VERDICT_bad_tables;
			break;
		case ACTION_TOO_BIG:
			verdict = packet_answer_too_big(m, &b->packets[i], b->backend[i]);
			break;
		case ACTION_ECHO:
			if (!answer_echo(packet_cursor(m), &b->packets[i]))
				verdict = VERDICT_bad_icmp;
			break;
		case ACTION_PASS:
			b->kernel_at[b->kernel_n] = (uint8_t)i;
			b->kernel[b->kernel_n++] = m;
			continue;
		case ACTION_DROP:
			b->drop[b->drop_n++] = m;
			continue;
		}
		if (verdict == b->verdict[i]) {
			out_add(b, port, i);
		} else {
			b->verdict[i] = (uint8_t)verdict;
			b->drop[b->drop_n++] = m;
		}
	}
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
	burst_parse(b, ctx->arena, g);
	flags = burst_find_services(b, ctx, g);
	burst_hash(b, ctx->arena, g);
	if (flags & SERVICE_HASH_SOURCE)
		burst_hash_sources(b, ctx->arena, g);
	/* steer_looks_further(), of all at once: in a steady state that's it. */
	if (burst_find_backends(b, ctx->arena) || flags & SERVICE_REMEMBERS)
		burst_choose_changed(b, ctx, g);
	burst_find_ways(b, ctx);
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
		if (verdict_action(verdict) == ACTION_FORWARD) {
			struct backend_counters *row = &ctx->backends[b->backend[i]->counter];

			row->packets++;
			row->bytes += b->packets[i].ip_bytes;
		}
	}
}
