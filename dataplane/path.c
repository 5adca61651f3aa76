/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts and stops what the DPDK fast path is made of, each step undone in reverse. Called by
 * module.c. Control thread.
 */
#include "path.h"

#include "buffers.h"
#include "eal.h"
#include "error.h"
#include "interface.h"
#include "numa.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_rcu_qsbr.h>
#include <rte_version.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

/* If none does, all packets come to the first worker, however many there are. */
static bool any_spreads(void)
{
	for (uint16_t i = 0; i < path.ports_n; i++)
		if (path.ports[i].spreads)
			return true;
	return false;
}

/* Each worker has a queue of its own on each port, or it couldn't send there without a lock. */
static int ports_probe(char *error)
{
	const struct fast_path_config *config = &path.config;
	uint32_t workers_n = config->cores_n;
	char line[256];

	for (uint32_t i = 0; i < config->ports_n; i++) {
		struct port *p = &path.ports[i];
		int ret = port_probe(p, i, config->ports[i].device, config->ports[i].mtu_bytes,
				     error);

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
	if (workers_n > 1 && !any_spreads()) {
		config->log(
			FAST_PATH_LOG_WARNING,
			"no port's device spreads packets over queues (it has no RSS): cores from "
			"the 2. on stay unused");
		path.workers_n = 1;
	}
	return 0;
}

/* What a port before has, if it is at the same node; else its own, there or at least somewhere. */
static struct rte_mempool *pool_for(uint16_t port, uint32_t n, uint32_t mtu_bytes)
{
	int node = path.ports[port].numa_node;
	struct rte_mempool *pool;
	char line[384];

	for (uint16_t i = 0; i < port; i++)
		if (path.ports[i].numa_node == node)
			return path.buffers[i];
	pool = buffers_create(n, mtu_bytes, node);
	if (pool || node < 0)
		return pool;
	snprintf(line, sizeof(line),
		 "port %.100s is at NUMA node %d, which has no memory for its buffers (%zu MB): "
		 "they lie "
		 "elsewhere; reserve hugepages there (/sys/devices/system/node/node%d/hugepages)",
		 path.ports[port].device, node, buffers_bytes(n, mtu_bytes) >> 20, node);
	path.config.log(FAST_PATH_LOG_WARNING, line);
	return port == 0 ? buffers_create(n, mtu_bytes, SOCKET_ID_ANY) : path.buffers[0];
}

static int buffers_start(char *error)
{
	uint32_t n = buffers_count(&path.config, path.workers_n), mtu_bytes = 0;

	for (uint16_t i = 0; i < path.ports_n; i++)
		mtu_bytes = RTE_MAX(mtu_bytes, path.ports[i].mtu_bytes);
	for (uint16_t i = 0; i < path.ports_n; i++) {
		path.buffers[i] = pool_for(i, n, mtu_bytes);
		if (!path.buffers[i])
			return error_set(error, -ENOMEM,
					 "no memory for %u packet buffers (%zu MB): %s; %s", n,
					 buffers_bytes(n, mtu_bytes) >> 20, rte_strerror(rte_errno),
					 path.hugepages ? "reserve more hugepages (\"sysctl "
							  "vm.nr_hugepages\")"
							: "raise memory_mb");
	}
	return 0;
}

/* Ports may send each other's packets: drivers may count on one pool if there is one. */
static bool one_pool(void)
{
	for (uint16_t i = 1; i < path.ports_n; i++)
		if (path.buffers[i] != path.buffers[0])
			return false;
	return true;
}

static void buffers_stop(void)
{
	for (uint16_t i = 0; i < path.ports_n; i++) {
		for (uint16_t j = (uint16_t)(i + 1); j < path.ports_n; j++)
			if (path.buffers[j] == path.buffers[i])
				path.buffers[j] = NULL;
		rte_mempool_free(path.buffers[i]);
	}
}

static int ports_start(char *error)
{
	char line[FAST_PATH_HOW_MAX + 128];

	for (uint16_t i = 0; i < path.ports_n; i++) {
		const struct fast_path_port *conf = &path.config.ports[i];
		const struct port *p = &path.ports[i];
		int ret = port_start(&path.ports[i], path.workers_n, path.buffers[i], one_pool(),
				     error);

		if (ret < 0)
			return ret;
		ret = port_macs_set(&path.ports[i], conf->macs, conf->macs_n);
		if (ret < 0) {
			snprintf(line, sizeof(line),
				 "port %.100s: the device can't be told of ports[%u].macs, and may "
				 "keep "
				 "frames to them back: %s",
				 p->device, i, strerror(-ret));
			path.config.log(FAST_PATH_LOG_WARNING, line);
		}
		if (p->hides_tags[0]) {
			snprintf(line, sizeof(line),
				 "port %.100s: %s takes VLAN tags out of frames, of which DPDK is "
				 "told "
				 "nothing; if tagged packets come by it: ethtool -K %s rxvlan off",
				 p->device, p->hides_tags, p->hides_tags);
			path.config.log(FAST_PATH_LOG_INFO, line);
		}
		if (path.workers_n == 1)
			continue;
		snprintf(line, sizeof(line), "port %.100s: %u queues, %s", p->device,
			 path.workers_n, p->spread_how);
		path.config.log(p->spread == FAST_PATH_SPREAD_NONE ? FAST_PATH_LOG_WARNING
								   : FAST_PATH_LOG_INFO,
				line);
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
		ret = kernel_port_add(&path.kernel, i, path.taps[i], p->mac, p->mtu_bytes,
				      path.config.ports[i].mtu_bytes != 0, error);
		if (ret < 0)
			return ret;
	}
	return kernel_start(&path.kernel, error);
}

static int rcu_create(char *error)
{
	path.rcu =
		rte_zmalloc("rcu", rte_rcu_qsbr_get_memsize(path.workers_n), RTE_CACHE_LINE_SIZE);
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
		memcpy(w->to_kernel[port].rings, path.kernel.to[w->index][port],
		       sizeof(w->to_kernel[port].rings));
		w->restores_tags[port] = path.ports[port].strips_tags;
		if (kernel_worker(&path.kernel, port) == w->index) {
			w->from_kernel[port] = path.kernel.from[port];
			w->nudges[port] = path.ports[port].is_bond;
			w->nudges_any |= w->nudges[port];
		}
		w->contexts[port] = (struct burst_context){
			.arena = path.arena.start,
			.counters = &w->counters,
			.port_ids = w->port_ids,
			.queue = w->index,
			.ports_n = path.ports_n,
			.port = port,
			.flows = &w->flows,
			.tables = (const struct flow_table *const *)path.tables,
			.orphans = path.keep.orphans,
			.orphans_n = (uint16_t)path.keep.orphans_n,
			.tables_n = path.workers_n,
			.tickets = w->tickets,
			.fragments = &w->fragments,
			.limits = w->limits,
			.macs = &path.ports[port].macs,
		};
	}
}

