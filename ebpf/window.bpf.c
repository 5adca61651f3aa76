/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The packet code of include/sluice over a copy of a frame's first bytes: window.bpf.h. Linked with
 * fastpath.bpf.c into one object.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CURSOR_WINDOW (1 << 14)

#include "sluice/answer.h"
#include "sluice/encap.h"
#include "sluice/mss.h"
#include "sluice/reject.h"

#include "fastpath.h"
#include "window.bpf.h"

_Static_assert(CURSOR_WINDOW == WINDOW_BYTES && (int)ENCAP_GROWTH_MAX <= WINDOW_FRONT_BYTES &&
		       (int)WINDOW_SLACK_BYTES >= (int)ANSWER_QUOTE_BYTES,
	       "whatever is taken lies in the window");

extern const volatile struct fastpath_options fastpath_options;

struct windows windows SEC(".maps");

SLUICE_INLINE struct window *window_find(void)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(&windows, &zero);
}

/* At `offset` of the frame, which may be before its first byte. */
SLUICE_INLINE struct cursor cursor_at(struct window *w, uint32_t offset, uint32_t frame_bytes)
{
	return (struct cursor){
		.window = w->bytes,
		.offset = WINDOW_FRONT_BYTES + offset,
		.end = w->end,
		.frame_bytes = frame_bytes,
	};
}

/* Copies the frame's first `bytes` bytes, or as many as there are, into the window. */
SLUICE_INLINE bool window_fill(struct xdp_md *ctx, struct window *w, uint32_t frame_bytes,
			       uint32_t bytes)
{
	uint32_t n = bytes < frame_bytes ? bytes : frame_bytes;

	if (n > WINDOW_FRAME_BYTES)
		n = WINDOW_FRAME_BYTES;
	if (n == 0)
		return false;
	w->end = WINDOW_FRONT_BYTES + n;
	/* In the form from which the verifier learns that it isn't 0. */
	n = cursor_bound(n - 1, WINDOW_BYTES - 1) + 1;
	return bpf_xdp_load_bytes(ctx, 0, w->bytes + WINDOW_FRONT_BYTES, n) == 0;
}

/* Stores `bytes` (up to 2,048) of the window, from `front` before the frame on, as its first. */
SLUICE_INLINE bool window_store(struct xdp_md *ctx, struct window *w, uint32_t front,
				uint32_t bytes)
{
	const uint32_t at = cursor_bound(WINDOW_FRONT_BYTES - front, WINDOW_FRONT_BYTES * 2 - 1);

	return bpf_xdp_store_bytes(ctx, 0, w->bytes + at, cursor_bound(bytes - 1, 2047) + 1) == 0;
}

/* packet_walk() from `offset` of the window on. */
__attribute__((noinline)) uint32_t window_walk(struct packet_chain *chain, uint32_t offset,
					       uint32_t limit_bytes)
{
	struct window *w = window_find();
	struct cursor c;

	if (!w || !chain)
		return 0;
	c = (struct cursor){.window = w->bytes, .offset = offset, .end = w->end};
	return packet_walk(&c, chain, limit_bytes);
}

/* Declared in sluice/packet.h, so not static; of these words the compiler makes no function. */
extern inline __attribute__((gnu_inline, always_inline)) bool packet_walk_apart(
	struct cursor *c, struct packet_chain *chain, uint32_t limit_bytes)
{
	/* A copy, so that the caller's own stays in registers. */
	struct packet_chain walked = *chain;

	if (!window_walk(&walked, c->offset, limit_bytes))
		return false;
	*chain = walked;
	c->offset += walked.bytes;
	return c->offset <= c->end;
}

__attribute__((noinline)) uint32_t window_parse(struct xdp_md *ctx, uint32_t bytes)
{
	struct window *w = window_find();
	struct cursor c;

	if (!fastpath_options.frags || !w)
		return VERDICT_bad_tables;
	c.frame_bytes = (uint32_t)bpf_xdp_get_buff_len(ctx);
	if (!window_fill(ctx, w, c.frame_bytes, bytes))
		return VERDICT_short_frame;
	c = cursor_at(w, 0, c.frame_bytes);
	return packet_parse(&c, &w->packet);
}

__attribute__((noinline)) uint64_t window_fragment_id(struct xdp_md *ctx, uint32_t l3_offset,
						      uint32_t flags)
{
	struct window *w = window_find();
	struct cursor c;
	uint32_t id = 0;

	if (!fastpath_options.frags || !w)
		return 0;
	c = cursor_at(w, 0, 0);
	if (!packet_fragment_id(&c, l3_offset, flags & PACKET_V6, &id))
		return 0;
	return 1ULL << 32 | id;
}

