/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to the kernel, by class. Called by the workers.
 */
#include "burst.h"
#include "sluice/service.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

/* Router and neighbour solicitations and advertisements, redirects: RFC 4861 §4. */
enum { ND_FIRST = 133, ND_LAST = 137 };

static bool is_nd(const struct rte_mbuf *m, const struct packet *p)
{
	uint8_t type;

	if (!(p->flags & PACKET_V6) || p->proto != PROTO_ICMPV6 || p->l4_offset == 0 ||
	    p->l4_offset >= m->data_len)
		return false;
	type = *rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l4_offset);
	return type >= ND_FIRST && type <= ND_LAST;
}

static bool is_to_vip(const struct burst *b, const struct burst_context *ctx,
		      const struct generation *g, uint8_t i)
{
	return b->row[i] != 0 || (g && service_find_vip(ctx->arena, g, &b->packets[i].flow));
}

static enum burst_class class_of(const struct burst *b, const struct burst_context *ctx,
				 const struct generation *g, uint16_t k)
{
	uint8_t i = b->kernel_at[k];

	if (b->verdict[i] == VERDICT_not_ip)
		return BURST_CONTROL;
	if (!g)
		return BURST_NODE; /* nothing is parsed */
	if (is_nd(b->kernel[k], &b->packets[i]))
		return BURST_CONTROL;
	return is_to_vip(b, ctx, g, i) ? BURST_VIP : BURST_NODE;
}

void burst_pass(struct burst *b, const struct burst_context *ctx, struct burst_kernel *kernel)
{
	const struct arena_head *head = arena_at(ctx->arena, 0, sizeof(*head));
	const struct generation *g = NULL;
	uint32_t current;

	if (b->kernel_n == 0)
		return;
	current = __atomic_load_n(&head->current, __ATOMIC_ACQUIRE);
	if (current)
		g = arena_at(ctx->arena, current, sizeof(*g));
	for (uint16_t k = 0; k < b->kernel_n; k++) {
		enum burst_class class = class_of(b, ctx, g, k);

		if (rte_ring_sp_enqueue(kernel->rings[class], b->kernel[k]) == 0)
			continue;
		b->verdict[b->kernel_at[k]] = VERDICT_kernel_full;
		rte_pktmbuf_free(b->kernel[k]);
		__atomic_store_n(&kernel->full[class], kernel->full[class] + 1, __ATOMIC_RELAXED);
	}
}
