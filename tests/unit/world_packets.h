/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the publisher: what packets see in the world's arena, and packets, which are steered
 * by steer.h as a path does. Included after cmocka.h.
 */
#ifndef SLUICE_TESTS_UNIT_WORLD_PACKETS_H
#define SLUICE_TESTS_UNIT_WORLD_PACKETS_H

#include "publisher_world.h"
#include "sluice/steer.h"

/* ---- what packets see ---- */

static inline const struct generation *world_generation(void)
{
	return arena_at(world_arena(), world_head()->current, sizeof(struct generation));
}

static inline const struct service *world_service(const char *vip)
{
	struct ip_addr a = addr(vip);
	struct flow flow = {0};
	uint32_t word;

	memcpy(&word, a.bytes, sizeof(word));
	flow.addrs[0] = (uint64_t)word << 32;
	for (int i = 0; i < 2; i++) {
		const struct service *s;

		flow.last = flow_last(1234, be16_from(80), i == 0 ? PROTO_TCP : PROTO_UDP,
				      FLOW_BYTES_V4);
		s = service_find(world_arena(), world_generation(), &flow);
		if (s)
			return s;
	}
	return NULL;
}

static inline const uint16_t *world_slots(const struct service *s)
{
	return arena_at(world_arena(), s->slots_off, sizeof(uint16_t));
}

/* NULL: none. */
static inline const uint16_t *world_previous(const struct service *s)
{
	return s->previous_off ? arena_at(world_arena(), s->previous_off, sizeof(uint16_t)) : NULL;
}

static inline const struct backend *world_backend(const struct service *s, uint16_t index)
{
	return arena_at(world_arena(), service_backend_offset(s, index), sizeof(struct backend));
}

/* The last byte of a backend's address; 0: none. */
static inline uint8_t world_name(const struct service *s, uint16_t index)
{
	if ((index & SLOT_INDEX) == SLOT_NONE)
		return 0;
	return (uint8_t)(world_backend(s, index)->outer_dst[0] >> 24);
}

/* Slots that lead to the backend with this last byte of the address; 0: to none. */
static inline uint32_t world_slots_of(const struct service *s, uint8_t name)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->slots; i++)
		n += world_name(s, world_slots(s)[i]) == name;
	return n;
}

static inline uint32_t world_changed(const struct service *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->slots; i++)
		n += (world_slots(s)[i] & SLOT_CHANGED) != 0;
	return n;
}

static inline uint32_t world_previous_n(const struct service *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; s->previous_off && i < s->slots; i++)
		n += world_previous(s)[i] != SLOT_NONE;
	return n;
}

/* ---- packets ---- */

/* A hash that falls into the slot. */
static inline uint64_t world_hash(const struct service *s, uint32_t slot, uint32_t salt)
{
	return ((((uint64_t)slot << 32) + s->slots - 1) / s->slots) << 32 | salt;
}

static inline struct memory_entry *world_flow(uint64_t hash)
{
	for (uint32_t i = 0; i < path.flows_n; i++)
		if (path.flows[i].hash == hash)
			return &path.flows[i];
	return NULL;
}

static inline void world_forget(struct memory_entry *entry)
{
	*entry = path.flows[--path.flows_n];
}

static inline void world_remember(uint64_t hash, struct memory_entry *entry, struct memory memory)
{
	if (!entry) {
		assert_true(path.flows_n < WORLD_FLOWS_MAX);
		entry = &path.flows[path.flows_n++];
	}
	*entry = (struct memory_entry){hash, memory};
}

/* Of a flow's source address, as far as these flows have one: one of 997 clients. */
static inline uint64_t world_source_hash(uint64_t hash)
{
	return (hash % 997 + 1) * 0x9e3779b97f4a7c15ULL;
}

/* As a path does; returns the last byte of the backend's address, 0: none. */
static inline uint8_t world_send(const char *vip, uint64_t hash, bool opens)
{
	const struct service *s = world_service(vip);
	uint8_t proto = (uint8_t)(s->key >> 48);
	struct packet p = {
		.proto = proto,
		.flags = opens ? PACKET_OPENS : 0,
		.tcp_flags = opens && proto == PROTO_TCP ? TCP_SYN : 0,
	};
	bool by_source = s->flags & SERVICE_HASH_SOURCE;
	struct steering st = {
		.service = s,
		.hash = hash,
		.slot = service_slot(s, by_source ? world_source_hash(hash) : hash),
	};
	static uint64_t ticket;
	uint16_t index;

	assert_int_equal(steer_slot(world_arena(), &st), VERDICT_forward);
	index = st.value;
	if (steer_looks_further(&st)) {
		struct memory_entry *entry = world_flow(hash);
		const struct memory *found = entry ? &entry->memory : NULL, *known;
		struct memory_slot choices;
		struct memory_choice choice;
		uint16_t previous;

		path.lookups++;
		known = steer_known(world_arena(), world_generation(), s, found,
				    world_memory_now_s());
		assert_int_equal(steer_previous(world_arena(), &st,
						s->flags & SERVICE_WAY_SOURCE
							? world_source_hash(hash)
							: hash,
						&previous),
				 VERDICT_forward);
		if (steer_draws_slot(s, &p, known, previous)) {
			ticket++;
			st.slot = steer_free_slot(world_arena(), s,
						  s->flags & SERVICE_ROUND_ROBIN
							  ? ticket
							  : ticket * 0x9e3779b97f4a7c15ULL);
			steer_slot(world_arena(), &st);
		}
		choices = steer_choices(&st, previous);
		choice = steer_choose(found, known, &p, &choices, world_memory_now_s());
		if (choice.action == MEMORY_WRITE)
			world_remember(hash, entry, choice.memory);
		else if (choice.action == MEMORY_FORGET && entry)
			world_forget(entry);
		index = choice.backend;
	}
	if ((index & SLOT_INDEX) != SLOT_NONE)
		path.backends[world_backend(s, index)->counter].packets++;
	return world_name(s, index);
}

#endif
