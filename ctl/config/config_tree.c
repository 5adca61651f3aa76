/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From JSON to libconfig's settings, and by the tables into services and backends. Control thread.
 */
#include "config_tree.h"

#include <string.h>

#include "config_form.h"
#include "config_json.h"

enum {
	/* No group has so many. libconfig compares the name of each with all before it: 80,000 of
	 * them, which are a request's worth, would take minutes. */
	KEYS_MAX = 100,
};

/* ---- JSON as settings ---- */

static int setting_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return CONFIG_TYPE_GROUP;
	case JSON_ARRAY:
		return CONFIG_TYPE_LIST;
	case JSON_STRING:
		return CONFIG_TYPE_STRING;
	case JSON_INTEGER:
		return CONFIG_TYPE_INT64;
	case JSON_REAL:
		return CONFIG_TYPE_FLOAT;
	case JSON_TRUE:
	case JSON_FALSE:
		return CONFIG_TYPE_BOOL;
	case JSON_NULL:
		break;
	}
	return CONFIG_TYPE_NONE;
}

static void value_fill(struct config_reader *r, config_setting_t *s, const json_t *value);

/* A member of a group, or (name NULL) an element of a list. */
static void value_add(struct config_reader *r, config_setting_t *parent, const char *name,
		      const json_t *value)
{
	config_setting_t *s;

	if (json_is_null(value))
		return;
	s = config_setting_add(parent, name, setting_type(value));
	if (s)
		value_fill(r, s, value);
	else /* a name that no file can have, for there is memory */
		config_fault(r, parent, NULL, "unknown key \"%.64s\"", name ? name : "");
}

static void value_fill(struct config_reader *r, config_setting_t *s, const json_t *value)
{
	const char *name;
	json_t *member;
	size_t i;

	if (json_object_size(value) > KEYS_MAX) {
		config_fault(r, s, NULL, "has %zu keys, and no group takes more than %d",
			     json_object_size(value), KEYS_MAX);
		return;
	}
	json_object_foreach ((json_t *)value, name, member)
		value_add(r, s, name, member);
	json_array_foreach ((json_t *)value, i, member)
		value_add(r, s, NULL, member);
	if (json_is_string(value))
		config_setting_set_string(s, json_string_value(value));
	else if (json_is_integer(value))
		config_setting_set_int64(s, json_integer_value(value));
	else if (json_is_real(value))
		config_setting_set_float(s, json_real_value(value));
	else if (json_is_boolean(value))
		config_setting_set_bool(s, json_is_true(value));
}

/* ---- settings as what they are of ---- */

/* Reads the root of what the tree was made into. */
typedef void tree_read_fn(struct config_reader *r, const config_setting_t *root, void *out);

/* False: faults are in `error`. */
static bool tree_read(const json_t *tree, tree_read_fn *read, void *out,
		      char error[CONFIG_ERROR_MAX])
{
	struct config_report report = {.text = error};
	struct config_reader r = {.report = &report};
	config_t config;

	config_init(&config);
	if (tree)
		value_fill(&r, config_root_setting(&config), tree);
	else
		config_report_add(&report, NULL, 0, "", "out of memory");
	if (report.faults_n == 0)
		read(&r, config_root_setting(&config), out);
	config_destroy(&config);
	config_report_finish(&report);
	return report.faults_n == 0;
}

static void service_read(struct config_reader *r, const config_setting_t *root, void *out)
{
	*(struct service_conf **)out = config_service_read(r, root);
}

static void backend_read(struct config_reader *r, const config_setting_t *root, void *out)
{
	struct config_key group = {.keys = config_backend_keys};
	struct backend_conf *backend = out;

	backend->weight = MODEL_WEIGHT_DEFAULT;
	config_read_group(r, root, &group, backend);
}

struct service_conf *config_service_parse(const json_t *tree, char error[CONFIG_ERROR_MAX])
{
	struct service_conf *service = NULL;

	if (tree_read(tree, service_read, &service, error))
		return service;
	service_conf_unref(service);
	return NULL;
}

bool config_backend_parse(const json_t *tree, struct backend_conf *out,
			  char error[CONFIG_ERROR_MAX])
{
	memset(out, 0, sizeof(*out)); /* padding too: they are compared so */
	return tree_read(tree, backend_read, out, error);
}

/* ---- changes ---- */

/* `tree` with other values. */
static void merge(json_t *tree, const json_t *keys)
{
	const char *key, *type;
	json_t *value;

	json_object_foreach ((json_t *)keys, key, value) {
		json_t *was = json_object_get(tree, key);

		if (json_is_null(value)) {
			json_object_del(tree, key);
		} else if (json_is_object(value) && json_is_object(was)) {
			type = json_string_value(json_object_get(value, "type"));
			if (type)
				config_health_retype(was, type);
			merge(was, value);
		} else {
			json_object_set(tree, key, value);
		}
	}
}

struct service_conf *config_service_change(const struct service_conf *was, const json_t *keys,
					   char error[CONFIG_ERROR_MAX])
{
	json_t *tree = config_json_service(was);
	struct service_conf *service;

	json_object_del(tree, "backends");
	merge(tree, keys);
	service = config_service_parse(tree, error);
	json_decref(tree);
	if (service && !json_object_get(keys, "slots"))
		service->slots_chosen = was->slots_chosen;
	return service;
}

bool config_backend_change(const struct backend_conf *was, const json_t *keys,
			   struct backend_conf *out, char error[CONFIG_ERROR_MAX])
{
	json_t *tree = config_json_backend(was);
	bool done;

	merge(tree, keys);
	done = config_backend_parse(tree, out, error);
	json_decref(tree);
	return done;
}
