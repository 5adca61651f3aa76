/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.show, config.reload, config.save and config.apply, which makes many changes one. Called
 * by rpc.c, on the control thread.
 */
#include "config_json.h"
#include "config_print.h"
#include "listing.h"
#include "methods.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_word(enum model_change_kind kind)
{
	switch (kind) {
	case MODEL_CHANGE_SETTING:
		return "setting";
	case MODEL_CHANGE_SERVICE_ADDED:
		return "service_added";
	case MODEL_CHANGE_SERVICE_REMOVED:
		return "service_removed";
	case MODEL_CHANGE_SERVICE:
		return "service";
	case MODEL_CHANGE_BACKEND_ADDED:
		return "backend_added";
	case MODEL_CHANGE_BACKEND_REMOVED:
		return "backend_removed";
	case MODEL_CHANGE_BACKEND:
		break;
	}
	return "backend";
}

static json_t *text_or_null(const char *text)
{
	return *text ? rpc_text(text) : json_null();
}

static json_t *change_json(const struct model_change *c)
{
	json_t *object = json_object();

	methods_put_text(&object, "kind", kind_word(c->kind));
	methods_put(&object, "service", text_or_null(c->service));
	methods_put(&object, "backend", text_or_null(c->backend));
	methods_put(&object, "key", text_or_null(c->key));
	methods_put(&object, "before", text_or_null(c->before));
	methods_put(&object, "after", text_or_null(c->after));
	return object;
}

static json_t *changes_json(const struct model_diff *diff)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < diff->n; i++)
		methods_append(&list, change_json(&diff->changes[i]));
	return list;
}

static json_t *words_json(struct daemon_reload *reload)
{
	json_t *list = json_array();
	uint32_t at = 0;
	char *line;

	while ((line = daemon_reload_line(reload, &at))) {
		methods_append(&list, rpc_text(line));
		free(line);
	}
	return list;
}

/* ---- the file ---- */

/* What a reload did, on its way out. */
struct reload_walk {
	struct daemon_reload reload;
	uint32_t change, word, lost, row; /* the next */
};

static int next_change(void *ctx, json_t **row)
{
	struct reload_walk *walk = ctx;

	if (walk->change == walk->reload.diff.n)
		return 0;
	*row = change_json(&walk->reload.diff.changes[walk->change++]);
	return 1;
}

static int next_word(void *ctx, json_t **row)
{
	struct reload_walk *walk = ctx;
	bool more = walk->word < walk->reload.diff.n;
	char *line = more ? daemon_reload_line(&walk->reload, &walk->word) : NULL;

	*row = line ? rpc_text(line) : NULL;
	free(line);
	return more;
}

static int next_lost(void *ctx, json_t **row)
{
	struct reload_walk *walk = ctx;

	if (walk->lost == walk->reload.lost_n)
		return 0;
	*row = rpc_text(walk->reload.lost[walk->lost++]);
	return 1;
}

static int next_row(void *ctx, json_t **row)
{
	struct reload_walk *walk = ctx;

	if (walk->row == walk->reload.rows_n)
		return 0;
	*row = methods_preview_row(&walk->reload.rows[walk->row++]);
	return 1;
}

static void reload_walk_free(void *ctx)
{
	struct reload_walk *walk = ctx;

	daemon_reload_free(&walk->reload);
	free(walk);
}

static const struct listing_list reload_lists[] = {{"changes", .next = next_change},
						   {"words", .next = next_word},
						   {"lost", .next = next_lost},
						   {"preview", .next = next_row},
						   {.name = NULL}};

/* daemon_reloaded_fn, of a call. */
static void reloaded(void *ctx, int rc, struct daemon_reload *reload)
{
	struct rpc_call *call = ctx;
	const struct daemon_api *api = call->api;
	struct reload_walk *walk = rc < 0 ? NULL : calloc(1, sizeof(*walk));
	struct daemon_generation generation;
	json_t *members;

	if (rc < 0)
		rpc_refuse(call, rc == -EINVAL ? RPC_INVALID : RPC_FAILED, "%s",
			   reload->error ? reload->error : strerror(-rc));
	if (!walk) {
		daemon_reload_free(reload);
		rpc_end(call, NULL);
		return;
	}
	walk->reload = *reload;
	api->generation(api->ctx, &generation);
	members = json_object();
	methods_put(&members, "applied", json_boolean(!rpc_flag(call->params, "check")));
	methods_put_number(&members, "generation", generation.number);
	rpc_end(call, listing_answer(call, members, reload_lists, walk, reload_walk_free));
}

