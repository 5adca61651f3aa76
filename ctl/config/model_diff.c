/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares what differs between two models key by key. Control thread.
 */
#include "model_diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_json.h"
#include "config_print.h"

/* Names stay empty where there is none. NULL: no memory. */
static struct model_change *change_add(struct model_diff *diff, enum model_change_kind kind,
				       const char *service, const char *backend)
{
	struct model_change *c;

	if (diff->n == diff->room) {
		uint32_t room = diff->room ? 2 * diff->room : 16;

		c = realloc(diff->changes, room * sizeof(*c));
		if (!c)
			return NULL;
		diff->changes = c;
		diff->room = room;
	}
	c = &diff->changes[diff->n++];
	memset(c, 0, sizeof(*c));
	c->kind = kind;
	snprintf(c->service, sizeof(c->service), "%s", service);
	snprintf(c->backend, sizeof(c->backend), "%s", backend);
	return c;
}

/* Events, the log and readers have it: no secrets. */
static void value_text(const json_t *value, char text[MODEL_CHANGE_VALUE_MAX])
{
	json_t *told = value ? json_deep_copy(value) : NULL;
	char *printed = NULL;

	if (told) {
		config_json_hide(told);
		printed = config_print_value(told, true);
	}
	snprintf(text, MODEL_CHANGE_VALUE_MAX, "%s", printed ? printed : "");
	free(printed);
	json_decref(told);
}

/* The last part of "health.args". */
static const char *path_key(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

static int key_compare(struct model_diff *diff, const struct model_change *like, const char *path,
		       const json_t *before, const json_t *after)
{
	struct model_change *c;

	if (json_equal(before, after))
		return 0;
	c = change_add(diff, like->kind, like->service, like->backend);
	if (!c)
		return -ENOMEM;
	snprintf(c->key, sizeof(c->key), "%s", path);
	if (config_json_is_secret(path_key(path)))
		return 0;
	value_text(before, c->before);
	value_text(after, c->after);
	return 0;
}

/* `like` says what the keys are of. Members of groups have paths: "health.interval_ms". */
static int keys_compare(struct model_diff *diff, const struct model_change *like,
			const char *prefix, json_t *before, json_t *after)
{
	json_t *both = json_object(), *value;
	const char *key;
	int err = both ? 0 : -ENOMEM;

	if (both && (json_object_update(both, before) < 0 || json_object_update(both, after) < 0))
		err = -ENOMEM;
	json_object_foreach (both, key, value) {
		json_t *old = json_object_get(before, key), *new = json_object_get(after, key);
		char path[MODEL_CHANGE_KEY_MAX];

		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", key);
		if (err || strcmp(path, "backends") == 0)
			continue;
		if (json_is_object(old) && json_is_object(new))
			err = keys_compare(diff, like, path, old, new);
		else
			err = key_compare(diff, like, path, old, new);
	}
	json_decref(both);
	return err;
}

/* Takes the trees over. */
static int trees_compare(struct model_diff *diff, const struct model_change *like, json_t *before,
			 json_t *after)
{
	int err = before && after ? keys_compare(diff, like, "", before, after) : -ENOMEM;

	json_decref(before);
	json_decref(after);
	return err;
}

static int backend_added(struct model_diff *diff, enum model_change_kind kind, const char *service,
			 const struct backend_conf *b)
{
	struct model_change *c = change_add(diff, kind, service, b->name);
	char addr[IP_TEXT_MAX];

	if (!c)
		return -ENOMEM;
	snprintf(kind == MODEL_CHANGE_BACKEND_ADDED ? c->after : c->before, MODEL_CHANGE_VALUE_MAX,
		 "%s, weight %u%s%s", ip_format(&b->addr, addr), b->weight,
		 b->admin == BACKEND_ENABLED ? "" : ", ",
		 b->admin == BACKEND_ENABLED ? "" : backend_admin_name(b->admin));
	return 0;
}

static int backends_compare(struct model_diff *diff, const struct service_conf *before,
			    const struct service_conf *after)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < after->backends_n; i++) {
		const struct backend_conf *b = &after->backends[i];
		const struct backend_conf *was = service_conf_counterpart(after, i, before);
		struct model_change like = {.kind = MODEL_CHANGE_BACKEND};

		if (!was) {
			err = backend_added(diff, MODEL_CHANGE_BACKEND_ADDED, after->name, b);
			continue;
		}
		if (memcmp(was, b, sizeof(*b)) == 0)
			continue;
		memcpy(like.service, after->name, sizeof(like.service));
		memcpy(like.backend, b->name, sizeof(like.backend));
		err = trees_compare(diff, &like, config_json_backend(was), config_json_backend(b));
	}
	for (uint32_t i = 0; !err && i < before->backends_n; i++)
		if (!service_conf_counterpart(before, i, after))
			err = backend_added(diff, MODEL_CHANGE_BACKEND_REMOVED, after->name,
					    &before->backends[i]);
	return err;
}