__attribute__((noinline)) uint32_t window_grow(struct xdp_md *ctx, uint32_t growth)
{
	const uint32_t more = 16; /* that the head moves, and the tail moves back */
	struct window *w = window_find();
	uint32_t frame_bytes;
	uint8_t *moved;

	if (!fastpath_options.frags || !w || growth > WINDOW_FRONT_BYTES)
		return 0;
	moved = w->bytes + WINDOW_BYTES - WINDOW_MOVE_BYTES;
	frame_bytes = (uint32_t)bpf_xdp_get_buff_len(ctx);
	if (frame_bytes > WINDOW_BYTES || bpf_xdp_adjust_head(ctx, -(int)(growth + more)) != 0)
		return 0;
	for (uint32_t at = 0; at < WINDOW_BYTES; at += WINDOW_MOVE_BYTES) {
		uint32_t n;

		if (at >= frame_bytes)
			break;
		n = frame_bytes - at;
		n = n < WINDOW_MOVE_BYTES ? n : WINDOW_MOVE_BYTES;
		n = cursor_bound(n - 1, WINDOW_MOVE_BYTES - 1) + 1;
		if (bpf_xdp_load_bytes(ctx, growth + more + at, moved, n) != 0 ||
		    bpf_xdp_store_bytes(ctx, growth + at, moved, n) != 0)
			return 0;
	}
	return bpf_xdp_adjust_tail(ctx, -(int)more) == 0;
}

__attribute__((noinline)) uint32_t window_encap(struct xdp_md *ctx, const struct generation *g,
						const struct backend *b, uint64_t hash)
{
	struct window *w = window_find();
	uint32_t growth;
	struct cursor c;

	if (!fastpath_options.frags || !w || !g || !b)
		return 0;
	growth = cursor_bound(encap_growth_bytes(b, &w->packet), WINDOW_FRONT_BYTES - 1);
	c = cursor_at(w, 0 - growth, 0);
	return encap_write(&c, g, b, &w->packet, hash) &&
	       window_store(ctx, w, growth, encap_kind_bytes(encap_kind(b)));
}

__attribute__((noinline)) uint32_t window_answer_echo(struct xdp_md *ctx)
{
	struct window *w = window_find();

	if (!fastpath_options.frags || !w)
		return 0;
	return answer_echo(cursor_at(w, 0, 0), &w->packet) &&
	       window_store(ctx, w, 0, w->packet.l4_offset + (uint32_t)sizeof(struct icmp_header));
}

__attribute__((noinline)) uint32_t window_answer_too_big(struct xdp_md *ctx, uint32_t l3_offset,
							 uint32_t flags, uint32_t mtu_bytes)
{
	struct packet p = {.l3_offset = (uint16_t)l3_offset, .flags = (uint8_t)flags};
	const uint32_t growth = answer_too_big_growth(&p);
	struct window *w = window_find();
	uint32_t frame_bytes;
	int cut;

	if (!fastpath_options.frags || !w)
		return 0;
	frame_bytes = (uint32_t)bpf_xdp_get_buff_len(ctx);
	cut = (int)answer_too_big_bytes(&p) - (int)(frame_bytes + growth);
	return window_fill(ctx, w, frame_bytes, l3_offset + ANSWER_QUOTE_BYTES) &&
	       answer_read_addresses(cursor_at(w, 0, 0), &p) &&
	       answer_too_big(cursor_at(w, 0 - growth, 0), &p, mtu_bytes) &&
	       bpf_xdp_adjust_head(ctx, -(int)growth) == 0 && bpf_xdp_adjust_tail(ctx, cut) == 0 &&
	       window_store(ctx, w, growth, l3_offset + growth);
}

__attribute__((noinline)) uint32_t window_clamp(struct xdp_md *ctx, uint32_t l4_offset,
						uint32_t mss)
{
	struct window *w = window_find();
	uint32_t bytes;

	if (!fastpath_options.frags || !w || l4_offset > MSS_L4_MAX ||
	    !window_fill(ctx, w, (uint32_t)bpf_xdp_get_buff_len(ctx), l4_offset + MSS_HEADER_BYTES))
		return 0;
	bytes = w->end - WINDOW_FRONT_BYTES;
	mss_clamp(cursor_at(w, 0, 0), l4_offset, (uint16_t)mss);
	return window_store(ctx, w, 0, bytes);
}

__attribute__((noinline)) uint32_t window_reject(struct xdp_md *ctx, uint32_t l3_offset,
						 uint32_t l4_offset, uint32_t packed,
						 uint32_t ip_bytes)
{
	struct packet p = {
		.ip_bytes = ip_bytes,
		.l3_offset = (uint16_t)l3_offset,
		.l4_offset = (uint16_t)l4_offset,
		.proto = (uint8_t)(packed >> 8),
		.flags = (uint8_t)packed,
	};
	const uint32_t growth = cursor_bound(reject_growth(&p), WINDOW_FRONT_BYTES - 1);
	const uint32_t bytes = reject_bytes(&p);
	struct window *w = window_find();
	struct reject reject;
	uint32_t frame_bytes;

	if (!fastpath_options.frags || !w || l3_offset > 31)
		return 0;
	frame_bytes = (uint32_t)bpf_xdp_get_buff_len(ctx);
	/* Behind the options of a reset there is nothing that is wanted; of a quote all is. */
	if (!window_fill(ctx, w, frame_bytes, l3_offset + ANSWER_QUOTE_BYTES) ||
	    !answer_read_addresses(cursor_at(w, 0, 0), &p) ||
	    !reject_read(cursor_at(w, 0, 0), &p, &reject) ||
	    !reject_write(cursor_at(w, 0 - growth, 0), &p, &reject))
		return 0;
	if (growth > 0 && bpf_xdp_adjust_head(ctx, -(int)growth) != 0)
		return 0;
	return bpf_xdp_adjust_tail(ctx, (int)bytes - (int)(frame_bytes + growth)) == 0 &&
	       window_store(ctx, w, growth, growth > 0 ? l3_offset + growth : bytes);
}