static json_t *config_reload(struct rpc_call *call)
{
	const struct daemon_api *api = call->api;
	char who[256];

	methods_who(call, who, sizeof(who));
	rpc_later(call);
	api->reload(api->ctx, who, rpc_flag(call->params, "check"), reloaded, call);
	return NULL;
}

/* What run-time changes have made of the file. */
static bool put_run_time(struct rpc_call *call, json_t **result)
{
	struct daemon_reload reload = {.rows_n = 0};

	if (call->api->config_diff(call->api->ctx, &reload.diff) != 0)
		return false;
	methods_put(result, "changes", changes_json(&reload.diff));
	methods_put(result, "words", words_json(&reload));
	daemon_reload_free(&reload);
	return true;
}

enum { TEXT_ROW_BYTES = 32 << 10 }; /* about as much of a file goes out at once */

/* The text of config.show on its way out. */
struct show_walk {
	char *text, *rest;            /* the file, or the settings in force, which go out first */
	bool effective, hides;        /* secrets of services */
	struct service_walk services; /* then these, if `effective` */
	size_t services_n;
	bool ended;
};

/* Whole lines, of which no letter is cut. */
static json_t *text_row(struct show_walk *walk)
{
	size_t bytes = strlen(walk->rest);
	char *end = walk->rest + (bytes < TEXT_ROW_BYTES ? bytes : TEXT_ROW_BYTES), kept;
	json_t *row;

	end = strchr(end, '\n') ? strchr(end, '\n') + 1 : walk->rest + bytes;
	kept = *end;
	*end = '\0';
	row = rpc_text(walk->rest);
	*end = kept;
	walk->rest = end;
	return row;
}

static int next_text(void *ctx, json_t **row)
{
	struct show_walk *walk = ctx;
	const struct service_conf *service;
	json_t *tree;
	char *text;

	if (*walk->rest) {
		*row = text_row(walk);
		return 1;
	}
	if (!walk->effective || walk->ended)
		return 0;
	service = service_walk_next(&walk->services);
	tree = service ? config_json_service(service) : NULL;
	walk->ended = !service;
	if (walk->hides)
		config_json_hide(tree);
	text = !tree && service ? NULL : config_print_row("services", tree, walk->services_n++);
	json_decref(tree);
	*row = text ? rpc_text(text) : NULL;
	free(text);
	return 1;
}

static void show_free(void *ctx)
{
	struct show_walk *walk = ctx;

	service_walk_end(&walk->services);
	free(walk->text);
	free(walk);
}

/* All but the text. */
static json_t *show_members(struct rpc_call *call, bool effective)
{
	const struct daemon_api *api = call->api;
	struct daemon_state state;
	struct daemon_info info;
	json_t *result = json_object();

	api->info(api->ctx, &info);
	methods_put_text(&result, "path", info.config_path);
	methods_put(&result, "effective", json_boolean(effective));
	methods_put(&result, "seed", json_boolean(methods_is_trusted(call)));
	if (!put_run_time(call, &result)) {
		json_decref(result);
		return NULL;
	}
	api->state(api->ctx, &state);
	methods_put(&result, "state_path", text_or_null(state.path));
	methods_put_number(&result, "state_failures", state.failures);
	methods_put(&result, "state_error",
		    text_or_null(state.error ? strerror(-state.error) : ""));
	return result;
}

static json_t *config_show(struct rpc_call *call)
{
	static const struct listing_list lists[] = {{"text", .text = true, .next = next_text},
						    {.name = NULL}};
	const struct daemon_api *api = call->api;
	bool secrets = methods_is_trusted(call); /* the seed */
	struct show_walk *walk = calloc(1, sizeof(*walk));
	struct daemon_info info;
	int rc;

	if (!walk)
		return NULL;
	walk->effective = rpc_flag(call->params, "effective");
	walk->hides = call->peer.reads_only;
	rc = api->config_text(api->ctx, walk->effective, secrets, &walk->text);
	walk->rest = walk->text;
	if (rc == 0 && service_walk_begin(&walk->services, api, NULL, 0, UINT32_MAX))
		return listing_answer(call, show_members(call, walk->effective), lists, walk,
				      show_free);
	api->info(api->ctx, &info);
	if (rc == -EACCES && !secrets)
		rpc_refuse(call, RPC_FAILED,
			   "%s has the seed in it, a secret: only root may read it; "
			   "\"effective\" tells the rest",
			   info.config_path);
	else if (rc < 0)
		rpc_refuse(call, RPC_FAILED, "%s: %s", info.config_path, strerror(-rc));
	show_free(walk);
	return NULL;
}

