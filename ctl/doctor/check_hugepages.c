/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hugepages, on each NUMA node that has a worker. Called by doctor.c.
 */
#include "doctor.h"

enum {
	NODES_MAX = 64,
	PAGE_KB = 2048, /* DPDK takes larger ones, too; these can be had without a reboot */
	PAGES_WANTED = 512,
};

static bool hosts_core(const struct host *host, unsigned int node, unsigned int core)
{
	return host_has(host, "/sys/devices/system/node/node%u/cpu%u", node, core);
}

static bool hosts_worker(const struct patient *p, unsigned int node)
{
	json_t *worker;
	size_t i;

	if (!p->dataplane) {
		for (i = 0; p->config && i < p->config->settings.cores_n; i++)
			if (hosts_core(p->host, node, p->config->settings.cores[i]))
				return true;
		return false;
	}
	json_array_foreach (json_object_get(p->dataplane, "workers"), i, worker) {
		json_int_t core = json_integer_value(json_object_get(worker, "core"));

		if (hosts_core(p->host, node, (unsigned int)core))
			return true;
	}
	return false;
}

static void check_node(struct doctor *d, unsigned int node)
{
	const struct host *host = d->patient->host;
	long long pages = 0, gigantic = 0;

	if (host_number(host, &pages,
			"/sys/devices/system/node/node%u/hugepages/hugepages-%ukB/nr_hugepages",
			node, PAGE_KB) != 0) {
		doctor_say(d, FINDING_UNKNOWN, "hugepages", NULL,
			   "node %u: this kernel doesn't tell of any", node);
		return;
	}
	(void)host_number(host, &gigantic,
			  "/sys/devices/system/node/node%u/hugepages/hugepages-1048576kB/"
			  "nr_hugepages",
			  node);
	if (pages == 0 && gigantic == 0)
		doctor_say(d, FINDING_SLOW, "hugepages",
			   mend_with("echo %d > /sys/devices/system/node/node%u/hugepages/"
				     "hugepages-%dkB/nr_hugepages; then restart sluiced",
				     PAGES_WANTED, node, PAGE_KB),
			   "node %u has workers and no hugepages: ordinary memory is used, and "
			   "a worker forwards about half as much",
			   node);
	else
		doctor_say(d, FINDING_GOOD, "hugepages", NULL,
			   "node %u: %lld of %d kB, %lld of 1 GiB", node, pages, PAGE_KB, gigantic);
}

void check_hugepages(struct doctor *d)
{
	const struct patient *p = d->patient;
	bool any = false;

	if (!patient_runs(p, "dpdk"))
		return;
	if (!p->dataplane && p->config && p->config->settings.hugepages == FAST_PATH_HUGEPAGES_OFF)
		return;
	for (unsigned int node = 0; node < NODES_MAX; node++) {
		if (hosts_worker(p, node)) {
			check_node(d, node);
			any = true;
		}
	}
	if (!any && (p->dataplane || p->config))
		doctor_say(d, FINDING_UNKNOWN, "hugepages", NULL,
			   "the kernel doesn't tell which NUMA node the workers' cores are of");
}
