/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands out remembered flows in steps (api.h). What is in force may change between two of them.
 * Control thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "publisher_internal.h"

struct daemon_flow_walk {
	const struct running *r;
	struct service_conf *service; /* a reference; NULL: of any */
	char backend[MODEL_NAME_MAX]; /* "": of any */
	uint32_t limit;
	struct fast_path_walk at;
	uint64_t matching;
	/* Of the generation that is in force. */
	uint64_t number;
	struct installed **by_row;
	const struct installed *only; /* `service`, as it runs; NULL: it is gone */
	uint16_t index;               /* of `backend`; SLOT_NONE, which no flow has: it is gone */
	/* Of a step. */
	uint32_t now_s;
	void (*each)(void *each_ctx, const struct daemon_flow *flow);
	void *each_ctx;
};

/* Finds anew what the filter names. 0 or -ENOMEM. */
static int walk_look(struct daemon_flow_walk *walk)
{
	const struct running *r = walk->r;
	const struct backend_conf *backend;

	if (walk->by_row && walk->number == r->number)
		return 0;
	free(walk->by_row);
	walk->by_row = running_by_row(r);
	if (!walk->by_row)
		return -ENOMEM;
	walk->number = r->number;
	walk->only = NULL;
	walk->index = SLOT_NONE;
	if (walk->service)
		walk->only = running_find(r, walk->service->name);
	if (!walk->only || !walk->backend[0])
		return 0;
	backend = service_conf_find(walk->only->conf, walk->backend);
	if (backend)
		walk->index = walk->only->courses[backend - walk->only->conf->backends].index;
	return 0;
}

static bool flow_matches(const struct daemon_flow_walk *walk, const struct installed *s,
			 const struct memory *m)
{
	return s && (!walk->service || walk->only == s) &&
	       (!walk->backend[0] || walk->index == m->backend) &&
	       !memory_is_expired(running_generation(walk->r), m, walk->now_s);
}

static void walk_each(void *ctx, uint32_t worker, const struct memory_entry *entry)
{
	struct daemon_flow_walk *walk = ctx;
	const struct memory *m = &entry->memory;
	const struct installed *s = NULL;
	struct daemon_flow flow;

	if (m->service < walk->r->settings.services_max)
		s = walk->by_row[m->service];
	if (!flow_matches(walk, s, m) || walk->matching++ >= walk->limit)
		return;
	flow = (struct daemon_flow){
		.hash = entry->hash,
		.service = s->conf,
		.backend = installed_backend(s, m->backend),
		.state = memory_state(m),
		.idle_s = memory_idle_s(m, walk->now_s),
		.worker = worker,
	};
	walk->each(walk->each_ctx, &flow);
}

struct daemon_flow_walk *publisher_flows_begin(void *ctx, const struct daemon_flow_filter *filter)
{
	struct daemon_flow_walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return NULL;
	walk->r = &((struct publisher *)ctx)->running;
	walk->limit = filter->limit;
	/* References are counted. */
	if (filter->service)
		walk->service = service_conf_ref((struct service_conf *)(uintptr_t)filter->service);
	if (filter->backend)
		memcpy(walk->backend, filter->backend->name, sizeof(walk->backend));
	return walk;
}

int publisher_flows_next(struct daemon_flow_walk *walk,
			 void (*each)(void *each_ctx, const struct daemon_flow *flow),
			 void *each_ctx, uint64_t *matching)
{
	const struct fast_path *module = walk->r->path->module;
	int rc = walk_look(walk);

	if (rc == 0) {
		walk->now_s = module->memory_now_s();
		walk->each = each;
		walk->each_ctx = each_ctx;
		rc = module->memory_walk(&walk->at, walk_each, walk);
	}
	*matching = walk->matching;
	return rc;
}

void publisher_flows_end(struct daemon_flow_walk *walk)
{
	if (!walk)
		return;
	service_conf_unref(walk->service);
	free(walk->by_row);
	free(walk);
}
