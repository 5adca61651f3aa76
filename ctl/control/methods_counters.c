/* SPDX-License-Identifier: Apache-2.0
 *
 * counters.list. Called by rpc.c, on the control thread.
 */
#include "methods.h"

#include <stdlib.h>
#include <string.h>

static void refuse_reading(struct rpc_call *call, int rc)
{
	rpc_refuse(call, RPC_FAILED, "the counters can't be read: %s", strerror(-rc));
}

/* False: refused. */
static bool append_service(struct rpc_call *call, const struct service_conf *service, json_t **list)
{
	struct service_counters counters;
	json_t *object;
	int rc = call->api->service_counters(call->api->ctx, service, &counters);

	if (rc < 0) {
		refuse_reading(call, rc);
		return false;
	}
	object = json_object();
	methods_put_text(&object, "service", service->name);
	methods_put(&object, "packets", methods_verdicts(&counters));
	methods_append(list, object);
	return true;
}

static bool append_vip(struct rpc_call *call, const struct ip_addr *vip, json_t **list)
{
	struct service_counters counters;
	json_t *object;
	int rc = call->api->vip_counters(call->api->ctx, vip, &counters);

	if (rc < 0) {
		refuse_reading(call, rc);
		return false;
	}
	object = json_object();
	methods_put_addr(&object, "vip", vip);
	methods_put(&object, "packets", methods_verdicts(&counters));
	methods_append(list, object);
	return true;
}

static int compare_addrs(const void *a, const void *b)
{
	return ip_compare(a, b);
}

/* Each vip once, however many services it has. False: refused, or no memory. */
static bool append_vips(struct rpc_call *call, const struct model *model, json_t **list)
{
	struct ip_addr *vips;
	bool done = true;

	if (model->services_n == 0)
		return true;
	vips = calloc(model->services_n, sizeof(*vips));
	if (!vips)
		return false;
	for (uint32_t i = 0; i < model->services_n; i++)
		vips[i] = model->services[i]->vip;
	qsort(vips, model->services_n, sizeof(*vips), compare_addrs);
	for (uint32_t i = 0; done && i < model->services_n; i++) {
		if (i == 0 || !ip_equal(&vips[i], &vips[i - 1]))
			done = append_vip(call, &vips[i], list);
	}
	free(vips);
	return done;
}

static bool put_others(struct rpc_call *call, json_t **result)
{
	struct service_counters counters;
	json_t *object;
	int rc = call->api->other_counters(call->api->ctx, &counters);

	if (rc < 0) {
		refuse_reading(call, rc);
		return false;
	}
	object = json_object();
	methods_put(&object, "packets", methods_verdicts(&counters));
	methods_put(result, "no_vip", object);
	return true;
}

static json_t *counters_list(struct rpc_call *call)
{
	const struct model *model = methods_model(call);
	json_t *result = json_object(), *services = json_array(), *vips = json_array();
	bool done = true;

	if (rpc_string(call->params, "service")) {
		const struct service_conf *service = methods_service_named(call, methods_model(call));

		done = service && append_service(call, service, &services);
		json_decref(vips);
	} else {
		for (uint32_t i = 0; done && i < model->services_n; i++)
			done = append_service(call, model->services[i], &services);
		done = done && append_vips(call, model, &vips);
		methods_put(&result, "vips", vips);
		done = done && put_others(call, &result);
	}
	methods_put(&result, "services", services);
	if (!done) {
		json_decref(result);
		return NULL;
	}
	return result;
}

static const struct rpc_param list_params[] = {
	{"service", RPC_STRING, false, "only this one's", NULL},
	{.name = NULL},
};

const struct rpc_method methods_counters[] = {
	{"counters.list", counters_list, false, list_params,
	 "lists packets by verdict, of services, of vips apart from them, and of neither"},
	{.name = NULL},
};
