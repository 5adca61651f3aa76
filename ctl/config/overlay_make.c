/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What run-time changes have made of the file's services. Control thread.
 */
#include "overlay.h"

#include <string.h>

#include "config_json.h"

/* [{"key": ..., "base": ..., "now": ...}], all but the backends. Takes the trees over. */
static json_t *keys_make(json_t *base, json_t *now)
{
	json_t *keys = json_array(), *both = json_copy(base), *value;
	const char *key;

	json_object_update(both, now);
	json_object_foreach (both, key, value) {
		json_t *was = json_object_get(base, key), *is = json_object_get(now, key), *one;

		if (strcmp(key, "backends") == 0 || json_equal(was, is))
			continue;
		one = json_pack("{s:s}", "key", key);
		if (was)
			json_object_set(one, "base", was);
		if (is)
			json_object_set(one, "now", is);
		json_array_append_new(keys, one);
	}
	json_decref(both);
	json_decref(base);
	json_decref(now);
	return keys;
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
		return json_pack("{s:s, s:o}", "name", now->name, "keys", keys);
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
	json_t *keys = keys_make(config_json_service(base), config_json_service(now));
	json_t *backends = json_array(), *change = NULL;

	for (uint32_t i = 0; i < now->backends_n; i++)
		put(backends,
		    backend_make(service_conf_find_at(base, now->backends[i].name, i),
				 &now->backends[i]));
	for (uint32_t i = 0; i < base->backends_n; i++)
		if (!service_conf_find_at(now, base->backends[i].name, i))
			put(backends, backend_make(&base->backends[i], NULL));
	if (json_array_size(keys) + json_array_size(backends) > 0)
		change = json_pack("{s:s, s:O, s:O}", "name", now->name, "keys", keys, "backends",
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
		base = model_find(file, s->name);
		if (!base)
			put(list, json_pack("{s:s, s:o, s:b}", "name", s->name, "now",
					    config_json_service(s), "slots_chosen",
					    s->slots_chosen));
		else if (base != s)
			put(list, service_make(base, s));
	}
	for (uint32_t i = 0; list && i < file->services_n; i++)
		if (!(i < now->services_n && now->services[i] == file->services[i]) &&
		    !model_find(now, file->services[i]->name))
			put(list, json_pack("{s:s, s:o, s:n}", "name", file->services[i]->name,
					    "base", config_json_service(file->services[i]),
					    "now"));
	return list;
}
