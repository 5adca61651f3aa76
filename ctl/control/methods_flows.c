/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flows.list, transitions.list, memory.show: what is remembered of flows, and why. Called by
 * rpc.c, on the control thread.
 */
#include "listing.h"
#include "methods.h"

#include "sluice/memory_counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FLOWS_LIMIT_DEFAULT = 20,
	FLOWS_LIMIT_MAX = 10000,
};

/* A flow that a step found, until its row is made: services may go meanwhile. */
struct found_flow {
	uint64_t hash;
	char service[MODEL_NAME_MAX];
	char backend[MODEL_NAME_MAX]; /* "": removed */
	enum memory_state state;
	uint32_t idle_s, worker;
};

/* An answer under way. */
struct flows_answer {
	struct rpc_call *call;
	struct daemon_flow_walk *walk;
	bool is_over; /* the walk */
	uint64_t matching;
	struct found_flow *found; /* by the latest step */
	uint32_t found_n, room, told_n;
	bool no_memory;
};

/* Room for one more. */
static bool found_grow(struct flows_answer *a)
{
	uint32_t room = a->room ? 2 * a->room : FLOWS_LIMIT_DEFAULT;
	struct found_flow *found;

	if (a->found_n < a->room)
		return true;
	found = realloc(a->found, room * sizeof(*found));
	if (!found)
		return false;
	a->found = found;
	a->room = room;
	return true;
}

static void take_flow(void *ctx, const struct daemon_flow *flow)
{
	struct flows_answer *a = ctx;
	struct found_flow *f;

	a->no_memory = a->no_memory || !found_grow(a);
	if (a->no_memory)
		return;
	f = &a->found[a->found_n++];
	*f = (struct found_flow){
		.hash = flow->hash,
		.state = flow->state,
		.idle_s = flow->idle_s,
		.worker = flow->worker,
	};
	memcpy(f->service, flow->service->name, sizeof(f->service));
	if (flow->backend)
		memcpy(f->backend, flow->backend->name, sizeof(f->backend));
}

/* Who knows a flow's hash can tell later whether it is still there: that is not for readers. */
static json_t *flow_json(const struct found_flow *f, bool to_reader)
{
	json_t *object = json_object();
	char hash[17];

	snprintf(hash, sizeof(hash), "%016" PRIx64, f->hash);
	methods_put(&object, "hash", to_reader ? json_null() : rpc_text(hash));
	methods_put_text(&object, "service", f->service);
	methods_put(&object, "backend", f->backend[0] ? rpc_text(f->backend) : json_null());
	methods_put_text(&object, "state", memory_state_name(f->state));
	methods_put_number(&object, "idle_s", f->idle_s);
	methods_put_number(&object, "worker", f->worker);
	return object;
}

static int next_flow(void *ctx, json_t **row)
{
	struct flows_answer *a = ctx;
	const struct daemon_api *api = a->call->api;
	int rc;

	if (a->told_n < a->found_n) {
		*row = flow_json(&a->found[a->told_n++], a->call->peer.reads_only);
		return 1;
	}
	if (a->is_over)
		return 0;
	a->found_n = a->told_n = 0;
	rc = api->flows_next(a->walk, take_flow, a, &a->matching);
	if (a->no_memory)
		rc = -ENOMEM;
	if (rc < 0) {
		rpc_refuse(a->call, RPC_FAILED, "the remembered flows can't be read: %s",
			   strerror(-rc));
		return rc;
	}
	a->is_over = rc == 0;
	return LISTING_NONE_YET;
}

static json_t *matching_json(void *ctx)
{
	return json_integer((json_int_t)((struct flows_answer *)ctx)->matching);
}

static void flows_end(void *ctx)
{
	struct flows_answer *a = ctx;

	a->call->api->flows_end(a->walk);
	free(a->found);
	free(a);
}

