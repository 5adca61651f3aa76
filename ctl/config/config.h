/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config file (docs/config.md): libconfig's syntax, read whole and judged whole. Called by
 * main and at a reload, on the control thread.
 */
#ifndef SLUICE_CONFIG_H
#define SLUICE_CONFIG_H

#include "model.h"

enum {
	CONFIG_FAULTS_MAX = 20, /* told one by one; of more only the number */
	CONFIG_FAULT_MAX = 800, /* of one line */
	CONFIG_ERROR_MAX = CONFIG_FAULTS_MAX * CONFIG_FAULT_MAX + 64,
};

/*
 * The model that the file at `path` asks for. NULL: the file is refused, and `error` says why:
 * a line for each fault, joined by newlines, none at the end, such as
 * "sluice.conf:12: services[0].port: 70000 is not in 1-65535" (path as given; a fault in an
 * included file has that file's name and line). Nothing is kept of the file. `error` is not
 * touched on success.
 */
struct model *config_load(const char *path, char error[CONFIG_ERROR_MAX]);

/*
 * The same for who runs `prior`: a service that goes on keeps its number of slots if the file
 * leaves that open, and what is the same as in `prior` is shared with it (model_share()).
 */
struct model *config_reload(const char *path, const struct model *prior,
			    char error[CONFIG_ERROR_MAX]);

/* Whether the file at `path` includes others, as far as it can be read. */
bool config_has_includes(const char *path);

#endif
