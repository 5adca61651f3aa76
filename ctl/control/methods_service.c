/* SPDX-License-Identifier: Apache-2.0
 *
 * services.list, service.add, service.remove. Called by rpc.c, on the control thread.
 */
#include "methods.h"

#include <stdio.h>

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
	methods_put_text(&object, "hash", hash_name(service->hash_source));
	methods_put_number(&object, "transition_s", service->transition_s);
	methods_put_number(&object, "slow_start_s", service->slow_start_s);
	methods_put_number(&object, "slots", transition.slots);
	methods_put_number(&object, "backends", service->backends_n);
	methods_put_number(&object, "backends_enabled", enabled);
	methods_put_number(&object, "backends_draining", draining);
	methods_put_text(&object, "transition", methods_transition_word(transition.state));
	return object;
}

static json_t *services_list(struct rpc_call *call)
{
	const struct model *model = methods_model(call);
	json_t *result = json_object(), *list = json_array();

	for (uint32_t i = 0; i < model->services_n; i++)
		methods_append(&list, service_json(call->api, model->services[i]));
	methods_put(&result, "services", list);
	return result;
}

/* How flows are spread, and how they are kept at a change. */
static bool read_spreading(struct rpc_call *call, struct service_conf *spec)
{
	const char *scheduler = rpc_string(call->params, "scheduler");
	const char *hash = rpc_string(call->params, "hash");

	spec->transition_s = MODEL_TRANSITION_S_DEFAULT;
	if (!rpc_integer(call, call->params, "", "transition_s", 0, MODEL_TRANSITION_S_MAX,
			 &spec->transition_s) ||
	    !rpc_integer(call, call->params, "", "slow_start_s", 0, MODEL_SLOW_START_S_MAX,
			 &spec->slow_start_s))
		return false;
	if (scheduler && scheduler_parse(scheduler, &spec->scheduler) < 0) {
		rpc_refuse(call, RPC_INVALID,
			   "scheduler: \"%.64s\" is none of maglev, rr, wrr, random, least-conn",
			   scheduler);
		return false;
	}
	if (hash && hash_parse(hash, &spec->hash_source) < 0) {
		rpc_refuse(call, RPC_INVALID, "hash: \"%.64s\" is neither flow nor source", hash);
		return false;
	}
	return true;
}

/* All but the backends. */
static bool read_service(struct rpc_call *call, struct service_conf *spec)
{
	const char *protocol = rpc_string(call->params, "protocol");
	const char *encap = rpc_string(call->params, "encap");
	uint32_t port = 0;

	if (!methods_name(call, call->params, "", spec->name) ||
	    !methods_addr(call, call->params, "", "vip", &spec->vip) ||
	    !rpc_integer(call, call->params, "", "port", 0, UINT16_MAX, &port) ||
	    !rpc_integer(call, call->params, "", "slots", 0, INT32_MAX, &spec->slots))
		return false;
	spec->port = (uint16_t)port;
	if (proto_parse(protocol, &spec->proto) < 0) {
		rpc_refuse(call, RPC_INVALID, "protocol: \"%.64s\" is neither tcp nor udp",
			   protocol);
		return false;
	}
	spec->encap = ENCAP_IPIP;
	if (encap && encap_parse(encap, &spec->encap) < 0) {
		rpc_refuse(call, RPC_INVALID, "encap: \"%.64s\" is none of ipip, gue, gue0", encap);
		return false;
	}
	return read_spreading(call, spec);
}

static bool read_backends(struct rpc_call *call, const json_t *array, struct service_conf *spec)
{
	for (uint32_t i = 0; i < spec->backends_n; i++) {
		char place[RPC_PLACE_MAX];

		snprintf(place, sizeof(place), "backends[%u].", i);
		if (!methods_backend_conf(call, json_array_get(array, i), place,
					  &spec->backends[i]))
			return false;
	}
	return true;
}

static json_t *service_add(struct rpc_call *call)
{
	const json_t *backends = json_object_get(call->params, "backends");
	struct model_error error = {.text = ""};
	struct service_conf *spec;
	json_t *result = NULL;

	spec = service_conf_new((uint32_t)json_array_size(backends));
	if (!spec)
		return NULL;
	if (read_service(call, spec) && read_backends(call, backends, spec))
		result = methods_apply(
			call, model_service_add(methods_newest(call), spec, &error),
			&error);
	service_conf_unref(spec);
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

static const struct rpc_param backend_fields[] = {
	{"name", RPC_STRING, true, "of the backend, within its service", NULL},
	{"address", RPC_STRING, true, "IPv4 or IPv6, whatever the vip's family", NULL},
	{"weight", RPC_INTEGER, false, "0 to 65535; 100 if missing", NULL},
	{"state", RPC_STRING, false, "enabled (if missing) or disabled", NULL},
	{.name = NULL},
};

static const struct rpc_param add_params[] = {
	{"name", RPC_STRING, true, "of the service", NULL},
	{"vip", RPC_STRING, true, "its IPv4 or IPv6 address", NULL},
	{"port", RPC_INTEGER, true, "1 to 65535, or 0 for all ports", NULL},
	{"protocol", RPC_STRING, true, "tcp or udp", NULL},
	{"encap", RPC_STRING, false, "ipip (if missing), gue or gue0", NULL},
	{"slots", RPC_INTEGER, false, "of its lookup table, a prime; chosen if missing or 0", NULL},
	{"scheduler", RPC_STRING, false, "maglev (if missing), rr, wrr, random or least-conn",
	 NULL},
	{"hash", RPC_STRING, false, "of maglev: flow (if missing), or source: session affinity",
	 NULL},
	{"transition_s", RPC_INTEGER, false,
	 "0 to 86400 s that older flows are waited for; 300 if "
	 "missing",
	 NULL},
	{"slow_start_s", RPC_INTEGER, false,
	 "0 to 86400 s to a new backend's full weight; 0 if "
	 "missing",
	 NULL},
	{"backends", RPC_OBJECTS, false, "none if missing", backend_fields},
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
	{"service.remove", service_remove, true, remove_params,
	 "removes a service and its backends"},
	{.name = NULL},
};
