/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the methods of the control socket share: the list of them, building results, applying a
 * change. On the control thread.
 */
#include "methods.h"

#include "listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct rpc_param methods_no_params[] = {{.name = NULL}};

const struct rpc_method *rpc_method_at(size_t index)
{
	static const struct rpc_method *const tables[] = {
		methods_service,  methods_backends, methods_backend, methods_host,
		methods_counters, methods_traffic,  methods_flows,   methods_capture,
		methods_explain,  methods_events,   methods_config,  methods_daemon,
		methods_node,
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct rpc_method *method = tables[i]; method->name; method++) {
			if (index-- == 0)
				return method;
		}
	}
	return NULL;
}

void methods_put(json_t **object, const char *key, json_t *value)
{
	if (!*object) {
		json_decref(value);
	} else if (json_object_set_new(*object, key, value) < 0) {
		json_decref(*object);
		*object = NULL;
	}
}

void methods_put_text(json_t **object, const char *key, const char *text)
{
	methods_put(object, key, rpc_text(text));
}

void methods_put_number(json_t **object, const char *key, uint64_t number)
{
	methods_put(object, key, json_integer((json_int_t)number));
}

void methods_put_addr(json_t **object, const char *key, const struct ip_addr *addr)
{
	char text[IP_TEXT_MAX];

	if (addr->family == IP_NONE)
		methods_put(object, key, json_null());
	else
		methods_put_text(object, key, ip_format(addr, text));
}

void methods_append(json_t **array, json_t *value)
{
	if (!*array) {
		json_decref(value);
	} else if (json_array_append_new(*array, value) < 0) {
		json_decref(*array);
		*array = NULL;
	}
}

static enum rpc_error_code code_of(enum model_error_kind kind)
{
	switch (kind) {
	case MODEL_INVALID:
		return RPC_INVALID;
	case MODEL_NOT_FOUND:
		return RPC_NOT_FOUND;
	case MODEL_EXISTS:
		return RPC_EXISTS;
	case MODEL_CONFLICT:
		return RPC_CONFLICT;
	case MODEL_FULL:
		return RPC_FULL;
	}
	return RPC_FAILED;
}

void methods_who(const struct rpc_call *call, char *buf, size_t buf_bytes)
{
	const struct rpc_peer *peer = &call->peer;

	snprintf(buf, buf_bytes, "cli uid %u%s%s%s pid %d", (unsigned int)peer->uid,
		 peer->user[0] ? " (" : "", peer->user, peer->user[0] ? ")" : "", (int)peer->pid);
}

/* "cli uid 0 (root) pid 4711: backend.set {"service":"web",...}", cut to what fits. */
static void describe(const struct rpc_call *call, char *buf, size_t buf_bytes)
{
	char *params = json_dumps(call->params, JSON_COMPACT | JSON_ENSURE_ASCII);
	char who[128];

	methods_who(call, who, sizeof(who));
	snprintf(buf, buf_bytes, "%s: %s %s", who, call->method->name, params ? params : "");
	free(params);
}

/* To 6 digits. */
static json_t *share_json(double share)
{
	return json_real((double)(int64_t)(share * 1e6 + 0.5) / 1e6);
}

json_t *methods_preview_row(const struct daemon_preview *row)
{
	json_t *object = json_object();

	methods_put_text(&object, "service", row->service);
	methods_put_number(&object, "slots", row->slots);
	methods_put_number(&object, "slots_moved", row->slots_moved);
	methods_put_number(&object, "flows_touched", row->flows_touched);
	methods_put_number(&object, "flows_cut", row->flows_cut);
	methods_put(&object, "moved_without_transition", share_json(row->moved_without));
	methods_put(&object, "moved_with_transition", share_json(row->moved_with));
	methods_put_number(&object, "transition_s", row->transition_s);
	return object;
}

/* A preview under way. */
struct preview_answer {
	struct rpc_call *call;
	struct daemon_preview_walk *walk;
	bool is_over; /* the walk */
	uint32_t told_n;
};

static json_t *refuse_preview(struct rpc_call *call, int rc)
{
	return rpc_refuse(call, RPC_FAILED, "what would change can't be told: %s", strerror(-rc));
}

static int next_preview(void *ctx, json_t **json)
{
	struct preview_answer *a = ctx;
	const struct daemon_api *api = a->call->api;
	struct daemon_preview row;
	int rc;

	if (a->is_over) {
		if (!api->preview_row(a->walk, a->told_n++, &row))
			return 0;
		*json = methods_preview_row(&row);
		return 1;
	}
	rc = api->preview_next(a->walk);
	if (rc < 0) {
		refuse_preview(a->call, rc);
		return rc;
	}
	a->is_over = rc == 0;
	return LISTING_NONE_YET;
}

