/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.list, and host.drain, .undrain, .disable, .enable: every backend with an address, whatever
 * services it is of. Called by rpc.c, on the control thread.
 */
#include "listing.h"
#include "methods.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* ---- hosts.list ---- */

struct host {
	struct ip_addr addr;
	uint64_t backends, admin[BACKEND_DISABLED + 1], down;
	uint64_t drains[DRAIN_TIMED_OUT + 1];
	uint64_t flows, flows_cut, packets, bytes;
	uint32_t quiet_s;    /* since a packet went to one that drains */
	int64_t deadline_us; /* of the drain that is cut first; 0: of none */
};

/* Services are gone through first, one a turn, then there is a row for each host. */
struct host_walk {
	struct rpc_call *call;
	struct service_walk services;
	struct ip_addr only; /* family IP_NONE: all hosts */
	void *tree;          /* struct host, by address */
	struct host **hosts; /* in that order, when all is read */
	size_t n, next;
};

static int host_compare(const void *a, const void *b)
{
	return ip_compare(&((const struct host *)a)->addr, &((const struct host *)b)->addr);
}

/* The host of an address, which may be new. NULL: no memory. */
static struct host *host_of(struct host_walk *walk, const struct ip_addr *addr)
{
	struct host like = {.addr = *addr}, *host;
	struct host *const *found = tfind(&like, &walk->tree, host_compare);

	if (found)
		return *found;
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	host->addr = *addr;
	host->quiet_s = UINT32_MAX;
	if (!tsearch(host, &walk->tree, host_compare)) {
		free(host);
		return NULL;
	}
	walk->n++;
	return host;
}

static void host_add(struct host *host, const struct backend_conf *conf,
		     const struct daemon_backend *row)
{
	const struct daemon_drain *drain = &row->drain;

	host->backends++;
	host->admin[conf->admin]++;
	host->down += row->down || row->unreachable;
	host->drains[drain->state]++;
	host->flows += row->flows;
	host->packets += row->counters.packets;
	host->bytes += row->counters.bytes;
	if (drain->state == DRAIN_TIMED_OUT)
		host->flows_cut += drain->flows_cut;
	if (drain->state != DRAIN_RUNNING)
		return;
	if (drain->quiet_s < host->quiet_s)
		host->quiet_s = drain->quiet_s;
	if (drain->deadline_us &&
	    (host->deadline_us == 0 || drain->deadline_us < host->deadline_us))
		host->deadline_us = drain->deadline_us;
}

