/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stage of burst_run(): what the verdicts say is done to the packets. Called by the
 * workers.
 */
#include "burst.h"
#include "packet_cursor.h"
#include "prefetch.h"
#include "sluice/steer.h"

#include <rte_mbuf.h>

/*
 * Where a packet that has a backend goes, and its outer headers. Written out for each kind that is a
 * constant where this is called: half the instructions.
 */
SLUICE_INLINE enum verdict packet_forward(struct rte_mbuf *m, const struct generation *g,
					  const struct backend *b, const struct packet *p,
					  uint64_t hash, struct encap_kind kind)
{
	enum verdict verdict = steer_kind_way(b, p, kind);
	struct cursor c;

	if (verdict_action(verdict) != ACTION_FORWARD)
		return verdict;
	if (!rte_pktmbuf_prepend(m, (uint16_t)encap_kind_growth_bytes(kind, p)))
		return VERDICT_no_headroom;
	c = packet_cursor(m);
	return encap_kind_write(&c, g, b, p, hash, kind) ? verdict : VERDICT_no_headroom;
}

/* Of kinds that few use. */
static __attribute__((noinline)) enum verdict
packet_forward_any(struct rte_mbuf *m, const struct generation *g, const struct backend *b,
		   const struct packet *p, uint64_t hash)
{
	return packet_forward(m, g, b, p, hash, encap_kind(b));
}

SLUICE_INLINE enum verdict packet_forward_kind(struct rte_mbuf *m, const struct generation *g,
					       const struct backend *b, const struct packet *p,
					       uint64_t hash)
{
	struct encap_kind kind = encap_kind(b);

	if (kind.tagged || kind.encap > ENCAP_GUE)
		return packet_forward_any(m, g, b, p, hash);
	if (kind.v6)
		return kind.encap == ENCAP_IPIP ?
			       packet_forward(m, g, b, p, hash, (struct encap_kind){true, false, ENCAP_IPIP}) :
			       packet_forward(m, g, b, p, hash, (struct encap_kind){true, false, ENCAP_GUE});
	return kind.encap == ENCAP_IPIP ?
		       packet_forward(m, g, b, p, hash, (struct encap_kind){false, false, ENCAP_IPIP}) :
		       packet_forward(m, g, b, p, hash, (struct encap_kind){false, false, ENCAP_GUE});
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

/* All but forwarding. Returns false for a packet that is not sent by its own port. */
static __attribute__((noinline)) bool packet_act(struct burst *b, uint16_t i)
{
	struct rte_mbuf *m = b->pkts[i];
	enum verdict verdict = b->verdict[i];

	switch (verdict_action(verdict)) {
	case ACTION_FORWARD: /* to a port that there is not */
		verdict = VERDICT_bad_tables;
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

/* Does what the verdicts say, and sorts the packets by where they go. */
void burst_act(struct burst *b, const struct burst_context *ctx,
	       const struct generation *generation)
{
	/* What is stored into a packet could be these, for all that the compiler knows. */
	const struct generation g = {
		.gue_port = generation->gue_port,
		.outer_ttl = generation->outer_ttl,
	};
	const uint16_t n = b->n, ports_n = ctx->ports_n;
	struct rte_mbuf **pkts = b->pkts;

	for (uint16_t i = 0; i < n; i++) {
		const struct backend *to = b->backend[i];

		if (b->verdict[i] == VERDICT_forward) {
			enum verdict verdict = packet_forward_kind(pkts[i], &g, to, &b->packets[i],
								   b->hash[i]);

			b->verdict[i] = (uint8_t)verdict;
			if (verdict_action(verdict) == ACTION_FORWARD && to->port < ports_n) {
				prefetch_write(&ctx->backends[to->counter]);
				out_add(b, to->port, i);
				continue;
			}
		}
		if (packet_act(b, i))
			out_add(b, ctx->port, i);
	}
}
