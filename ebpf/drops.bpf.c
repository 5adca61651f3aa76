/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counts what drivers drop after the XDP program has counted it as sent, by the kernel's own
 * tracepoints (include/trace/events/xdp.h), of our ports alone. Loaded by drops.c. A packet that is sent
 * costs nothing here: xdp_devmap_xmit and xdp_bulk_tx fire once for up to 16 of them, and end at the
 * first comparison; the other two fire for lost ones only.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "drops.h"

/* Of the kernel's structs what is read here; libbpf finds where it lies. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	int ifindex;
	possible_net_t nd_net;
};
#pragma clang attribute pop

/* Errors of ndo_xdp_xmit() and xdp_ok_fwd_dev(); asm/errno.h of any architecture that has XDP. */
enum {
	ERROR_NXIO = 6,
	ERROR_NOSPC = 28,
	ERROR_MSGSIZE = 90,
	ERROR_OPNOTSUPP = 95,
	ERROR_NETDOWN = 100,
	ERROR_NOBUFS = 105,
};

volatile struct drops_ports drops_ports SEC(".data.ports") = {0};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FASTPATH_PORTS);
	__type(key, uint32_t);
	__type(value, struct drops_row);
} drops SEC(".maps");

static __attribute__((always_inline)) enum drops_reason reason_of(int err)
{
	switch (-err) {
	case ERROR_OPNOTSUPP:
	case ERROR_NXIO:
		return DROPS_NO_XDP;
	case ERROR_MSGSIZE:
		return DROPS_TOO_LONG;
	case ERROR_NETDOWN:
		return DROPS_DOWN;
	case 0:
	case ERROR_NOSPC:
	case ERROR_NOBUFS:
		return DROPS_FULL;
	}
	return DROPS_FAILED;
}

/* FASTPATH_PORTS: none of ours. */
static __attribute__((always_inline)) uint32_t port_of(uint32_t ifindex)
{
	uint32_t port = 0;

	while (port < FASTPATH_PORTS && drops_ports.ifindex[port] != ifindex)
		port++;
	return port;
}

static __attribute__((always_inline)) bool is_here(const struct net_device *dev)
{
	return dev->nd_net.net->ns.inum == drops_ports.netns;
}

static __attribute__((always_inline)) void count(uint32_t port, enum drops_reason reason,
						 int packets)
{
	struct drops_row *row = bpf_map_lookup_elem(&drops, &port);

	if (row && packets > 0)
		row->packets[reason] += (uint32_t)packets;
}

static __attribute__((always_inline)) void count_at(const struct net_device *dev,
						    enum drops_reason reason, int packets)
{
	if (is_here(dev))
		count(port_of((uint32_t)dev->ifindex), reason, packets);
}

/* (from_dev, to_dev, sent, drops, err): redirected frames, as the driver of to_dev took them. */
SEC("tp_btf/xdp_devmap_xmit")
int drops_devmap_xmit(uint64_t *ctx)
{
	if ((int)ctx[3] > 0)
		count_at((const struct net_device *)ctx[1], reason_of((int)ctx[4]), (int)ctx[3]);
	return 0;
}

/* (dev, sent, drops, err): XDP_TX of drivers that send in bulk. */
SEC("tp_btf/xdp_bulk_tx")
int drops_bulk_tx(uint64_t *ctx)
{
	if ((int)ctx[2] > 0)
		count_at((const struct net_device *)ctx[0], reason_of((int)ctx[3]), (int)ctx[2]);
	return 0;
}

/*
 * (dev, xdp, tgt, err, map_type, map_id, index): a frame that the kernel refused to hand to a driver. By
 * our map `index` is the port; by none, the interface.
 */
SEC("tp_btf/xdp_redirect_err")
int drops_redirect_err(uint64_t *ctx)
{
	const struct net_device *dev = (const struct net_device *)ctx[0];
	enum drops_reason reason = reason_of((int)ctx[3]);
	uint32_t index = (uint32_t)ctx[6];

	if ((uint32_t)ctx[5] == drops_ports.devices_map_id)
		count(index, reason, 1);
	else if ((uint32_t)ctx[4] == BPF_MAP_TYPE_UNSPEC && is_here(dev))
		count(port_of(index), reason, 1);
	return 0;
}

/* (dev, xdp, act). Of a failed XDP_REDIRECT some drivers tell here, too, after the above. */
SEC("tp_btf/xdp_exception")
int drops_exception(uint64_t *ctx)
{
	if ((uint32_t)ctx[2] != XDP_REDIRECT)
		count_at((const struct net_device *)ctx[0], DROPS_FAILED, 1);
	return 0;
}

char drops_license[] SEC("license") = "Dual BSD/GPL";