static int service_take(struct host_walk *walk, const struct service_conf *service)
{
	const struct daemon_api *api = walk->call->api;
	struct daemon_backend *rows;
	int rc;

	if (service->backends_n == 0 ||
	    (walk->only.family != IP_NONE && !service_conf_find_addr(service, &walk->only, 0)))
		return 0;
	rows = calloc(service->backends_n, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	rc = api->backends_read(api->ctx, service, rows);
	if (rc < 0)
		rpc_refuse(walk->call, RPC_FAILED,
			   "service %s: the backends' counters can't be read: %s", service->name,
			   strerror(-rc));
	for (uint32_t i = 0; rc == 0 && i < service->backends_n; i++) {
		const struct backend_conf *conf = &service->backends[i];
		struct host *host;

		if (walk->only.family != IP_NONE && !ip_equal(&walk->only, &conf->addr))
			continue;
		host = host_of(walk, &conf->addr);
		if (host)
			host_add(host, conf, &rows[i]);
		else
			rc = -ENOMEM;
	}
	free(rows);
	return rc;
}

static void host_put(const void *node, VISIT visit, void *closure)
{
	struct host_walk *walk = closure;

	if (visit == postorder || visit == leaf)
		walk->hosts[walk->next++] = *(struct host *const *)node;
}

static int hosts_sort(struct host_walk *walk)
{
	walk->hosts = calloc(walk->n + 1, sizeof(struct host *));
	if (!walk->hosts)
		return -ENOMEM;
	twalk_r(walk->tree, host_put, walk);
	walk->next = 0;
	return 0;
}

static json_t *host_json(const struct host *host)
{
	json_t *object = json_object();
	bool drains = host->drains[DRAIN_RUNNING] > 0;

	methods_put_addr(&object, "address", &host->addr);
	methods_put_number(&object, "backends", host->backends);
	methods_put_number(&object, "enabled", host->admin[BACKEND_ENABLED]);
	methods_put_number(&object, "draining", host->admin[BACKEND_DRAINING]);
	methods_put_number(&object, "disabled", host->admin[BACKEND_DISABLED]);
	methods_put_number(&object, "drained", host->drains[DRAIN_DONE]);
	methods_put_number(&object, "timed_out", host->drains[DRAIN_TIMED_OUT]);
	methods_put_number(&object, "down", host->down);
	methods_put_number(&object, "flows", host->flows);
	methods_put_number(&object, "flows_cut", host->flows_cut);
	methods_put(&object, "quiet_s", drains ? json_integer(host->quiet_s) : json_null());
	methods_put(&object, "deadline_us",
		    host->deadline_us ? json_integer(host->deadline_us) : json_null());
	methods_put_number(&object, "packets", host->packets);
	methods_put_number(&object, "bytes", host->bytes);
	return object;
}

static int next_host(void *ctx, json_t **row)
{
	struct host_walk *walk = ctx;
	const struct service_conf *service;
	int rc;

	if (!walk->hosts) {
		service = service_walk_next(&walk->services);
		rc = service ? service_take(walk, service) : hosts_sort(walk);
		return rc < 0 ? rc : LISTING_NONE_YET;
	}
	if (walk->next == walk->n)
		return 0;
	*row = host_json(walk->hosts[walk->next++]);
	return 1;
}

static void walk_free(void *ctx)
{
	struct host_walk *walk = ctx;

	tdestroy(walk->tree, free);
	free(walk->hosts);
	service_walk_end(&walk->services);
	free(walk);
}

static json_t *hosts_list(struct rpc_call *call)
{
	static const struct listing_list lists[] = {{"hosts", .next = next_host}, {.name = NULL}};
	struct ip_addr only = {.family = IP_NONE};
	struct host_walk *walk;

	if (rpc_string(call->params, "address") &&
	    !methods_addr(call, call->params, "", "address", &only))
		return NULL;
	walk = calloc(1, sizeof(*walk));
	if (!walk || !service_walk_begin(&walk->services, call->api, NULL, 0, UINT32_MAX)) {
		free(walk);
		return NULL;
	}
	walk->call = call;
	walk->only = only;
	return listing_answer(call, json_object(), lists, walk, walk_free);
}

/* ---- changes ---- */

static json_t *host_change(struct rpc_call *call, enum host_change change, uint32_t timeout_s)
{
	struct model_error error = {.text = ""};
	struct ip_addr addr;

	if (!methods_addr(call, call->params, "", "address", &addr))
		return NULL;
	return methods_apply(
		call, model_host_change(methods_newest(call), &addr, change, timeout_s, &error),
		&error);
}

static json_t *host_enable(struct rpc_call *call)
{
	return host_change(call, HOST_ENABLE, 0);
}

static json_t *host_disable(struct rpc_call *call)
{
	return host_change(call, HOST_DISABLE, 0);
}

static json_t *host_undrain(struct rpc_call *call)
{
	return host_change(call, HOST_UNDRAIN, 0);
}

static json_t *host_drain(struct rpc_call *call)
{
	uint32_t timeout_s = 0;

	if (!rpc_integer(call, call->params, "", "timeout_s", 0, MODEL_DRAIN_TIMEOUT_S_MAX,
			 &timeout_s))
		return NULL;
	return host_change(call, HOST_DRAIN, timeout_s);
}

static const struct rpc_param list_params[] = {
	{"address", RPC_STRING, false, "only this one", NULL},
	{.name = NULL},
};

static const struct rpc_param host_params[] = {
	{"address", RPC_STRING, true, "of the backends", NULL},
	METHODS_DRY_RUN,
	{.name = NULL},
};

static const struct rpc_param drain_params[] = {
	{"address", RPC_STRING, true, "of the backends", NULL},
	{"timeout_s", RPC_INTEGER, false,
	 "disables them after so long, at most 604800; 0 or missing: never", NULL},
	METHODS_DRY_RUN,
	{.name = NULL},
};

const struct rpc_method methods_host[] = {
	{"hosts.list", hosts_list, false, list_params,
	 "lists backends by address, over all services"},
	{"host.enable", host_enable, true, host_params,
	 "lets every backend with an address take flows"},
	{"host.disable", host_disable, true, host_params,
	 "sends no backend with an address anything more"},
	{"host.drain", host_drain, true, drain_params,
	 "gives no backend with an address new flows; those they have stay"},
	{"host.undrain", host_undrain, true, host_params,
	 "lets draining backends with an address take new flows again"},
	{.name = NULL},
};
