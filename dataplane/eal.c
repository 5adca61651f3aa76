/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's environment: its arguments from ours, its start and end. Control thread.
 */
#include "eal.h"
#include "cores.h"
#include "eal_log.h"
#include "error.h"
#include "hugepages.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_pci.h>

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ARGS_MAX = 128,
	ARGS_TEXT_MAX = CORES_TEXT_MAX + 8192,
};

/* What rte_eal_init() gets; it keeps pointers into it. */
struct args {
	char *argv[ARGS_MAX + 1];
	int n;
	size_t text_bytes;
	bool full;
	char text[ARGS_TEXT_MAX];
};

static struct {
	bool used; /* DPDK can be initialised once in a process's life */
	cpu_set_t allowed;
	struct args args;
} state;

__attribute__((format(printf, 2, 3))) static void args_add(struct args *a, const char *format, ...)
{
	size_t room = sizeof(a->text) - a->text_bytes;
	char *at = a->text + a->text_bytes;
	va_list list;
	int bytes;

	va_start(list, format);
	bytes = vsnprintf(at, room, format, list);
	va_end(list);
	if (a->n == ARGS_MAX || bytes < 0 || (size_t)bytes >= room) {
		a->full = true;
		return;
	}
	a->argv[a->n++] = at;
	a->text_bytes += (size_t)bytes + 1;
}

/* Words between white space: no quotes, EAL's arguments need none. */
static void args_add_words(struct args *a, const char *words)
{
	while (*words) {
		size_t bytes = strcspn(words, " \t\n");

		if (bytes > 0)
			args_add(a, "%.*s", (int)bytes, words);
		words += bytes;
		words += strspn(words, " \t\n");
	}
}

bool eal_device_is_pci(const char *device)
{
	struct rte_pci_addr addr;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(device, ","), device);
	return rte_pci_addr_parse(name, &addr) == 0;
}

static int hugepages_choose(const struct fast_path_config *config, size_t need_bytes,
			    bool *hugepages, char *error)
{
	struct hugepages have = hugepages_read();
	char line[160];

	*hugepages = false;
	if (config->hugepages == FAST_PATH_HUGEPAGES_OFF)
		return 0;
	if (config->hugepages == FAST_PATH_HUGEPAGES_ON) {
		if (have.free_bytes == 0)
			return error_set(error, -ENOTSUP,
					 "hugepages = \"on\", but none is free: reserve some with "
					 "\"sysctl vm.nr_hugepages=512\", or set \"auto\"");
		*hugepages = true;
		return 0;
	}
	*hugepages = have.free_bytes >= need_bytes;
	if (have.free_bytes > 0 && !*hugepages) {
		snprintf(line, sizeof(line),
			 "hugepages: %zu MB are free, buffers need %zu MB: going without",
			 (size_t)(have.free_bytes >> 20), need_bytes >> 20);
		config->log(FAST_PATH_LOG_WARNING, line);
	}
	return 0;
}

static void args_add_memory(struct args *a, const struct fast_path_config *config, bool hugepages)
{
	if (hugepages) {
		/* No file is left behind, and no mount is needed. One file per list of pages,
		 * or virtio-user has too many to tell its peer of. */
		args_add(a, "--in-memory");
		args_add(a, "--single-file-segments");
		return;
	}
	args_add(a, "--no-huge");
	args_add(a, "--no-shconf");
	if (config->memory_mb > 0) {
		args_add(a, "-m");
		args_add(a, "%u", config->memory_mb);
	}
}

static bool args_add_device(struct args *a, const char *device, size_t bytes)
{
	if (!eal_device_is_pci(device))
		return false;
	args_add(a, "-a");
	args_add(a, "%.*s", (int)bytes, device);
	return true;
}

/* The members of a bond (net_bonding0,slave=0000:01:00.0), which EAL has to find, too. */
static bool args_add_members(struct args *a, const char *device)
{
	static const char key[] = ",slave=";
	bool any = false;

	for (const char *at = strstr(device, key); at; at = strstr(at, key)) {
		at += strlen(key);
		any |= args_add_device(a, at, strcspn(at, ","));
	}
	return any;
}

static void args_add_pci(struct args *a, const struct fast_path_config *config)
{
	bool any = false;

	for (uint32_t i = 0; i < config->ports_n; i++) {
		const char *device = config->ports[i].device;

		any |= args_add_device(a, device, strlen(device));
		any |= args_add_members(a, device);
	}
	if (!any)
		args_add(a, "--no-pci");
}

static int args_make(struct args *a, const struct fast_path_config *config, bool hugepages,
		     char *error)
{
	char lcores[CORES_TEXT_MAX];
	int ret = cores_map(config->cores, config->cores_n, &state.allowed, lcores, error);

	if (ret < 0)
		return ret;
	args_add(a, "sluice");
	args_add(a, "--lcores=%s", lcores);
	args_add(a, "--main-lcore=0");
	args_add(a, "--file-prefix=sluice-%d", (int)getpid());
	args_add(a, "--no-telemetry");
	args_add_memory(a, config, hugepages);
	args_add_pci(a, config);
	if (config->eal_args)
		args_add_words(a, config->eal_args);
	a->argv[a->n] = NULL;
	if (a->full)
		return error_set(error, -EINVAL, "eal_args: too many or too long");
	return 0;
}

/* rte_eal_init(), with all signals blocked in the threads that it makes, but the daemon's own. */
static int init_without_signals(struct args *a)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	sigdelset(&all, FAST_PATH_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	ret = rte_eal_init(a->n, a->argv);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

/* DPDK makes it whether it needs it or not, and leaves it behind. */
static void runtime_dir_remove(void)
{
	const char *dir = rte_eal_get_runtime_dir();

	if (dir[0] == '/')
		(void)rmdir(dir); /* unless another has put something there */
}

int eal_start(const struct fast_path_config *config, size_t need_bytes, bool *hugepages,
	      char *error)
{
	int ret;

	if (state.used)
		return error_set(error, -EBUSY,
				 "DPDK has run in this process already: start a new one");
	if (sched_getaffinity(0, sizeof(state.allowed), &state.allowed) < 0)
		return error_set(error, -errno, "sched_getaffinity: %s", strerror(errno));
	ret = hugepages_choose(config, need_bytes, hugepages, error);
	if (ret < 0)
		return ret;
	state.args = (struct args){0};
	ret = args_make(&state.args, config, *hugepages, error);
	if (ret < 0)
		return ret;
	ret = eal_log_start(config->log);
	if (ret < 0)
		return error_set(error, ret, "DPDK's log: %s", strerror(-ret));
	state.used = true;
	if (init_without_signals(&state.args) >= 0)
		return 0;
	error_set(error, -ENOTSUP, "DPDK doesn't start: %s (%s)%s", eal_log_first_error(),
		  rte_strerror(rte_errno),
		  config->eal_args && config->eal_args[0] ? "; is eal_args right?" : "");
	sched_setaffinity(0, sizeof(state.allowed), &state.allowed);
	eal_log_stop();
	runtime_dir_remove();
	return -ENOTSUP;
}

void eal_stop(void)
{
	rte_eal_cleanup();
	runtime_dir_remove();
	sched_setaffinity(0, sizeof(state.allowed), &state.allowed);
	eal_log_stop();
}

unsigned int eal_worker_lcore(uint32_t worker)
{
	return worker + 1;
}
