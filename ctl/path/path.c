/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds, loads and starts a fast path. Control thread.
 */
#include "path.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "events.h"
#include "log.h"
#include "shortage.h"

/* The module's file in the first of the folders that has it; -ENOENT: none has. */
static int module_open(const char *name, const char *module_dirs, void **handle,
		       char error[FAST_PATH_ERROR_MAX])
{
	const char *dir = module_dirs;

	while (*dir) {
		size_t bytes = strcspn(dir, ":");
		char file[PATH_MAX];

		snprintf(file, sizeof(file), "%.*s/sluice-%s.so", (int)bytes, dir, name);
		/* A module's libraries (DPDK's drivers) can't be unloaded safely. */
		*handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
		if (*handle)
			return 0;
		snprintf(error, FAST_PATH_ERROR_MAX, "%s", dlerror());
		if (!strstr(error, "cannot open shared object file") || !strstr(error, file))
			return -ELIBACC; /* it is there, but not fit to be loaded */
		dir += bytes + strspn(dir + bytes, ":");
	}
	snprintf(error, FAST_PATH_ERROR_MAX,
		 "no sluice-%s.so in %s: is the package of this fast path installed?", name,
		 module_dirs);
	return -ENOENT;
}

static int module_load(const char *name, const char *module_dirs, const struct fast_path **module,
		       char error[FAST_PATH_ERROR_MAX])
{
	void *handle;
	int err = module_open(name, module_dirs, &handle, error);

	if (err)
		return err;
	*module = dlsym(handle, FAST_PATH_SYMBOL);
	if (!*module || (*module)->abi != FAST_PATH_ABI) {
		snprintf(error, FAST_PATH_ERROR_MAX,
			 "sluice-%s.so is of another version of sluice: install the same one",
			 name);
		return -ELIBBAD;
	}
	return 0;
}

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void config_from(const struct settings *s, bool replace, struct fast_path_config *config)
{
	*config = (struct fast_path_config){
		.ports_n = s->ports_n,
		.cores_n = s->cores_n,
		.arena_bytes = (uint64_t)s->tables_mb * ARENA_CHUNK_BYTES,
		.services_max = s->services_max,
		.backends_max = s->backends_max,
		.flows_max = s->flows_max,
		.idle_max_us = s->idle_max_us,
		.hugepages = s->hugepages,
		.memory_mb = s->memory_mb,
		.eal_args = s->eal_args,
		.attach = s->attach,
		.replace = replace,
		.pin_dir = s->pin_dir,
		.memory_dir = s->memory_dir,
		.log = log_line,
	};
	memcpy(config->cores, s->cores, sizeof(config->cores));
	for (uint32_t i = 0; i < s->ports_n; i++)
		config->ports[i] = (struct fast_path_port){
			.device = text_or_null(s->ports[i].device),
			.tap = text_or_null(s->ports[i].tap),
			.interface = text_or_null(s->ports[i].interface),
			.mtu_bytes = s->ports[i].mtu_bytes,
			.macs = s->ports[i].macs,
			.macs_n = s->ports[i].macs_n,
		};
}

static int try_start(struct path *path, const char *name, const struct settings *settings,
		     const char *module_dirs, bool replace, char error[FAST_PATH_ERROR_MAX])
{
	struct fast_path_config config;
	int err = module_load(name, module_dirs, &path->module, error);

	if (err)
		return err;
	config_from(settings, replace, &config);
	memset(&path->started, 0, sizeof(path->started));
	return path->module->start(&config, &path->started, error);
}

int path_start(struct path *path, const struct settings *settings, const char *module_dirs,
	       bool replace, char error[PATH_WHY_MAX])
{
	char dpdk_error[FAST_PATH_ERROR_MAX], xdp_error[FAST_PATH_ERROR_MAX];
	const char *name = settings->mode == PATH_XDP ? "xdp" : "dpdk";
	int err;

	path->ports_n = settings->ports_n;
	memset(path->read, 0, sizeof(path->read));
	err = try_start(path, name, settings, module_dirs, replace, dpdk_error);
	if (!err) {
		snprintf(path->why, sizeof(path->why), "mode is %s",
			 settings->mode == PATH_AUTO ? "auto, and dpdk could start" : name);
	} else if (settings->mode != PATH_AUTO) {
		snprintf(error, PATH_WHY_MAX, "%s: %.*s", name, PATH_WHY_MAX - 8, dpdk_error);
		return err;
	} else {
		err = try_start(path, "xdp", settings, module_dirs, replace, xdp_error);
		if (err) {
			snprintf(error, PATH_WHY_MAX, "dpdk: %.500s; xdp: %.500s", dpdk_error,
				 xdp_error);
			return err;
		}
		snprintf(path->why, sizeof(path->why), "mode is auto, and dpdk could not start: %s",
			 dpdk_error);
	}
	events_add(EVENT_DAEMON, "daemon", NULL, NULL, "fast path: %s (%s): %s", path->module->name,
		   path->why, path->started.description);
	return 0;
}

int path_forget(const struct settings *settings, const char *module_dirs, char error[PATH_WHY_MAX])
{
	static const char *const names[] = {"xdp", "dpdk"};
	char why[FAST_PATH_ERROR_MAX];
	bool found = false;
	int first = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct fast_path_config config;
		const struct fast_path *module;
		int err = module_load(names[i], module_dirs, &module, why);

		if (err == -ENOENT)
			continue;
		found = true;
		config_from(settings, false, &config);
		if (!err)
			err = module->forget(&config, why);
		if (err && !first) {
			first = err;
			snprintf(error, PATH_WHY_MAX, "%s: %.*s", names[i], PATH_WHY_MAX - 8, why);
		}
	}
	if (found)
		return first;
	snprintf(error, PATH_WHY_MAX, "no fast path is installed in %s", module_dirs);
	return -ENOENT;
}

int path_port_read(struct path *path, uint32_t port, struct fast_path_port_info *info)
{
	int err;

	if (port >= path->ports_n || port >= FAST_PATH_PORTS_MAX)
		return -ENOENT;
	err = path->module->port_read(port, info);
	if (err) {
		shortage_note(SHORTAGE_PORTS, err);
		if (!path->read[port])
			return err;
		*info = path->ports[port];
		return 0;
	}
	path->ports[port] = *info;
	path->read[port] = true;
	return 0;
}

int path_ports_follow(struct path *path)
{
	int err = path->module->ports_changed();

	shortage_note(SHORTAGE_PORTS, err);
	return err;
}

int path_memory_walk(const struct path *path,
		     void (*each)(void *ctx, uint32_t worker, const struct memory_entry *entry),
		     void *ctx)
{
	struct fast_path_walk walk = {0};
	int rc;

	do
		rc = path->module->memory_walk(&walk, each, ctx);
	while (rc > 0);
	return rc;
}

void path_stop(struct path *path)
{
	path->module->stop(false);
}
