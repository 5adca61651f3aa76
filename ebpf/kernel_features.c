/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries each feature with the smallest program or map that needs it. Called by program.c. Control
 * thread.
 */
#include "kernel_features.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

/* In the headers of kernels from 5.18 on. */
#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5)
#endif

enum { VALUE_BYTES_MAX = 1 << 29 };

struct feature {
	const char *name;
	const char *since;
	int (*probe)(void); /* 0, or -errno */
};

static int close_if_open(int fd)
{
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int probe_program(uint32_t flags)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = flags);
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return close_if_open(
		bpf_prog_load(BPF_PROG_TYPE_XDP, "sluice_probe", "Dual BSD/GPL", pass, 2, &opts));
}

static int probe_xdp(void)
{
	return probe_program(0);
}

static int probe_devmap(void)
{
	return close_if_open(bpf_map_create(BPF_MAP_TYPE_DEVMAP, "sluice_probe", 4, 4, 1, NULL));
}

static int probe_mmap(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	return close_if_open(bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_probe", 4, 8, 1, &opts));
}

/* This is also newer than bpf_link for XDP (5.9), which can't be tried without an interface. */
static int probe_batch(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "sluice_probe", 4, 8, 1, NULL);
	uint32_t out = 0, key = 0, n = 1;
	int cpus = libbpf_num_possible_cpus(), err;

	if (fd < 0)
		return -errno;
	if (cpus < 1) {
		err = cpus;
	} else {
		uint64_t *values = calloc((size_t)cpus, sizeof(*values));

		err = values ? bpf_map_lookup_batch(fd, NULL, &out, &key, values, &n, NULL)
			     : -ENOMEM;
		free(values);
	}
	close(fd);
	return err == -ENOENT ? 0 : err; /* the end of the map */
}

/* Flows are remembered in such a map, and the daemon takes out expired ones. */
static int probe_lru(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "sluice_probe", 8, 8, 16, NULL);
	uint64_t key = 1, value = 2;
	int err;

	if (fd < 0)
		return -errno;
	err = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
	if (!err)
		err = bpf_map_lookup_and_delete_elem(fd, &key, &value);
	close(fd);
	return err;
}

static const struct feature features[] = {
	{"XDP programs", "4.8", probe_xdp},
	{"maps of devices (BPF_MAP_TYPE_DEVMAP)", "4.14", probe_devmap},
	{"arrays that can be mapped into memory (BPF_F_MMAPABLE)", "5.5", probe_mmap},
	{"batched look-ups of per-CPU arrays", "5.13", probe_batch},
	{"LRU hash maps with look-up and deletion in one", "5.14", probe_lru},
};

int features_check(char error[FAST_PATH_ERROR_MAX])
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		int err = features[i].probe();

		if (err == -EPERM)
			return report_error(
				error, err,
				"not allowed to use BPF: run as root, or with "
				"CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_SYS_ADMIN");
		if (err == -ENOMEM)
			return report_error(error, err, "no memory for BPF (%s)", features[i].name);
		if (err)
			return report_error(error, -ENOTSUP, "kernel has no %s; needs %s (%s)",
					    features[i].name, features[i].since, strerror(-err));
	}
	return 0;
}

bool features_have_values(uint64_t bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	/* The verifier follows no offset beyond this (BPF_MAX_VAR_OFF). */
	if (bytes > VALUE_BYTES_MAX)
		return false;
	return close_if_open(bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_probe", 4, (uint32_t)bytes,
					    1, &opts)) == 0;
}

bool features_have_frags(void)
{
	return probe_program(BPF_F_XDP_HAS_FRAGS) == 0;
}