static int service_compare(struct model_diff *diff, const struct service_conf *before,
			   const struct service_conf *after)
{
	struct model_change like = {.kind = MODEL_CHANGE_SERVICE};
	int err;

	memcpy(like.service, after->name, sizeof(like.service));
	err = trees_compare(diff, &like, config_json_service_head(before),
			    config_json_service_head(after));
	return err ? err : backends_compare(diff, before, after);
}

static int service_added(struct model_diff *diff, enum model_change_kind kind,
			 const struct service_conf *s)
{
	struct model_change *c = change_add(diff, kind, s->name, "");
	char endpoint[ENDPOINT_TEXT_MAX];

	if (!c)
		return -ENOMEM;
	snprintf(kind == MODEL_CHANGE_SERVICE_ADDED ? c->after : c->before, MODEL_CHANGE_VALUE_MAX,
		 "%s, %u backend%s", endpoint_format(s, endpoint), s->backends_n,
		 s->backends_n == 1 ? "" : "s");
	return 0;
}

int model_diff(const struct model *before, const struct model *after, struct model_diff *diff)
{
	const struct model_change like = {.kind = MODEL_CHANGE_SETTING};
	int err = 0;

	*diff = (struct model_diff){.n = 0};
	if (memcmp(&before->settings, &after->settings, sizeof(before->settings)) != 0)
		err = trees_compare(diff, &like, config_json_settings(&before->settings),
				    config_json_settings(&after->settings));
	for (uint32_t i = 0; !err && i < after->services_n; i++) {
		const struct service_conf *s = after->services[i];
		const struct service_conf *was;

		if (i < before->services_n && before->services[i] == s)
			continue; /* as most of them, where one was changed */
		was = model_counterpart(after, s, before);
		if (!was)
			err = service_added(diff, MODEL_CHANGE_SERVICE_ADDED, s);
		else if (was != s)
			err = service_compare(diff, was, s);
	}
	for (uint32_t i = 0; !err && i < before->services_n; i++)
		if (!(i < after->services_n && after->services[i] == before->services[i]) &&
		    !model_counterpart(before, before->services[i], after))
			err = service_added(diff, MODEL_CHANGE_SERVICE_REMOVED,
					    before->services[i]);
	if (err)
		model_diff_free(diff);
	return err;
}

void model_diff_free(struct model_diff *diff)
{
	free(diff->changes);
	*diff = (struct model_diff){.n = 0};
}

bool model_diff_has_settings(const struct model_diff *diff)
{
	/* They come first. */
	return diff->n > 0 && diff->changes[0].kind == MODEL_CHANGE_SETTING;
}

/* ---- words ---- */

const char *model_change_words(const struct model_change *c, char buf[MODEL_CHANGE_WORDS_MAX])
{
	bool setting = c->kind == MODEL_CHANGE_SETTING;

	switch (c->kind) {
	case MODEL_CHANGE_SERVICE_ADDED:
	case MODEL_CHANGE_BACKEND_ADDED:
		snprintf(buf, MODEL_CHANGE_WORDS_MAX, "added (%s)", c->after);
		return buf;
	case MODEL_CHANGE_SERVICE_REMOVED:
	case MODEL_CHANGE_BACKEND_REMOVED:
		snprintf(buf, MODEL_CHANGE_WORDS_MAX, "removed (%s)", c->before);
		return buf;
	case MODEL_CHANGE_SETTING:
	case MODEL_CHANGE_SERVICE:
	case MODEL_CHANGE_BACKEND:
		break;
	}
	if (!*c->before && !*c->after)
		snprintf(buf, MODEL_CHANGE_WORDS_MAX, "%s%s changed", c->key, setting ? ":" : "");
	else
		snprintf(buf, MODEL_CHANGE_WORDS_MAX, "%s%s %s -> %s", c->key, setting ? ":" : "",
			 *c->before ? c->before : "none", *c->after ? c->after : "none");
	return buf;
}

static void change_print(FILE *out, const struct model_change *c)
{
	char words[MODEL_CHANGE_WORDS_MAX];

	if (c->kind == MODEL_CHANGE_BACKEND_ADDED || c->kind == MODEL_CHANGE_BACKEND_REMOVED)
		fputs("backend ", out);
	if (*c->backend)
		fprintf(out, "%s ", c->backend);
	fputs(model_change_words(c, words), out);
	if (c->kind == MODEL_CHANGE_SETTING)
		fputs(": takes effect at a restart", out);
}

char *model_diff_line(const struct model_diff *diff, uint32_t *at)
{
	const struct model_change *first;
	char *line = NULL;
	size_t bytes;
	FILE *out;
	bool failed;

	/* Without changes there is no list, either. */
	if (*at >= diff->n || !(out = open_memstream(&line, &bytes)))
		return NULL;
	first = &diff->changes[*at];
	if (first->kind != MODEL_CHANGE_SETTING)
		fprintf(out, "service %s: ", first->service);
	do {
		if (&diff->changes[*at] != first)
			fputs(", ", out);
		change_print(out, &diff->changes[(*at)++]);
	} while (*at < diff->n && first->kind != MODEL_CHANGE_SETTING &&
		 strcmp(diff->changes[*at].service, first->service) == 0);
	failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return line;
	free(line);
	return NULL;
}
