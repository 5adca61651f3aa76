/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffers of all ports and of the exception path: one pool, so that drivers may free fast, and
 * AF_XDP sends without a copy; on a machine whose ports are at several NUMA nodes, one for each node.
 * Control thread.
 */
#ifndef SLUICE_DATAPLANE_BUFFERS_H
#define SLUICE_DATAPLANE_BUFFERS_H

#include "sluice/module.h"

struct rte_mempool;

/* How many buffers so many workers need on the configured ports, in the worst case. */
uint32_t buffers_count(const struct fast_path_config *config, uint32_t workers_n);

/* What they take, about, if each holds a frame of that MTU. */
size_t buffers_bytes(uint32_t buffers_n, uint32_t mtu_bytes);

/*
 * Each holds a frame of an MTU of `mtu_bytes`, and lies on that node; -1: on any. NULL, and rte_errno:
 * no memory there.
 */
struct rte_mempool *buffers_create(uint32_t buffers_n, uint32_t mtu_bytes, int numa_node);

#endif
