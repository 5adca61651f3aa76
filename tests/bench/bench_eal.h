/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK for a benchmark: EAL without devices, on hugepages where enough are free, and a pool of
 * buffers. Main thread.
 */
#ifndef SLUICE_TESTS_BENCH_BENCH_EAL_H
#define SLUICE_TESTS_BENCH_BENCH_EAL_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mempool;

struct bench_eal {
	bool hugetlb;             /* the memory is hugepages */
	uint32_t workers_n;       /* lcores beside the main one */
	struct rte_mempool *pool; /* of all lcores together */
	double ns_per_cycle;
};

/*
 * Takes the last of the CPUs that the process may use for the main thread, and so many more for
 * workers, if there are. `hugetlb`: hugepages, where enough are free. Exits with a message where it
 * can't.
 */
struct bench_eal bench_eal_open(uint32_t workers_max, bool hugetlb);
void bench_eal_close(struct bench_eal *eal);

#endif
