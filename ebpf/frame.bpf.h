/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is done to frames away from the common ways, in functions of their own. A part of
 * fastpath.bpf.c, which alone includes it.
 *
 * The functions are global: the verifier looks at each once, for any arguments, and not for each
 * way to have come there. Arguments can be the context, numbers and small structs only
 * (Linux 5.15), and functions that call each other may use 512 bytes of stack in all, each rounded
 * up to 32 (6.1).
 */
#ifndef SLUICE_FRAME_BPF_H
#define SLUICE_FRAME_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/answer.h"
#include "sluice/limit.h"
#include "sluice/packet.h"

#include "fastpath.h"
#include "window.bpf.h"

SLUICE_INLINE struct cursor cursor_make(const struct xdp_md *ctx)
{
	struct cursor c = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
		.frame = (void *)(long)ctx,
	};

	c.frame_bytes = (uint32_t)(c.end - c.pos);
	return c;
}

/* Of all its buffers. */
SLUICE_INLINE uint32_t frame_bytes(struct xdp_md *ctx)
{
	if (fastpath_options.frags)
		return (uint32_t)bpf_xdp_get_buff_len(ctx);
	return (uint32_t)(ctx->data_end - ctx->data);
}

/* Whether it lies in one buffer, as nearly all do. */
SLUICE_INLINE bool frame_is_whole(struct xdp_md *ctx)
{
	return !fastpath_options.frags ||
	       (uint32_t)(ctx->data_end - ctx->data) >= (uint32_t)bpf_xdp_get_buff_len(ctx);
}

/* Cuts the frame to `bytes`, where it is longer. */
__attribute__((noinline)) uint32_t frame_cut_longer(struct xdp_md *ctx, uint32_t bytes)
{
	uint32_t all = frame_bytes(ctx);

	return all > bytes && bpf_xdp_adjust_tail(ctx, (int)(bytes - all)) == 0;
}

/*
 * The same. A frame in one piece that is as long as it should be pays for a comparison; of one in
 * several the kernel is asked. Where padding can't be cut off, it goes along, and so it does where the
 * first buffer ends with the IP packet and the padding alone lies in others.
 */
SLUICE_INLINE void frame_cut(struct xdp_md *ctx, uint32_t bytes)
{
	if ((uint32_t)(ctx->data_end - ctx->data) != bytes)
		(void)frame_cut_longer(ctx, bytes);
}

/* 1 for 0, else 0; without a branch, after which the verifier would look at the rest twice. */
SLUICE_INLINE uint64_t is_zero(uint64_t value)
{
	return ((value - 1) & ~value) >> 63;
}

/* The word of a frame's MAC, wherever the driver put it. MAC_NONE: the frame has none. */
SLUICE_INLINE uint64_t frame_mac(struct xdp_md *ctx)
{
	struct cursor c = cursor_make(ctx);
	const struct ether_header *ether = cursor_take(&c, sizeof(*ether));
	uint8_t bytes[sizeof(*ether)];

	if (ether)
		return mac_word(ether);
	if (fastpath_options.frags && bpf_xdp_load_bytes(ctx, 0, bytes, sizeof(bytes)) == 0)
		return mac_word(bytes);
	return MAC_NONE;
}

/*
 * Whether a frame's MAC is one that its interface takes frames to. Slaves of a bond are no ports, and
 * take what any port takes. A frame without a MAC is for the parser to judge.
 */
__attribute__((noinline)) uint32_t frame_is_ours(struct xdp_md *ctx)
{
	const uint64_t word = frame_mac(ctx);
	uint64_t ifindex = ctx->ingress_ifindex, port = 0, mac = 0, both = 0;
	uint32_t n = fastpath_macs.n;

	if (word == MAC_NONE)
		return 1;
	if (fastpath_macs.own[ifindex & (FASTPATH_MAC_SLOTS - 1)] == word)
		return 1;
	for (uint32_t i = 0; i < FASTPATH_MACS; i++) {
		uint64_t same_port, same_mac;

		if (i >= n)
			break;
		same_port = is_zero(fastpath_macs.all[i].ifindex ^ ifindex);
		same_mac = is_zero(fastpath_macs.all[i].word ^ word);
		port |= same_port;
		mac |= same_mac;
		both |= same_port & same_mac;
	}
	return (uint32_t)(both | (mac & ~port & 1));
}

/* The same; of an interface's own MAC one look tells. */
SLUICE_INLINE bool frame_is_own(struct xdp_md *ctx, const struct cursor *c)
{
	return (cursor_reaches(c, sizeof(struct ether_header)) &&
		fastpath_macs.own[ctx->ingress_ifindex & (FASTPATH_MAC_SLOTS - 1)] ==
			mac_word(c->pos)) ||
	       frame_is_ours(ctx);
}

enum {
	/* Two IP headers with extensions of 8 * 2,048 bytes each end before it. */
	FRAME_OFFSET_MAX = 0xa000,
};

/* packet_walk() from `offset` on. */
__attribute__((noinline)) uint32_t frame_walk(struct xdp_md *ctx, uint32_t offset,
					      struct packet_chain *chain, uint32_t limit_bytes)
{
	struct cursor c = cursor_make(ctx);

	return chain && offset <= FRAME_OFFSET_MAX && cursor_take(&c, offset) &&
	       packet_walk(&c, chain, limit_bytes);
}

