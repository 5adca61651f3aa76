/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic.list: what rates are made of, for who asks every second, as `sluicectl top` does.
 * Called by rpc.c, on the control thread. Costs a read of the counters and nothing else.
 */
#include "clock.h"
#include "listing.h"
#include "methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct traffic_walk {
	struct rpc_call *call;
	struct service_walk services;
	bool each;
};

static int next_service(void *ctx, json_t **row)
{
	struct traffic_walk *walk = ctx;
	const struct daemon_api *api = walk->call->api;
	const struct service_conf *service = service_walk_next(&walk->services);
	struct backend_counters *rows;
	struct service_counters counters;
	int rc;

	if (!service)
		return 0;
	rows = calloc(service->backends_n + 1U, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	rc = api->service_counters(api->ctx, service, &counters);
	if (rc == 0)
		rc = api->backend_counters(api->ctx, service, rows);
	if (rc < 0)
		rpc_refuse(walk->call, RPC_FAILED, "service %s: the counters can't be read: %s",
			   service->name, strerror(-rc));
	else
		*row = service_json(api, service, &counters, rows, walk->each);
	free(rows);
	return rc < 0 ? rc : 1;
}

static void walk_free(void *ctx)
{
	struct traffic_walk *walk = ctx;

	service_walk_end(&walk->services);
	free(walk);
}

/* What comes before the services. */
static json_t *members_json(const struct model *model)
{
	json_t *members = json_object();

	methods_put_number(&members, "clock_us", (uint64_t)clock_now_us());
	methods_put_number(&members, "services_total", model->services_n);
	return members;
}

static json_t *traffic_list(struct rpc_call *call)
{
	static const struct listing_list lists[] = {{"services", .next = next_service},
						    {.name = NULL}};
	const struct service_conf *only = NULL;
	uint32_t from = 0, limit = LIMIT_DEFAULT;
	struct traffic_walk *walk;

	if (!rpc_integer(call, call->params, "", "from", 0, INT32_MAX, &from) ||
	    !rpc_integer(call, call->params, "", "limit", 1, LIMIT_MAX, &limit))
		return NULL;
	if (rpc_string(call->params, "service")) {
		only = methods_service_named(call, methods_model(call));
		if (!only)
			return NULL;
	}
	walk = calloc(1, sizeof(*walk));
	if (!walk || !service_walk_begin(&walk->services, call->api, only, from, limit)) {
		free(walk);
		return NULL;
	}
	walk->call = call;
	walk->each = rpc_flag(call->params, "each");
	return listing_answer(call, members_json(methods_model(call)), lists, walk, walk_free);
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
