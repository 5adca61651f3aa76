/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens the skeleton, sizes its maps, takes over pinned ones and loads it. Called by module.c,
 * tests and benches. One thread.
 */
#include "program.h"
#include "arena_map.h"
#include "kernel_features.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "fastpath.skel.h"

#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5)
#endif

/* The verifier's last words are what counts; untouched pages of it cost nothing. */
enum { VERIFIER_LOG_BYTES = 16 << 20 };

const char *program_map_name(enum program_map map)
{
	static const char *const names[PROGRAM_MAPS] = {
		[PROGRAM_ARENA] = "arena",
		[PROGRAM_SERVICES] = "services",
		[PROGRAM_BACKENDS] = "backends",
		[PROGRAM_DEVICES] = "devices",
		[PROGRAM_PORTS] = "ports",
		[PROGRAM_MACS] = "macs",
		[PROGRAM_HALF_OPEN] = "half_open",
		[PROGRAM_ESTABLISHED] = "established",
		[PROGRAM_MEMORY_COUNTS] = "memory_counts",
		[PROGRAM_FRAGMENTS] = "fragments",
		[PROGRAM_CAPTURE] = "capture",
		[PROGRAM_CAPTURES] = "captures",
		[PROGRAM_COPIES] = "copies",
		[PROGRAM_OPTIONS] = "options",
	};

	return names[map];
}

static uint32_t at_least(uint32_t n, uint32_t least)
{
	return n > least ? n : least;
}

/* One long value, or chunks; and the program that knows how to read it. */
static int arena_size(struct program *p)
{
	struct fastpath_bpf *skel = p->skeleton;
	uint64_t bytes = p->config.arena_bytes;
	bool chunks = p->config.chunks || !features_have_values(bytes);

	p->program = chunks ? skel->progs.sluice_xdp_5_15 : skel->progs.sluice_xdp;
	bpf_program__set_autoload(chunks ? skel->progs.sluice_xdp : skel->progs.sluice_xdp_5_15,
				  false);
	if (chunks)
		return bpf_map__set_max_entries(p->maps[PROGRAM_ARENA],
						(uint32_t)(bytes / ARENA_CHUNK_BYTES));
	p->options.arena_bytes = (uint32_t)bytes;
	return bpf_map__set_value_size(p->maps[PROGRAM_ARENA], (uint32_t)bytes);
}

static int maps_size(struct program *p)
{
	const struct program_config *c = &p->config;
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{p->maps[PROGRAM_SERVICES], c->services_max},
		{p->maps[PROGRAM_BACKENDS], c->backends_max},
		{p->maps[PROGRAM_HALF_OPEN], at_least(c->flows_max / 4, PROGRAM_FLOWS_MIN)},
		{p->maps[PROGRAM_ESTABLISHED],
		 at_least(c->flows_max - c->flows_max / 4, PROGRAM_FLOWS_MIN)},
		{p->skeleton->maps.tickets, c->services_max},
	};
	int err = arena_size(p);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !err; i++)
		err = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);
	return err;
}

int program_open(struct program *p, const struct program_config *config,
		 char error[FAST_PATH_ERROR_MAX])
{
	struct fastpath_bpf *skel;
	int err;

	*p = (struct program){.config = *config, .fd = -1};
	err = features_check(error);
	if (err)
		return err;
	p->cpus = (uint32_t)libbpf_num_possible_cpus();
	p->options.frags = !config->no_frags && features_have_frags();
	p->options.no_tx = config->no_tx;
	p->options.macs = config->macs;
	skel = p->skeleton = fastpath_bpf__open();
	if (!skel)
		return report_error(error, -errno, "BPF object: %s", strerror(errno));
	p->maps[PROGRAM_ARENA] = skel->maps.arena;
	p->maps[PROGRAM_SERVICES] = skel->maps.services;
	p->maps[PROGRAM_BACKENDS] = skel->maps.backends;
	p->maps[PROGRAM_DEVICES] = skel->maps.devices;
	p->maps[PROGRAM_PORTS] = skel->maps.data_ports;
	p->maps[PROGRAM_MACS] = skel->maps.data_macs;
	p->maps[PROGRAM_HALF_OPEN] = skel->maps.half_open;
	p->maps[PROGRAM_ESTABLISHED] = skel->maps.established;
	p->maps[PROGRAM_MEMORY_COUNTS] = skel->maps.memory_counts;
	p->maps[PROGRAM_FRAGMENTS] = skel->maps.fragments;
	p->maps[PROGRAM_CAPTURE] = skel->maps.data_capture;
	p->maps[PROGRAM_CAPTURES] = skel->maps.captures;
	p->maps[PROGRAM_COPIES] = skel->maps.copies;
	p->maps[PROGRAM_OPTIONS] = skel->maps.rodata;
	err = maps_size(p);
	if (!err)
		err = bpf_program__set_flags(p->program,
					     p->options.frags ? BPF_F_XDP_HAS_FRAGS : 0);
	memcpy((void *)&skel->rodata->fastpath_options, &p->options, sizeof(p->options));
	memcpy((void *)&skel->data_ports->fastpath_ports, &config->ports, sizeof(config->ports));
	if (err)
		return report_error(error, err, "BPF object: %s", strerror(-err));
	return 0;
}

int program_adopt(struct program *p, enum program_map map, int fd)
{
	return bpf_map__reuse_fd(p->maps[map], fd);
}

