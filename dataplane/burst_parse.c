/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first stage of burst_run(): what the packets say of themselves, where vectors read their
 * flows, and the look ahead for their services. Called by the workers.
 */
#include "burst.h"
#include "packet_cursor.h"
#include "prefetch.h"
#include "sluice/mac.h"
#include "sluice/plain.h"
#include "sluice/service.h"

#include <string.h>

#include <rte_mbuf.h>

enum {
	/* So many packets ahead: more than a line from memory takes, less than the CPU has fill
	 * buffers. 8 and 16 measure alike. */
	PREFETCH_PACKETS = 8,
	/* The outer headers start at most ENCAP_GROWTH_MAX bytes before the frame. */
	PREFETCH_HEADROOM = 32,
};

/* No service has it (service_key()): for echo requests, which are none's. */
#define KEY_NONE UINT64_MAX

/* The service table of a burst's generation, as a loop keeps it in registers. */
struct table {
	const uint8_t *services;
	uint64_t mask_bytes; /* of an entry's place */
};

SLUICE_INLINE struct table table_of(const struct arena *arena, const struct generation *g)
{
	return (struct table){
		.services = arena_at(arena, g->services_off, sizeof(struct service)),
		.mask_bytes = g->services_mask * (uint64_t)sizeof(struct service),
	};
}

/* The entry where a key's probes start. */
SLUICE_INLINE const struct service *service_first(struct table table, uint64_t key)
{
	return (const struct service *)(table.services +
					(service_start(key) * sizeof(struct service) &
					 table.mask_bytes));
}

/* Where vectors read a flow, and the look ahead for its service. `v6` is a constant, but for few.
 */
SLUICE_INLINE void flow_pack(struct burst *b, struct table table, uint32_t i,
			     const struct flow *flow, bool v6)
{
	b->flows.addrs[0][i] = flow->addrs[0];
	b->flows.last[i] = flow->last;
	if (v6) {
		b->flows.addrs[1][i] = flow->addrs[1];
		b->flows.addrs[2][i] = flow->addrs[2];
		b->flows.addrs[3][i] = flow->addrs[3];
		b->v6_n++;
	}
	b->key[i] = service_flow_key(flow, v6);
	b->service[i] = service_first(table, b->key[i]);
	prefetch(b->service[i]);
}

/* A function of its own, so that the one below calls none: 9 instructions of an ICMP error. */
static __attribute__((noinline)) void frame_join(struct burst *b, const struct burst_context *ctx,
						 const struct generation *g, uint32_t i)
{
	const struct packet *p = &b->packets[i];

	b->verdict[i] = (uint8_t)burst_join(b, ctx, g, i);
	flow_pack(b, table_of(ctx->arena, g), i, &p->flow, p->flags & PACKET_V6);
}

/* Whether the port takes frames to this one's MAC; of a frame without one, nobody minds. */
SLUICE_INLINE bool frame_is_ours(const struct burst_context *ctx, const struct cursor *c)
{
	return !ctx->macs || !cursor_reaches(c, sizeof(struct ether_header)) ||
	       macs_have(ctx->macs, mac_word(c->pos));
}

/* What is not plain, or not ours. */
static __attribute__((noinline)) void frame_parse_any(struct burst *b,
						      const struct burst_context *ctx,
						      const struct generation *g, uint32_t i)
{
	struct packet *p = &b->packets[i];
	enum verdict verdict;
	struct cursor c;
	bool ours;

	if (b->pkts[i]->nb_segs > 1)
		packet_pull(b->pkts[i]);
	c = packet_cursor(b->pkts[i]);
	ours = frame_is_ours(ctx, &c);
	verdict = packet_parse(&c, p);
	if (!ours)
		verdict = packet_not_ours(p, verdict);
	if (p->flags & PACKET_ICMP_ERROR)
		b->errors_n++;
	if (verdict == VERDICT_fragment) {
		frame_join(b, ctx, g, i);
		return;
	}
	b->verdict[i] = (uint8_t)verdict;
	flow_pack(b, table_of(ctx->arena, g), i, &p->flow, p->flags & PACKET_V6);
	if (p->flags & PACKET_ECHO)
		b->key[i] = KEY_NONE;
}

/* What is made of a plain frame stays in registers until it is stored. */
SLUICE_INLINE bool frame_parse_plain(struct burst *b, struct table table, uint32_t i,
				     const struct cursor *c, uint32_t l3_offset, bool v6)
{
	struct plain plain;

	if (!plain_parse(c, l3_offset, v6, &plain))
		return false;
	plain_store(&b->packets[i], &plain, v6);
	flow_pack(b, table, i, &plain.flow, v6);
	return true;
}

/* What may be plain behind VLAN tags. */
static __attribute__((noinline)) void frame_parse_tagged(struct burst *b,
							 const struct burst_context *ctx,
							 const struct generation *g, uint32_t i)
{
	const struct table table = table_of(ctx->arena, g);
	const struct cursor c = packet_cursor(b->pkts[i]);
	uint32_t l3_offset;
	bool v6;

	if (plain_find(&c, &l3_offset, &v6) &&
	    (v6 ? frame_parse_plain(b, table, i, &c, l3_offset, true)
		: frame_parse_plain(b, table, i, &c, l3_offset, false)))
		return;
	frame_parse_any(b, ctx, g, i);
}

void burst_parse(struct burst *b, const struct burst_context *ctx, const struct generation *g)
{
	const uint32_t l3_offset = sizeof(struct ether_header);
	const struct table table = table_of(ctx->arena, g);
	struct rte_mbuf **pkts = b->pkts;
	const uint32_t n = b->n;
	/* A word that no frame's MAC is not: where all are taken. */
	const uint64_t mask = ctx->macs ? UINT64_MAX : 0;
	const uint64_t own =
		ctx->macs ? __atomic_load_n(&ctx->macs->words[0], __ATOMIC_RELAXED) : 0;

	b->v6_n = 0;
	b->errors_n = 0;
	/* Of all but few. */
	memset(b->verdict, VERDICT_forward, sizeof(b->verdict));
	for (uint32_t i = 0; i < n && i < PREFETCH_PACKETS; i++)
		prefetch(packet_data(pkts[i]));
	for (uint32_t i = 0; i < n; i++) {
		struct cursor c = packet_cursor(pkts[i]);
		uint32_t type_first;

		if (i + PREFETCH_PACKETS < n)
			prefetch(packet_data(pkts[i + PREFETCH_PACKETS]));
		prefetch_write(c.pos - PREFETCH_HEADROOM);
		/* IPv4's own bound, so that it is looked at once. */
		type_first = pkts[i]->data_len >= PLAIN_BYTES_MIN &&
					     ((mac_word(c.pos) & mask) == own ||
					      macs_have(ctx->macs, mac_word(c.pos)))
				     ? wire_load32(c.pos + l3_offset - 2)
				     : 0;
		if (plain_starts(type_first, false) &&
		    frame_parse_plain(b, table, i, &c, l3_offset, false))
			continue;
		if (plain_starts(type_first, true) &&
		    frame_parse_plain(b, table, i, &c, l3_offset, true))
			continue;
		if (plain_is_tag((be16)type_first))
			frame_parse_tagged(b, ctx, g, i);
		else
			frame_parse_any(b, ctx, g, i);
	}
}
