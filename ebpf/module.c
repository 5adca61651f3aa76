/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XDP fast path as sluiced loads it (include/sluice/module.h): goes on with what an earlier
 * daemon left in pin_dir where it can, and leaves it there. sluiced's control thread.
 *
 * When the tables can't be adopted, all is made anew, and what is pinned goes on forwarding until
 * the first publish(): then the links exchange the program, and the pins follow.
 */
#include "adoption.h"
#include "counters.h"
#include "links.h"
#include "module.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static struct module module;

/* libbpf's own messages: the errors that matter we say ourselves. */
static int libbpf_line(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[FAST_PATH_ERROR_MAX];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = 0;
	report_line(module.log, FAST_PATH_LOG_DEBUG, "%s", line);
	return 0;
}

/* Opens and loads the program, with the maps that are pinned where these fit. */
static int tables_try(struct module *m, const struct program_config *sizes,
		      char error[FAST_PATH_ERROR_MAX])
{
	int err = program_open(&m->program, sizes, error);

	if (err)
		return err;
	err = adoption_take_maps(&m->program, &m->pins, m->log, &m->adopted);
	if (err)
		return report_error(error, err, "%s: can't be adopted: %s", m->pins.dir,
				    strerror(-err));
	return program_load(&m->program, error);
}

/*
 * A kernel may bind a map to programs that take frames of several buffers, or to those that don't,
 * as the map's first program was. What is adopted may be of a time when the ports were others.
 */
static int tables_try_both(struct module *m, struct program_config *sizes, bool needs_frags,
			   char error[FAST_PATH_ERROR_MAX])
{
	bool wanted = sizes->no_frags;
	int err = tables_try(m, sizes, error);

	for (int i = 0; err && m->adopted; i++) {
		program_close(&m->program);
		m->adopted = false;
		if (i == 0 && !needs_frags) {
			sizes->no_frags = !sizes->no_frags;
			err = tables_try(m, sizes, error);
			continue;
		}
		report_line(m->log, FAST_PATH_LOG_WARNING,
			    "%s: can't be adopted: all is made anew (%s)", m->pins.dir, error);
		sizes->no_frags = wanted;
		err = program_open(&m->program, sizes, error);
		if (!err)
			err = program_load(&m->program, error);
	}
	return err;
}

static int tables_start(struct module *m, const struct fast_path_config *config,
			const struct ports_needs *needs, char error[FAST_PATH_ERROR_MAX])
{
	struct program_config sizes = {
		.arena_bytes = config->arena_bytes,
		.services_max = config->services_max,
		.backends_max = config->backends_max,
		.flows_max = config->flows_max,
		.ports = m->ports.table,
		.macs = true,
		.no_tx = needs->veth || needs->waits,
		.no_frags = !needs->frags && !needs->waits,
	};
	int err = tables_try_both(m, &sizes, needs->frags, error);

	if (err || !m->adopted)
		return err;
	err = program_ports_renew(&m->program);
	if (err)
		return report_error(error, err, "%s: the ports can't be written down: %s",
				    m->pins.dir, strerror(-err));
	m->older_fd = adoption_take_program(&m->program, &m->pins);
	report_line(m->log, FAST_PATH_LOG_INFO, "%s: adopted the tables%s", m->pins.dir,
		    m->older_fd >= 0 ? " and the program"
				     : "; the program is another build, and exchanged");
	return 0;
}

/* The program gets to know the MACs that the interfaces have by now. */
static int macs_follow(struct module *m)
{
	struct fastpath_mac macs[FASTPATH_MACS];
	int n = ports_macs(&m->ports, &m->config, macs), err;

	if (n < 0)
		return n;
	if (memcmp(macs, m->macs, sizeof(macs)) == 0)
		return 0;
	err = program_macs_set(&m->program, macs, (uint32_t)n);
	if (!err)
		memcpy(m->macs, macs, sizeof(macs));
	return err;
}

