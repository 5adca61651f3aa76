/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a config file is made of: the tables of its keys, and what they are read into. The tables
 * are the one list of keys; a test holds docs/config.md and conf/sluice.conf against them.
 * Used by config*.c, on the control thread.
 */
#ifndef SLUICE_CONFIG_FORM_H
#define SLUICE_CONFIG_FORM_H

#include "config_value.h"
#include "model.h"

enum config_idle {
	CONFIG_IDLE_BUSY,
	CONFIG_IDLE_ADAPTIVE,
};

struct config_form {
	struct settings settings;
	enum config_idle idle;
	/* Services without a fault of their own, each with its number in the file. */
	struct service_conf **services;
	uint32_t *numbers;
	uint32_t services_n;
	uint32_t services_faults_n; /* of the others */
};

/* Of the file itself; fills a struct config_form. */
extern const struct config_key config_root_keys[];

/* Fills a struct service_conf. */
extern const struct config_key config_service_keys[];

/* Fills a struct backend_conf. */
extern const struct config_key config_backend_keys[];

/* A service's "health", which fills a struct health_conf, and a backend's (health_override). */
extern const struct config_key config_health_keys[];
extern const struct config_key config_health_override_keys[];
config_read_fn config_read_health;
config_json_fn config_health_json, config_override_json;

/* Takes out of a service's "health" what means nothing to checks of that type ("tcp"). */
void config_health_retype(json_t *health, const char *type);

/* Fill a struct config_form. */
extern const struct config_key config_http_keys[];
extern const struct config_key config_log_keys[];

/* What holds for a key that the file doesn't have. */
void config_settings_default(struct settings *settings);

/* What one setting demands of another; for settings that are right in themselves. */
void config_settings_check(struct config_reader *r, const config_setting_t *root,
			   const struct config_form *form);

/* The settings that follow from what was read; and back: what a file says to get such settings. */
void config_settings_complete(struct config_form *form);
void config_settings_form(const struct settings *settings, struct config_form *form);

/* The list "services": `out` is the struct config_form. */
config_read_fn config_read_services;
void config_services_free(struct config_form *form);

/* One of them: a group, or the root of a file that is one. NULL, or incomplete: with faults. */
struct service_conf *config_service_read(struct config_reader *r, const config_setting_t *s);

/* Services that go on from `prior`, and leave their slots open, keep as many as they have. */
void config_services_keep_slots(struct config_form *form, const struct model *prior);

/* A model of what was read, or NULL with the faults reported. */
struct model *config_services_build(struct config_reader *r, const config_setting_t *root,
				    const struct config_form *form);

#endif
