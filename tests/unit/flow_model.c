/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of docs/consistency.md, one after the other, on a plain array. Called by
 * test_xdp_memory.c and its siblings.
 */
#include "flow_model.h"

#define S MEMORY_SYN
#define O MEMORY_TCP_ONCE
#define T MEMORY_TCP
#define C MEMORY_CLOSING
#define U MEMORY_UDP_ONCE
#define D MEMORY_UDP

/* By what was before, and the packet. */
static const enum memory_state next[MEMORY_STATES][WORLD_ICMP_ERROR] = {
	/*                   SYN ACK FIN RST datagram Initial Handshake */
	[MEMORY_NONE] = {S, O, C, C, U, U, U}, [MEMORY_SYN] = {S, T, C, C},
	[MEMORY_TCP_ONCE] = {O, T, C, C},      [MEMORY_TCP] = {T, T, C, C},
	[MEMORY_CLOSING] = {S, C, C, C},       [MEMORY_UDP_ONCE] = {0, 0, 0, 0, D, D, D},
	[MEMORY_UDP] = {0, 0, 0, 0, D, D, D},
};

static bool is_silent_too_long(const struct model_entry *e)
{
	return e->age_s > world_generation()->idle_s[e->state];
}

static bool is_believed(const struct model_entry *e)
{
	return e->is_there && !is_silent_too_long(e) &&
	       world_backend(e->flow.service, (uint32_t)e->backend)->flags & BACKEND_LIVES;
}

static void forget(struct flow_model *model, struct model_entry *e)
{
	model->forgotten += e->is_there;
	e->is_there = false;
}

static int backend_of(uint16_t slot_value)
{
	int index = slot_value & SLOT_INDEX;

	return index == SLOT_NONE ? WORLD_NOWHERE : index;
}

/* Where the flow belongs if it is older than the change; WORLD_NOWHERE: unknown. */
static int previous_of(const struct world_flow *flow)
{
	enum world_service service = flow->service;
	const struct service *s = world_service(service);
	uint32_t slot = world_slot(flow);

	if (s->previous_off == 0)
		return WORLD_NOWHERE;
	if (s->flags & SERVICE_WAY) /* behind the way's head */
		return backend_of(world_previous(service)[sizeof(struct way) / sizeof(uint16_t) +
							  world_previous_way_slot(flow)]);
	if (!(world_slots(service)[slot] & SLOT_CHANGED))
		return WORLD_NOWHERE;
	return backend_of(world_previous(service)[slot]);
}

int model_send(struct flow_model *model, struct model_entry *e, enum world_packet packet)
{
	enum world_service service = e->flow.service;
	const struct service *s = world_service(service);
	bool hashes = !(s->flags & SERVICE_REMEMBERS), asks_way = s->flags & SERVICE_WAY;
	bool opens = packet == WORLD_SYN || packet == WORLD_QUIC_INITIAL;
	bool is_next, believed, tables_agree;
	uint32_t slot = world_slot(&e->flow);
	int current, previous, where;

	if (hashes && !(world_slots(service)[slot] & SLOT_CHANGED))
		return backend_of(world_slots(service)[slot]);
	model->lookups++;
	model->hits += e->is_there;
	believed = is_believed(e);
	previous = previous_of(&e->flow);
	/* A SYN is a new connection, unless the flow has one: but not if that one was ending. */
	is_next = opens && believed && e->state == MEMORY_CLOSING;
	/* Nor is a packet one that must be older than the scheduler. */
	if (!hashes && packet != WORLD_ICMP_ERROR &&
	    (is_next || (!believed && (opens || previous == WORLD_NOWHERE))))
		slot = model->tickets[service]++ % s->slots;
	current = backend_of(world_slots(service)[slot]);
	if (believed && !is_next)
		where = e->backend;
	else if (!opens && previous != WORLD_NOWHERE)
		where = previous; /* older than the change */
	else
		where = current;
	if (packet == WORLD_ICMP_ERROR)
		return where;
	/* Where the way before knows nothing of a flow, it can't be what tells of it later. */
	tables_agree = hashes && where == current && where != WORLD_NOWHERE &&
		       (previous == current || (previous == WORLD_NOWHERE && !asks_way));
	if (where == WORLD_NOWHERE || tables_agree) {
		/* Nobody needs to be told; and nobody must be told what isn't true any more. */
		if (tables_agree || !believed)
			forget(model, e);
		return where;
	}
	model->inserts += !e->is_there;
	e->state = next[believed ? e->state : MEMORY_NONE][packet];
	e->is_there = true;
	e->backend = where;
	e->age_s = 0;
	return where;
}

void model_age(struct flow_model *model, uint32_t seconds)
{
	for (uint32_t i = 0; i < MODEL_FLOWS; i++)
		model->entries[i].age_s += seconds;
}

void model_expire(struct flow_model *model)
{
	for (uint32_t i = 0; i < MODEL_FLOWS; i++) {
		struct model_entry *e = &model->entries[i];

		if (!e->is_there || !is_silent_too_long(e))
			continue;
		e->is_there = false;
		model->expired++;
	}
}

uint32_t model_count(const struct flow_model *model)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MODEL_FLOWS; i++)
		n += model->entries[i].is_there;
	return n;
}
