/* SPDX-License-Identifier: Apache-2.0
 *
 * backends.list, backend.set, .enable, .disable, .drain, .undrain, .add and .remove.
 * Called by rpc.c, on the control thread.
 */
#include "config_tree.h"
#include "methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *mac_json(const uint8_t mac[6])
{
	static const uint8_t none[6];
	char text[18];

	if (memcmp(mac, none, sizeof(none)) == 0)
		return json_null();
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return json_string(text);
}

/* A way that the kernel resolved is none to us if it doesn't leave by a port of the fast path. */
static json_t *next_hop_json(const struct daemon_backend *backend)
{
	const struct nexthop *hop = &backend->next_hop;
	bool no_port = hop->state == NEXTHOP_RESOLVED && backend->port < 0;
	json_t *object = json_object();

	methods_put_text(&object, "state", no_port ? "no_port" : nexthop_state_word(hop->state));
	methods_put_text(&object, "text",
			 no_port ? "its interface is no port of the fast path"
				 : nexthop_state_text(hop->state));
	methods_put(&object, "interface", hop->ifname[0] ? rpc_text(hop->ifname) : json_null());
	methods_put(&object, "port", backend->port < 0 ? json_null() : json_integer(backend->port));
	methods_put_addr(&object, "via", &hop->via);
	methods_put(&object, "mac", mac_json(hop->dst_mac));
	methods_put(&object, "vlan", hop->vlan == 0 ? json_null() : json_integer(hop->vlan));
	methods_put_number(&object, "mtu_bytes", hop->mtu_bytes);
	return object;
}

static const char *drain_word(enum daemon_drain_state state)
{
	switch (state) {
	case DRAIN_NONE:
		break;
	case DRAIN_RUNNING:
		return "running";
	case DRAIN_DONE:
		return "done";
	case DRAIN_TIMED_OUT:
		return "timed_out";
	}
	return "none";
}

static json_t *drain_json(const struct daemon_drain *drain)
{
	json_t *object;

	if (drain->state == DRAIN_NONE)
		return json_null();
	object = json_object();
	methods_put_text(&object, "state", drain_word(drain->state));
	methods_put_number(&object, "quiet_s", drain->quiet_s);
	methods_put_number(&object, "started_us", (uint64_t)drain->started_us);
	methods_put(&object, "deadline_us",
		    drain->deadline_us == 0 ? json_null() : json_integer(drain->deadline_us));
	methods_put_number(&object, "flows_cut", drain->flows_cut);
	return object;
}

static json_t *health_json(const struct daemon_api *api, const struct service_conf *service,
			   uint32_t index)
{
	struct health_report report;
	json_t *object;

	api->health_read(api->ctx, service, index, &report);
	if (report.state == HEALTH_NONE)
		return json_null();
	object = json_object();
	methods_put_text(&object, "check", health_type_name((enum health_type)service->health.type));
	methods_put_text(&object, "state", health_state_name(report.state));
	methods_put_number(&object, "since_us", (uint64_t)report.since_us);
	methods_put(&object, "checked_us",
		    report.checked_us == 0 ? json_null() : json_integer(report.checked_us));
	methods_put(&object, "reason", rpc_text(report.reason));
	return object;
}

static json_t *backend_json(const struct daemon_api *api, const struct service_conf *service,
			    uint32_t index, const struct daemon_backend *running,
			    uint32_t slots_total)
{
	const struct backend_conf *conf = &service->backends[index];
	json_t *object = json_object();

	methods_put_text(&object, "service", service->name);
	methods_put_text(&object, "name", conf->name);
	methods_put_addr(&object, "address", &conf->addr);
	methods_put_number(&object, "weight", conf->weight);
	methods_put_number(&object, "weight_now", running->weight);
	methods_put_text(&object, "state", backend_admin_name(conf->admin));
	methods_put(&object, "drain", drain_json(&running->drain));
	methods_put_number(&object, "flows", running->flows);
	methods_put_number(&object, "slots", running->slots);
	methods_put_number(&object, "slots_total", slots_total);
	methods_put_number(&object, "packets", running->counters.packets);
	methods_put_number(&object, "bytes", running->counters.bytes);
	methods_put(&object, "next_hop", next_hop_json(running));
	methods_put(&object, "health", health_json(api, service, index));
	return object;
}

/* False: refused, or no memory. */
static bool append_backends(struct rpc_call *call, const struct service_conf *service,
			    json_t **list)
{
	struct daemon_transition transition;
	struct daemon_backend *rows;
	int rc;

	if (service->backends_n == 0)
		return true;
	rows = calloc(service->backends_n, sizeof(*rows));
	if (!rows)
		return false;
	rc = call->api->backends_read(call->api->ctx, service, rows);
	if (rc < 0)
		rpc_refuse(call, RPC_FAILED, "service %s: the backends' counters can't be read: %s",
			   service->name, strerror(-rc));
	/* The table in force: a scheduler that doesn't hash has one of its own length. */
	call->api->transition_read(call->api->ctx, service, &transition);
	for (uint32_t i = 0; rc == 0 && i < service->backends_n; i++)
		methods_append(list, backend_json(call->api, service, i, &rows[i], transition.slots));
	free(rows);
	return rc == 0;
}

static json_t *backends_list(struct rpc_call *call)
{
	const struct model *model = methods_model(call);
	json_t *result = json_object(), *list = json_array();
	bool done = true;

	if (rpc_string(call->params, "service")) {
		const struct service_conf *service = methods_service_named(call, methods_model(call));

		done = service && append_backends(call, service, &list);
	} else {
		for (uint32_t i = 0; done && i < model->services_n; i++)
			done = append_backends(call, model->services[i], &list);
	}
	methods_put(&result, "backends", list);
	if (!done) {
		json_decref(result);
		return NULL;
	}
	return result;
}

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
		rpc_refuse(call, RPC_PARAMS, "backend.set: neither weight nor health is given");
	else if (was && keys)
		next = backend_changed(call, was, keys, &error);
	json_decref(keys);
	return next || error.text[0] ? methods_apply(call, next, &error) : NULL;
}

static json_t *set_admin(struct rpc_call *call, enum backend_admin admin)
{
	struct model_error error = {.text = ""};

	return methods_apply(call,
			     model_backend_admin(methods_newest(call),
						 rpc_string(call->params, "service"),
						 rpc_string(call->params, "backend"), admin,
						 &error),
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
	return methods_apply(call,
			     model_backend_drain(methods_newest(call),
						 rpc_string(call->params, "service"),
						 rpc_string(call->params, "backend"), timeout_s,
						 &error),
			     &error);
}

static const struct rpc_param list_params[] = {
	{"service", RPC_STRING, false, "only this one's", NULL},
	{.name = NULL},
};

static const struct rpc_param set_params[] = {
	{"service", RPC_STRING, true, "name of the service", NULL},
	{"backend", RPC_STRING, true, "name of the backend", NULL},
	{"weight", RPC_INTEGER, false, "0 to 65535; 0 takes no new flows", NULL},
	{"health", RPC_OBJECT, false, "what differs from the service's health checks", NULL},
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
	{"backends.list", backends_list, false, list_params,
	 "lists backends as they run: share, next hop, packets"},
	{"backend.set", backend_set, true, set_params, "sets a backend's weight and health checks"},
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
