/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Copies of one service's packets into a ring that the daemon reads, while it wants some. A part of
 * fastpath.bpf.c, which alone includes it. Without a capture a packet pays two looks at a word that
 * stays in the cache, at its beginning and its end; in between nothing is kept for its sake. Behind
 * them are functions of their own, which the verifier looks at once.
 */
#ifndef SLUICE_CAPTURE_BPF_H
#define SLUICE_CAPTURE_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/steer.h"

#include "fastpath.h"

volatile struct fastpath_capture fastpath_capture SEC(".data.capture") = {0};

/* The ring is made for a capture, and gone with it: its memory is not held for ever. */
struct capture_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__array(values, struct capture_ring);
} captures SEC(".maps");

enum {
	CAPTURE_LATER = 0xffffffff, /* no service has that row */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FASTPATH_FRAMES);
	__type(key, uint32_t);
	__type(value, struct fastpath_copy);
} copies SEC(".maps");

/* As many bytes of the frame as snap_bytes wants, whichever buffers they lie in; returns how many. */
SLUICE_INLINE uint32_t frame_copy_any(struct xdp_md *ctx, struct fastpath_frame *frame,
				      uint32_t snap_bytes)
{
	uint32_t n = frame->frame_bytes < snap_bytes ? frame->frame_bytes : snap_bytes;

	if (n == 0)
		return 0;
	n = cursor_bound(n - 1, FASTPATH_SNAP_BYTES - 1) + 1;
	return bpf_xdp_load_bytes(ctx, 0, frame->bytes, n) == 0 ? n : 0;
}

/* The same of a frame in one buffer, whole words and then its last bytes. */
SLUICE_INLINE uint32_t frame_copy(const struct xdp_md *ctx, struct fastpath_frame *frame,
				  uint32_t snap_bytes)
{
	const uint8_t *at = (const void *)(long)ctx->data;
	const uint8_t *end = (const void *)(long)ctx->data_end;
	uint32_t n = 0;

	for (uint32_t i = 0; i < FASTPATH_SNAP_BYTES / 8; i++) {
		if (at + 8 > end || n >= snap_bytes)
			break;
		__builtin_memcpy(frame->bytes + i * 8, at, 8);
		at += 8;
		n += 8;
	}
	for (uint32_t i = 0; i < 7; i++) {
		if (at + 1 > end || n >= snap_bytes || n >= FASTPATH_SNAP_BYTES)
			break;
		frame->bytes[n & (FASTPATH_SNAP_BYTES - 1)] = *at;
		at++;
		n++;
	}
	return n < snap_bytes ? n : snap_bytes;
}

/* Whether both frames of a packet would find room: what is copied in vain costs the most. */
__attribute__((noinline)) uint32_t capture_has_room(uint32_t kind)
{
	struct fastpath_copy *copy = bpf_map_lookup_elem(&copies, &kind);
	uint32_t zero = 0;
	void *ring = bpf_map_lookup_elem(&captures, &zero);

	if (!copy || !ring)
		return 0;
	if (bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) + FASTPATH_FRAMES * sizeof(copy->frame) <=
	    bpf_ringbuf_query(ring, BPF_RB_RING_SIZE))
		return 1;
	copy->missed++;
	return 0;
}

/* The frame as it is now. */
__attribute__((noinline)) uint32_t capture_copy(struct xdp_md *ctx, uint32_t kind)
{
	struct fastpath_copy *copy = bpf_map_lookup_elem(&copies, &kind);
	uint32_t snap_bytes = fastpath_capture.snap_bytes;

	if (!copy)
		return 0;
	copy->frame.time_ns = bpf_ktime_get_ns();
	copy->frame.out = kind;
	copy->frame.cpu = bpf_get_smp_processor_id();
	copy->frame.frame_bytes = frame_bytes(ctx);
	copy->frame.bytes_n = fastpath_options.frags ? frame_copy_any(ctx, &copy->frame, snap_bytes)
						     : frame_copy(ctx, &copy->frame, snap_bytes);
	return 1;
}