static void preview_end(void *ctx)
{
	struct preview_answer *a = ctx;

	a->call->api->preview_end(a->walk);
	free(a);
}

/* Takes `next` over. */
static json_t *preview(struct rpc_call *call, struct model *next)
{
	static const struct listing_list lists[] = {{"preview", .next = next_preview},
						    {.name = NULL}};
	struct preview_answer *a = calloc(1, sizeof(*a));
	int rc = a ? call->api->preview_begin(call->api->ctx, next, &a->walk) : -ENOMEM;

	model_free(next);
	if (rc < 0) {
		free(a);
		return refuse_preview(call, rc);
	}
	a->call = call;
	return listing_answer(call, json_object(), lists, a, preview_end);
}

/* daemon_done_fn, of a call. */
static void applied(void *ctx, int rc, const struct model_error *error)
{
	struct rpc_call *call = ctx;
	struct daemon_generation generation;
	json_t *result = NULL;

	if (rc == -EAGAIN) {
		call->alone = true;
		rpc_again(call);
		return;
	}
	if (rc == -EINVAL) {
		rpc_refuse(call, code_of(error->kind), "%s", error->text);
	} else if (rc < 0) {
		rpc_refuse(call, RPC_FAILED, "%s", error->text[0] ? error->text : strerror(-rc));
	} else {
		call->api->generation(call->api->ctx, &generation);
		result = json_object();
		methods_put_number(&result, "generation", generation.number);
		methods_put_number(&result, "took_us", generation.took_us);
	}
	rpc_end(call, result);
}

json_t *methods_apply(struct rpc_call *call, struct model *next, struct model_error *error)
{
	char who[256];

	if (!next)
		return rpc_refuse(call, code_of(error->kind), "%s", error->text);
	if (call->batch) {
		model_free(call->batch->model);
		call->batch->model = next;
		return json_true();
	}
	if (rpc_flag(call->params, "dry_run"))
		return preview(call, next);
	describe(call, who, sizeof(who));
	rpc_later(call);
	call->api->submit(call->api->ctx, next, who, call->alone, applied, call);
	return NULL;
}

const struct model *methods_model(const struct rpc_call *call)
{
	return call->api->model(call->api->ctx);
}

const struct model *methods_newest(const struct rpc_call *call)
{
	if (call->batch && call->batch->model)
		return call->batch->model;
	return call->api->newest(call->api->ctx);
}

const struct service_conf *methods_service_named(struct rpc_call *call, const struct model *model)
{
	const char *name = rpc_string(call->params, "service");
	const struct service_conf *service = model_find(model, name);

	if (!service)
		rpc_refuse(call, RPC_NOT_FOUND, "no service \"%.64s\"", name);
	return service;
}

json_t *methods_verdicts(const struct service_counters *counters)
{
	json_t *object = json_object();

#define X(name, action, text) methods_put_number(&object, #name, counters->packets[VERDICT_##name]);
	SLUICE_VERDICTS(X)
#undef X
	return object;
}

json_t *methods_drops(const struct fast_path_port_info *port)
{
	json_t *object = json_object();

	for (int i = 0; i < FAST_PATH_DROP_N; i++)
		methods_put_number(&object, fast_path_drop_word((enum fast_path_drop)i),
				   port->dropped[i]);
	return object;
}

json_t *methods_keys(const struct rpc_call *call)
{
	static const char *const others[] = {"service", "backend", "dry_run"};
	json_t *keys = json_copy(call->params);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		json_object_del(keys, others[i]);
	return keys;
}

json_t *methods_refuse_tree(struct rpc_call *call, char *text)
{
	for (char *c = text; (c = strchr(c, '\n')); c++)
		*c = ';';
	return rpc_refuse(call, RPC_INVALID, "%s", text);
}

bool methods_is_trusted(const struct rpc_call *call)
{
	if (call->peer.reads_only)
		return false;
	return call->peer.uid == 0 || call->peer.uid == geteuid();
}

bool methods_may_see_flows(struct rpc_call *call)
{
	if (!call->peer.reads_only)
		return true;
	rpc_refuse(call, RPC_DENIED,
		   "%s tells of single flows, and this socket is for readers: use the control "
		   "socket, as root or as a member of its group (control.socket and "
		   "control.group in sluiced's config)",
		   call->method->name);
	return false;
}

bool methods_addr(struct rpc_call *call, const json_t *object, const char *place, const char *name,
		  struct ip_addr *out)
{
	const char *text = rpc_string(object, name);

	if (ip_parse(text, out) == 0)
		return true;
	rpc_refuse(call, RPC_INVALID, "%s%s: \"%.64s\" is no IPv4 or IPv6 address", place, name,
		   text);
	return false;
}
