/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK fast path as sluiced sees it: include/sluice/module.h. What it is made of, path.h says.
 * Control thread.
 */
#include "error.h"
#include "keep.h"
#include "path.h"
#include "rss.h"
#include "sluice/arena.h"
#include "sluice/generation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void publish(uint32_t offset)
{
	struct arena_head *head = path.arena.start;

	__atomic_store_n(&head->current, offset, __ATOMIC_RELEASE);
	path_release();
}

static void start_over(void)
{
	keep_start_over(&path.keep, path.tables, path.workers_n);
}

static int port_read_info(uint32_t port, struct fast_path_port_info *info)
{
	if (port >= path.ports_n)
		return -ENOENT;
	memset(info, 0, sizeof(*info));
	(void)path_port_look(port, &info->state);
	info->queues = path.workers_n;
	port_read(&path.ports[port], info);
	snprintf(info->interface, sizeof(info->interface), "%s", path.taps[port]);
	info->to_kernel = __atomic_load_n(&path.kernel.to_n[port], __ATOMIC_RELAXED);
	info->dropped[FAST_PATH_DROP_TAP] =
		__atomic_load_n(&path.kernel.refused_n[port], __ATOMIC_RELAXED);
	for (uint16_t i = 0; i < path.workers_n; i++)
		worker_add_drops(path.workers[i], (uint16_t)port, info->dropped);
	info->from_kernel = __atomic_load_n(&path.kernel.from_n[port], __ATOMIC_RELAXED);
	return 0;
}

static int services_read(uint32_t first, uint32_t n, struct service_counters *rows)
{
	if (first > path.config.services_max || n > path.config.services_max - first)
		return -ERANGE;
	memset(rows, 0, n * sizeof(*rows));
	for (uint16_t i = 0; i < path.workers_n; i++)
		counters_add_services(&path.workers[i]->counters, first, n, rows);
	return 0;
}

static int backends_read(uint32_t first, uint32_t n, struct backend_counters *rows)
{
	if (first > path.config.backends_max || n > path.config.backends_max - first)
		return -ERANGE;
	memset(rows, 0, n * sizeof(*rows));
	for (uint16_t i = 0; i < path.workers_n; i++)
		counters_add_backends(&path.workers[i]->counters, first, n, rows);
	return 0;
}

static int workers_read(struct worker_counters *rows, uint32_t max)
{
	for (uint32_t i = 0; i < path.workers_n && i < max; i++)
		worker_read(path.workers[i], &rows[i]);
	return path.workers_n;
}

static int memory_read(struct memory_counters *counters)
{
	*counters = (struct memory_counters){0};
	for (uint16_t i = 0; i < path.workers_n; i++)
		flow_table_count(path.tables[i], counters);
	for (uint32_t i = 0; i < path.keep.orphans_n; i++)
		flow_table_count(&path.keep.orphans[i], counters);
	return 0;
}

/* No worker sweeps it. */
static void orphan_sweep(struct flow_table *t, uint32_t at)
{
	const struct arena *arena = path.arena.start;
	const struct arena_head *head = arena_at(arena, 0, sizeof(*head));

	if (head->current != 0)
		flow_table_expire(t, arena_at(arena, head->current, sizeof(struct generation)),
				  worker_now_s(), at, FLOW_WALK_BUCKETS);
}

static int memory_walk(struct fast_path_walk *walk,
		       void (*each)(void *ctx, uint32_t worker, const struct memory_entry *entry),
		       void *ctx)
{
	uint32_t tables_n = path.workers_n + path.keep.orphans_n;
	struct flow_table *t;

	if (walk->table >= tables_n)
		return 0;
	if (walk->table < path.workers_n) {
		t = path.tables[walk->table];
	} else {
		t = &path.keep.orphans[walk->table - path.workers_n];
		orphan_sweep(t, walk->at);
	}
	walk->at = flow_table_walk_on(t, walk->table, walk->at, each, ctx);
	if (walk->at == 0) /* that was the table's last */
		walk->table++;
	return walk->table < tables_n;
}

