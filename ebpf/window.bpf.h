/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Frames whose headers lie behind what a program can reach of them directly: some drivers put
 * nothing, or a few bytes, before the first fragment. Their first bytes are copied into a window, a
 * value of a map, and parsed there by the same code (sluice/cursor.h); what is rewritten there is
 * stored back. So the frame itself need not be moved together, and kernels from 5.18 on can do it.
 *
 * fastpath.bpf.c calls these functions, which are an object of their own (window.bpf.c), since the
 * packet code is compiled for the window there. They are global for the reason that frame.bpf.h's
 * are. None does anything unless fastpath_options.frags.
 */
#ifndef SLUICE_WINDOW_BPF_H
#define SLUICE_WINDOW_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/packet.h"

struct generation;
struct backend;

enum {
	WINDOW_BYTES =
		1 << 14, /* more than the headers of any frame that a driver takes; CURSOR_WINDOW */
	WINDOW_FRONT_BYTES = 64,  /* before the frame's first byte, for outer headers */
	WINDOW_SLACK_BYTES = 640, /* behind, for the longest take: a quote */
	WINDOW_FRAME_BYTES = WINDOW_BYTES - WINDOW_FRONT_BYTES - 1, /* of a frame, at most */
	/* Nearly all headers end before it; so much is copied first. */
	WINDOW_USUAL_BYTES = 192,
	/* And all that is read from the transport header on, of QUIC. */
	WINDOW_L4_BYTES = 64,
	/* What window_grow() moves at a time, in the window where no headers are. */
	WINDOW_MOVE_BYTES = 1024,
};

/* Of each CPU, of the frame under way. */
struct window {
	struct packet packet; /* what window_parse() found */
	uint32_t end;         /* offset in `bytes` behind the last that is a copy */
	uint8_t bytes[WINDOW_BYTES + WINDOW_SLACK_BYTES];
};

struct windows {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct window);
};

extern struct windows windows SEC(".maps");

/* packet_parse() of the frame's first `bytes` bytes; the packet is the window's. */
uint32_t window_parse(struct xdp_md *ctx, uint32_t bytes);

/*
 * What follows is about the frame that window_parse() was called for, but of the last one. Each
 * returns 0 where that is out of reach.
 */

/* packet_fragment_id(): 1 << 32 and the identification. */
uint64_t window_fragment_id(struct xdp_md *ctx, uint32_t l3_offset, uint32_t flags);

/*
 * Moves the head by `growth` bytes where the kernel won't: it wants 14 bytes in the first buffer then,
 * and two VLAN tags leave it 12 of an IPIP header. All of the frame moves up for that.
 */
uint32_t window_grow(struct xdp_md *ctx, uint32_t growth);

/* encap_write(), after the head has moved. */
uint32_t window_encap(struct xdp_md *ctx, const struct generation *g, const struct backend *b,
		      uint64_t hash);

/* answer_echo() */
uint32_t window_answer_echo(struct xdp_md *ctx);

/* The answer of a frame that is too big, of which nothing has moved yet. */
uint32_t window_answer_too_big(struct xdp_md *ctx, uint32_t l3_offset, uint32_t flags,
			       uint32_t mtu_bytes);

/* mss_clamp(), of any frame in several buffers. */
uint32_t window_clamp(struct xdp_md *ctx, uint32_t l4_offset, uint32_t mss);

/* The answer of a frame that is refused, likewise; as frame_reject(). */
uint32_t window_reject(struct xdp_md *ctx, uint32_t l3_offset, uint32_t l4_offset, uint32_t packed,
		       uint32_t ip_bytes);

#endif
