/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XDP fast path as sluiced loads it (include/sluice/module.h): goes on with what an earlier
 * daemon left in pin_dir where it can, and leaves it there. sluiced's control thread.
 *
 * When the tables can't be adopted, all is made anew, and what is pinned goes on forwarding until
 * the first publish(): then the links exchange the program, and the pins follow.
 */
#include "adoption.h"
#include "arena_map.h"
#include "capture.h"
#include "counters.h"
#include "flow_maps.h"
#include "ports.h"
#include "xdp_link.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/*
 * Every driver with XDP takes frames of this MTU in one buffer, which is a page with headroom and
 * the kernel's own trailer. With a longer one it wants a program that takes several.
 */
enum { ONE_BUFFER_BYTES = 3000 };

static struct module {
	report_log log;
	struct pins pins;
	struct ports ports;
	struct program program;
	struct flow_maps flows;
	struct capture capture;
	struct quiescer quiescer;
	struct xdp_link links[FASTPATH_PORTS];
	struct xdp_link_options options;
	bool adopted;   /* the maps are what was pinned */
	int older_fd;   /* the pinned program, if it is the one to run: the same build as ours */
	bool committed; /* links and pins hold what we have */
} module;

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

static int running_fd(const struct module *m)
{
	return m->older_fd >= 0 ? m->older_fd : m->program.fd;
}

static int tables_start(struct module *m, const struct fast_path_config *config,
			char error[FAST_PATH_ERROR_MAX])
{
	const struct ports_needs needs = ports_needs(&m->ports);
	const struct program_config sizes = {
		.arena_bytes = config->arena_bytes,
		.services_max = config->services_max,
		.backends_max = config->backends_max,
		.flows_max = config->flows_max,
		.ports = m->ports.table,
		.no_tx = needs.veth,
		.no_frags = needs.mtu_bytes <= ONE_BUFFER_BYTES,
	};
	int err = program_open(&m->program, &sizes, error);

	if (err)
		return err;
	err = adoption_take_maps(&m->program, &m->pins, m->log, &m->adopted);
	if (err)
		return report_error(error, err, "%s: can't be adopted: %s", m->pins.dir,
				    strerror(-err));
	err = program_load(&m->program, error);
	if (err && m->adopted) {
		/* A kernel may bind a map to programs like its first (xdp.frags, for one). */
		report_line(m->log, FAST_PATH_LOG_WARNING,
			    "%s: can't be adopted: all is made anew (%s)", m->pins.dir, error);
		m->adopted = false;
		program_close(&m->program);
		err = program_open(&m->program, &sizes, error);
		if (!err)
			err = program_load(&m->program, error);
	}
	if (err || !m->adopted)
		return err;
	m->older_fd = adoption_take_program(&m->program, &m->pins);
	report_line(m->log, FAST_PATH_LOG_INFO, "%s: adopted the tables%s", m->pins.dir,
		    m->older_fd >= 0 ? " and the program" :
				       "; the program is another build, and exchanged");
	return 0;
}

/* An old link stays if it is in the mode that is asked for. */
static bool link_stays(struct xdp_link *link, const struct xdp_link_options *options)
{
	if (link->fd < 0)
		return false;
	if (options->attach == FAST_PATH_ATTACH_AUTO ||
	    (options->attach == FAST_PATH_ATTACH_NATIVE) == (link->mode == XDP_MODE_NATIVE))
		return true;
	report_line(options->log, FAST_PATH_LOG_WARNING,
		    "%s: is attached as %s, which the config doesn't want: attaching anew",
		    link->interface, xdp_mode_name(link->mode));
	xdp_link_detach(link);
	link->pinned = false;
	return false;
}

static int links_start(struct module *m, char error[FAST_PATH_ERROR_MAX])
{
	for (uint32_t i = 0; i < m->ports.n; i++) {
		struct xdp_link *link = &m->links[i];
		int err;

		link->ifindex = (int)m->ports.table.ifindex[i];
		link->interface = m->ports.names[i];
		xdp_link_adopt(link, &m->pins, m->log);
		if (!link_stays(link, &m->options)) {
			err = xdp_link_make(link, running_fd(m), &m->options, error);
			if (err)
				return err;
		}
		report_line(m->log, FAST_PATH_LOG_INFO, "%s: XDP in %s mode%s", link->interface,
			    xdp_mode_name(link->mode), link->pinned ? ", adopted" : "");
	}
	if (m->program.config.no_tx)
		report_line(m->log, FAST_PATH_LOG_INFO,
			    "a port is a veth, which loses what XDP sends unless its peer has an XDP "
			    "program or `ethtool -K PEER gro on`");
	return 0;
}

