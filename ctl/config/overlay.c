/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a layer of run-time changes over the file's services: overlay_make.c has the way back.
 * Control thread.
 */
#include "overlay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_form.h"
#include "config_json.h"
#include "config_print.h"
#include "config_tree.h"
#include "overlay_base.h"

/* A model in the making. */
struct layer {
	overlay_lost_fn *lost;
	void *ctx;
	struct service_conf **specs;
	const json_t **changes; /* what specs[i] has of the overlay; NULL: nothing */
	uint32_t n;
	char error[CONFIG_ERROR_MAX];
};

__attribute__((format(printf, 2, 3))) static void lose(const struct layer *l, const char *format,
						       ...)
{
	char text[768];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	l->lost(l->ctx, text);
}

static const char *name_of(const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));

	return name ? name : "";
}

static bool is_removal(const json_t *change)
{
	return json_is_null(json_object_get(change, "now"));
}

/* What a change is applied to. */
struct subject {
	const char *what; /* "service web:", for people */
	enum overlay_kind kind;
	const json_t *file; /* as the file has it */
	json_t *tree;       /* as it is to be */
};

static void key_apply(const struct layer *l, const struct subject *s, const char *path,
		      json_t *base, json_t *now)
{
	json_t *says = overlay_get(s->file, path);
	char *texts[3];

	if (json_equal(says, now) || (!says && !now))
		return;
	if (overlay_key_holds(s->file, s->kind, path, base)) {
		overlay_set(s->tree, path, now);
		return;
	}
	texts[0] = now ? config_print_value(now, true) : NULL;
	texts[1] = base ? config_print_value(base, true) : NULL;
	texts[2] = says ? config_print_value(says, true) : NULL;
	lose(l, "%s %s: %s at run time, over %s in the file, which says %s by now: it holds",
	     s->what, path, texts[0] ? texts[0] : "none", texts[1] ? texts[1] : "none",
	     texts[2] ? texts[2] : "none");
	for (int j = 0; j < 3; j++)
		free(texts[j]);
}

/* A state file of version 1 has a group as one value; what didn't change in it is none of ours. */
static void group_apply(const struct layer *l, const struct subject *s, const char *group,
			json_t *base, json_t *now)
{
	json_t *both = json_object(), *value;
	char path[128];
	const char *key;

	json_object_update(both, base);
	json_object_update(both, now);
	json_object_foreach (both, key, value) {
		json_t *was = json_object_get(base, key), *is = json_object_get(now, key);

		snprintf(path, sizeof(path), "%s.%s", group, key);
		if (!json_equal(was, is))
			key_apply(l, s, path, was, is);
	}
	json_decref(both);
}

/* The keys of one service or backend. */
static void keys_apply(const struct layer *l, const struct subject *s, const json_t *change)
{
	json_t *one, *health;
	const char *type;
	size_t i;

	json_array_foreach (json_object_get(change, "keys"), i, one) {
		const char *key = json_string_value(json_object_get(one, "key"));
		json_t *base = json_object_get(one, "base"), *now = json_object_get(one, "now");

		if (key && overlay_by_key(base, now))
			group_apply(l, s, key, base, now);
		else if (key)
			key_apply(l, s, key, base, now);
	}
	/* Where the file has another type by now, what was changed of the old one means nothing. */
	health = json_object_get(s->tree, "health");
	type = json_string_value(json_object_get(health, "type"));
	if (type && !json_equal(health, json_object_get(s->file, "health")))
		config_health_retype(health, type);
}

/* The address that a backend's change is about, as text; NULL: it doesn't say. */
static const char *address_of(const json_t *change)
{
	static const char *const wholes[] = {"now", "base"};
	const char *address = json_string_value(json_object_get(change, "address"));

	for (int i = 0; !address && i < 2; i++)
		address = json_string_value(
			json_object_get(json_object_get(change, wholes[i]), "address"));
	return address;
}

/* Where the backend of a change stands, by its address, else by its name; -1: nowhere. */
static int backend_find(const json_t *backends, const json_t *change)
{
	const char *address = address_of(change);
	int by_name = -1;
	json_t *backend;
	size_t i;

	json_array_foreach ((json_t *)backends, i, backend) {
		const char *is = json_string_value(json_object_get(backend, "address"));

		if (address && is && strcmp(address, is) == 0)
			return (int)i;
		if (by_name < 0 && strcmp(name_of(backend), name_of(change)) == 0)
			by_name = (int)i;
	}
	return by_name;
}

