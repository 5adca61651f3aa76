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

#include "config_json.h"
#include "config_print.h"
#include "config_tree.h"

/* A model in the making. */
struct layer {
	overlay_lost_fn *lost;
	void *ctx;
	struct service_conf **specs;
	const json_t **changes; /* what specs[i] has of the overlay; NULL: nothing */
	uint32_t n;
	char error[CONFIG_ERROR_MAX];
};

__attribute__((format(printf, 2, 3))) static void lose(const struct layer *l, const char *format, ...)
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

static const json_t *named(const json_t *list, const char *name)
{
	size_t i;
	json_t *object;

	json_array_foreach ((json_t *)list, i, object)
		if (strcmp(name_of(object), name) == 0)
			return object;
	return NULL;
}

static bool is_removal(const json_t *change)
{
	return json_is_null(json_object_get(change, "now"));
}

/* The keys of one service or backend, called `what`. */
static void keys_apply(const struct layer *l, json_t *tree, const json_t *change, const char *what)
{
	size_t i;
	json_t *one;

	json_array_foreach (json_object_get(change, "keys"), i, one) {
		const char *key = json_string_value(json_object_get(one, "key"));
		json_t *base = json_object_get(one, "base"), *now = json_object_get(one, "now");
		json_t *says = key ? json_object_get(tree, key) : NULL;
		char *texts[3];

		if (!key || json_equal(says, now))
			continue;
		if (json_equal(says, base)) {
			if (now)
				json_object_set(tree, key, now);
			else
				json_object_del(tree, key);
			continue;
		}
		texts[0] = now ? config_print_value(now, true) : NULL;
		texts[1] = base ? config_print_value(base, true) : NULL;
		texts[2] = says ? config_print_value(says, true) : NULL;
		lose(l, "%s %s: %s at run time, over %s in the file, which says %s by now: it holds",
		     what, key, texts[0] ? texts[0] : "none", texts[1] ? texts[1] : "none",
		     texts[2] ? texts[2] : "none");
		for (int j = 0; j < 3; j++)
			free(texts[j]);
	}
}

static size_t position_of(const json_t *list, const char *name)
{
	const json_t *object = named(list, name);
	size_t i = 0;

	while (object && json_array_get(list, i) != object)
		i++;
	return i;
}

static void backend_apply(const struct layer *l, json_t *backends, const json_t *change,
			  const char *service)
{
	const char *name = name_of(change);
	json_t *says = (json_t *)named(backends, name), *now = json_object_get(change, "now");
	char what[2 * MODEL_NAME_MAX + 32];

	snprintf(what, sizeof(what), "service %s: backend %s", service, name);
	if (is_removal(change)) {
		if (says && json_equal(says, json_object_get(change, "base")))
			json_array_remove(backends, position_of(backends, name));
		else if (says)
			lose(l, "%s: removed at run time, but the file says another by now: it holds",
			     what);
	} else if (now) {
		if (!says)
			json_array_append(backends, now);
		else if (!json_equal(says, now))
			lose(l, "%s: added at run time, but the file has one by now: it holds", what);
	} else if (says) {
		keys_apply(l, says, change, what);
	} else {
		lose(l, "%s: changed at run time, but the file has it no more: it is gone", what);
	}
}

/* The file's service, changed. A new reference; NULL: l->error. */
static struct service_conf *service_change(struct layer *l, struct service_conf *s,
					   const json_t *change)
{
	json_t *tree = config_json_service(s), *backends = json_object_get(tree, "backends"), *one;
	struct service_conf *changed;
	char what[MODEL_NAME_MAX + 16];
	size_t i;

	snprintf(what, sizeof(what), "service %s:", s->name);
	keys_apply(l, tree, change, what);
	json_array_foreach (json_object_get(change, "backends"), i, one)
		backend_apply(l, backends, one, s->name);
	changed = config_service_parse(tree, l->error);
	json_decref(tree);
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
	json_t *tree;
	bool same;

	if (!change) {
		spec_add(l, service_conf_ref(s), NULL);
		return;
	}
	if (is_removal(change) || json_object_get(change, "now")) {
		tree = config_json_service(s);
		same = json_equal(tree, json_object_get(change,
							is_removal(change) ? "base" : "now"));
		json_decref(tree);
		if (same && is_removal(change))
			return;
		if (!same)
			lose(l, "service %s: %s at run time, but the file says another by now: it "
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

/* By name: an overlay may be as long as the file. */
static json_t *overlay_index(const json_t *overlay)
{
	json_t *index = json_object(), *change;
	size_t i;

	json_array_foreach ((json_t *)overlay, i, change)
		json_object_set(index, name_of(change), change);
	return index;
}

static void layer_fill(struct layer *l, const struct model *file, const json_t *overlay)
{
	json_t *index = overlay_index(overlay), *change;
	size_t i;

	for (uint32_t s = 0; s < file->services_n; s++)
		file_service(l, file->services[s],
			     json_object_get(index, file->services[s]->name));
	json_array_foreach ((json_t *)overlay, i, change)
		if (!model_find(file, name_of(change)))
			other_service(l, change);
	json_decref(index);
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
	const char *service = place->service == MODEL_NOWHERE ?
				      "services" :
				      f->l->specs[place->service]->name;

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

/* Takes what is to blame out of the overlay: the change of a service, or all of them. */
static void drop(const struct layer *l, const struct fault *f, json_t *overlay)
{
	const json_t *change = f->service == MODEL_NOWHERE ? NULL : l->changes[f->service];

	if (change) {
		lose(l, "service %s: what was changed at run time is not right beside the file: %s",
		     l->specs[f->service]->name, f->text);
		json_array_remove(overlay, position_of(overlay, name_of(change)));
	} else {
		lose(l, "all changes made at run time: the file's services with them are not right: %s",
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
		struct fault fault = { .error = error, .l = l, .service = MODEL_NOWHERE };

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
