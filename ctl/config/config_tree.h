/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services and backends of trees such as config_json.h makes, or a client sends: read by the tables
 * that a file is read by. `error` is as config_load()'s, without file and line: "health.fall: 0 is
 * not in 1-100". Control thread.
 */
#ifndef SLUICE_CONFIG_TREE_H
#define SLUICE_CONFIG_TREE_H

#include <jansson.h>

#include "config.h"

/* NULL: `error`. A null in a tree is as good as nothing. */
struct service_conf *config_service_parse(const json_t *tree, char error[CONFIG_ERROR_MAX]);
bool config_backend_parse(const json_t *tree, struct backend_conf *out,
			  char error[CONFIG_ERROR_MAX]);

/*
 * The same as before but for some keys; null: a key's default. Of a group ("health") the keys that
 * aren't given stay, too; with another type of check those go that mean nothing to it. A service
 * comes without its backends.
 */
struct service_conf *config_service_change(const struct service_conf *was, const json_t *keys,
					   char error[CONFIG_ERROR_MAX]);
bool config_backend_change(const struct backend_conf *was, const json_t *keys,
			   struct backend_conf *out, char error[CONFIG_ERROR_MAX]);

#endif