/* Declared in sluice/packet.h, so not static; of these words the compiler makes no function. */
extern inline __attribute__((gnu_inline, always_inline)) bool packet_walk_apart(
	struct cursor *c, struct packet_chain *chain, uint32_t limit_bytes)
{
	struct xdp_md *ctx = c->frame;
	uint8_t *start = (void *)(long)ctx->data;
	uint32_t offset = (uint32_t)(c->pos - start);
	/* A copy, so that the caller's own stays in registers. */
	struct packet_chain walked = *chain;

	if (!frame_walk(ctx, offset, &walked, limit_bytes))
		return false;
	*chain = walked;
	offset += walked.bytes;
	if (offset > FRAME_OFFSET_MAX)
		return false;
	c->pos = start + offset;
	return true;
}

/* Whether packet_parse() says of the first `reach` bytes what it says of the whole frame. */
SLUICE_INLINE bool frame_shows(const struct packet *p, enum verdict parsed, uint32_t reach)
{
	switch (parsed) {
	case VERDICT_forward: /* or it may open a flow, and that lies further behind */
		return reach >= p->l4_offset + (uint32_t)WINDOW_L4_BYTES;
	case VERDICT_not_ip:
	case VERDICT_no_service:
		return true;
	default:
		return false;
	}
}

/* Whether what packet_parse() said of what can be reached directly has to be asked again. */
SLUICE_INLINE bool frame_asks_window(struct xdp_md *ctx, const struct packet *p,
				     enum verdict parsed)
{
	const uint32_t reach = (uint32_t)(ctx->data_end - ctx->data);

	return !frame_is_whole(ctx) &&
	       (reach < WINDOW_USUAL_BYTES || !frame_shows(p, parsed, reach));
}

/* packet_parse() of a frame that frame_asks_window(); the packet is the window's. */
SLUICE_INLINE enum verdict frame_parse_window(struct xdp_md *ctx, const struct window *w)
{
	enum verdict parsed = window_parse(ctx, WINDOW_USUAL_BYTES);

	if (!frame_shows(&w->packet, parsed, WINDOW_USUAL_BYTES))
		parsed = window_parse(ctx, WINDOW_FRAME_BYTES);
	return parsed;
}

/* packet_parse(). */
__attribute__((noinline)) uint32_t frame_parse(struct xdp_md *ctx, struct packet *p)
{
	struct cursor c = cursor_make(ctx);

	c.frame_bytes = frame_bytes(ctx);
	return p ? packet_parse(&c, p) : VERDICT_bad_tables;
}

/* Turns an echo request into its reply. Returns 0 where it is out of reach. */
__attribute__((noinline)) uint32_t frame_answer_echo(struct xdp_md *ctx, uint32_t l3_offset,
						     uint32_t l4_offset, uint32_t flags)
{
	const struct packet p = {
		.l3_offset = (uint16_t)l3_offset,
		.l4_offset = (uint16_t)l4_offset,
		.flags = (uint8_t)flags,
	};

	if (answer_echo(cursor_make(ctx), &p))
		return 1;
	return fastpath_options.frags && !frame_is_whole(ctx) && window_answer_echo(ctx);
}

/* Whether its first `bytes` bytes can be reached directly. */
SLUICE_INLINE bool frame_reaches(const struct xdp_md *ctx, uint32_t bytes)
{
	const struct cursor c = cursor_make(ctx);

	return c.frame_bytes >= bytes;
}

/* Of each CPU, by enum limit_kind. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LIMIT_KINDS);
	__type(key, uint32_t);
	__type(value, struct limit);
} limits SEC(".maps");

/* Whether one more of a kind may be sent, about this frame. */
__attribute__((noinline)) uint32_t frame_may_be_told(struct xdp_md *ctx, const struct generation *g,
						     uint32_t l3_offset, uint32_t flags,
						     uint32_t kind)
{
	struct packet p = {
		.flow.last = flow_last(0, 0, 0, flags & PACKET_V6 ? FLOW_BYTES_V6 : FLOW_BYTES_V4),
		.l3_offset = (uint16_t)l3_offset,
		.flags = (uint8_t)flags,
	};
	uint32_t zero = 0;
	struct limit *limit = bpf_map_lookup_elem(&limits, &kind);

	if (!g || !limit)
		return 0;
	if (!answer_read_addresses(cursor_make(ctx), &p)) {
		const struct window *w = bpf_map_lookup_elem(&windows, &zero);

		if (!w)
			return 0;
		p.flow.addrs[0] = w->packet.flow.addrs[0];
	}
	return limit_take(limit, g, &p.flow, bpf_ktime_get_ns(), 1000000000);
}

/* Makes the answer of a frame that is too big. Returns 0 where it is out of reach. */
__attribute__((noinline)) uint32_t frame_answer_too_big(struct xdp_md *ctx, uint32_t l3_offset,
							uint32_t flags, uint32_t mtu_bytes)
{
	struct packet p = {.l3_offset = (uint16_t)l3_offset, .flags = (uint8_t)flags};
	uint32_t growth = answer_too_big_growth(&p);
	int cut = (int)answer_too_big_bytes(&p) - (int)(frame_bytes(ctx) + growth);

	/* The quote has to be in one piece here. */
	if (fastpath_options.frags && !frame_reaches(ctx, l3_offset + ANSWER_QUOTE_BYTES))
		return window_answer_too_big(ctx, l3_offset, flags, mtu_bytes);
	return answer_read_addresses(cursor_make(ctx), &p) &&
	       bpf_xdp_adjust_head(ctx, -(int)growth) == 0 && bpf_xdp_adjust_tail(ctx, cut) == 0 &&
	       answer_too_big(cursor_make(ctx), &p, mtu_bytes);
}

#endif
