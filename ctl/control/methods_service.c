/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services.list, service.add, service.set, service.remove. Called by rpc.c, on the control thread.
 */
#include "config_tree.h"
#include "listing.h"
#include "methods.h"

#include <stdlib.h>
#include <string.h>

/* Where the length of its lookup table comes from. */
static const char *slots_from(const struct service_conf *service)
{
	if (service->scheduler != SCHEDULER_MAGLEV)
		return "scheduler";
	if (!service->slots_chosen)
		return "configured";
	return service->slots == service_conf_slots_fit(service) ? "chosen" : "kept";
}

static json_t *service_json(const struct daemon_api *api, const struct service_conf *service)
{
	struct daemon_transition transition;
	json_t *object = json_object();
	uint32_t enabled = 0, draining = 0;

	for (uint32_t i = 0; i < service->backends_n; i++) {
		enabled += service->backends[i].admin == BACKEND_ENABLED;
		draining += service->backends[i].admin == BACKEND_DRAINING;
	}
	api->transition_read(api->ctx, service, &transition);
	methods_put_text(&object, "name", service->name);
	methods_put_addr(&object, "vip", &service->vip);
	methods_put_number(&object, "port", service->port);
	methods_put_text(&object, "protocol", proto_name(service->proto));
	methods_put_text(&object, "encap", encap_name((enum encap)service->encap));
	methods_put_text(&object, "scheduler", scheduler_name((enum scheduler)service->scheduler));
	methods_put_text(&object, "hash", hash_of_name(service->hash_source));
	methods_put_number(&object, "transition_s", service->transition_s);
	methods_put_number(&object, "slow_start_s", service->slow_start_s);
	methods_put_number(&object, "slots", transition.slots);
	methods_put_text(&object, "slots_from", slots_from(service));
	methods_put_number(&object, "backends", service->backends_n);
	methods_put_number(&object, "backends_enabled", enabled);
	methods_put_number(&object, "backends_draining", draining);
	methods_put_text(&object, "transition", transition_state_name(transition.state));
	return object;
}

static int next_service(void *ctx, json_t **row)
{
	struct service_walk *walk = ctx;
	const struct service_conf *service = service_walk_next(walk);

	if (!service)
		return 0;
	*row = service_json(walk->api, service);
	return 1;
}

static void list_end(void *ctx)
{
	service_walk_end(ctx);
	free(ctx);
}

static json_t *services_list(struct rpc_call *call)
{
	static const struct listing_list lists[] = {{"services", .next = next_service},
						    {.name = NULL}};
	struct service_walk *walk = calloc(1, sizeof(*walk));

	if (!walk || !service_walk_begin(walk, call->api, NULL, 0, UINT32_MAX)) {
		free(walk);
		return NULL;
	}
	return listing_answer(call, json_object(), lists, walk, list_end);
}

/* Who may have other programs run than what the file names: else the group of the socket could. */
static bool may_run(struct rpc_call *call, const struct service_conf *next,
		    const struct service_conf *was)
{
	const struct health_conf *h = &next->health;

	if (h->type != HEALTH_EXEC || methods_is_trusted(call))
		return true;
	if (was && strcmp(was->health.program, h->program) == 0 &&
	    memcmp(was->health.args, h->args, sizeof(h->args)) == 0)
		return true;
	rpc_refuse(call, RPC_DENIED,
		   "health.program: only root can have programs run; name it in the configuration "
		   "file, or use another type of check");
	return false;
}

/* The service that is added, or (`was`) what the one that there is becomes. NULL: refused, or no
 * memory. */
static struct service_conf *spec_read(struct rpc_call *call, const struct service_conf *was,
				      const json_t *keys)
{
	char *text = malloc(CONFIG_ERROR_MAX);
	struct service_conf *spec = NULL;

	if (!text)
		return NULL;
	spec = was ? config_service_change(was, keys, text) : config_service_parse(keys, text);
	if (!spec)
		methods_refuse_tree(call, text);
	free(text);
	if (!spec || may_run(call, spec, was))
		return spec;
	service_conf_unref(spec);
	return NULL;
}

static json_t *service_add(struct rpc_call *call)
{
	struct service_conf *spec = spec_read(call, NULL, call->params);
	struct model_error error = {.text = ""};
	json_t *result = NULL;

	if (spec)
		result = methods_apply(call, model_service_add(methods_newest(call), spec, &error),
				       &error);
	service_conf_unref(spec);
	return result;
}

