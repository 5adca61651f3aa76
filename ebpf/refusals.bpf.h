/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets that find no service or no backend, and SYNs whose segment size is lowered: few, so in
 * functions of their own (frame.bpf.h). A part of fastpath.bpf.c, which alone includes it, behind
 * frame_return().
 */
#ifndef SLUICE_REFUSALS_BPF_H
#define SLUICE_REFUSALS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/mss.h"
#include "sluice/steer.h"

/* What reject.h needs to know of a packet's kind, in a word. */
SLUICE_INLINE uint32_t refusal_pack(const struct packet *p)
{
	return p->flags | (uint32_t)p->proto << 8 | (uint32_t)p->tcp_flags << 16;
}

/* Answers a frame that is refused, of a packet of this refusal_pack(). What is quoted has to be
 * in one piece: else window_reject(). Returns 0 where it is out of reach. */
__attribute__((noinline)) uint32_t frame_reject(struct xdp_md *ctx, uint32_t l3_offset,
						uint32_t l4_offset, uint32_t packed,
						uint32_t ip_bytes)
{
	struct packet p = {
		.ip_bytes = ip_bytes,
		.l3_offset = (uint16_t)l3_offset,
		.l4_offset = (uint16_t)l4_offset,
		.flags = (uint8_t)packed,
		.proto = (uint8_t)(packed >> 8),
	};
	uint32_t growth = reject_growth(&p);
	int cut = (int)reject_bytes(&p) - (int)(frame_bytes(ctx) + growth);
	struct reject reject;

	if (!answer_read_addresses(cursor_make(ctx), &p) ||
	    !reject_read(cursor_make(ctx), &p, &reject))
		return 0;
	if (growth > 0 && bpf_xdp_adjust_head(ctx, -(int)growth) != 0)
		return 0;
	return bpf_xdp_adjust_tail(ctx, cut) == 0 && reject_write(cursor_make(ctx), &p, &reject);
}

/* steer_unserved(). Returns the verdict, and from bit 32 on the vip's row. */
__attribute__((noinline)) uint64_t flow_unserved(const struct generation *g,
						 const struct flow *flow, uint32_t l4_offset,
						 uint32_t packed)
{
	const struct arena tables = arena_whole();
	struct packet p = {
		.l4_offset = (uint16_t)l4_offset,
		.flags = (uint8_t)packed,
		.proto = (uint8_t)(packed >> 8),
		.tcp_flags = (uint8_t)(packed >> 16),
	};
	const struct service *vip = NULL;
	enum verdict verdict;

	if (!g || !flow || !arena_is_there(&tables))
		return VERDICT_no_service;
	p.flow = *flow;
	verdict = steer_unserved(&tables, g, &p, &vip);
	return (uint64_t)steer_counter_row(vip) << 32 | verdict;
}

/* Declared in sluice/mss.h, so not static. */
__attribute__((noinline)) uint32_t mss_step_apart(const struct mss_header *header,
						  uint32_t header_bytes, uint32_t walk)
{
	return header ? mss_step(header, header_bytes, walk) : MSS_END;
}

/* mss_clamp(), of a service whose size lies at `hole_offset` of the arena. */
__attribute__((noinline)) uint32_t frame_clamp(struct xdp_md *ctx, uint32_t l4_offset,
					       uint32_t proto, uint32_t hole_offset)
{
	const struct arena tables = arena_whole();
	const struct backend *hole;

	if (proto != PROTO_TCP || !arena_is_there(&tables))
		return 0;
	hole = arena_at(&tables, hole_offset, sizeof(*hole));
	if (!hole)
		return 0;
	if (!frame_is_whole(ctx) && !frame_reaches(ctx, l4_offset + MSS_HEADER_BYTES))
		return window_clamp(ctx, l4_offset, hole->mtu_bytes);
	mss_clamp(cursor_make(ctx), l4_offset, hole->mtu_bytes);
	return 0;
}

#endif
