/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares of the limit of open files. Any thread.
 */
#include "files.h"

#include <dirent.h>
#include <sys/resource.h>

enum {
	USED_GUESS = 64, /* where they can't be counted */
};

struct files_budget files_share(uint64_t limit, uint64_t used)
{
	uint64_t free_n = limit > used + FILES_RESERVED ? limit - used - FILES_RESERVED : 0;
	uint64_t clients = free_n / 2;
	uint64_t probes;

	if (clients > FILES_CLIENTS_MAX)
		clients = FILES_CLIENTS_MAX;
	probes = free_n - clients;
	if (probes > UINT32_MAX)
		probes = UINT32_MAX;
	return (struct files_budget){
		.limit = limit,
		.used = used,
		.probes = probes < FILES_PROBES_MIN ? FILES_PROBES_MIN : (uint32_t)probes,
		.clients = clients < FILES_CLIENTS_MIN ? FILES_CLIENTS_MIN : (uint32_t)clients,
	};
}

static uint64_t files_used(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t n = 0;

	if (!dir)
		return USED_GUESS;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

struct files_budget files_budget(void)
{
	struct rlimit limit = {.rlim_cur = 1024};

	getrlimit(RLIMIT_NOFILE, &limit);
	return files_share(limit.rlim_cur, files_used());
}
