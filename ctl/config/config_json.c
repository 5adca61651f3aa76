/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From structs back to the config file's keys. Called by config_services.c, config_settings.c,
 * model_diff.c and who writes configurations, on the control thread.
 */
#include "config_json.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config_form.h"

/* Little-endian: the lower bytes come first. */
static int64_t integer_load(const struct config_key *key, const void *in)
{
	int64_t value = 0;

	memcpy(&value, in, key->size);
	return value;
}

static json_t *integer_json(const struct config_key *key, const void *in)
{
	return json_integer(integer_load(key, in));
}

static json_t *bool_json(const struct config_key *key, const void *in)
{
	return json_boolean(*(const bool *)in);
}

static json_t *text_json(const struct config_key *key, const void *in)
{
	const char *text = in;

	return *text ? json_string(text) : NULL;
}

static json_t *choice_json(const struct config_key *key, const void *in)
{
	return json_string(key->choices[integer_load(key, in)]);
}

static json_t *addr_json(const struct config_key *key, const void *in)
{
	const struct ip_addr *addr = in;
	char text[IP_TEXT_MAX];

	return addr->family == IP_NONE ? NULL : json_string(ip_format(addr, text));
}

static json_t *prefix_json(const struct config_key *key, const void *in)
{
	const struct ip_prefix *prefix = in;
	char addr[IP_TEXT_MAX], text[IP_TEXT_MAX + sizeof("/128")];

	if (prefix->addr.family == IP_NONE)
		return NULL;
	snprintf(text, sizeof(text), "%s/%u", ip_format(&prefix->addr, addr), prefix->bits);
	return json_string(text);
}

static json_t *group_json(const struct config_key *key, const void *in)
{
	return config_json_group(key->keys, in);
}

json_t *config_json_nothing(const struct config_key *key, const void *in)
{
	return NULL;
}

/* What each way to read a value is undone by. */
static const struct {
	config_read_fn *read;
	config_json_fn *json;
} ways_back[] = {
	{config_read_group, group_json},   {config_read_integer, integer_json},
	{config_read_text, text_json},     {config_read_path, text_json},
	{config_read_ifname, text_json},   {config_read_name, text_json},
	{config_read_choice, choice_json}, {config_read_addr, addr_json},
	{config_read_bool, bool_json},     {config_read_filename, text_json},
	{config_read_source, addr_json},   {config_read_prefix, prefix_json},
};

static json_t *key_json(const struct config_key *key, const void *in)
{
	const void *value = (const char *)in + key->offset;

	if (key->json)
		return key->json(key, value);
	for (size_t i = 0; i < sizeof(ways_back) / sizeof(ways_back[0]); i++)
		if (ways_back[i].read == key->read)
			return ways_back[i].json(key, value);
	return NULL;
}

json_t *config_json_group(const struct config_key *keys, const void *in)
{
	json_t *object = json_object();

	for (; object && keys->name; keys++) {
		json_t *value = key_json(keys, in);

		if (value)
			json_object_set_new(object, keys->name, value);
	}
	return object;
}

json_t *config_json_settings(const struct settings *settings)
{
	struct config_form form;

	config_settings_form(settings, &form);
	return config_json_group(config_root_keys, &form);
}

json_t *config_json_service(const struct service_conf *service)
{
	return config_json_group(config_service_keys, service);
}

json_t *config_json_service_head(const struct service_conf *service)
{
	struct service_conf head = {0};

	memcpy(&head, service, offsetof(struct service_conf, backends));
	head.backends_n = 0;
	return config_json_group(config_service_keys, &head);
}

json_t *config_json_backend(const struct backend_conf *backend)
{
	return config_json_group(config_backend_keys, backend);
}

json_t *config_json_model(const struct model *model)
{
	json_t *root = config_json_settings(&model->settings), *services = json_array();

	for (uint32_t i = 0; services && i < model->services_n; i++)
		json_array_append_new(services, config_json_service(model->services[i]));
	if (root)
		json_object_set_new(root, "services", services);
	else
		json_decref(services);
	return root;
}

static bool is_secret_in(const struct config_key *keys, const char *key)
{
	for (; keys->name; keys++)
		if (keys->secret && strcmp(keys->name, key) == 0)
			return true;
	return false;
}

bool config_json_is_secret(const char *key)
{
	return is_secret_in(config_root_keys, key) || is_secret_in(config_health_keys, key);
}

void config_json_hide(json_t *tree)
{
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach (tree, i, value)
		config_json_hide(value);
	json_object_foreach (tree, key, value) {
		if (!config_json_is_secret(key))
			config_json_hide(value);
		else if (json_is_array(value))
			json_object_set_new(tree, key, json_pack("[s]", CONFIG_HIDDEN));
		else
			json_object_set_new(tree, key, json_string(CONFIG_HIDDEN));
	}
}