/* What is kept, taken up. */
static void kept_tell(void)
{
	const struct keep *k = &path.keep;
	uint64_t own = 0, orphans = 0;
	char line[FAST_PATH_ERROR_MAX];

	if (!k->adopted)
		return;
	for (uint16_t i = 0; i < path.workers_n; i++)
		own += flow_table_entries(path.tables[i]);
	for (uint32_t i = 0; i < k->orphans_n; i++)
		orphans += flow_table_entries(&k->orphans[i]);
	snprintf(line, sizeof(line),
		 "%s: adopted the tables and %llu remembered flows, %llu of them of workers that "
		 "are "
		 "no more",
		 k->dir, (unsigned long long)own + orphans, (unsigned long long)orphans);
	path.config.log(FAST_PATH_LOG_INFO, line);
}

static int workers_make(char *error)
{
	if (path.keep.dir_fd >= 0)
		keep_plan(&path.keep, path.workers_n, path.config.flows_max);
	for (uint16_t i = 0; i < path.workers_n; i++) {
		path.workers[i] = worker_new(&path.config, i, &path.keep, path.hugepages, error);
		if (!path.workers[i])
			return -ENOMEM;
		path.tables[i] = &path.workers[i]->flows;
		path.workers[i]->held = path.keep.adopted;
		worker_connect(path.workers[i]);
	}
	if (path.keep.dir_fd >= 0)
		keep_commit(&path.keep);
	kept_tell();
	return 0;
}