/* The links exchange the program, between two packets; then the pins are what runs. */
static int commit(struct module *m, char error[FAST_PATH_ERROR_MAX])
{
	int err = 0;

	for (uint32_t i = 0; i < m->ports.n; i++) {
		err = xdp_link_update(&m->links[i], running_fd(m));
		if (err)
			return report_error(error, err, "%s: can't exchange the XDP program: %s",
					    m->links[i].interface, strerror(-err));
	}
	for (int i = 0; i < PROGRAM_MAPS && m->older_fd < 0 && !err; i++)
		err = pins_put(&m->pins, program_map_name(i), program_map_fd(&m->program, i));
	if (!err && m->older_fd < 0)
		err = pins_put(&m->pins, ADOPTION_PROGRAM_PIN, m->program.fd);
	for (uint32_t i = 0; i < m->ports.n && !err; i++)
		err = xdp_link_pin(&m->links[i], &m->pins);
	if (err)
		return report_error(error, err, "can't pin in %s: %s", m->pins.dir, strerror(-err));
	xdp_links_prune(&m->pins, m->ports.table.ifindex, m->ports.n, m->log);
	m->committed = true;
	return 0;
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
				       xdp_mode_name(m->links[i].mode));
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
	program_close(&m->program);
	quiescer_close(&m->quiescer);
	pins_close(&m->pins);
}

static int start(const struct fast_path_config *config, struct fast_path_started *started,
		 char error[FAST_PATH_ERROR_MAX])
{
	struct module *m = &module;
	int err;

	*m = (struct module){.log = config->log, .older_fd = -1, .pins.fd = -1};
	m->options = (struct xdp_link_options){config->attach, config->replace, config->log};
	m->flows.program = m->capture.program = &m->program;
	m->program.fd = m->quiescer.outer = m->quiescer.inner = -1;
	for (uint32_t i = 0; i < FASTPATH_PORTS; i++)
		m->links[i].fd = -1;
	libbpf_set_print(libbpf_line);
	err = ports_find(&m->ports, config, error);
	if (!err)
		err = pins_open(&m->pins, config->pin_dir, m->log, error);
	if (!err)
		err = tables_start(m, config, error);
	if (err)
		goto err_release;
	err = quiescer_open(&m->quiescer);
	if (err) {
		report_error(error, err, "kernel refused a map of maps: %s", strerror(-err));
		goto err_release;
	}
	err = links_start(m, error);
	if (!err && m->adopted)
		err = commit(m, error);
	if (err)
		goto err_release;
	capture_clear(&m->program);
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
	if (!module.committed && commit(&module, error) != 0)
		report_line(module.log, FAST_PATH_LOG_ERROR,
			    "%s; what sluiced forwards now ends with it", error);
}

/* The port's interface is `ifindex` by now, or gone (0). */
static int port_move(struct module *m, uint32_t port, uint32_t ifindex,
		     char error[FAST_PATH_ERROR_MAX])
{
	struct xdp_link *link = &m->links[port];
	int err;

	xdp_link_drop(link, &m->pins);
	link->ifindex = (int)ifindex;
	m->ports.table.ifindex[port] = ifindex;
	err = program_port_set(&m->program, port, ifindex);
	if (err)
		return report_error(error, err, "%s: can't be written down as a port: %s",
				    link->interface, strerror(-err));
	if (ifindex == 0)
		return 0;
	err = xdp_link_make(link, running_fd(m), &m->options, error);
	if (!err && m->committed) {
		err = xdp_link_pin(link, &m->pins);
		if (err)
			report_error(error, err, "%s: can't be pinned in %s: %s", link->interface,
				     m->pins.dir, strerror(-err));
	}
	return err;
}

static void ports_changed(void)
{
	struct module *m = &module;
	char error[FAST_PATH_ERROR_MAX];

	for (uint32_t i = 0; i < m->ports.n; i++) {
		const struct xdp_link *link = &m->links[i];
		uint32_t ifindex = if_nametoindex(m->ports.names[i]);

		/* What could not be attached is tried again. */
		if (ifindex == m->ports.table.ifindex[i] && (ifindex == 0 || link->fd >= 0))
			continue;
		if (port_move(m, i, ifindex, error) != 0)
			report_line(m->log, FAST_PATH_LOG_ERROR, "%s", error);
		else if (ifindex == 0)
			report_line(m->log, FAST_PATH_LOG_WARNING,
				    "%s: the interface is gone; its port is dead until there is one "
				    "of that name", link->interface);
		else
			report_line(m->log, FAST_PATH_LOG_INFO,
				    "%s: is interface %u now: XDP attached anew, in %s mode",
				    link->interface, ifindex, xdp_mode_name(link->mode));
	}
}

static void quiesce(void)
{
	int err = quiescer_wait(&module.quiescer);

	if (err) /* only without memory; far longer than any program runs */
		sleep(1);
}

static int port_read(uint32_t port, struct fast_path_port_info *info)
{
	return ports_read(&module.ports, port, info);
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

	if (n > max)
		n = max;
	if (n > FAST_PATH_WORKERS_MAX)
		n = FAST_PATH_WORKERS_MAX;
	if (counters_read_cpus(&module.program, n, verdicts) != 0)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		rows[i] = (struct worker_counters){.core = (uint16_t)i, .verdicts = verdicts[i]};
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
	.ports_changed = ports_changed,
	.memory_find = memory_find,
	.worker_find = worker_find,
	.capture_start = capture_begin,
	.capture_read = capture_take,
	.capture_stop = capture_end,
};