static void started_fill(const struct module *m, struct fast_path_started *started)
{
	char *text = started->description;
	size_t room = sizeof(started->description), at;
	struct utsname kernel;

	*started = (struct fast_path_started){
		.arena = m->program.arena,
		.arena_bytes = m->program.config.arena_bytes,
		.adopted = m->adopted,
		.workers = m->program.cpus,
	};
	uname(&kernel);
	at = (size_t)snprintf(text, room, "XDP on Linux %s", kernel.release);
	for (uint32_t i = 0; i < m->ports.n && at < room; i++)
		at += (size_t)snprintf(text + at, room - at, ", %s %s", m->links[i].interface,
				       m->links[i].fd < 0 ? "waits"
							  : xdp_mode_name(m->links[i].mode));
	if (m->adopted && at < room)
		snprintf(text + at, room - at, ", adopted");
}

/* Closes all; what is pinned stays. */
static void release(struct module *m)
{
	for (uint32_t i = 0; i < FASTPATH_PORTS; i++)
		xdp_link_close(&m->links[i]);
	if (m->older_fd >= 0)
		close(m->older_fd);
	drop_counters_close(&m->drops);
	program_close(&m->program);
	quiescer_close(&m->quiescer);
	pins_close(&m->pins);
	ports_close(&m->ports);
}

static int start(const struct fast_path_config *config, struct fast_path_started *started,
		 char error[FAST_PATH_ERROR_MAX])
{
	struct module *m = &module;
	struct ports_needs needs;
	int err;

	*m = (struct module){.log = config->log, .older_fd = -1, .pins.fd = -1, .ports.fd = -1};
	m->options = (struct xdp_link_options){config->attach, config->replace, config->log};
	m->flows.program = m->capture.program = &m->program;
	m->program.fd = m->quiescer.outer = m->quiescer.inner = -1;
	for (uint32_t i = 0; i < FASTPATH_PORTS; i++)
		m->links[i].fd = -1;
	libbpf_set_print(libbpf_line);
	err = ports_find(&m->ports, config, error);
	if (!err) {
		err = ports_needs(&m->ports, &needs);
		if (err)
			report_error(error, err, "can't ask for the ports' interfaces: %s",
				     strerror(-err));
	}
	if (!err)
		err = pins_open(&m->pins, config->pin_dir, m->log, error);
	if (!err)
		err = tables_start(m, config, &needs, error);
	if (err)
		goto err_release;
	err = quiescer_open(&m->quiescer);
	if (err) {
		report_error(error, err, "kernel refused a map of maps: %s", strerror(-err));
		goto err_release;
	}
	m->config = *config;
	err = macs_follow(m);
	if (err) {
		report_error(error, err, "can't ask for the interfaces' MACs: %s", strerror(-err));
		goto err_release;
	}
	err = links_start(m, error);
	if (!err && m->adopted)
		err = links_commit(m, error);
	if (err)
		goto err_release;
	capture_clear(&m->program);
	drop_counters_start(&m->drops, &m->pins, &m->program, m->log);
	started_fill(m, started);
	return 0;
err_release:
	release(m);
	return err;
}

static void publish(uint32_t offset)
{
	char error[FAST_PATH_ERROR_MAX];

	arena_publish(module.program.arena, offset);
	if (!module.committed && links_commit(&module, error) != 0)
		report_line(module.log, FAST_PATH_LOG_ERROR,
			    "%s; what sluiced forwards now ends with it", error);
}

static int ports_changed(void)
{
	int err = links_follow(&module), macs_err = macs_follow(&module);

	if (macs_err && !module.macs_told)
		report_line(module.log, FAST_PATH_LOG_WARNING,
			    "can't ask for the interfaces' MACs; those of before count: %s",
			    strerror(-macs_err));
	module.macs_told = macs_err;
	return err ? err : macs_err;
}

static void quiesce(void)
{
	int err = quiescer_wait(&module.quiescer);

	if (err) /* only without memory; far longer than any program runs */
		sleep(1);
}

/* All but what was dropped. */
static int port_ask(uint32_t port, struct fast_path_port_info *info)
{
	int err = ports_read(&module.ports, port, info);

	if (err || info->state == FAST_PATH_PORT_WAITING)
		return err;
	if (module.links[port].fd < 0)
		info->state = FAST_PATH_PORT_REFUSED;
	else
		snprintf(info->mode, sizeof(info->mode), "%s",
			 xdp_mode_name(module.links[port].mode));
	return 0;
}