/* The last line that isn't the verifier's statistics. Cuts `log`. */
static const char *last_line(char *log)
{
	char *line = strrchr(log, '\n');

	while (line) {
		*line = 0;
		line = strrchr(log, '\n');
		if (line && line[1] && strncmp(line + 1, "processed ", 10) != 0 &&
		    strncmp(line + 1, "verification time", 17) != 0 &&
		    strncmp(line + 1, "stack depth", 11) != 0)
			return line + 1;
	}
	return log;
}

static int load(struct program *p, char error[FAST_PATH_ERROR_MAX])
{
	char *log = malloc(VERIFIER_LOG_BYTES);
	int err;

	if (!log)
		return report_error(error, -ENOMEM, "no memory");
	log[0] = 0;
	err = bpf_program__set_log_buf(p->program, log, VERIFIER_LOG_BYTES);
	if (!err)
		err = fastpath_bpf__load(p->skeleton);
	if (err && log[0])
		report_error(error, err, "the kernel refused the XDP program: %s (%s)",
			     last_line(log), strerror(-err));
	else if (err == -ENOMEM || err == -E2BIG)
		report_error(error, err,
			     "the kernel has no memory for the maps (arena %llu MiB, %u services, "
			     "%u backends, %u flows): make arena or limits smaller",
			     (unsigned long long)p->config.arena_bytes >> 20,
			     p->config.services_max, p->config.backends_max, p->config.flows_max);
	else if (err)
		report_error(error, err, "the kernel refused the XDP program or its maps: %s",
			     strerror(-err));
	free(log);
	return err;
}

static int devices_fill(struct program *p, char error[FAST_PATH_ERROR_MAX])
{
	for (uint32_t port = 0; port < FASTPATH_PORTS; port++) {
		uint32_t ifindex = p->config.ports.ifindex[port];
		int fd = program_map_fd(p, PROGRAM_DEVICES);

		if (ifindex == 0)
			continue;
		if (bpf_map_update_elem(fd, &port, &ifindex, BPF_ANY) != 0)
			return report_error(error, -ENODEV,
					    "port %u: interface %u is gone, or not of this "
					    "network namespace (%s)",
					    port, ifindex, strerror(errno));
	}
	return 0;
}

int program_load(struct program *p, char error[FAST_PATH_ERROR_MAX])
{
	bool adopted = bpf_map__fd(p->maps[PROGRAM_DEVICES]) >= 0;
	int err = load(p, error);

	if (err)
		return err;
	p->fd = bpf_program__fd(p->program);
	p->arena = arena_map(program_map_fd(p, PROGRAM_ARENA), p->config.arena_bytes);
	if (!p->arena)
		return report_error(error, -errno, "can't map the arena: %s", strerror(errno));
	return adopted ? 0 : devices_fill(p, error);
}

int program_port_set(struct program *p, uint32_t port, uint32_t ifindex)
{
	int devices = program_map_fd(p, PROGRAM_DEVICES);
	uint32_t zero = 0;

	p->config.ports.ifindex[port] = ifindex;
	if (bpf_map_update_elem(program_map_fd(p, PROGRAM_PORTS), &zero, &p->config.ports,
				BPF_ANY) != 0)
		return -errno;
	/* Where the interface went, the kernel has cleared the entry. */
	if (ifindex == 0)
		return bpf_map_delete_elem(devices, &port) == 0 || errno == ENOENT ? 0 : -errno;
	return bpf_map_update_elem(devices, &port, &ifindex, BPF_ANY) == 0 ? 0 : -errno;
}

/* The own MAC of each interface, where one look finds it; where two share a place, neither. */
static void own_macs_place(const struct fastpath_mac *macs, uint32_t n, uint64_t *own)
{
	uint8_t taken[FASTPATH_MAC_SLOTS] = {0};

	for (uint32_t i = 0; i < FASTPATH_MAC_SLOTS; i++)
		own[i] = MAC_NONE;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = macs[i].ifindex & (FASTPATH_MAC_SLOTS - 1);
		bool first = true;

		for (uint32_t j = 0; j < i; j++)
			first &= macs[j].ifindex != macs[i].ifindex;
		if (first)
			own[slot] = taken[slot]++ ? MAC_NONE : macs[i].word;
	}
}

int program_macs_set(struct program *p, const struct fastpath_mac *macs, uint32_t n)
{
	struct fastpath_macs table = {.n = n};
	uint32_t zero = 0;

	if (n > FASTPATH_MACS)
		return -E2BIG;
	if (n > 0)
		memcpy(table.all, macs, n * sizeof(*macs));
	own_macs_place(macs, n, table.own);
	return bpf_map_update_elem(program_map_fd(p, PROGRAM_MACS), &zero, &table, BPF_ANY) == 0
		       ? 0
		       : -errno;
}

int program_ports_renew(struct program *p)
{
	struct fastpath_ports table;
	uint32_t zero = 0;
	int err = 0;

	if (bpf_map_lookup_elem(program_map_fd(p, PROGRAM_PORTS), &zero, &table) != 0)
		return -errno;
	for (uint32_t port = 0; port < FASTPATH_PORTS && !err; port++)
		if (table.ifindex[port] != p->config.ports.ifindex[port])
			err = program_port_set(p, port, p->config.ports.ifindex[port]);
	return err;
}

void program_close(struct program *p)
{
	if (p->arena)
		arena_unmap(p->arena, p->config.arena_bytes);
	fastpath_bpf__destroy(p->skeleton);
	*p = (struct program){.fd = -1};
}

int program_map_fd(const struct program *p, enum program_map map)
{
	return bpf_map__fd(p->maps[map]);
}
