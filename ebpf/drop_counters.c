/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads, pins and reads the tracing program that counts drivers' drops. Called by the module.
 * Control thread.
 */
#include "drop_counters.h"

#include "drops.h"
#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "drops.skel.h"

_Static_assert((int)DROPS_NO_XDP == (int)FAST_PATH_DROP_NO_XDP &&
		       (int)DROPS_TOO_LONG == (int)FAST_PATH_DROP_TOO_LONG &&
		       (int)DROPS_DOWN == (int)FAST_PATH_DROP_DOWN &&
		       (int)DROPS_FULL == (int)FAST_PATH_DROP_FULL &&
		       (int)DROPS_FAILED == (int)FAST_PATH_DROP_FAILED,
	       "the program counts by the reasons that are told");

enum {
	LINKS = 4,
};

static const char map_pin[] = "drops", ports_pin[] = "drops_ports";
static const char *const link_pins[LINKS] = {
	"drops_devmap_xmit",
	"drops_bulk_tx",
	"drops_redirect_err",
	"drops_exception",
};

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t bytes = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 ? info.id : 0;
}

/* The counters of the sluiced before, if they are this build's. */
static void map_adopt(struct drops_bpf *skel, const struct pins *pins)
{
	const struct bpf_map *map = skel->maps.drops;
	struct bpf_map_info info = {0};
	uint32_t bytes = sizeof(info);
	int fd = pins_get(pins, map_pin);

	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0 &&
	    info.type == (uint32_t)bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	    info.value_size == bpf_map__value_size(map) &&
	    info.max_entries == bpf_map__max_entries(map))
		(void)bpf_map__reuse_fd(skel->maps.drops, fd);
	close(fd);
}

/*
 * The programs of the sluiced before count no more: with ours, each packet would count twice. A link
 * that has lost its pin goes by itself, but the kernel takes its time for that and doesn't say when; so
 * the programs lose their ports first.
 */
static void links_retire(const struct pins *pins)
{
	const struct drops_ports none = {0};
	const uint32_t first = 0;
	int fd = pins_get(pins, ports_pin);

	if (fd >= 0) {
		(void)bpf_map_update_elem(fd, &first, &none, BPF_ANY);
		close(fd);
		(void)pins_remove(pins, ports_pin);
	}
	for (int i = 0; i < LINKS; i++)
		(void)pins_remove(pins, link_pins[i]);
}

static int pin(struct drops_bpf *skel, const struct pins *pins)
{
	const struct bpf_link *links[LINKS] = {
		skel->links.drops_devmap_xmit,
		skel->links.drops_bulk_tx,
		skel->links.drops_redirect_err,
		skel->links.drops_exception,
	};
	int err = pins_put(pins, map_pin, bpf_map__fd(skel->maps.drops));

	if (!err)
		err = pins_put(pins, ports_pin, bpf_map__fd(skel->maps.data_ports));
	for (int i = 0; i < LINKS && !err; i++)
		err = pins_put(pins, link_pins[i], bpf_link__fd(links[i]));
	return err;
}

static int load(struct drops_bpf *skel, const struct pins *pins, const struct program *program)
{
	struct stat ns;
	int err;

	if (stat("/proc/self/ns/net", &ns) != 0)
		return -errno;
	map_adopt(skel, pins);
	skel->data_ports->drops_ports.netns = (uint32_t)ns.st_ino;
	skel->data_ports->drops_ports.devices_map_id =
		map_id(program_map_fd(program, PROGRAM_DEVICES));
	for (uint32_t i = 0; i < FASTPATH_PORTS; i++)
		skel->data_ports->drops_ports.ifindex[i] = program->config.ports.ifindex[i];
	err = drops_bpf__load(skel);
	if (!err)
		links_retire(pins);
	if (!err)
		err = drops_bpf__attach(skel);
	return err ? err : pin(skel, pins);
}

void drop_counters_start(struct drop_counters *d, const struct pins *pins,
			 const struct program *program, report_log log)
{
	struct drops_bpf *skel = drops_bpf__open();
	int err = skel ? load(skel, pins, program) : -errno;

	*d = (struct drop_counters){.skeleton = skel, .cpus = program->cpus};
	if (!err)
		return;
	report_line(
		log, FAST_PATH_LOG_WARNING,
		"packets that a driver drops after their verdict are not counted: %s; it takes a "
		"kernel with CONFIG_DEBUG_INFO_BTF, and CAP_PERFMON",
		strerror(-err));
	drop_counters_close(d);
}

void drop_counters_port(struct drop_counters *d, uint32_t port, uint32_t ifindex)
{
	if (d->skeleton && port < FASTPATH_PORTS)
		d->skeleton->data_ports->drops_ports.ifindex[port] = ifindex;
}

void drop_counters_read(const struct drop_counters *d, uint32_t port,
			uint64_t packets[FAST_PATH_DROP_N])
{
	struct drops_row *rows;

	memset(packets, 0, FAST_PATH_DROP_N * sizeof(*packets));
	if (!d->skeleton)
		return;
	rows = calloc(d->cpus, sizeof(*rows));
	if (rows && bpf_map_lookup_elem(bpf_map__fd(d->skeleton->maps.drops), &port, rows) == 0)
		for (uint32_t cpu = 0; cpu < d->cpus; cpu++)
			for (int i = 0; i < DROPS_REASONS; i++)
				packets[i] += rows[cpu].packets[i];
	free(rows);
}

void drop_counters_close(struct drop_counters *d)
{
	drops_bpf__destroy(d->skeleton);
	d->skeleton = NULL;
}
