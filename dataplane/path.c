/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include "buffers.h"
#include "eal.h"
#include "error.h"

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_rcu_qsbr.h>
#include <rte_version.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct path path;

static int config_check(const struct fast_path_config *config, char *error)
{
	if (config->ports_n == 0 || config->ports_n > FAST_PATH_PORTS_MAX)
		return error_set(error, -EINVAL, "ports: 1 to %d are possible, %u are named",
				 FAST_PATH_PORTS_MAX, config->ports_n);
	for (uint32_t i = 0; i < config->ports_n; i++)
		if (!config->ports[i].device || !config->ports[i].device[0])
			return error_set(error, -ENODEV,
					 "ports[%u].device: DPDK needs a PCI address "
					 "(\"0000:01:00.0\") or a virtual device "
					 "(\"net_af_xdp0,iface=eth0\")",
					 i);
	return 0;
}

/* Each worker has a queue of its own on each port, or it couldn't send there without a lock. */
static int ports_probe(char *error)
{
	const struct fast_path_config *config = &path.config;
	uint32_t workers_n = config->cores_n;
	char line[256];

	for (uint32_t i = 0; i < config->ports_n; i++) {
		struct port *p = &path.ports[i];
		int ret = port_probe(p, i, config->ports[i].device, error);

		if (ret < 0)
			return ret;
		path.ports_n++;
		if (p->queues_max >= workers_n)
			continue;
		if (p->queues_max == 0)
			return error_set(error, -ENODEV,
					 "ports[%u]: %s: has no receive or no transmit queue", i,
					 p->device);
		snprintf(line, sizeof(line),
			 "port %.100s has queues for %u of %u workers: cores from the %u. on "
			 "stay unused",
			 p->device, p->queues_max, config->cores_n, p->queues_max + 1U);
		config->log(FAST_PATH_LOG_WARNING, line);
		workers_n = p->queues_max;
	}
	path.workers_n = (uint16_t)workers_n;
	return 0;
}

static int buffers_start(char *error)
{
	uint32_t n = buffers_count(&path.config, path.workers_n), mtu_bytes = 0;

	for (uint16_t i = 0; i < path.ports_n; i++)
		mtu_bytes = RTE_MAX(mtu_bytes, path.ports[i].mtu_bytes);
	path.buffers = buffers_create(n, mtu_bytes, path.ports[0].numa_node);
	if (path.buffers)
		return 0;
	return error_set(error, -ENOMEM,
			 "no memory for %u packet buffers (%zu MB): %s; %s", n,
			 buffers_bytes(n) >> 20, rte_strerror(rte_errno),
			 path.hugepages ? "reserve more hugepages (\"sysctl vm.nr_hugepages\")" :
					  "raise memory_mb");
}

static int ports_start(char *error)
{
	for (uint16_t i = 0; i < path.ports_n; i++) {
		int ret = port_start(&path.ports[i], path.workers_n, path.buffers, error);

		if (ret < 0)
			return ret;
	}
	return 0;
}

static int taps_start(char *error)
{
	int ret = kernel_create(&path.kernel, path.ports_n, path.workers_n, path.buffers, error);

	if (ret < 0)
		return ret;
	for (uint16_t i = 0; i < path.ports_n; i++) {
		const struct port *p = &path.ports[i];
		const char *name = path.config.ports[i].tap;

		if (name && name[0])
			snprintf(path.taps[i], sizeof(path.taps[i]), "%s", name);
		else
			snprintf(path.taps[i], sizeof(path.taps[i]), "sluice%u", i);
		ret = kernel_port_add(&path.kernel, i, path.taps[i], p->mac, p->mtu_bytes, error);
		if (ret < 0)
			return ret;
	}
	return kernel_start(&path.kernel, error);
}

static int rcu_create(char *error)
{
	path.rcu = rte_zmalloc("rcu", rte_rcu_qsbr_get_memsize(path.workers_n),
			       RTE_CACHE_LINE_SIZE);
	if (!path.rcu || rte_rcu_qsbr_init(path.rcu, path.workers_n) != 0)
		return error_set(error, -ENOMEM, "no memory for the RCU");
	for (uint16_t i = 0; i < path.workers_n; i++)
		rte_rcu_qsbr_thread_register(path.rcu, i);
	return 0;
}

