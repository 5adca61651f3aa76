/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On which NUMA nodes memory is to lie. Control thread.
 */
#include "numa.h"

#include <rte_lcore.h>

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(unsigned long) * 8 >= NUMA_NODES_MAX, "a mask is one word");

int numa_node_of_lcore(unsigned int lcore)
{
	return (int)rte_lcore_to_socket_id(lcore);
}

static int policy_of(numa_nodes nodes)
{
	if (nodes == 0)
		return MPOL_DEFAULT;
	return (nodes & (nodes - 1)) == 0 ? MPOL_PREFERRED : MPOL_INTERLEAVE;
}

/* The kernel takes one bit less than it is told. */
void numa_prefer(numa_nodes nodes)
{
	unsigned long mask = nodes;

	(void)syscall(SYS_set_mempolicy, policy_of(nodes), nodes ? &mask : NULL,
		      nodes ? NUMA_NODES_MAX + 1 : 0);
}

void numa_bind(void *start, size_t bytes, numa_nodes nodes)
{
	unsigned long mask = nodes;

	if (nodes != 0)
		(void)syscall(SYS_mbind, start, bytes, policy_of(nodes), &mask, NUMA_NODES_MAX + 1,
			      0);
}
