/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backends.list. Called by rpc.c, on the control thread.
 */
#include "listing.h"
#include "methods.h"

#include <errno.h>
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

	methods_put_text(&object, "state", no_port ? "no_port" : nexthop_state_name(hop->state));
	methods_put_text(&object, "text",
			 no_port ? "its interface is no port of the fast path"
				 : nexthop_state_text(hop->state));
	methods_put(&object, "interface", hop->ifname[0] ? rpc_text(hop->ifname) : json_null());
	methods_put(&object, "port", backend->port < 0 ? json_null() : json_integer(backend->port));
	methods_put_addr(&object, "via", &hop->via);
	methods_put(&object, "mac", mac_json(hop->dst_mac));
	methods_put(&object, "vlan", hop->vlan == 0 ? json_null() : json_integer(hop->vlan));
	methods_put_number(&object, "mtu_bytes", hop->mtu_bytes);
	methods_put_number(&object, "first_mtu_bytes", hop->first_mtu_bytes);
	return object;
}

static json_t *drain_json(const struct daemon_drain *drain)
{
	json_t *object;

	if (drain->state == DRAIN_NONE)
		return json_null();
	object = json_object();
	methods_put_text(&object, "state", drain_state_name(drain->state));
	methods_put_number(&object, "quiet_s", drain->quiet_s);
	methods_put_number(&object, "started_us", (uint64_t)drain->started_us);
	methods_put(&object, "deadline_us",
		    drain->deadline_us == 0 ? json_null() : json_integer(drain->deadline_us));
	methods_put_number(&object, "flows_cut", drain->flows_cut);
	return object;
}

static json_t *health_json(const struct service_conf *service, const struct health_report *report)
{
	json_t *object;

	if (report->state == HEALTH_NONE)
		return json_null();
	object = json_object();
	methods_put_text(&object, "check",
			 health_type_name((enum health_type)service->health.type));
	methods_put_text(&object, "state", health_state_name(report->state));
	methods_put_number(&object, "since_us", (uint64_t)report->since_us);
	methods_put(&object, "checked_us",
		    report->checked_us == 0 ? json_null() : json_integer(report->checked_us));
	methods_put(&object, "reason", rpc_text(report->reason));
	return object;
}

/* Why it counts as down; null: it doesn't. */
static json_t *down_json(const struct daemon_backend *running)
{
	if (running->down)
		return json_string("check");
	return running->unreachable ? json_string("next_hop") : json_null();
}

static json_t *backend_json(const struct service_conf *service, uint32_t index,
			    const struct daemon_backend *running,
			    const struct health_report *health, uint32_t slots_total)
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
	methods_put(&object, "health", health_json(service, health));
	methods_put(&object, "down", down_json(running));
	return object;
}

/* ---- one by one ---- */

/* Of the service whose rows are under way all is read at once: it is of one moment. */
struct backend_walk {
	struct rpc_call *call;
	struct service_walk services;
	struct service_conf *service; /* a reference; NULL: none is under way */
	struct daemon_backend *rows;
	struct health_report *health;
	uint32_t next, slots_total;
};

static void service_end(struct backend_walk *walk)
{
	service_conf_unref(walk->service);
	free(walk->rows);
	free(walk->health);
	walk->service = NULL;
	walk->rows = NULL;
	walk->health = NULL;
	walk->next = 0;
}

static int service_read(struct backend_walk *walk, const struct service_conf *service)
{
	const struct daemon_api *api = walk->call->api;
	struct daemon_transition transition;
	int rc;

	walk->service = service_conf_ref(model_find(api->model(api->ctx), service->name));
	walk->rows = calloc(service->backends_n, sizeof(*walk->rows));
	walk->health = calloc(service->backends_n, sizeof(*walk->health));
	if (!walk->rows || !walk->health)
		return -ENOMEM;
	rc = api->backends_read(api->ctx, service, walk->rows);
	if (rc < 0)
		rpc_refuse(walk->call, RPC_FAILED,
			   "service %s: the backends' counters can't be read: %s", service->name,
			   strerror(-rc));
	for (uint32_t i = 0; rc == 0 && i < service->backends_n; i++)
		api->health_read(api->ctx, service, i, &walk->health[i]);
	/* The table in force: a scheduler that doesn't hash has one of its own length. */
	api->transition_read(api->ctx, service, &transition);
	walk->slots_total = transition.slots;
	return rc;
}

static int next_backend(void *ctx, json_t **row)
{
	struct backend_walk *walk = ctx;
	const struct service_conf *service;
	uint32_t i;
	int rc = 0;

	while (!walk->service && rc == 0) {
		service = service_walk_next(&walk->services);
		if (!service)
			return 0;
		if (service->backends_n > 0)
			rc = service_read(walk, service);
	}
	if (rc < 0)
		return rc;
	i = walk->next++;
	*row = backend_json(walk->service, i, &walk->rows[i], &walk->health[i], walk->slots_total);
	if (walk->next == walk->service->backends_n)
		service_end(walk);
	return 1;
}

static void walk_free(void *ctx)
{
	struct backend_walk *walk = ctx;

	service_end(walk);
	service_walk_end(&walk->services);
	free(walk);
}

static json_t *backends_list(struct rpc_call *call)
{
	static const struct listing_list lists[] = {{"backends", .next = next_backend},
						    {.name = NULL}};
	const struct service_conf *only = NULL;
	struct backend_walk *walk;

	if (rpc_string(call->params, "service")) {
		only = methods_service_named(call, methods_model(call));
		if (!only)
			return NULL;
	}
	walk = calloc(1, sizeof(*walk));
	if (!walk || !service_walk_begin(&walk->services, call->api, only, 0, UINT32_MAX)) {
		free(walk);
		return NULL;
	}
	walk->call = call;
	return listing_answer(call, json_object(), lists, walk, walk_free);
}

static const struct rpc_param list_params[] = {
	{"service", RPC_STRING, false, "only this one's", NULL},
	{.name = NULL},
};

const struct rpc_method methods_backends[] = {
	{"backends.list", backends_list, false, list_params,
	 "lists backends as they run: share, next hop, packets"},
	{.name = NULL},
};