/* False: refused. */
static bool read_filter(struct rpc_call *call, struct daemon_flow_filter *filter)
{
	const char *backend = rpc_string(call->params, "backend");

	*filter = (struct daemon_flow_filter){.limit = FLOWS_LIMIT_DEFAULT};
	if (!rpc_integer(call, call->params, "", "limit", 0, FLOWS_LIMIT_MAX, &filter->limit))
		return false;
	if (rpc_string(call->params, "service")) {
		filter->service = methods_service_named(call, methods_model(call));
		if (!filter->service)
			return false;
	}
	if (!backend)
		return true;
	if (!filter->service) {
		rpc_refuse(
			call, RPC_INVALID,
			"backend: backends of several services may be called \"%.64s\": name the "
			"service too (--service)",
			backend);
		return false;
	}
	filter->backend = service_conf_find(filter->service, backend);
	if (!filter->backend)
		rpc_refuse(call, RPC_NOT_FOUND, "service \"%s\" has no backend \"%.64s\"",
			   filter->service->name, backend);
	return filter->backend;
}

static json_t *flows_list(struct rpc_call *call)
{
	static const struct listing_list lists[] = {
		{"flows", .next = next_flow}, {"matching", .value = matching_json}, {.name = NULL}};
	struct daemon_flow_filter filter;
	struct flows_answer *a;

	if (!read_filter(call, &filter))
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	a->call = call;
	a->walk = call->api->flows_begin(call->api->ctx, &filter);
	if (!a->walk) {
		free(a);
		return NULL;
	}
	return listing_answer(call, json_object(), lists, a, flows_end);
}

static json_t *transition_json(const struct service_conf *service,
			       const struct daemon_transition *transition)
{
	bool active = transition->state == TRANSITION_ACTIVE;
	json_t *object = json_object();

	methods_put_text(&object, "service", service->name);
	methods_put_text(&object, "state", transition_state_name(transition->state));
	methods_put_number(&object, "started_us", (uint64_t)transition->started_us);
	methods_put(&object, "ends_in_s",
		    active ? json_integer(transition->ends_in_s) : json_null());
	methods_put_number(&object, "slots", transition->slots);
	methods_put_number(&object, "changed_slots", transition->changed_slots);
	methods_put_number(&object, "previous_slots", transition->previous_slots);
	return object;
}

static json_t *transitions_list(struct rpc_call *call)
{
	const struct model *model = methods_model(call);
	json_t *result = json_object(), *list = json_array();

	for (uint32_t i = 0; i < model->services_n; i++) {
		struct daemon_transition transition;

		call->api->transition_read(call->api->ctx, model->services[i], &transition);
		if (transition.state != TRANSITION_NONE)
			methods_append(&list, transition_json(model->services[i], &transition));
	}
	methods_put(&result, "transitions", list);
	return result;
}

static json_t *memory_show(struct rpc_call *call)
{
	struct memory_counters counters;
	int rc = call->api->memory_read(call->api->ctx, &counters);
	json_t *result;

	if (rc < 0)
		return rpc_refuse(call, RPC_FAILED,
				  "the counters of the flow table can't be read: %s",
				  strerror(-rc));
	result = json_object();
#define X(member, meaning) methods_put_number(&result, #member, counters.member);
	SLUICE_MEMORY_COUNTERS(X)
#undef X
	return result;
}

static const struct rpc_param flows_params[] = {
	{"service", RPC_STRING, false, "only this one's", NULL},
	{"backend", RPC_STRING, false, "only this one's; with service", NULL},
	{"limit", RPC_INTEGER, false, "at most so many, 0 to 10000; 20 if missing", NULL},
	{.name = NULL},
};

const struct rpc_method methods_flows[] = {
	{"flows.list", flows_list, false, flows_params,
	 "lists remembered flows: those that the lookup table alone does not tell"},
	{"transitions.list", transitions_list, false, methods_no_params,
	 "lists the services whose last change is not over yet"},
	{"memory.show", memory_show, false, methods_no_params,
	 "tells how full the flow table is, and what it counted"},
	{.name = NULL},
};