static void backend_apply(const struct layer *l, json_t *backends, const json_t *change,
			  const char *service)
{
	int at = backend_find(backends, change);
	json_t *says = at < 0 ? NULL : json_array_get(backends, (size_t)at);
	json_t *now = json_object_get(change, "now");
	char what[2 * MODEL_NAME_MAX + 32];

	snprintf(what, sizeof(what), "service %s: backend %s", service,
		 name_of(says ? says : change));
	if (is_removal(change)) {
		if (says && overlay_backend_holds(says, json_object_get(change, "base")))
			json_array_remove(backends, (size_t)at);
		else if (says)
			lose(l,
			     "%s: removed at run time, but the file says another by now: it holds",
			     what);
	} else if (now) {
		if (!says)
			json_array_append(backends, now);
		else if (!overlay_backend_holds(says, now))
			lose(l, "%s: added at run time, but the file has one by now: it holds",
			     what);
	} else if (says) {
		struct subject s = {what, OVERLAY_BACKEND, json_deep_copy(says), says};

		keys_apply(l, &s, change);
		json_decref((json_t *)s.file);
	} else {
		lose(l, "%s: changed at run time, but the file has it no more: it is gone", what);
	}
}

/* The file's service, changed. A new reference; NULL: l->error. */
static struct service_conf *service_change(struct layer *l, struct service_conf *s,
					   const json_t *change)
{
	json_t *tree = config_json_service(s), *file = json_deep_copy(tree), *one;
	json_t *backends = json_object_get(tree, "backends");
	char what[MODEL_NAME_MAX + 16];
	struct subject subject = {what, OVERLAY_SERVICE, file, tree};
	struct service_conf *changed;
	size_t i;

	snprintf(what, sizeof(what), "service %s:", s->name);
	keys_apply(l, &subject, change);
	json_array_foreach (json_object_get(change, "backends"), i, one)
		backend_apply(l, backends, one, s->name);
	changed = config_service_parse(tree, l->error);
	json_decref(tree);
	json_decref(file);
	if (changed && changed->slots == s->slots)
		changed->slots_chosen = s->slots_chosen;
	return changed;
}

static void spec_add(struct layer *l, struct service_conf *s, const json_t *change)
{
	l->changes[l->n] = change;
	l->specs[l->n++] = s;
}

/* A service of the file, with what the overlay has about it. */
static void file_service(struct layer *l, struct service_conf *s, const json_t *change)
{
	struct service_conf *next;
	bool same;

	if (!change) {
		spec_add(l, service_conf_ref(s), NULL);
		return;
	}
	if (is_removal(change) || json_object_get(change, "now")) {
		same = overlay_service_holds(
			s, json_object_get(change, is_removal(change) ? "base" : "now"));
		if (same && is_removal(change))
			return;
		if (!same)
			lose(l,
			     "service %s: %s at run time, but the file says another by now: it "
			     "holds",
			     s->name, is_removal(change) ? "removed" : "added");
		spec_add(l, service_conf_ref(s), NULL);
		return;
	}
	next = service_change(l, s, change);
	if (!next)
		lose(l, "service %s: the changes at run time can't be read: %.400s", s->name,
		     l->error);
	spec_add(l, next ? next : service_conf_ref(s), next ? change : NULL);
}

/* A service that the file doesn't have. */
static void other_service(struct layer *l, const json_t *change)
{
	const json_t *now = json_object_get(change, "now");
	struct service_conf *s;

	if (is_removal(change))
		return;
	if (!now) {
		lose(l, "service %s: changed at run time, but the file has it no more: it is gone",
		     name_of(change));
		return;
	}
	s = config_service_parse(now, l->error);
	if (s)
		s->slots_chosen = json_is_true(json_object_get(change, "slots_chosen"));
	if (s)
		spec_add(l, s, change);
	else
		lose(l, "service %s: added at run time, but it can't be read: %.400s",
		     name_of(change), l->error);
}

static void layer_clear(struct layer *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		service_conf_unref(l->specs[i]);
	l->n = 0;
}

/* An overlay that is looked up: it may be as long as the file. */
struct overlay_index {
	json_t *by_endpoint, *by_name; /* of changes */
	json_t *file;                  /* endpoints of the file's services */
	json_t *used;                  /* names of changes that are about one of those */
};

/* Of the service that a change is about; "": it doesn't say (version 1, where only keys changed). */
static void endpoint_of(const json_t *change, char *error, char endpoint[ENDPOINT_TEXT_MAX])
{
	const char *of = json_string_value(json_object_get(change, "of"));
	const json_t *whole = json_object_get(change, is_removal(change) ? "base" : "now");
	struct service_conf *s = !of && whole ? config_service_parse(whole, error) : NULL;

	snprintf(endpoint, ENDPOINT_TEXT_MAX, "%s", of ? of : "");
	if (s)
		endpoint_format(s, endpoint);
	service_conf_unref(s);
}

static void index_fill(struct layer *l, const struct model *file, const json_t *overlay,
		       struct overlay_index *index)
{
	char endpoint[ENDPOINT_TEXT_MAX];
	json_t *change;
	size_t i;

	*index = (struct overlay_index){json_object(), json_object(), json_object(), json_object()};
	for (uint32_t s = 0; json_array_size(overlay) > 0 && s < file->services_n; s++)
		json_object_set_new(index->file, endpoint_format(file->services[s], endpoint),
				    json_true());
	json_array_foreach ((json_t *)overlay, i, change) {
		endpoint_of(change, l->error, endpoint);
		/* What is about a service of the file is not about another of that name. */
		if (*endpoint && json_object_get(index->file, endpoint))
			json_object_set(index->by_endpoint, endpoint, change);
		else
			json_object_set(index->by_name, name_of(change), change);
	}
}

