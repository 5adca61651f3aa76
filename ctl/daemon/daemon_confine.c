/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From settings and fast path to a confinement.
 */
#include "daemon_confine.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"
#include "state_folder.h"

static bool uses_bpf(const struct settings *settings, const struct path *path)
{
	static const char af_xdp[] = "net_af_xdp";

	for (uint32_t i = 0; i < settings->ports_n; i++)
		if (strncmp(settings->ports[i].device, af_xdp, strlen(af_xdp)) == 0)
			return true;
	return strcmp(path->module->name, "xdp") == 0 || strstr(settings->eal_args, af_xdp);
}

/* What is in it names programs to run: only the daemon may write there. */
static void state_take(const struct settings *settings)
{
	char done[STATE_FOLDER_ERROR_MAX];
	int err = state_folder_take(settings->state_path, settings->user, done);

	if (err == -ELOOP)
		log_error(
			"security: control.state: the folder of %s is a symbolic link, and none is "
			"followed: run-time changes are not kept; give the folder itself",
			settings->state_path);
	else if (err)
		log_warning("security: control.state: the folder of %s: %s", settings->state_path,
			    strerror(-err));
	else if (done[0])
		log_warning("security: %s", done);
}

bool daemon_confine_begin(const struct settings *settings, const char *config_path)
{
	const struct confinement what = {.user = settings->user};
	char error[CONFINE_ERROR_MAX];
	struct stat file;

	if (stat(config_path, &file) == 0)
		confine_join(file.st_gid);
	if (geteuid() == 0 && settings->state_path[0])
		state_take(settings);
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
		log_warning(
			"security: %s can't be read any more, so not be loaded anew: give it to "
			"the group of the user %s (chgrp, chmod 640)",
			config_path, settings->user[0] ? settings->user : "root");
	return true;
}

bool daemon_confine_checks(const struct settings *settings)
{
	const struct confinement what = {.who = "checks: ", .user = settings->user};
	char error[CONFINE_ERROR_MAX];

	if (confine(&what, error) >= 0)
		return true;
	log_error("%s", error);
	return false;
}
