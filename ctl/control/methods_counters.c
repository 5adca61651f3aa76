/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters.list. Called by rpc.c, on the control thread.
 */
#include "listing.h"
#include "methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct counters_walk {
	struct rpc_call *call;
	struct service_walk services;
	struct ip_addr *vips; /* each once, however many services it has */
	uint32_t vips_n, vips_next;
};

static int refuse_reading(struct rpc_call *call, int rc)
{
	rpc_refuse(call, RPC_FAILED, "the counters can't be read: %s", strerror(-rc));
	return rc;
}

static int next_service(void *ctx, json_t **row)
{
	struct counters_walk *walk = ctx;
	const struct daemon_api *api = walk->call->api;
	const struct service_conf *service = service_walk_next(&walk->services);
	struct service_counters counters;
	int rc = service ? api->service_counters(api->ctx, service, &counters) : 0;

	if (!service)
		return 0;
	if (rc < 0)
		return refuse_reading(walk->call, rc);
	*row = json_object();
	methods_put_text(row, "service", service->name);
	methods_put(row, "packets", methods_verdicts(&counters));
	return 1;
}

static int next_vip(void *ctx, json_t **row)
{
	struct counters_walk *walk = ctx;
	const struct daemon_api *api = walk->call->api;
	const struct ip_addr *vip = &walk->vips[walk->vips_next];
	struct service_counters counters;
	int rc;

	if (walk->vips_next++ == walk->vips_n)
		return 0;
	rc = api->vip_counters(api->ctx, vip, &counters);
	if (rc < 0)
		return refuse_reading(walk->call, rc);
	*row = json_object();
	methods_put_addr(row, "vip", vip);
	methods_put(row, "packets", methods_verdicts(&counters));
	return 1;
}

static int compare_addrs(const void *a, const void *b)
{
	return ip_compare(a, b);
}

/* False: no memory. */
static bool vips_collect(struct counters_walk *walk, const struct model *model)
{
	struct ip_addr *vips = calloc(model->services_n + 1U, sizeof(*vips));

	if (!vips)
		return false;
	for (uint32_t i = 0; i < model->services_n; i++)
		vips[i] = model->services[i]->vip;
	qsort(vips, model->services_n, sizeof(*vips), compare_addrs);
	for (uint32_t i = 0; i < model->services_n; i++)
		if (i == 0 || !ip_equal(&vips[i], &vips[walk->vips_n - 1]))
			vips[walk->vips_n++] = vips[i];
	walk->vips = vips;
	return true;
}

static void walk_free(void *ctx)
{
	struct counters_walk *walk = ctx;

	service_walk_end(&walk->services);
	free(walk->vips);
	free(walk);
}

/* What was lost at the ports, beside the verdicts. */
static json_t *ports_json(const struct daemon_api *api)
{
	json_t *list = json_array(), *object;

	for (uint32_t i = 0; i < FAST_PATH_PORTS_MAX; i++) {
		struct fast_path_port_info port = {.interface = ""};
		int err = api->port_read(api->ctx, i, &port);

		if (err == -ENOENT)
			break;
		object = json_object();
		methods_put_text(&object, "interface", port.interface);
		methods_put(&object, "dropped", methods_drops(&port));
		methods_append(&list, object);
	}
	return list;
}

/* Packets to no vip. NULL: refused, or no memory. */
static json_t *others(struct rpc_call *call)
{
	struct service_counters counters;
	json_t *members, *object;
	int rc = call->api->other_counters(call->api->ctx, &counters);

	if (rc < 0) {
		refuse_reading(call, rc);
		return NULL;
	}
	members = json_object();
	object = json_object();
	methods_put(&object, "packets", methods_verdicts(&counters));
	methods_put(&members, "no_vip", object);
	methods_put(&members, "ports", ports_json(call->api));
	return members;
}

static json_t *counters_list(struct rpc_call *call)
{
	static const struct listing_list lists[] = {
		{"vips", .next = next_vip}, {"services", .next = next_service}, {.name = NULL}};
	const struct service_conf *only = NULL;
	struct counters_walk *walk;

	if (rpc_string(call->params, "service")) {
		only = methods_service_named(call, methods_model(call));
		if (!only)
			return NULL;
	}
	walk = calloc(1, sizeof(*walk));
	if (!walk)
		return NULL;
	walk->call = call;
	if (!service_walk_begin(&walk->services, call->api, only, 0, UINT32_MAX) ||
	    (!only && !vips_collect(walk, methods_model(call)))) {
		walk_free(walk);
		return NULL;
	}
	return listing_answer(call, only ? json_object() : others(call), only ? &lists[1] : lists,
			      walk, walk_free);
}

static const struct rpc_param list_params[] = {
	{"service", RPC_STRING, false, "only this one's", NULL},
	{.name = NULL},
};

const struct rpc_method methods_counters[] = {
	{"counters.list", counters_list, false, list_params,
	 "lists packets by verdict, of services, of vips apart from them, and of neither; and what "
	 "was "
	 "lost at ports"},
	{.name = NULL},
};
