/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What run-time changes have made of the file's services. Control thread.
 */
#include "overlay.h"

#include <stdio.h>
#include <string.h>

#include "config_json.h"
#include "overlay_base.h"

/* One key's, if it differs; both may be NULL. */
static void key_add(json_t *keys, const char *path, json_t *was, json_t *is)
{
	json_t *one;

	if (json_equal(was, is))
		return;
	one = json_pack("{s:s}", "key", path);
	if (was)
		json_object_set(one, "base", was);
	if (is)
		json_object_set(one, "now", is);
	json_array_append_new(keys, one);
}

/* Those of a group, key by key: "health.interval_ms". */
static void group_add(json_t *keys, const char *group, json_t *was, json_t *is)
{
	json_t *both = json_object(), *value;
	char path[128];
	const char *key;

	json_object_update(both, was);
	json_object_update(both, is);
	json_object_foreach (both, key, value) {
		snprintf(path, sizeof(path), "%s.%s", group, key);
		key_add(keys, path, json_object_get(was, key), json_object_get(is, key));
	}
	json_decref(both);
}

/* [{"key": ..., "base": ..., "now": ...}], all but the backends. Takes the trees over. */
static json_t *keys_make(json_t *base, json_t *now)
{
	json_t *keys = json_array(), *both = json_copy(base), *value;
	const char *key;

	json_object_update(both, now);
	json_object_foreach (both, key, value) {
		json_t *was = json_object_get(base, key), *is = json_object_get(now, key);

		if (strcmp(key, "backends") == 0)
			continue;
		if (overlay_by_key(was, is))
			group_add(keys, key, was, is);
		else
			key_add(keys, key, was, is);
	}
	json_decref(both);
	json_decref(base);
	json_decref(now);
	return keys;
}

static json_t *addr_text(const struct ip_addr *addr)
{
	char text[IP_TEXT_MAX];

	return json_string(ip_format(addr, text));
}

/* NULL: nothing differs. */
static json_t *backend_make(const struct backend_conf *base, const struct backend_conf *now)
{
	json_t *keys;

	if (!base)
		return json_pack("{s:s, s:o}", "name", now->name, "now", config_json_backend(now));
	if (!now)
		return json_pack("{s:s, s:o, s:n}", "name", base->name, "base",
				 config_json_backend(base), "now");
	if (memcmp(base, now, sizeof(*now)) == 0)
		return NULL;
	keys = keys_make(config_json_backend(base), config_json_backend(now));
	if (json_array_size(keys) > 0)
		return json_pack("{s:s, s:o, s:o}", "name", base->name, "address",
				 addr_text(&base->addr), "keys", keys);
	json_decref(keys);
	return NULL;
}

static void put(json_t *list, json_t *change)
{
	if (change)
		json_array_append_new(list, change);
}

/* NULL: nothing differs. */
static json_t *service_make(const struct service_conf *base, const struct service_conf *now)
{
	json_t *keys = keys_make(config_json_service_head(base), config_json_service_head(now));
	json_t *backends = json_array(), *change = NULL;
	char endpoint[ENDPOINT_TEXT_MAX];

	for (uint32_t i = 0; i < now->backends_n; i++)
		put(backends,
		    backend_make(service_conf_counterpart(now, i, base), &now->backends[i]));
	for (uint32_t i = 0; i < base->backends_n; i++)
		if (!service_conf_counterpart(base, i, now))
			put(backends, backend_make(&base->backends[i], NULL));
	if (json_array_size(keys) + json_array_size(backends) > 0)
		change = json_pack("{s:s, s:s, s:O, s:O}", "name", base->name, "of",
				   endpoint_format(base, endpoint), "keys", keys, "backends",
				   backends);
	json_decref(keys);
	json_decref(backends);
	return change;
}

json_t *overlay_make(const struct model *file, const struct model *now)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < now->services_n; i++) {
		const struct service_conf *s = now->services[i];
		const struct service_conf *base;

		if (i < file->services_n && file->services[i] == s)
			continue;
		base = model_counterpart(now, s, file);
		if (!base)
			put(list,
			    json_pack("{s:s, s:o, s:b}", "name", s->name, "now",
				      config_json_service(s), "slots_chosen", s->slots_chosen));
		else if (base != s)
			put(list, service_make(base, s));
	}
	for (uint32_t i = 0; list && i < file->services_n; i++)
		if (!(i < now->services_n && now->services[i] == file->services[i]) &&
		    !model_counterpart(file, file->services[i], now))
			put(list, json_pack("{s:s, s:o, s:n}", "name", file->services[i]->name,
					    "base", config_json_service(file->services[i]), "now"));
	return list;
}