static json_t *service_set(struct rpc_call *call)
{
	const struct service_conf *was = methods_service_named(call, methods_newest(call));
	json_t *keys = was ? methods_keys(call) : NULL;
	struct model_error error = {.text = ""};
	struct service_conf *spec = NULL;
	json_t *result = NULL;

	if (keys && json_object_size(keys) == 0)
		rpc_refuse(call, RPC_PARAMS, "service.set: nothing to set is given");
	else if (keys)
		spec = spec_read(call, was, keys);
	if (spec)
		result = methods_apply(call, model_service_set(methods_newest(call), spec, &error),
				       &error);
	service_conf_unref(spec);
	json_decref(keys);
	return result;
}

static json_t *service_remove(struct rpc_call *call)
{
	const struct model *model = methods_newest(call);
	struct model_error error = {.text = ""};

	return methods_apply(
		call, model_service_remove(model, rpc_string(call->params, "service"), &error),
		&error);
}

/* What service.set can change; service.add takes it, too. */
#define SETTABLE                                                                                   \
	{"encap", RPC_STRING, false, "ipip (if missing), gue or gue0", NULL},                      \
		{"scheduler", RPC_STRING, false,                                                   \
		 "maglev (if missing), rr, wrr, random or least-conn", NULL},                      \
		{"hash", RPC_STRING, false,                                                        \
		 "of maglev: flow (if missing), or source: session affinity", NULL},               \
		{"transition_s", RPC_INTEGER, false,                                               \
		 "0 to 86400 s that older flows are waited for; 300 if missing", NULL},            \
		{"slow_start_s", RPC_INTEGER, false,                                               \
		 "0 to 86400 s to a new backend's full weight; 0 if missing", NULL},               \
		{"health", RPC_OBJECT, false,                                                      \
		 "how its backends are checked; not at all if missing", NULL},                     \
		{"all_down", RPC_STRING, false,                                                    \
		 "when all backends are down: all (if missing) or none", NULL},                    \
		{"on_down", RPC_STRING, false,                                                     \
		 "what a backend that is down does to its flows: cut (if missing) or keep", NULL}, \
		{"start", RPC_STRING, false,                                                       \
		 "what a backend counts as before its first check: up (if missing) or down",       \
		 NULL},                                                                            \
		{"unresolved_s", RPC_INTEGER, false,                                               \
		 "0 to 86400 s without a next hop make a backend count as down; 5 if missing, 0: " \
		 "never",                                                                          \
		 NULL},                                                                            \
		{"no_backend", RPC_STRING, false,                                                  \
		 "packets that find no backend: drop (if missing) or reject", NULL},               \
	{                                                                                          \
		"mss", RPC_STRING, false,                                                          \
			"of tcp, what SYNs' segment size is lowered to: a number from 88 to "      \
			"65535, auto, or off "                                                     \
			"(if missing)",                                                            \
			NULL                                                                       \
	}

static const struct rpc_param backend_fields[] = {
	METHODS_BACKEND_KEYS,
	{.name = NULL},
};

static const struct rpc_param add_params[] = {
	{"name", RPC_STRING, true, "of the service", NULL},
	{"vip", RPC_STRING, true, "its IPv4 or IPv6 address", NULL},
	{"port", RPC_INTEGER, true, "1 to 65535, or 0 for all ports", NULL},
	{"protocol", RPC_STRING, true, "tcp or udp", NULL},
	{"slots", RPC_INTEGER, false, "of its lookup table, a prime; chosen if missing or 0", NULL},
	SETTABLE,
	{"backends", RPC_OBJECTS, false, "none if missing", backend_fields},
	{.name = NULL},
};

static const struct rpc_param set_params[] = {
	{"service", RPC_STRING, true, "name of the service", NULL},
	SETTABLE,
	METHODS_DRY_RUN,
	{.name = NULL},
};

static const struct rpc_param remove_params[] = {
	{"service", RPC_STRING, true, "name of the service", NULL},
	METHODS_DRY_RUN,
	{.name = NULL},
};

const struct rpc_method methods_service[] = {
	{"services.list", services_list, false, methods_no_params, "lists the services"},
	{"service.add", service_add, true, add_params,
	 "adds a service, with its backends or without"},
	{"service.set", service_set, true, set_params,
	 "sets how a service's flows are spread and its backends are checked"},
	{"service.remove", service_remove, true, remove_params,
	 "removes a service and its backends"},
	{.name = NULL},
};
