/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On which NUMA nodes memory is to lie. Straight by system calls: DPDK's own memory knows nodes by
 * itself, but not what region.c maps. Kernels and machines without nodes do without. Control
 * thread.
 */
#ifndef SLUICE_DATAPLANE_NUMA_H
#define SLUICE_DATAPLANE_NUMA_H

#include "sluice/types.h"

enum {
	NUMA_NODES_MAX = 64,
};

/* Nodes, a bit each; 0: wherever the kernel likes. */
typedef uint64_t numa_nodes;

/* The worker's node, from its lcore. */
int numa_node_of_lcore(unsigned int lcore);

/*
 * Memory that this thread maps or first touches from now on lies on those nodes while they have
 * some: on one, or in turns on several. With 0, as before.
 */
void numa_prefer(numa_nodes nodes);

/* The same for one region that may be touched later, by whichever thread. */
void numa_bind(void *start, size_t bytes, numa_nodes nodes);

#endif
