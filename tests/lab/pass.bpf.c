/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Passes everything. What XDP_TX sends into a veth is delivered only while the other end has a
 * program of its own: veth_xdp_flush() in the kernel's drivers/net/veth.c wakes no other receiver.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int lab_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
