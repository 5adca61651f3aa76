/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds, loads and starts a fast path (include/sluice/module.h). Control thread.
 */
#ifndef SLUICE_PATH_PATH_H
#define SLUICE_PATH_PATH_H

#include "model.h"
#include "sluice/module.h"

enum {
	PATH_WHY_MAX = 2 * FAST_PATH_ERROR_MAX,
};

struct path {
	const struct fast_path *module;
	struct fast_path_started started;
	uint32_t ports_n;
	char why[PATH_WHY_MAX]; /* the choice, for people: "mode is dpdk" */
	struct fast_path_port_info ports[FAST_PATH_PORTS_MAX]; /* as they were read last */
	bool read[FAST_PATH_PORTS_MAX];
};

/*
 * Starts the path that settings->mode names; for auto dpdk, and where that can't start, xdp.
 * `module_dirs`: folders of sluice-dpdk.so and sluice-xdp.so, separated by colons. `replace`: xdp
 * may take the place of another program. `settings` must outlive path_stop().
 * Returns 0, or -errno of the last try with `error` saying what failed and what to do.
 */
int path_start(struct path *path, const struct settings *settings, const char *module_dirs,
	       bool replace, char error[PATH_WHY_MAX]);

/*
 * As fast_path.port_read(); where the path can't tell, what it said last. -ENOENT: no such port.
 * Another -errno: it could not tell yet.
 */
int path_port_read(struct path *path, uint32_t port, struct fast_path_port_info *info);

/* As fast_path.ports_changed(), which has counted what ran out. */
int path_ports_follow(struct path *path);

/*
 * fast_path.memory_walk() to its end, without a pause: a third of a second for a million flows on
 * xdp. 0 or -errno.
 */
int path_memory_walk(const struct path *path,
		     void (*each)(void *ctx, uint32_t worker, const struct memory_entry *entry),
		     void *ctx);

/*
 * fast_path.forget() of each path that is installed, whichever settings->mode names: a node may have changed it.
 * 0; or -errno of the first that failed, with `error` saying what and why; -ENOENT: none is installed.
 */
int path_forget(const struct settings *settings, const char *module_dirs, char error[PATH_WHY_MAX]);

/* See fast_path.stop(): what the next process goes on from stays. */
void path_stop(struct path *path);

#endif
