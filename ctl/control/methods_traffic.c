/* SPDX-License-Identifier: Apache-2.0
 *
 * traffic.list: what rates are made of, for who asks every second, as `sluicectl top` does.
 * Called by rpc.c, on the control thread. Costs a read of the counters and nothing else, and a
 * page of it at a time, so that with 10,000 services the event loop is not held up.
 */
#include "methods.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIMIT_DEFAULT = 1000, LIMIT_MAX = 10000 };

static uint64_t packets_with(const struct service_counters *counters, enum action action)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < VERDICT_COUNT; i++) {
		if (verdict_action((enum verdict)i) == action)
			sum += counters->packets[i];
	}
	return sum;
}

static enum health_state health_of(const struct daemon_api *api, const struct service_conf *service,
				   uint32_t index)
{
	struct health_report report;

	api->health_read(api->ctx, service, index, &report);
	return report.state;
}

static json_t *backend_json(const struct backend_conf *conf, const struct backend_counters *row,
			    enum health_state health)
{
	json_t *object = json_object();

	methods_put_text(&object, "name", conf->name);
	methods_put_text(&object, "state", backend_admin_name(conf->admin));
	methods_put(&object, "health",
		    health == HEALTH_NONE ? json_null() : json_string(health_state_name(health)));
	methods_put_number(&object, "packets", row->packets);
	methods_put_number(&object, "bytes", row->bytes);
	return object;
}

/* The service's sums, and, if `each`, its backends. */
static json_t *service_json(const struct daemon_api *api, const struct service_conf *service,
			    const struct service_counters *counters,
			    const struct backend_counters *rows, bool each)
{
	json_t *object = json_object(), *list = each ? json_array() : NULL;
	uint64_t bytes = 0, enabled = 0, up = 0;

	for (uint32_t i = 0; i < service->backends_n; i++) {
		enum health_state health = health_of(api, service, i);
		bool enabled_now = service->backends[i].admin == BACKEND_ENABLED;

		enabled += enabled_now;
		up += enabled_now && health != HEALTH_DOWN;
		bytes += rows[i].bytes;
		if (each)
			methods_append(&list,
				       backend_json(&service->backends[i], &rows[i], health));
	}
	methods_put_text(&object, "service", service->name);
	methods_put_number(&object, "packets", packets_with(counters, ACTION_FORWARD));
	methods_put_number(&object, "bytes", bytes);
	methods_put_number(&object, "dropped", packets_with(counters, ACTION_DROP));
	methods_put_number(&object, "backends", service->backends_n);
	methods_put_number(&object, "backends_enabled", enabled);
	methods_put_number(&object, "backends_up", up);
	if (each)
		methods_put(&object, "each", list);
	return object;
}

/* False: refused, or no memory. */
static bool append_service(struct rpc_call *call, const struct service_conf *service, bool each,
			   json_t **list)
{
	const struct daemon_api *api = call->api;
	struct backend_counters *rows = calloc(service->backends_n + 1U, sizeof(*rows));
	struct service_counters counters;
	int rc;

	if (!rows)
		return false;
	rc = api->service_counters(api->ctx, service, &counters);
	if (rc == 0)
		rc = api->backend_counters(api->ctx, service, rows);
	if (rc < 0)
		rpc_refuse(call, RPC_FAILED, "service %s: the counters can't be read: %s",
			   service->name, strerror(-rc));
	else
		methods_append(list, service_json(api, service, &counters, rows, each));
	free(rows);
	return rc == 0;
}

static json_t *traffic_list(struct rpc_call *call)
{
	const struct model *model = call->api->model(call->api->ctx);
	bool each = rpc_flag(call->params, "each"), done = true;
	uint32_t from = 0, limit = LIMIT_DEFAULT;
	json_t *result, *list;
	struct timespec now;

	if (!rpc_integer(call, call->params, "", "from", 0, INT32_MAX, &from) ||
	    !rpc_integer(call, call->params, "", "limit", 1, LIMIT_MAX, &limit))
		return NULL;
	list = json_array();
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (rpc_string(call->params, "service")) {
		const struct service_conf *service = methods_service_named(call, methods_model(call));

		done = service && append_service(call, service, each, &list);
	} else {
		for (uint32_t i = from; done && i < model->services_n && i - from < limit; i++)
			done = append_service(call, model->services[i], each, &list);
	}
	if (!done) {
		json_decref(list);
		return NULL;
	}
	result = json_object();
	methods_put_number(&result, "clock_us",
			   (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	methods_put_number(&result, "services_total", model->services_n);
	methods_put(&result, "services", list);
	return result;
}

static const struct rpc_param traffic_params[] = {
	{"service", RPC_STRING, false, "only this one's", NULL},
	{"from", RPC_INTEGER, false,
	 "how many services are left out at the beginning; 0 if missing", NULL},
	{"limit", RPC_INTEGER, false, "at most so many services, 1 to 10000; 1000 if missing",
	 NULL},
	{"each", RPC_BOOLEAN, false, "true: with each backend", NULL},
	{.name = NULL},
};

const struct rpc_method methods_traffic[] = {
	{"traffic.list", traffic_list, false, traffic_params,
	 "lists what was sent to services and backends, for rates; cheap enough for every second"},
	{.name = NULL},
};
