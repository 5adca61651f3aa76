/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force in the terms of the config file: a tree of its keys, as JSON, made by the same
 * tables that the file is read by (config_form.h). Objects stand for groups { }, arrays of objects
 * for lists ( ), other arrays for arrays [ ]. Control thread.
 */
#ifndef SLUICE_CONFIG_JSON_H
#define SLUICE_CONFIG_JSON_H

#include "config_value.h"
#include "model.h"

/*
 * Each returns a new reference with every key that has a value, those at their default too.
 * Without memory a tree lacks something, or is NULL.
 */
json_t *config_json_group(const struct config_key *keys, const void *in);
json_t *config_json_settings(const struct settings *settings); /* all but "services" */
json_t *config_json_service(const struct service_conf *service);
json_t *config_json_service_head(const struct service_conf *service); /* without its backends */
json_t *config_json_backend(const struct backend_conf *backend);
json_t *config_json_model(const struct model *model);

/* Whether a key's value is a secret: the seed, and what checks send, look for, or give to programs. */
bool config_json_is_secret(const char *key);

/* Puts CONFIG_HIDDEN in the place of every secret within `tree`. */
#define CONFIG_HIDDEN "(hidden)"
void config_json_hide(json_t *tree);

/* For a key that somebody else tells of. */
config_json_fn config_json_nothing;

#endif
