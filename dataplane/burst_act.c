/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stage of burst_run(): what the verdicts say is done to the packets. Called by the
 * workers.
 */
#include "burst.h"
#include "counters.h"
#include "packet_cursor.h"
#include "prefetch.h"
#include "sluice/steer.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>

/* What doesn't fit, or has no next hop. */
static __attribute__((noinline)) enum verdict packet_refuse(const struct backend *b,
							    const struct packet *p)
{
	return steer_way(b, p);
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

/* Several segments: rare. */
static __attribute__((noinline)) void packet_grow_segments(struct rte_mbuf *m, uint32_t bytes,
							   uint32_t frame_bytes)
{
	m->data_len = (uint16_t)(m->data_len + bytes);
	m->pkt_len += bytes;
	packet_cut(m, frame_bytes);
}

/*
 * rte_pktmbuf_prepend(), less what it knows of a mbuf: that it is one, and not at address 0. Of the
 * frame that comes of it, `frame_bytes` stay.
 */
SLUICE_INLINE bool packet_grow(struct rte_mbuf *m, uint32_t bytes, uint32_t frame_bytes)
{
	if (bytes > m->data_off)
		return false;
	m->data_off = (uint16_t)(m->data_off - bytes);
	if (m->nb_segs > 1) {
		packet_grow_segments(m, bytes, frame_bytes);
		return true;
	}
	m->data_len = (uint16_t)frame_bytes;
	m->pkt_len = frame_bytes;
	return true;
}

/*
 * Can a packet go to its backend? Then it gets its outer headers; else `refused` says why. Written
 * out for each kind that is a constant where this is called: half the instructions.
 */
SLUICE_INLINE bool packet_forward(struct rte_mbuf *m, const struct generation *g,
				  const struct backend *b, const struct packet *p, uint64_t hash,
				  struct encap_kind kind, enum verdict *refused)
{
	/* In registers: what is stored into the frame could be these, for all that the compiler
	 * knows. Outer headers need no flow. */
	const struct packet info = {
		.ip_bytes = p->ip_bytes,
		.l3_offset = p->l3_offset,
		.l4_offset = p->l4_offset,
		.ip_id = p->ip_id,
		.tos = p->tos,
		.proto = p->proto,
		.flags = p->flags,
	};
	struct cursor c;

	if (!steer_kind_fits(b, &info, kind)) {
		*refused = packet_refuse(b, p);
		if (verdict_action(*refused) != ACTION_FORWARD)
			return false;
	}
	*refused = VERDICT_no_headroom;
	if (!packet_grow(m, encap_kind_growth_bytes(kind, &info),
			 encap_kind_frame_bytes(kind, &info)))
		return false;
	c = packet_cursor(m);
	/* In front of the inner IP header all is in one piece: no bound needs to be looked at. */
	if (!encap_kind_reads_inner(kind))
		c.end = c.pos + encap_kind_bytes(kind);
	return encap_kind_write(&c, g, b, &info, hash, kind);
}

/* Of kinds that few use, or without a next hop. */
static __attribute__((noinline)) bool packet_forward_any(struct rte_mbuf *m,
							 const struct generation *g,
							 const struct backend *b,
							 const struct packet *p, uint64_t hash,
							 enum verdict *refused)
{
	if (!(b->flags & BACKEND_RESOLVED)) {
		*refused = packet_refuse(b, p);
		return false;
	}
	return packet_forward(m, g, b, p, hash, encap_kind(b), refused);
}

SLUICE_INLINE bool packet_forward_kind(struct rte_mbuf *m, const struct generation *g,
				       const struct backend *b, const struct packet *p,
				       uint64_t hash, enum verdict *refused)
{
	const struct encap_kind ipip4 = {.encap = ENCAP_IPIP}, gue4 = {.encap = ENCAP_GUE};
	const struct encap_kind ipip6 = {.v6 = true, .encap = ENCAP_IPIP};
	const struct encap_kind gue6 = {.v6 = true, .encap = ENCAP_GUE};

	switch (encap_kind_bits(b)) {
	case ENCAP_KIND_BITS(ENCAP_IPIP, 0):
		return packet_forward(m, g, b, p, hash, ipip4, refused);
	case ENCAP_KIND_BITS(ENCAP_GUE, 0):
		return packet_forward(m, g, b, p, hash, gue4, refused);
	case ENCAP_KIND_BITS(ENCAP_IPIP, BACKEND_OUTER_V6):
		return packet_forward(m, g, b, p, hash, ipip6, refused);
	case ENCAP_KIND_BITS(ENCAP_GUE, BACKEND_OUTER_V6):
		return packet_forward(m, g, b, p, hash, gue6, refused);
	}
	return packet_forward_any(m, g, b, p, hash, refused);
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
	return answer_too_big(packet_cursor(m), p, steer_inner_mtu_bytes(backend, p))
		       ? VERDICT_too_big
		       : VERDICT_no_headroom;
}

static enum verdict packet_reject(struct rte_mbuf *m, const struct packet *p, enum verdict verdict)
{
	struct reject reject;

	/* All that is read or quoted has to be in one piece. */
	if (m->nb_segs > 1 && m->data_len < p->l3_offset + ANSWER_QUOTE_BYTES) {
		packet_cut(m, p->l3_offset + ANSWER_QUOTE_BYTES);
		if (rte_pktmbuf_linearize(m) < 0)
			return VERDICT_no_headroom;
	}
	if (!reject_read(packet_cursor(m), p, &reject) ||
	    !rte_pktmbuf_prepend(m, (uint16_t)reject_growth(p)))
		return VERDICT_no_headroom;
	packet_cut(m, reject_bytes(p));
	return reject_write(packet_cursor(m), p, &reject) ? verdict : VERDICT_no_headroom;
}

static void out_add(struct burst *b, uint16_t port, struct rte_mbuf *m, uint16_t i)
{
	uint16_t k = b->out_n[port]++;

	b->out[port][k] = m;
	b->out_at[port][k] = (uint8_t)i;
}

/* What is stored into a packet could be all this, for all that the compiler knows. */
struct act {
	struct generation generation; /* what outer headers and answers need of it */
	struct backend_counters *backends;
	struct limit *limits;
	uint16_t ports_n;
	uint16_t port;
};

static struct act act_begin(const struct burst_context *ctx, const struct generation *g)
{
	return (struct act){
		.generation = {.gue_port = g->gue_port,
			       .outer_ttl = g->outer_ttl,
			       .errors_per_s = g->errors_per_s,
			       .key = g->key},
		.backends = ctx->counters->backends,
		.limits = ctx->limits,
		.ports_n = ctx->ports_n,
		.port = ctx->port,
	};
}

/* Whether one more of a kind may be sent, about a packet of this flow. */
static bool may_tell(const struct act *act, enum limit_kind kind, const struct flow *flow)
{
	return !act->limits || limit_take(&act->limits[kind], &act->generation, flow,
					  rte_get_tsc_cycles(), rte_get_tsc_hz());
}

/* All but forwarding. Returns false for a packet that is not sent by its own port. */
static __attribute__((noinline)) bool packet_act(struct burst *b, const struct act *act, uint16_t i)
{
	struct rte_mbuf *m = b->pkts[i];
	enum verdict verdict = b->verdict[i];

	if (b->verdict[i] == BURST_LATER)
		return false;
	if (verdict == VERDICT_no_backend) {
		verdict = steer_no_backend(b->service[i], &b->packets[i]);
		b->verdict[i] = (uint8_t)verdict;
	}
	switch (verdict_action(verdict)) {
	case ACTION_FORWARD:
		return false; /* never */
	case ACTION_TOO_BIG:
		verdict = may_tell(act, LIMIT_ERRORS, &b->packets[i].flow)
				  ? packet_answer_too_big(m, &b->packets[i], b->backend[i])
				  : VERDICT_error_limited;
		break;
	case ACTION_ECHO:
		if (!answer_echo(packet_cursor(m), &b->packets[i]))
			verdict = VERDICT_bad_icmp;
		packet_cut(m, answer_echo_bytes(&b->packets[i]));
		break;
	case ACTION_REJECT:
		verdict = may_tell(act, LIMIT_REFUSALS, &b->packets[i].flow)
				  ? packet_reject(m, &b->packets[i], verdict)
				  : VERDICT_reject_limited;
		break;
	case ACTION_PASS:
		b->kernel_at[b->kernel_n] = (uint8_t)i;
		b->kernel[b->kernel_n++] = m;
		return false;
	case ACTION_DROP:
		b->drop[b->drop_n++] = m;
		return false;
	}
	if (verdict == b->verdict[i])
		return true;
	b->verdict[i] = (uint8_t)verdict;
	b->drop[b->drop_n++] = m;
	return false;
}

SLUICE_INLINE void packet_end(struct burst *b, const struct act *act, uint16_t i)
{
	const struct backend *to = b->backend[i];
	const struct packet *p = &b->packets[i];
	struct rte_mbuf *m = b->pkts[i];
	enum verdict refused;
	bool ready;

	if (b->verdict[i] == VERDICT_forward) {
		ready = packet_forward_kind(m, &act->generation, to, p, b->hash[i], &refused);
		if (ready && to->port < act->ports_n) {
			prefetch_write(&act->backends[to->counter]);
			out_add(b, to->port, m, i);
			return;
		}
		b->verdict[i] = (uint8_t)(ready ? VERDICT_bad_tables : refused);
	}
	if (packet_act(b, act, i))
		out_add(b, act->port, m, i);
}

void burst_act(struct burst *b, const struct burst_context *ctx, const struct generation *g)
{
	const struct act act = act_begin(ctx, g);
	const uint16_t n = b->n;

	for (uint16_t i = 0; i < n; i++)
		packet_end(b, &act, i);
}

void burst_act_changed(struct burst *b, const struct burst_context *ctx, const struct generation *g)
{
	const struct act act = act_begin(ctx, g);

	for (uint32_t k = 0; k < b->changed_n; k++)
		packet_end(b, &act, b->changed[k]);
}
