/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_eal.h.
 */
#include "bench_eal.h"
#include "hugepages.h"
#include "traffic.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

enum {
	ARGS_MAX = 16,
	MEMORY_MB = 64,
	CPUS_TEXT_MAX = 64,
	/* The tables are on hugepages, too: the largest set of them takes this much. */
	HUGEPAGES_BYTES = 256 << 20,
};

static void give_up(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, rte_strerror(rte_errno));
	exit(1);
}

/* The last CPU and `more` before it, as "1,0". Returns how many. */
static uint32_t cpus_choose(uint32_t more, char text[CPUS_TEXT_MAX])
{
	uint32_t n = 0;
	size_t at = 0;
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		give_up("sched_getaffinity");
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && n <= more; cpu--) {
		if (!CPU_ISSET((size_t)cpu, &allowed))
			continue;
		at += (size_t)snprintf(text + at, CPUS_TEXT_MAX - at, "%s%d", n ? "," : "", cpu);
		n++;
	}
	return n;
}

struct bench_eal bench_eal_open(uint32_t workers_max, bool hugetlb)
{
	struct bench_eal eal = {
		.hugetlb = hugetlb && hugepages_read().free_bytes >= HUGEPAGES_BYTES,
	};
	char cpus[CPUS_TEXT_MAX], main_cpu[CPUS_TEXT_MAX], memory[16];
	char *args[ARGS_MAX] = {"bench", "--no-pci", "--no-telemetry", "--log-level=*:error",
				"-l",    cpus,       "--main-lcore",   main_cpu,
				"-m",    memory};
	int n = 10;

	eal.workers_n = cpus_choose(workers_max, cpus) - 1;
	snprintf(main_cpu, sizeof(main_cpu), "%d", atoi(cpus));
	snprintf(memory, sizeof(memory), "%d", MEMORY_MB);
	if (eal.hugetlb) {
		args[n++] = "--in-memory";
	} else {
		args[n++] = "--no-huge";
		args[n++] = "--no-shconf";
	}
	if (rte_eal_init(n, args) < 0)
		give_up("EAL");
	eal.pool = rte_pktmbuf_pool_create("bench", (eal.workers_n + 1) * TRAFFIC_BUFFERS, 0, 0,
					   RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!eal.pool)
		give_up("buffers");
	eal.ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
	fprintf(stderr, "bench: CPU %s, %s hugepages, TSC %.3f GHz\n", cpus,
		eal.hugetlb ? "on" : "without", 1 / eal.ns_per_cycle);
	return eal;
}

void bench_eal_close(struct bench_eal *eal)
{
	rte_mempool_free(eal->pool);
	rte_eal_cleanup();
}
