/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model would do if it were put in force: plans are made as for a generation, compared with
 * what is in force, and thrown away. What changes while the flows are gone through is not looked at.
 * Control thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "forecast.h"
#include "model_index.h"
#include "publisher_internal.h"
#include "sluice/service.h"
#include "transition.h"

enum {
	FORECAST_FLOWS_ALL = 1 << 20,
	FORECAST_FLOWS_LEAST = 1 << 9,
	STEP_US = 3000, /* one plan at least */
};

/* A service that would change. */
struct service_change {
	struct installed *now;                /* a reference; NULL: it would be new */
	struct service_conf *now_conf, *next; /* likewise; `next` NULL: it would be gone */
	bool goes_on;                         /* flows of the one are flows of the other */
	struct plan plan;                     /* plan.conf NULL: it would be gone */
	uint16_t *now_at; /* by index of `now`: the one in `plan`, or SLOT_NONE; */
	uint32_t now_n;   /* where `lives` is false, no backend had it */
	bool *lives;
	uint32_t forecast_flows; /* how many to look at */
	struct daemon_preview row;
};

struct daemon_preview_walk {
	const struct running *r;
	struct fast_path_walk at;
	/* Of a step. */
	const struct generation *g;
	uint32_t now_s;
	/* Of what was in force when it began. */
	struct service_change *changes;
	uint32_t n, planned_n;
	struct service_change **by_row;
	uint32_t forecast_flows;
};

/* What becomes of each backend that lives now. */
static int backends_follow(struct service_change *c)
{
	const struct indices *now = c->now->indices;

	c->now_n = now->length;
	c->now_at = calloc(c->now_n + 1U, sizeof(*c->now_at));
	c->lives = calloc(c->now_n + 1U, sizeof(*c->lives));
	if (!c->now_at || !c->lives)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->now_n; i++)
		c->now_at[i] = SLOT_NONE;
	for (uint32_t i = 0; i < now->owners_n; i++) {
		c->lives[now->owners[i].index] = true;
		if (c->goes_on)
			c->now_at[now->owners[i].index] =
				indices_find(c->plan.indices, &now->owners[i].addr);
	}
	return 0;
}

static bool remembers_all(uint16_t flags)
{
	return flags & SERVICE_REMEMBERS;
}

/* Whether slot i of the one is slot i of the other. */
static bool slots_compare(const struct service_change *c)
{
	return c->goes_on && c->now->flags == c->plan.flags &&
	       installed_slots_n(c->now) == c->plan.slots_n;
}

static uint32_t slots_moved(const struct service_change *c)
{
	if (!c->plan.conf)
		return installed_slots_n(c->now);
	if (c->goes_on && remembers_all(c->plan.flags) && remembers_all(c->now->flags))
		return 0; /* they hold no flows */
	if (slots_compare(c))
		return transition_moved(installed_slots(c->now), c->plan.slots, c->plan.slots_n);
	return c->plan.slots_n;
}

/* Whether the tables alone would send it elsewhere; true where that is unknown. */
static bool flow_moves(const struct service_change *c, const struct memory_entry *entry)
{
	uint32_t slot;

	if (c->row.slots_moved == 0)
		return false;
	if (!slots_compare(c) || c->plan.flags & SERVICE_HASH_SOURCE)
		return true;
	slot = service_slot_of(c->plan.slots_n, entry->hash);
	return ((c->plan.slots[slot] ^ installed_slots(c->now)[slot]) & SLOT_INDEX) != 0;
}

static void note_flow(void *ctx, uint32_t worker, const struct memory_entry *entry)
{
	const struct daemon_preview_walk *p = ctx;
	uint16_t row = entry->memory.service, index = entry->memory.backend;
	struct service_change *c = row < p->r->settings.services_max ? p->by_row[row] : NULL;
	bool cut;

	(void)worker;
	if (!c || memory_is_expired(p->g, &entry->memory, p->now_s) || index >= c->now_n ||
	    !c->lives[index])
		return;
	/* What is known stays, wherever the tables lead by then: docs/consistency.md. */
	cut = c->now_at[index] == SLOT_NONE;
	c->row.flows_cut += cut;
	c->row.flows_touched += cut || flow_moves(c, entry);
}

/* The flows that no entry tells of. */
static void forecast_fill(struct service_change *c, const struct former *was)
{
	struct forecast f = {1, 1};

	if (!c->now)
		return; /* there are none */
	if (c->goes_on)
		f = forecast_make(was, &c->plan, c->now_at, c->now_n, c->forecast_flows);
	c->row.moved_without = f.without;
	c->row.moved_with = f.with;
	c->row.transition_s = c->plan.conf ? c->plan.conf->transition_s : 0;
}

/* `next` or `now` NULL: it goes, or comes. */
static void change_add(struct daemon_preview_walk *p, struct service_conf *next,
		       struct installed *now)
{
	struct service_change *c = &p->changes[p->n++];

