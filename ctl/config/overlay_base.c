/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares what a file says with what it said. Control thread.
 */
#include "overlay_base.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config_json.h"
#include "config_tree.h"

bool overlay_by_key(const json_t *was, const json_t *is)
{
	if (json_is_object(was) && json_is_object(is))
		return true;
	if (was && is)
		return false;
	/* A service's check has a type, what a backend has of its own hasn't. */
	return json_is_object(was ? was : is) && !json_object_get(was ? was : is, "type");
}

/* ---- paths ---- */

/* The object that a path's last key stands in (NULL: there is none), and that key. */
static json_t *parent_of(const json_t *tree, const char *path, const char **key)
{
	const char *dot = strchr(path, '.');

	*key = dot ? dot + 1 : path;
	return dot ? json_object_getn(tree, path, (size_t)(dot - path)) : (json_t *)tree;
}

json_t *overlay_get(const json_t *tree, const char *path)
{
	const char *key;
	const json_t *parent = parent_of(tree, path, &key);

	return json_object_get(parent, key);
}

void overlay_set(json_t *tree, const char *path, json_t *value)
{
	const char *key;
	json_t *parent = parent_of(tree, path, &key);

	if (!value) {
		if (parent)
			json_object_del(parent, key);
		return;
	}
	if (!parent) {
		json_t *group = json_object();

		json_object_set(group, key, value);
		json_object_setn_new(tree, path, (size_t)(key - 1 - path), group);
		return;
	}
	json_object_set(parent, key, value);
}

/* ---- keys ---- */

/* As today's parser has it, a new reference; NULL: it can't be read. */
static json_t *read_again(const json_t *tree, enum overlay_kind kind)
{
	char *error = malloc(CONFIG_ERROR_MAX);
	struct service_conf *service = NULL;
	struct backend_conf backend;
	json_t *again = NULL;

	if (error && kind == OVERLAY_SERVICE)
		service = config_service_parse(tree, error);
	if (service)
		again = config_json_service(service);
	else if (error && kind == OVERLAY_BACKEND && config_backend_parse(tree, &backend, error))
		again = config_json_backend(&backend);
	service_conf_unref(service);
	free(error);
	return again;
}

/* A service's tree has its backends still. */
static bool slots_are_open(const json_t *tree)
{
	char *error = malloc(CONFIG_ERROR_MAX);
	struct service_conf *s = error ? config_service_parse(tree, error) : NULL;
	bool open = s && s->slots == service_conf_slots_fit(s);

	service_conf_unref(s);
	free(error);
	return open;
}

bool overlay_key_holds(const json_t *tree, enum overlay_kind kind, const char *path, json_t *base)
{
	json_t *says = overlay_get(tree, path), *without, *copy, *again, *was;
	bool holds;

	if (json_equal(says, base) || (!says && !base))
		return true;
	if (kind == OVERLAY_SERVICE && strcmp(path, "slots") == 0 && slots_are_open(tree))
		return true;
	/* Without the backends, which may be thousands. */
	without = json_copy((json_t *)tree);
	json_object_del(without, "backends");
	copy = json_deep_copy(without);
	overlay_set(copy, path, base);
	again = read_again(copy, kind);
	was = overlay_get(again, path);
	holds = again && (says && was ? json_equal(was, says) : !says && !was);
	json_decref(again);
	json_decref(copy);
	json_decref(without);
	return holds;
}

/* ---- wholes ---- */

/* What both are called is left out. */
static bool backends_equal(const struct backend_conf *a, const struct backend_conf *b)
{
	struct backend_conf named = *a;

	memcpy(named.name, b->name, sizeof(named.name));
	return memcmp(&named, b, sizeof(named)) == 0;
}

/* The order of backends counts for nothing. */
static bool services_equal(const struct service_conf *a, const struct service_conf *b)
{
	size_t from = offsetof(struct service_conf, name) + sizeof(a->name);

	if (memcmp((const char *)a + from, (const char *)b + from,
		   offsetof(struct service_conf, backends) - from) != 0)
		return false;
	for (uint32_t i = 0; i < a->backends_n; i++) {
		const struct backend_conf *other =
			service_conf_find_addr(b, &a->backends[i].addr, i);

		if (!other || !backends_equal(&a->backends[i], other))
			return false;
	}
	return true;
}

bool overlay_service_holds(const struct service_conf *s, const json_t *base)
{
	char *error = malloc(CONFIG_ERROR_MAX);
	struct service_conf *was = error ? config_service_parse(base, error) : NULL;
	bool holds = false;

	if (was) {
		if (was->slots == 0 || s->slots_chosen)
			was->slots = s->slots;
		was->slots_chosen = s->slots_chosen;
		holds = services_equal(s, was);
	}
	service_conf_unref(was);
	free(error);
	return holds;
}

bool overlay_backend_holds(const json_t *tree, const json_t *base)
{
	char *error = malloc(CONFIG_ERROR_MAX);
	struct backend_conf is, was;
	bool holds = error && config_backend_parse(tree, &is, error) &&
		     config_backend_parse(base, &was, error) && backends_equal(&is, &was);

	free(error);
	return holds;
}