/* daemon_saved_fn, of a call. */
static void saved(void *ctx, int rc, char *error)
{
	struct rpc_call *call = ctx;
	const struct daemon_api *api = call->api;
	struct daemon_info info;
	json_t *result = NULL;

	api->info(api->ctx, &info);
	if (rc < 0) {
		rpc_refuse(call, rc == -EINVAL ? RPC_CONFLICT : RPC_FAILED, "%s",
			   error ? error : strerror(-rc));
	} else {
		result = json_object();
		methods_put_text(&result, "path", info.config_path);
	}
	free(error);
	rpc_end(call, result);
}

static json_t *config_save(struct rpc_call *call)
{
	const struct daemon_api *api = call->api;
	char who[256];

	methods_who(call, who, sizeof(who));
	rpc_later(call);
	api->save(api->ctx, who, saved, call);
	return NULL;
}

/* ---- many changes at once ---- */

/* Where a change of a batch stands, for its error. */
static void place_of(const json_t *change, size_t i, char place[32])
{
	json_int_t line = json_integer_value(json_object_get(change, "line"));

	if (line > 0)
		snprintf(place, 32, "line %lld", (long long)line);
	else
		snprintf(place, 32, "changes[%zu]", i);
}

/* Makes one change of the batch's model. False: the call is refused. */
static bool change_make(struct rpc_call *call, struct rpc_batch *batch, const json_t *change,
			size_t i)
{
	struct rpc_call one = {.api = call->api, .peer = call->peer, .batch = batch};
	const char *name = rpc_string(change, "method");
	json_t *result;
	char place[32];
	bool done;

	place_of(change, i, place);
	result = rpc_nested(&one, name, json_object_get(change, "params"));
	done = result != NULL;
	if (!done)
		rpc_refuse(call, one.error, "%s: %s; nothing has changed", place,
			   one.error_text ? one.error_text : "out of memory");
	json_decref(result);
	json_decref(one.params);
	free(one.error_text);
	return done;
}

static json_t *config_apply(struct rpc_call *call)
{
	const json_t *changes = json_object_get(call->params, "changes");
	struct rpc_batch batch = {.model = NULL};
	struct model_error error = {.text = ""};
	json_t *change;
	size_t i;

	json_array_foreach ((json_t *)changes, i, change) {
		if (!change_make(call, &batch, change, i)) {
			model_free(batch.model);
			return NULL;
		}
	}
	if (!batch.model)
		return rpc_refuse(call, RPC_INVALID, "changes: there is none");
	return methods_apply(call, batch.model, &error);
}

static const struct rpc_param reload_params[] = {
	{"check", RPC_BOOLEAN, false, "true: says what would change, and leaves it", NULL},
	{.name = NULL},
};

static const struct rpc_param show_params[] = {
	{"effective", RPC_BOOLEAN, false, "true: what is in force, not the file", NULL},
	{.name = NULL},
};

static const struct rpc_param change_fields[] = {
	{"method", RPC_STRING, true, "one that changes services or backends", NULL},
	{"params", RPC_OBJECT, false, "its parameters", NULL},
	{"line", RPC_INTEGER, false, "where it stands, for an error", NULL},
	{.name = NULL},
};

static const struct rpc_param apply_params[] = {
	{"changes", RPC_OBJECTS, true, "made in this order", change_fields},
	METHODS_DRY_RUN,
	{.name = NULL},
};

const struct rpc_method methods_config[] = {
	{"config.show", config_show, false, show_params,
	 "tells the configuration file, or what is in force, and the run-time changes"},
	{"config.reload", config_reload, RPC_CHANGES_ALL, reload_params,
	 "reads the configuration file again and puts it in force"},
	{"config.save", config_save, RPC_CHANGES_ALL, methods_no_params,
	 "writes what is in force into the configuration file"},
	{"config.apply", config_apply, true, apply_params,
	 "makes many changes at once: all of them, or none"},
	{.name = NULL},
};