/* The devices are DPDK's while it runs, and the TAPs go with the process alone. */
static int ports_changed(void)
{
	return 0;
}

static int memory_find(uint64_t hash, uint32_t worker, struct memory *memory)
{
	if (worker < path.workers_n && flow_table_peek(path.tables[worker], hash, memory))
		return 0;
	/* As burst_changed.c: a flow that a fragment began is another worker's. */
	for (uint16_t i = 0; i < path.workers_n; i++)
		if ((worker == FAST_PATH_ANY_WORKER || path.tables[i]->fragment_s != 0) &&
		    flow_table_peek(path.tables[i], hash, memory))
			return 0;
	/* Whose they are is not known. */
	for (uint32_t i = 0; i < path.keep.orphans_n; i++)
		if (flow_table_peek(&path.keep.orphans[i], hash, memory))
			return 0;
	return -ENOENT;
}

static int worker_find(uint32_t port, const struct packet *packet, char how[FAST_PATH_HOW_MAX])
{
	if (path.workers_n == 1) {
		snprintf(how, FAST_PATH_HOW_MAX, "there is one worker");
		return 0;
	}
	if (port >= path.ports_n) {
		snprintf(how, FAST_PATH_HOW_MAX, "there is no port %u", port);
		return -ENOENT;
	}
	return rss_explain(&path.ports[port], packet, how);
}

static void captures_stop(void)
{
	for (uint16_t i = 0; i < path.workers_n; i++)
		worker_set_capture(path.workers[i], NULL);
	path_quiesce();
	for (uint16_t i = 0; i < path.workers_n; i++) {
		capture_free(path.captures[i]);
		path.captures[i] = NULL;
	}
	path.capturing = false;
}

static int captures_start(const struct fast_path_capture *filter)
{
	if (path.capturing)
		return -EBUSY;
	path.capturing = true;
	for (uint16_t i = 0; i < path.workers_n; i++) {
		path.captures[i] = capture_new(filter, i);
		if (!path.captures[i]) {
			captures_stop();
			return -ENOMEM;
		}
	}
	for (uint16_t i = 0; i < path.workers_n; i++)
		worker_set_capture(path.workers[i], path.captures[i]);
	return 0;
}

static int captures_read(void (*each)(void *ctx, const struct fast_path_captured *frame), void *ctx,
			 uint64_t *missed)
{
	*missed = 0;
	for (uint16_t i = 0; i < path.workers_n && path.capturing; i++) {
		capture_read(path.captures[i], each, ctx);
		*missed += capture_missed(path.captures[i]);
	}
	return 0;
}

static void capture_stop(void)
{
	if (path.capturing)
		captures_stop();
}

static void stop(bool detach)
{
	/* No packet goes on without this process; what it knows of flows does. */
	if (!path.started)
		return;
	capture_stop();
	path_stop(detach);
}

static int forget(const struct fast_path_config *config, char error[FAST_PATH_ERROR_MAX])
{
	int err = keep_forget(config->memory_dir);

	if (err)
		error_set(error, err, "the tables in memory can't be removed%s",
			  err == -EBUSY ? ": sluiced runs" : "");
	return err;
}

__attribute__((visibility("default"))) extern const struct fast_path sluice_fast_path;

const struct fast_path sluice_fast_path = {
	.abi = FAST_PATH_ABI,
	.name = "dpdk",
	.start = path_start,
	.publish = publish,
	.quiesce = path_quiesce,
	.port_read = port_read_info,
	.services_read = services_read,
	.backends_read = backends_read,
	.workers_read = workers_read,
	.memory_read = memory_read,
	.memory_walk = memory_walk,
	.memory_now_s = worker_now_s,
	.start_over = start_over,
	.stop = stop,
	.forget = forget,
	.ports_changed = ports_changed,
	.port_look = path_port_look,
	.memory_find = memory_find,
	.worker_find = worker_find,
	.capture_start = captures_start,
	.capture_read = captures_read,
	.capture_stop = capture_stop,
};
