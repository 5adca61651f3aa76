/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Drives the fast path under BPF_PROG_TEST_RUN, which hands each round the frame as the round
 * before left it: puts the frame back as it was, gives it the next flow's address and ports, and
 * tail-calls what is measured. With an empty program there, it measures itself. Loaded by
 * bench_xdp.c; one CPU at a time.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "driver.h"

const volatile struct driver_options driver_options;

/* The flow's number; the loader starts it at 0. */
uint32_t driver_flow = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint32_t);
} driver_next SEC(".maps");

struct start {
	uint64_t words[2];
} __attribute__((may_alias));

struct word {
	uint32_t value;
} __attribute__((may_alias));

SEC("xdp")
int driver(struct xdp_md *ctx)
{
	uint32_t flow = driver_flow++ & driver_options.flows_mask;
	uint32_t client = flow >> DRIVER_PORT_BITS, client_port, ports;
	const uint8_t *end = (void *)(long)ctx->data_end;
	uint8_t *frame = (void *)(long)ctx->data;
	uint64_t bytes = (uint64_t)(end - frame);

	asm volatile("" : "+r"(bytes)); /* or clang adds 32-bit pointers, which the verifier bans */
	/* Called even for 0, so that it costs the same when nothing moved the head. */
	if (bpf_xdp_adjust_head(ctx, (int)bytes - (int)driver_options.frame_bytes) != 0)
		return XDP_ABORTED;
	frame = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (frame + driver_options.frame_bytes > end)
		return XDP_ABORTED;
	/* The outer headers lay over Ethernet; what is behind they didn't touch. */
	((struct start *)frame)->words[0] = driver_options.start[0];
	((struct start *)frame)->words[1] = driver_options.start[1];
	/* Of DRIVER_SERVICES, each has its flows. Ports in network order. */
	client_port = __builtin_bswap16((uint16_t)(DRIVER_PORT_FIRST + (flow & DRIVER_PORT_MASK)));
	ports = driver_options.ports + (client_port << driver_options.client_shift) +
		((flow % DRIVER_SERVICES) << driver_options.service_shift);
	((struct word *)(frame + driver_options.client_at))->value =
		driver_options.client + __builtin_bswap32(client);
	((struct word *)(frame + driver_options.ports_at))->value = ports;
	bpf_tail_call(ctx, &driver_next, 0);
	return XDP_ABORTED;
}

/* What the driver is measured with: nothing. */
SEC("xdp")
int driver_empty(struct xdp_md *ctx)
{
	return XDP_TX;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