static void index_free(struct overlay_index *index)
{
	json_decref(index->by_endpoint);
	json_decref(index->by_name);
	json_decref(index->file);
	json_decref(index->used);
}

/* What the overlay has of a service of the file; NULL: nothing. */
static const json_t *change_of(const struct overlay_index *index, const struct service_conf *s)
{
	char endpoint[ENDPOINT_TEXT_MAX];
	const json_t *change = NULL;

	if (json_object_size(index->by_endpoint) > 0)
		change = json_object_get(index->by_endpoint, endpoint_format(s, endpoint));
	if (!change)
		change = json_object_get(index->by_name, s->name);
	if (change)
		json_object_set_new(index->used, name_of(change), json_true());
	return change;
}

static void layer_fill(struct layer *l, const struct model *file, const json_t *overlay)
{
	struct overlay_index index;
	json_t *change;
	size_t i;

	index_fill(l, file, overlay, &index);
	for (uint32_t s = 0; s < file->services_n; s++)
		file_service(l, file->services[s], change_of(&index, file->services[s]));
	json_array_foreach ((json_t *)overlay, i, change)
		if (!json_object_get(index.used, name_of(change)))
			other_service(l, change);
	index_free(&index);
}

/* model_fault_fn: the first is enough to know whose change is wrong. */
struct fault {
	bool found;
	uint32_t service;
	char text[MODEL_ERROR_MAX];
	char *error; /* of CONFIG_ERROR_MAX */
	const struct layer *l;
};

static void fault_take(void *ctx, const struct model_place *place, enum model_error_kind kind,
		       const char *text)
{
	struct fault *f = ctx;
	size_t used = strlen(f->error);
	const char *service =
		place->service == MODEL_NOWHERE ? "services" : f->l->specs[place->service]->name;

	(void)kind;
	/* One whose service was changed is better to blame. */
	if (!f->found || (place->service != MODEL_NOWHERE && f->service != MODEL_NOWHERE &&
			  !f->l->changes[f->service] && f->l->changes[place->service])) {
		f->service = place->service;
		snprintf(f->text, sizeof(f->text), "%s%s%s", place->key ? place->key : "",
			 place->key ? ": " : "", text);
	}
	f->found = true;
	if (used + 200 < CONFIG_ERROR_MAX)
		snprintf(f->error + used, CONFIG_ERROR_MAX - used, "%s%s: %s%s%.400s",
			 used ? "\n" : "", service, place->key ? place->key : "",
			 place->key ? ": " : "", text);
}

static size_t position_of(const json_t *list, const json_t *element)
{
	size_t i = 0;

	while (i < json_array_size(list) && json_array_get(list, i) != element)
		i++;
	return i;
}

/* Takes what is to blame out of the overlay: the change of a service, or all of them. */
static void drop(const struct layer *l, const struct fault *f, json_t *overlay)
{
	const json_t *change = f->service == MODEL_NOWHERE ? NULL : l->changes[f->service];

	if (change) {
		lose(l, "service %s: what was changed at run time is not right beside the file: %s",
		     l->specs[f->service]->name, f->text);
		json_array_remove(overlay, position_of(overlay, change));
	} else {
		lose(l,
		     "all changes made at run time: the file's services with them are not right: "
		     "%s",
		     f->text);
		json_array_clear(overlay);
	}
}

static void quiet(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

struct model *overlay_apply(const struct model *file, const struct settings *settings,
			    const json_t *overlay, overlay_lost_fn *lost, void *ctx,
			    char error[CONFIG_ERROR_MAX])
{
	json_t *left = json_is_array(overlay) ? json_copy((json_t *)overlay) : json_array();
	size_t room = file->services_n + json_array_size(left) + 1;
	struct layer *l = calloc(1, sizeof(*l));
	struct model *m = NULL;

	snprintf(error, CONFIG_ERROR_MAX, "out of memory");
	if (!l || !left)
		goto out;
	l->specs = calloc(room, sizeof(struct service_conf *));
	l->changes = calloc(room, sizeof(json_t *));
	if (!l->specs || !l->changes)
		goto out;
	l->lost = lost;
	l->ctx = ctx;
	for (;;) {
		struct fault fault = {.error = error, .l = l, .service = MODEL_NOWHERE};

		*error = '\0';
		layer_fill(l, file, left);
		m = model_build(settings, l->specs, l->n, fault_take, &fault);
		if (m || json_array_size(left) == 0)
			break;
		l->lost = lost;
		drop(l, &fault, left);
		l->lost = quiet; /* the same would be told again */
		layer_clear(l);
	}
out:
	if (l) {
		layer_clear(l);
		free(l->specs);
		free(l->changes);
	}
	free(l);
	json_decref(left);
	return m;
}