/* Into the ring, by the verdict in the end. */
__attribute__((noinline)) uint32_t capture_hand_over(uint32_t kind, uint64_t packet,
						     uint32_t backend, uint32_t verdict)
{
	struct fastpath_copy *copy = bpf_map_lookup_elem(&copies, &kind);
	uint32_t zero = 0, bytes;
	void *ring;

	if (!copy)
		return 0;
	copy->frame.packet = packet;
	copy->frame.backend = backend;
	copy->frame.verdict = verdict;
	bytes = copy->frame.bytes_n;
	if (bytes > FASTPATH_SNAP_BYTES)
		return 0;
	ring = bpf_map_lookup_elem(&captures, &zero);
	if (!ring)
		return 0;
	if (bpf_ringbuf_output(ring, &copy->frame, offsetof(struct fastpath_frame, bytes) + bytes,
			       BPF_RB_NO_WAKEUP) != 0)
		copy->missed++;
	return 1;
}

/* The row of the service that the packet is of, as steer_service() finds it; 0: none;
 * CAPTURE_LATER: its way will tell, for it is a fragment (fragments.bpf.h). */
SLUICE_INLINE uint32_t capture_row(struct xdp_md *ctx, const struct arena *tables)
{
	const struct generation *g = generation_current(tables);
	const struct service *service;
	uint32_t zero = 0;
	/* The packet lies there, since the stack is short here. */
	struct window *w = bpf_map_lookup_elem(&windows, &zero);
	enum verdict parsed;

	if (!g || !w)
		return 0;
	parsed = frame_parse(ctx, &w->packet);
	if (frame_asks_window(ctx, &w->packet, parsed))
		parsed = frame_parse_window(ctx, w);
	if (parsed == VERDICT_fragment)
		return CAPTURE_LATER;
	(void)steer_service(tables, g, &w->packet, parsed, &service);
	return steer_counter_row(service);
}

/* In the one form of the arena or the other: of what they have in common the verifier loses sight. */
SLUICE_INLINE uint32_t capture_row_any(struct xdp_md *ctx)
{
	const uint32_t bytes = fastpath_options.arena_bytes; /* 0: in chunks */
	const struct arena chunks = {.chunks = &arena};
	struct arena whole = {.bytes = bytes};
	uint32_t zero = 0;

	if (bytes == 0)
		return capture_row(ctx, &chunks);
	whole.value = bpf_map_lookup_elem(&arena, &zero);
	return whole.value ? capture_row(ctx, &whole) : 0;
}

/*
 * Before anything is done to a packet: copies it, if it is of the service that is wanted. Finds
 * that out by itself, while there is a capture, so that no packet's way is longer without one.
 */
__attribute__((noinline)) uint32_t capture_take_in(struct xdp_md *ctx)
{
	uint32_t kind = FASTPATH_FRAME_IN;
	struct fastpath_copy *copy = bpf_map_lookup_elem(&copies, &kind);
	uint32_t row;

	if (!copy)
		return 0;
	copy->taken = 0;
	if (bpf_ktime_get_ns() > fastpath_capture.until_ns)
		return 0;
	row = capture_row_any(ctx);
	/* A fragment may be another's: then it isn't missed, either. */
	if (row == CAPTURE_LATER || (row == fastpath_capture.service && capture_has_room(kind)))
		copy->taken = capture_copy(ctx, FASTPATH_FRAME_IN);
	return 0;
}

/* When its verdict stands: hands it over, if it is wanted; `sent`: with the frame as it leaves. */
__attribute__((noinline)) uint32_t capture_end(struct xdp_md *ctx, uint32_t backend,
					       uint32_t verdict, uint32_t sent)
{
	uint32_t kind = FASTPATH_FRAME_IN;
	struct fastpath_copy *copy = bpf_map_lookup_elem(&copies, &kind);
	uint64_t packet;

	if (!copy || !copy->taken)
		return 0;
	copy->taken = 0;
	if ((fastpath_capture.backend != 0 && fastpath_capture.backend != backend) ||
	    (fastpath_capture.verdict != VERDICT_COUNT && fastpath_capture.verdict != verdict))
		return 0;
	packet = copy->packets++ << 8 | (copy->frame.cpu & 0xff);
	capture_hand_over(FASTPATH_FRAME_IN, packet, backend, verdict);
	if (sent && capture_copy(ctx, FASTPATH_FRAME_OUT))
		capture_hand_over(FASTPATH_FRAME_OUT, packet, backend, verdict);
	return 0;
}

#endif