static int port_read(uint32_t port, struct fast_path_port_info *info)
{
	int err = port_ask(port, info);

	if (!err)
		drop_counters_read(&module.drops, port, info->dropped);
	return err;
}

static int port_look(uint32_t port, enum fast_path_port_state *state)
{
	struct fast_path_port_info info;
	int err = port_ask(port, &info);

	if (!err)
		*state = info.state;
	return err;
}

static int services_read(uint32_t first, uint32_t n, struct service_counters *rows)
{
	return counters_read_services(&module.program, first, n, rows);
}

static int backends_read(uint32_t first, uint32_t n, struct backend_counters *rows)
{
	return counters_read_backends(&module.program, first, n, rows);
}

static int workers_read(struct worker_counters *rows, uint32_t max)
{
	struct service_counters verdicts[FAST_PATH_WORKERS_MAX];
	uint32_t n = module.program.cpus;
	int err;

	if (n > max)
		n = max;
	if (n > FAST_PATH_WORKERS_MAX)
		n = FAST_PATH_WORKERS_MAX;
	err = counters_read_cpus(&module.program, n, verdicts);
	if (err)
		return err;
	for (uint32_t i = 0; i < n; i++)
		rows[i] = (struct worker_counters){
			.core = (uint16_t)i, .numa_node = -1, .verdicts = verdicts[i]};
	return (int)module.program.cpus;
}

static int memory_read(struct memory_counters *counters)
{
	return flow_maps_read(&module.flows, counters);
}

static int memory_walk(struct fast_path_walk *walk,
		       void (*each)(void *ctx, uint32_t worker, const struct memory_entry *entry),
		       void *ctx)
{
	return flow_maps_walk(&module.flows, walk, each, ctx);
}

static int memory_find(uint64_t hash, uint32_t worker, struct memory *memory)
{
	(void)worker; /* all CPUs share the maps */
	return flow_maps_find(&module.flows, hash, memory);
}

static int worker_find(uint32_t port, const struct packet *packet, char how[FAST_PATH_HOW_MAX])
{
	(void)packet;
	snprintf(how, FAST_PATH_HOW_MAX,
		 "the CPU that serves the receive queue which %s's driver picks (ethtool -x, "
		 "/proc/interrupts); all CPUs share what is remembered",
		 port < module.ports.n ? module.ports.names[port] : "the port");
	return -ENOENT;
}

static int capture_begin(const struct fast_path_capture *filter)
{
	return capture_start(&module.capture, filter);
}

static int capture_take(void (*each)(void *ctx, const struct fast_path_captured *frame), void *ctx,
			uint64_t *missed)
{
	return capture_read(&module.capture, each, ctx, missed);
}

static void capture_end(void)
{
	capture_stop(&module.capture);
}

static void stop(bool detach)
{
	struct module *m = &module;

	capture_end();
	if (detach) {
		for (uint32_t i = 0; i < m->ports.n; i++)
			xdp_link_detach(&m->links[i]);
		xdp_links_prune(&m->pins, NULL, 0, m->log);
		pins_clear(&m->pins);
	}
	release(m);
}

static int forget(const struct fast_path_config *config, char error[FAST_PATH_ERROR_MAX])
{
	struct fast_path_started started = {0};
	int err;

	if (access(config->pin_dir, F_OK) != 0 && errno == ENOENT)
		return 0;
	/* Taking over what is there finds the links by their pins. */
	err = start(config, &started, error);
	if (!err)
		stop(true);
	return err;
}

__attribute__((visibility("default"))) extern const struct fast_path sluice_fast_path;

const struct fast_path sluice_fast_path = {
	.abi = FAST_PATH_ABI,
	.name = "xdp",
	.start = start,
	.publish = publish,
	.quiesce = quiesce,
	.port_read = port_read,
	.services_read = services_read,
	.backends_read = backends_read,
	.workers_read = workers_read,
	.memory_read = memory_read,
	.memory_walk = memory_walk,
	.memory_now_s = flow_maps_now_s,
	.stop = stop,
	.forget = forget,
	.ports_changed = ports_changed,
	.port_look = port_look,
	.memory_find = memory_find,
	.worker_find = worker_find,
	.capture_start = capture_begin,
	.capture_read = capture_take,
	.capture_stop = capture_end,
};