	c->forecast_flows = p->forecast_flows;
	c->now = now ? installed_ref(now) : NULL;
	/* Another model may be in force before it is planned. */
	c->now_conf = now ? service_conf_ref((struct service_conf *)now->conf) : NULL;
	c->next = next ? service_conf_ref(next) : NULL;
	c->goes_on = next && now && service_conf_goes_on(now->conf, next);
	snprintf(c->row.service, sizeof(c->row.service), "%s", next ? next->name : now->conf->name);
}

/* 0, or as plan_make(). */
static int change_plan(struct daemon_preview_walk *p, struct service_change *c)
{
	const struct surroundings *around = &p->r->around;
	struct former was;
	int err = 0;

	if (c->now)
		was = installed_former(c->now);
	if (c->next)
		err = plan_make(c->next, c->goes_on ? &was : NULL, &around->settings->seed,
				around->now_us(), around->now_real_us(), &c->plan);
	if (!err && c->now)
		err = backends_follow(c);
	if (err)
		return err;
	if (c->now)
		p->by_row[c->now->row] = c;
	c->row.slots = c->next ? c->plan.slots_n : 0;
	c->row.slots_moved = slots_moved(c);
	forecast_fill(c, &was);
	return 0;
}

/* Some milliseconds' worth. 1: there are more; 0; -errno. */
static int plans_go_on(struct daemon_preview_walk *p)
{
	int64_t end_us = clock_now_us() + STEP_US;
	int err = 0;

	while (!err && p->planned_n < p->n) {
		err = change_plan(p, &p->changes[p->planned_n++]);
		if (!err && clock_now_us() >= end_us)
			return 1;
	}
	return err;
}

/* For each service fewer, the more there are, so that the thread isn't held up: some 50 ms for all. */
static uint32_t forecast_flows(const struct model *now, const struct model *next)
{
	uint32_t services = now->services_n > next->services_n ? now->services_n : next->services_n;
	uint32_t flows = FORECAST_FLOWS_ALL / (services + 1);

	if (flows > FORECAST_FLOWS)
		return FORECAST_FLOWS;
	return flows < FORECAST_FLOWS_LEAST ? FORECAST_FLOWS_LEAST : flows;
}

static void changes_find(struct daemon_preview_walk *p, const struct model *next)
{
	const struct model *model = p->r->model;

	p->forecast_flows = forecast_flows(model, next);
	for (uint32_t i = 0; i < next->services_n; i++) {
		struct service_conf *conf = next->services[i];
		struct installed *now = i < model->services_n && model->services[i] == conf
						? p->r->installed[i]
						: running_find_same(p->r, conf);

		if (!now || now->conf != conf)
			change_add(p, conf, now);
	}
	for (uint32_t i = 0; i < model->services_n; i++)
		if (!(i < next->services_n && next->services[i] == model->services[i]) &&
		    !model_find_same(next, model->services[i]))
			change_add(p, NULL, p->r->installed[i]);
}

int publisher_preview_begin(void *ctx, const struct model *next, struct daemon_preview_walk **walk)
{
	struct publisher *publisher = ctx;
	const struct running *r = &publisher->running;
	struct daemon_preview_walk *p;

	if (changes_newest(publisher->changes))
		publisher_flush(publisher);
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->r = r;
	p->changes = calloc(next->services_n + r->model->services_n + 1, sizeof(*p->changes));
	p->by_row = calloc(r->settings.services_max, sizeof(struct service_change *));
	if (!p->changes || !p->by_row) {
		publisher_preview_end(p);
		return -ENOMEM;
	}
	changes_find(p, next);
	*walk = p;
	return 0;
}

int publisher_preview_next(struct daemon_preview_walk *p)
{
	const struct fast_path *module = p->r->path->module;

	if (p->n == 0)
		return 0;
	if (p->planned_n < p->n) {
		int rc = plans_go_on(p);

		return rc < 0 ? rc : 1;
	}
	p->g = running_generation(p->r);
	p->now_s = module->memory_now_s();
	return module->memory_walk(&p->at, note_flow, p);
}

bool publisher_preview_row(const struct daemon_preview_walk *p, uint32_t i,
			   struct daemon_preview *row)
{
	if (i >= p->n)
		return false;
	*row = p->changes[i].row;
	return true;
}

void publisher_preview_end(struct daemon_preview_walk *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; p->changes && i < p->n; i++) {
		plan_free(&p->changes[i].plan);
		free(p->changes[i].now_at);
		free(p->changes[i].lives);
		installed_unref(p->changes[i].now);
		service_conf_unref(p->changes[i].now_conf);
		service_conf_unref(p->changes[i].next);
	}
	free(p->changes);
	free(p->by_row);
	free(p);
}

int publisher_preview(struct publisher *publisher, const struct model *next,
		      struct daemon_preview *rows, uint32_t max)
{
	struct daemon_preview_walk *walk = NULL;
	int rc = publisher_preview_begin(publisher, next, &walk);

	if (rc == 0)
		do
			rc = publisher_preview_next(walk);
		while (rc > 0);
	if (rc == 0) {
		for (uint32_t i = 0; i < walk->n && i < max; i++)
			rows[i] = walk->changes[i].row;
		rc = (int)walk->n;
	}
	publisher_preview_end(walk);
	return rc;
}
