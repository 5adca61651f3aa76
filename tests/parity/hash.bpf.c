/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * flow_hash() as the kernel runs it, for test_hash_kernel.c: input and result lie in a map.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/flow.h"

struct flow input_flow SEC(".data.input") = {0};
struct flow_key input_key SEC(".data.input") = {0};
uint64_t result_hash SEC(".data.input") = 0;

SEC("xdp")
int hash_run(struct xdp_md *ctx)
{
	result_hash = flow_hash(&input_flow, &input_key);
	return XDP_PASS;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
