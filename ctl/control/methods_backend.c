/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.set, .enable, .disable, .drain, .undrain, .add and .remove.
 * Called by rpc.c, on the control thread.
 */
#include "config_tree.h"
#include "methods.h"

#include <stdlib.h>
#include <string.h>

static json_t *backend_add(struct rpc_call *call)
{
	const struct model *model = methods_newest(call);
	json_t *keys = methods_keys(call);
	char *text = malloc(CONFIG_ERROR_MAX);
	struct model_error error = {.text = ""};
	struct backend_conf spec;
	json_t *result = NULL;

	if (!text || !keys)
		goto out;
	if (config_backend_parse(keys, &spec, text))
		result = methods_apply(call,
				       model_backend_add(model, rpc_string(call->params, "service"),
							 &spec, &error),
				       &error);
	else
		methods_refuse_tree(call, text);
out:
	free(text);
	json_decref(keys);
	return result;
}

static json_t *backend_remove(struct rpc_call *call)
{
	struct model_error error = {.text = ""};

	return methods_apply(call,
			     model_backend_remove(methods_newest(call),
						  rpc_string(call->params, "service"),
						  rpc_string(call->params, "backend"), &error),
			     &error);
}

/* The model with the backend set. NULL: the call is refused, or *error says why. */
static struct model *backend_changed(struct rpc_call *call, const struct backend_conf *was,
				     const json_t *keys, struct model_error *error)
{
	char *text = malloc(CONFIG_ERROR_MAX);
	struct model *next = NULL;
	struct backend_conf spec;

	if (text && config_backend_change(was, keys, &spec, text))
		next = model_backend_set(methods_newest(call), rpc_string(call->params, "service"),
					 &spec, error);
	else if (text)
		methods_refuse_tree(call, text);
	free(text);
	return next;
}

static json_t *backend_set(struct rpc_call *call)
{
	const char *service = rpc_string(call->params, "service");
	const char *name = rpc_string(call->params, "backend");
	const struct service_conf *in = methods_service_named(call, methods_newest(call));
	const struct backend_conf *was = in ? service_conf_find(in, name) : NULL;
	json_t *keys = methods_keys(call);
	struct model_error error = {.text = ""};
	struct model *next = NULL;

	if (in && !was)
		rpc_refuse(call, RPC_NOT_FOUND, "service \"%s\" has no backend \"%.64s\"", service,
			   name);
	else if (was && keys && json_object_size(keys) == 0)
		rpc_refuse(call, RPC_PARAMS, "backend.set: nothing to set is given");
	else if (was && keys)
		next = backend_changed(call, was, keys, &error);
	json_decref(keys);
	return next || error.text[0] ? methods_apply(call, next, &error) : NULL;
}

static json_t *set_admin(struct rpc_call *call, enum backend_admin admin)
{
	struct model_error error = {.text = ""};

	return methods_apply(
		call,
		model_backend_admin(methods_newest(call), rpc_string(call->params, "service"),
				    rpc_string(call->params, "backend"), admin, &error),
		&error);
}

static json_t *backend_enable(struct rpc_call *call)
{
	return set_admin(call, BACKEND_ENABLED);
}

static json_t *backend_disable(struct rpc_call *call)
{
	return set_admin(call, BACKEND_DISABLED);
}

static json_t *backend_undrain(struct rpc_call *call)
{
	const struct service_conf *service = methods_service_named(call, methods_newest(call));
	const char *name = rpc_string(call->params, "backend");
	const struct backend_conf *backend = service ? service_conf_find(service, name) : NULL;

	/* What the drain's timeout, or somebody, has disabled is not to come up by this. */
	if (backend && backend->admin == BACKEND_DISABLED)
		return rpc_refuse(call, RPC_CONFLICT,
				  "backend \"%s\" is disabled by now, not draining: enable it",
				  backend->name);
	return service ? set_admin(call, BACKEND_ENABLED) : NULL;
}

static json_t *backend_drain(struct rpc_call *call)
{
	struct model_error error = {.text = ""};
	uint32_t timeout_s = 0;

	if (!rpc_integer(call, call->params, "", "timeout_s", 0, MODEL_DRAIN_TIMEOUT_S_MAX,
			 &timeout_s))
		return NULL;
	return methods_apply(
		call,
		model_backend_drain(methods_newest(call), rpc_string(call->params, "service"),
				    rpc_string(call->params, "backend"), timeout_s, &error),
		&error);
}

static const struct rpc_param set_params[] = {
	{"service", RPC_STRING, true, "name of the service", NULL},
	{"backend", RPC_STRING, true, "name of the backend", NULL},
	{"weight", RPC_INTEGER, false, "0 to 65535; 0 takes no new flows", NULL},
	{"health", RPC_OBJECT, false, "what differs from the service's health checks", NULL},
	METHODS_BACKEND_OWN,
	METHODS_DRY_RUN,
	{.name = NULL},
};

static const struct rpc_param named_params[] = {
	{"service", RPC_STRING, true, "name of the service", NULL},
	{"backend", RPC_STRING, true, "name of the backend", NULL},
	METHODS_DRY_RUN,
	{.name = NULL},
};

static const struct rpc_param drain_params[] = {
	{"service", RPC_STRING, true, "name of the service", NULL},
	{"backend", RPC_STRING, true, "name of the backend", NULL},
	{"timeout_s", RPC_INTEGER, false,
	 "disables it after so long, at most 604800; 0 or missing: never", NULL},
	METHODS_DRY_RUN,
	{.name = NULL},
};

static const struct rpc_param add_params[] = {
	{"service", RPC_STRING, true, "name of the service", NULL},
	METHODS_BACKEND_KEYS,
	METHODS_DRY_RUN,
	{.name = NULL},
};

const struct rpc_method methods_backend[] = {
	{"backend.set", backend_set, true, set_params,
	 "sets a backend's weight and what differs in its health"},
	{"backend.enable", backend_enable, true, named_params, "lets a backend take flows"},
	{"backend.disable", backend_disable, true, named_params, "sends a backend nothing more"},
	{"backend.drain", backend_drain, true, drain_params,
	 "gives a backend no new flows; those it has stay"},
	{"backend.undrain", backend_undrain, true, named_params,
	 "lets a draining backend take new flows again"},
	{"backend.add", backend_add, true, add_params, "adds a backend to a service"},
	{"backend.remove", backend_remove, true, named_params, "removes a backend"},
	{.name = NULL},
};