static int workers_start(char *error)
{
	if (workers_make(error) < 0)
		return -ENOMEM;
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

void path_release(void)
{
	for (uint16_t i = 0; i < path.workers_n; i++)
		worker_release(path.workers[i]);
}

void path_stop(bool remove)
{
	workers_stop();
	kernel_destroy(&path.kernel);
	for (uint16_t i = 0; i < path.ports_n; i++)
		port_stop(&path.ports[i]);
	workers_destroy();
	rte_free(path.rcu);
	buffers_stop();
	eal_stop();
	if (path.keep.dir_fd < 0)
		region_unmap(&path.arena);
	keep_close(&path.keep, remove);
	memset(&path, 0, sizeof(path));
}

/* By naps: this thread may share its core with the worker that it waits for. */
void path_quiesce(void)
{
	const struct timespec nap = {.tv_nsec = 50 * 1000};
	uint64_t token = rte_rcu_qsbr_start(path.rcu);

	while (!rte_rcu_qsbr_check(path.rcu, token, false))
		(void)nanosleep(&nap, NULL);
}

/* The device is given back, as the kernel may wait for it; its TAP stays. */
static void port_drop(uint16_t port)
{
	for (uint16_t i = 0; i < path.workers_n; i++)
		worker_forget_port(path.workers[i], port);
	path_quiesce();
	port_stop(&path.ports[port]);
}

/* Who gives the TAP another MAC, by which neighbours know the node from then on, means the port. */
static void port_mac_follow(uint16_t port)
{
	struct port *p = &path.ports[port];
	char line[FAST_PATH_ERROR_MAX];
	uint8_t mac[6];
	int ret;

	if (p->closed || interface_mac_read(path.taps[port], mac) < 0 ||
	    memcmp(mac, p->mac, sizeof(mac)) == 0)
		return;
	ret = port_mac_change(p, mac);
	snprintf(line, sizeof(line),
		 "port %s: its MAC is %02x:%02x:%02x:%02x:%02x:%02x now, as its TAP's%s%s",
		 p->device, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
		 ret < 0 ? "; the device doesn't take it: " : "", ret < 0 ? strerror(-ret) : "");
	path.config.log(ret < 0 ? FAST_PATH_LOG_WARNING : FAST_PATH_LOG_INFO, line);
}

int path_port_look(uint32_t port, enum fast_path_port_state *state)
{
	if (port >= path.ports_n)
		return -ENOENT;
	*state = port_state_look(&path.ports[port]);
	tap_set_carrier(&path.kernel.taps[port], *state == FAST_PATH_PORT_UP);
	port_mac_follow((uint16_t)port);
	if (path.ports[port].identity.leaving && !path.ports[port].closed)
		port_drop((uint16_t)port);
	return 0;
}

/* Of the port that has the largest, as far as the configuration tells. */
static uint32_t mtu_of(const struct fast_path_config *config)
{
	uint32_t mtu_bytes = 0;

	for (uint32_t i = 0; i < config->ports_n; i++)
		mtu_bytes = RTE_MAX(mtu_bytes, config->ports[i].mtu_bytes);
	return mtu_bytes;
}

static void describe(struct fast_path_started *started)
{
	snprintf(started->description, sizeof(started->description),
		 "%s, %u worker%s, %s hugepages%s", rte_version(), path.workers_n,
		 path.workers_n == 1 ? "" : "s", path.hugepages ? "on" : "without",
		 path.arena.hugetlb ? ", tables too" : "");
	if (path.keep.adopted)
		strncat(started->description, ", adopted",
			sizeof(started->description) - strlen(started->description) - 1);
}

/* All workers read it: on the nodes that they are at, in turns. */
static int arena_start(char *error)
{
	const struct fast_path_config *config = &path.config;
	numa_nodes nodes = 0;
	int ret;

	for (uint32_t i = 0; i < config->cores_n; i++)
		nodes |= 1ULL << numa_node_of_lcore(eal_worker_lcore(i));
	numa_prefer(nodes);
	ret = keep_open(&path.keep, config->memory_dir, config->arena_bytes, path.hugepages,
			rte_get_tsc_hz(), config->log);
	if (ret == 0)
		path.arena = path.keep.arena;
	else
		ret = region_map(&path.arena, config->arena_bytes, path.hugepages, false);
	numa_prefer(0);
	if (ret == 0)
		numa_bind(path.arena.start, path.arena.bytes, nodes);
	else
		error_set(error, ret, "no memory for the tables (%zu MB)",
			  (size_t)(config->arena_bytes >> 20));
	return ret;
}

int path_start(const struct fast_path_config *config, struct fast_path_started *started,
	       char error[FAST_PATH_ERROR_MAX])
{
	size_t need_bytes;
	int ret = config_check(config, error);

	if (ret < 0)
		return ret;
	need_bytes = buffers_bytes(buffers_count(config, config->cores_n), mtu_of(config));
	ret = eal_start(config, need_bytes, &path.hugepages, error);
	if (ret < 0)
		return ret;
	path.started = true;
	path.keep.dir_fd = -1;
	path.config = *config;
	ret = arena_start(error);
	if (ret < 0)
		goto err_stop;
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
	kernel_keep(&path.kernel);
	*started = (struct fast_path_started){
		.arena = path.arena.start,
		.arena_bytes = config->arena_bytes,
		.adopted = path.keep.adopted,
		.workers = path.workers_n,
	};
	describe(started);
	return 0;

err_stop:
	path_stop(false);
	return ret;
}
