/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step 0 of sluice/steer.h, for the packets of a burst that are fragments: the first of a datagram
 * leaves its ports in the worker's table, those behind it take them from there. Called by the
 * workers, within burst_run(), in the order of the packets; none but fragments come here.
 */
#include "burst.h"
#include "fragment_table.h"
#include "packet_cursor.h"
#include "sluice/steer.h"

enum verdict burst_join(struct burst *b, const struct burst_context *ctx,
			const struct generation *g, uint32_t i)
{
	struct packet *p = &b->packets[i];
	struct cursor c = packet_cursor(b->pkts[i]);
	const struct fragment *known;
	uint32_t id;
	uint64_t key;

	if (!packet_fragment_id(&c, p->l3_offset, p->flags & PACKET_V6, &id))
		return VERDICT_fragment;
	switch (steer_fragment(ctx->arena, g, p, id, &key)) {
	case FRAGMENT_FIRST:
		if (ctx->fragments)
			fragment_table_put(ctx->fragments, key, fragment_make(&p->flow, b->now_s));
		return VERDICT_forward;
	case FRAGMENT_LATER:
		known = ctx->fragments ? fragment_table_find(ctx->fragments, key, b->now_s) : NULL;
		if (!known)
			return VERDICT_fragment;
		packet_join(p, known);
		return VERDICT_forward;
	case FRAGMENT_OTHER:
		break;
	}
	return VERDICT_fragment;
}
