/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From settings and fast path to a confinement.
 */
#include "daemon_confine.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"

static bool uses_bpf(const struct settings *settings, const struct path *path)
{
	static const char af_xdp[] = "net_af_xdp";

	for (uint32_t i = 0; i < settings->ports_n; i++)
		if (strncmp(settings->ports[i].device, af_xdp, strlen(af_xdp)) == 0)
			return true;
	return strcmp(path->module->name, "xdp") == 0 || strstr(settings->eal_args, af_xdp);
}

bool daemon_confine_begin(const struct settings *settings, const char *config_path)
{
	const struct confinement what = {.user = settings->user};
	char error[CONFINE_ERROR_MAX];
	struct stat file;

	if (stat(config_path, &file) == 0)
		confine_join(file.st_gid);
	if (confine_check(&what, error) == 0)
		return true;
	log_error("%s", error);
	return false;
}

bool daemon_confine(const struct settings *settings, const struct path *path,
		    const char *config_path)
{
	const struct confinement what = {
		.user = settings->user,
		.bpf = uses_bpf(settings, path),
	};
	char error[CONFINE_ERROR_MAX];

	if (confine(&what, error) < 0) {
		log_error("%s", error);
		return false;
	}
	if (access(config_path, R_OK) < 0)
		log_warning("security: %s can't be read any more, so not be loaded anew: give it to "
			    "the group of the user %s (chgrp, chmod 640)",
			    config_path, settings->user[0] ? settings->user : "root");
	return true;
}
