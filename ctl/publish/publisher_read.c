/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the publisher tells of what is in force (api.h). Control thread.
 */
#include "publisher_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "slow_start.h"

static struct running *running_of(void *ctx)
{
	return &((struct publisher *)ctx)->running;
}

const struct model *publisher_model(void *ctx)
{
	return running_of(ctx)->model;
}

/* ---- counters ---- */

int publisher_service_counters(void *ctx, const struct service_conf *service,
			       struct service_counters *out)
{
	return ledger_read_service(running_of(ctx)->around.ledger, service, out);
}

int publisher_vip_counters(void *ctx, const struct ip_addr *vip, struct service_counters *out)
{
	return ledger_read_vip(running_of(ctx)->around.ledger, vip, out);
}

int publisher_other_counters(void *ctx, struct service_counters *out)
{
	return ledger_read_service(running_of(ctx)->around.ledger, NULL, out);
}

/* ---- backends ---- */

/* In whole units; a backend that takes flows has at least 1. */
static uint32_t weight_shown(const struct installed *s, uint32_t i)
{
	uint32_t steps = slow_start_steps(s->conf->slow_start_s);
	uint64_t weight = (uint64_t)s->conf->backends[i].weight * s->courses[i].step / steps;

	if (plan_weight(s->conf, s->courses, i) == 0)
		return 0;
	return weight > 0 ? (uint32_t)weight : 1;
}

static void backend_read(const struct running *r, const struct installed *s, uint32_t i,
			 const struct census *census, struct daemon_backend *row)
{
	const struct course *course = &s->courses[i];
	const struct nexthop *hop =
		surroundings_hop(&r->around, s->conf, &s->conf->backends[i].addr);

	row->port = -1;
	if (hop) {
		row->next_hop = *hop;
		row->port = surroundings_port(&r->around, hop);
	}
	row->down = course->down;
	row->unreachable = course->unreachable;
	row->weight = weight_shown(s, i);
	row->flows = census && course->index != SLOT_NONE
			     ? census_flows(census, s->row, course->index)
			     : 0;
	row->drain = drain_tell(&course->drain, row->flows, !census || installed_in_transition(s),
				r->around.now_us());
}

/* How many slots lead to each index. */
static int slots_count(const struct installed *s, uint32_t **counts)
{
	const uint16_t *slots = installed_slots(s);

	*counts = calloc(s->indices->length + 1U, sizeof(**counts));
	if (!*counts)
		return -ENOMEM;
	for (uint32_t i = 0; i < installed_slots_n(s); i++)
		if ((slots[i] & SLOT_INDEX) != SLOT_NONE)
			(*counts)[slots[i] & SLOT_INDEX]++;
	return 0;
}

int publisher_backends_read(void *ctx, const struct service_conf *service,
			    struct daemon_backend *rows)
{
	struct running *r = running_of(ctx);
	const struct installed *s = running_find(r, service->name);
	const struct census *census = running_census(r);
	uint32_t *slots;
	int err;

	if (!s || s->conf != service)
		return -ENOENT;
	err = slots_count(s, &slots);
	if (err)
		return err;
	memset(rows, 0, service->backends_n * sizeof(*rows));
	for (uint32_t i = 0; !err && i < service->backends_n; i++) {
		backend_read(r, s, i, census, &rows[i]);
		if (s->courses[i].index != SLOT_NONE)
			rows[i].slots = slots[s->courses[i].index];
		err = ledger_read_backend(r->around.ledger, service, &service->backends[i],
					  &rows[i].counters);
	}
	free(slots);
	return err;
}

int publisher_backend_counters(void *ctx, const struct service_conf *service,
			       struct backend_counters *rows)
{
	const struct ledger *ledger = running_of(ctx)->around.ledger;
	int err = 0;

	for (uint32_t i = 0; !err && i < service->backends_n; i++)
		err = ledger_read_backend(ledger, service, &service->backends[i], &rows[i]);
	return err;
}

int publisher_rows(struct publisher *publisher, const struct service_conf *service, uint32_t *row,
		   uint32_t *backend_rows)
{
	const struct installed *s = running_find(&publisher->running, service->name);

	if (!s || s->conf != service)
		return -ENOENT;
	*row = s->row;
	for (uint32_t i = 0; i < service->backends_n; i++)
		backend_rows[i] = s->backend_rows[i];
	return 0;
}

/* ---- generation and transitions ---- */

void publisher_generation(void *ctx, struct daemon_generation *out)
{
	const struct running *r = running_of(ctx);
	struct arena_space_stats stats = arena_space_stats(r->around.space);

	*out = (struct daemon_generation){
		.number = r->number,
		.published_us = r->published_us,
		.took_us = r->took_us,
		.arena_used_bytes = stats.used_bytes,
		.arena_bytes = stats.bytes,
	};
}

void publisher_next_hops(void *ctx, struct nexthops_stats *out)
{
	*out = nexthops_stats(((const struct publisher *)ctx)->hops);
}

void publisher_transition_read(void *ctx, const struct service_conf *service,
			       struct daemon_transition *out)
{
	const struct running *r = running_of(ctx);
	const struct installed *s = running_find(r, service->name);
	int64_t left_us;

	*out = (struct daemon_transition){.state = TRANSITION_NONE};
	if (!s)
		return;
	out->slots = installed_slots_n(s);
	if (s->phase.changed_slots == 0 && !installed_in_transition(s))
		return;
	out->state = installed_in_transition(s) ? TRANSITION_ACTIVE : TRANSITION_SETTLING;
	out->started_us = s->phase.changed_real_us;
	/* Where the scheduler doesn't hash, each packet looks for its flow, transition or not. */
	out->changed_slots = s->flags & SERVICE_REMEMBERS ? out->slots : s->phase.changed_slots;
	out->previous_slots = s->phase.previous_slots;
	left_us = s->phase.changed_us + s->conf->transition_s * 1000000LL - r->around.now_us();
	if (out->state == TRANSITION_ACTIVE && left_us > 0)
		out->ends_in_s = (uint32_t)((left_us + 999999) / 1000000);
}
