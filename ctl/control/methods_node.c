/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.show: what the nodes of a cluster must have in common, for `sluicectl doctor`. Called by
 * rpc.c, on the control thread.
 */
#include "methods.h"

#include "fingerprint.h"

#include <stdio.h>
#include <unistd.h>

/* JSON's numbers are signed, and readers take them for doubles: 64 bits are a text. */
static void put_fingerprint(json_t **object, const char *key, uint64_t fingerprint)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)fingerprint);
	methods_put_text(object, key, text);
}

static json_t *ports_json(const struct settings *settings)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < settings->ports_n; i++) {
		json_t *object = json_object();

		methods_put_text(&object, "device", settings->ports[i].device);
		methods_put_text(&object, "interface", settings->ports[i].interface);
		methods_append(&list, object);
	}
	return list;
}

static json_t *services_json(const struct model *model)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < model->services_n; i++) {
		json_t *object = json_object();

		methods_put_text(&object, "service", model->services[i]->name);
		put_fingerprint(&object, "fingerprint", fingerprint_service(model->services[i]));
		methods_append(&list, object);
	}
	return list;
}

static json_t *node_show(struct rpc_call *call)
{
	const struct model *model = call->api->model(call->api->ctx);
	json_t *result = json_object();
	char name[256] = "";

	(void)gethostname(name, sizeof(name) - 1);
	methods_put_text(&result, "node", name);
	put_fingerprint(&result, "seed_fingerprint", fingerprint_seed(&model->settings.seed));
	methods_put_text(&result, "pin_dir", model->settings.pin_dir);
	methods_put(&result, "ports", ports_json(&model->settings));
	methods_put(&result, "services", services_json(model));
	return result;
}

const struct rpc_method methods_node[] = {
	{"node.show", node_show, false, methods_no_params,
	 "tells what the nodes of a cluster must have in common, as fingerprints"},
	{.name = NULL},
};