static void worker_connect(struct worker *w)
{
	w->ports_n = path.ports_n;
	w->rcu = path.rcu;
	for (uint16_t port = 0; port < path.ports_n; port++) {
		w->port_ids[port] = path.ports[port].id;
		w->to_kernel[port] = path.kernel.to[w->index][port];
		if (kernel_worker(&path.kernel, port) == w->index)
			w->from_kernel[port] = path.kernel.from[port];
		w->contexts[port] = (struct burst_context){
			.arena = path.arena.start,
			.counters = &w->counters,
			.port_ids = w->port_ids,
			.queue = w->index,
			.ports_n = path.ports_n,
			.port = port,
			.flows = &w->flows,
			.tables = path.tables,
			.tables_n = path.workers_n,
			.tickets = w->tickets,
			.fragments = &w->fragments,
		};
	}
}

static int workers_start(char *error)
{
	for (uint16_t i = 0; i < path.workers_n; i++) {
		path.workers[i] = worker_new(&path.config, i, path.hugepages, error);
		if (!path.workers[i])
			return -ENOMEM;
		path.tables[i] = &path.workers[i]->flows;
		worker_connect(path.workers[i]);
	}
	for (uint16_t i = 0; i < path.workers_n; i++) {
		int ret = rte_eal_remote_launch(worker_run, path.workers[i], eal_worker_lcore(i));

		if (ret < 0)
			return error_set(error, ret, "worker %u on core %u doesn't start: %s", i,
					 path.config.cores[i], strerror(-ret));
		path.launched_n++;
	}
	return 0;
}

static void workers_stop(void)
{
	for (uint16_t i = 0; i < path.launched_n; i++)
		worker_stop(path.workers[i]);
	for (uint16_t i = 0; i < path.launched_n; i++)
		rte_eal_wait_lcore(eal_worker_lcore(i));
	path.launched_n = 0;
}

static void workers_destroy(void)
{
	for (uint16_t i = 0; i < path.workers_n; i++) {
		worker_free(path.workers[i]);
		path.workers[i] = NULL;
	}
}

void path_stop(void)
{
	workers_stop();
	kernel_destroy(&path.kernel);
	for (uint16_t i = 0; i < path.ports_n; i++)
		port_stop(&path.ports[i]);
	workers_destroy();
	rte_free(path.rcu);
	rte_mempool_free(path.buffers);
	eal_stop();
	region_unmap(&path.arena);
	memset(&path, 0, sizeof(path));
}

static void describe(struct fast_path_started *started)
{
	snprintf(started->description, sizeof(started->description),
		 "%s, %u worker%s, %s hugepages%s", rte_version(), path.workers_n,
		 path.workers_n == 1 ? "" : "s", path.hugepages ? "on" : "without",
		 path.arena.hugetlb ? ", tables too" : "");
}

int path_start(const struct fast_path_config *config, struct fast_path_started *started,
	       char error[FAST_PATH_ERROR_MAX])
{
	size_t need_bytes;
	int ret = config_check(config, error);

	if (ret < 0)
		return ret;
	need_bytes = buffers_bytes(buffers_count(config, config->cores_n));
	ret = eal_start(config, need_bytes, &path.hugepages, error);
	if (ret < 0)
		return ret;
	path.started = true;
	path.config = *config;
	ret = region_map(&path.arena, config->arena_bytes, path.hugepages, false);
	if (ret < 0) {
		error_set(error, ret, "no memory for the tables (%zu MB)",
			  (size_t)(config->arena_bytes >> 20));
		goto err_stop;
	}
	ret = ports_probe(error);
	if (ret < 0)
		goto err_stop;
	ret = buffers_start(error);
	if (ret < 0)
		goto err_stop;
	ret = ports_start(error);
	if (ret < 0)
		goto err_stop;
	ret = taps_start(error);
	if (ret < 0)
		goto err_stop;
	ret = rcu_create(error);
	if (ret < 0)
		goto err_stop;
	ret = workers_start(error);
	if (ret < 0)
		goto err_stop;
	*started = (struct fast_path_started){
		.arena = path.arena.start,
		.arena_bytes = config->arena_bytes,
		.workers = path.workers_n,
	};
	describe(started);
	return 0;

err_stop:
	path_stop();
	return ret;
}
