/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * A packet's way through the tables: whose it is, which slot, which backend. The XDP program and
 * the reference in tests call packet_parse(), step 0 where that says `fragment`, steer_parsed(),
 * step 4 where steer_looks_further(), and steer_finish(); the DPDK worker calls the same steps in
 * stages over a burst, with prefetches between them. Step 0's table of fragments and step 4's of
 * flows belong to the path.
 */
#ifndef SLUICE_STEER_H
#define SLUICE_STEER_H

#include "sluice/answer.h"
#include "sluice/encap.h"
#include "sluice/fragment.h"
#include "sluice/limit.h"
#include "sluice/memory.h"
#include "sluice/mss.h"
#include "sluice/packet.h"
#include "sluice/reject.h"
#include "sluice/service.h"

struct steering {
	const struct service *service; /* NULL: none; of a vip, its own entry */
	const struct backend *backend; /* set for forward, icmp_forward and the too_big pair */
	uint64_t hash;                 /* of the flow; set with slot */
	uint32_t slot;
	uint16_t value; /* of the slot: index and SLOT_CHANGED */
};

/* The counter row that a verdict counts in: 0 stands for packets of no service. */
SLUICE_INLINE uint32_t steer_counter_row(const struct service *service)
{
	return service ? service->id : 0;
}

/*
 * Step 0, for fragments: which part of a datagram to a vip this is. A FRAGMENT_FIRST is put into
 * the path's table as `key` with fragment_make(); a FRAGMENT_LATER is looked up there, and if it's
 * found and fragment_lives(), packet_join() makes it whole. Both go on as `forward` then, all others as
 * `fragment`. `id`: packet_fragment_id().
 */
SLUICE_INLINE enum fragment_part steer_fragment(const struct arena *arena,
						const struct generation *g, const struct packet *p,
						uint32_t id, uint64_t *key)
{
	enum fragment_part part = fragment_part(p);

	/* Who isn't ours fills no table. */
	if (part == FRAGMENT_OTHER || !service_find_vip(arena, g, &p->flow))
		return FRAGMENT_OTHER;
	*key = fragment_key(&p->flow, id, &g->key);
	return part;
}

/*
 * Step 1, after packet_parse() said `parsed`: whose packet is it? Returns forward with the
 * service to go on, or the final verdict; after no_service comes steer_unserved().
 */
SLUICE_INLINE enum verdict steer_service(const struct arena *arena, const struct generation *g,
					 const struct packet *p, enum verdict parsed,
					 const struct service **service)
{
	*service = NULL;
	switch (parsed) {
	case VERDICT_forward:
		if (p->flags & PACKET_ECHO) {
			*service = service_find_vip(arena, g, &p->flow);
			return *service ? VERDICT_echo_reply : VERDICT_no_service;
		}
		*service = service_find(arena, g, &p->flow);
		if (*service)
			return VERDICT_forward;
		return VERDICT_no_service;
	case VERDICT_other_mac: /* without addresses if it is broken: then of no vip */
	case VERDICT_bad_extension:
	case VERDICT_bad_tcp:
	case VERDICT_bad_udp:
	case VERDICT_bad_icmp:
	case VERDICT_bad_quote:
	case VERDICT_bad_source:
	case VERDICT_fragment:
		if (parsed == VERDICT_fragment && packet_is_passed_on(p))
			return VERDICT_no_service;
		/* Odd, but maybe not to us: then it's the kernel's to judge. */
		*service = service_find_vip(arena, g, &p->flow);
		return *service ? parsed : VERDICT_no_service;
	default:
		return parsed;
	}
}

/*
 * For a packet of no service: what becomes of a flow to a vip's port that nobody serves. Sets
 * *service to the vip's own entry, if it is a vip's. What is no flow (ARP, ND, GRE and the like) stays
 * the kernel's.
 */
SLUICE_INLINE enum verdict steer_unserved(const struct arena *arena, const struct generation *g,
					  const struct packet *p, const struct service **service)
{
	const uint8_t proto = flow_proto(&p->flow);

	if (proto != PROTO_TCP && proto != PROTO_UDP)
		return VERDICT_no_service;
	*service = service_find_vip(arena, g, &p->flow);
	if (!*service)
		return VERDICT_no_service;
	if ((*service)->flags & SERVICE_UNSERVED_REJECT)
		return reject_may(p) ? VERDICT_unserved_reject : VERDICT_unserved_drop;
	return (*service)->flags & SERVICE_UNSERVED_DROP ? VERDICT_unserved_drop : VERDICT_unserved;
}

/* Step 2: flow hash and slot; the slot's value is read by step 3, so that it can be prefetched. */
SLUICE_INLINE void steer_hash(const struct generation *g, const struct packet *p,
			      struct steering *st)
{
	st->hash = flow_hash(&p->flow, &g->key);
	st->slot = service_slot(st->service,
				service_slot_hash(st->service, &p->flow, st->hash, &g->key));
}

/* Step 3: what stands in the slot. Returns forward or bad_tables. */
SLUICE_INLINE enum verdict steer_slot(const struct arena *arena, struct steering *st)
{
	const uint16_t *value =
		arena_at(arena, service_current_offset(st->service, st->slot), sizeof(*value));

	if (!value)
		return VERDICT_bad_tables;
	st->value = *value;
	return VERDICT_forward;
}

/* Whether the tables alone don't tell: then step 4, else step 5 with the slot's value. */
SLUICE_INLINE bool steer_looks_further(const struct steering *st)
{
	return st->value & SLOT_CHANGED || st->service->flags & SERVICE_REMEMBERS;
}

/*
 * Step 4, for few: steer_known() of what the path's table holds for st->hash; steer_previous();
 * where steer_draws_slot(), steer_free_slot() and steer_slot(); steer_choices(); steer_choose(); the
 * path does what the choice says, and goes on with choice.backend.
 */

/* `m` if it can be relied on, else NULL, as memory_choose() wants it. */
SLUICE_INLINE const struct memory *steer_known(const struct arena *arena,
					       const struct generation *g, const struct service *s,
					       const struct memory *m, uint32_t now_s)
{
	const struct backend *b;

	if (!m || m->service != (uint16_t)s->id || m->backend >= s->backends ||
	    memory_is_expired(g, m, now_s))
		return NULL;
	b = arena_at(arena, service_backend_offset(s, m->backend), sizeof(*b));
	return b && b->flags & BACKEND_LIVES ? m : NULL;
}

/* By the way before: the slot of a flow with this service_way_hash(), and what stands there. */
SLUICE_INLINE enum verdict steer_previous_way(const struct arena *arena, const struct service *s,
					      uint64_t way_hash, uint16_t *previous)
{
	const struct way *way = arena_at(arena, s->previous_off, sizeof(*way));
	const uint16_t *value;

	if (!way)
		return VERDICT_bad_tables;
	value = arena_at(arena, service_way_offset(s, service_slot_of(way->slots, way_hash)),
			 sizeof(*value));
	if (!value)
		return VERDICT_bad_tables;
	*previous = *value & SLOT_INDEX;
	return VERDICT_forward;
}

/*
 * Where the flow belongs if it is older than the change that is under way; SLOT_NONE: nowhere, or
 * there is none. `way_hash`: its service_way_hash(), with SERVICE_WAY; else not looked at. Returns
 * forward or bad_tables.
 */
SLUICE_INLINE enum verdict steer_previous(const struct arena *arena, const struct steering *st,
					  uint64_t way_hash, uint16_t *previous)
{
	const struct service *s = st->service;
	const uint16_t *value;

	*previous = SLOT_NONE;
	if (s->previous_off == 0)
		return VERDICT_forward;
	if (s->flags & SERVICE_WAY)
		return steer_previous_way(arena, s, way_hash, previous);
	if (!(st->value & SLOT_CHANGED))
		return VERDICT_forward;
	value = arena_at(arena, service_previous_offset(s, st->slot), sizeof(*value));
	if (!value)
		return VERDICT_bad_tables;
	*previous = *value & SLOT_INDEX;
	return VERDICT_forward;
}

/*
 * Services that don't hash: whether the packet gets another slot than its hash's, by
 * steer_free_slot(). The first of a flow does, and a SYN of one that was closing: the next
 * connection. An ICMP error of no known flow opens none, nor does a fragment behind the first; nor a
 * packet of a flow from the time when the service hashed (`previous`).
 */
SLUICE_INLINE bool steer_draws_slot(const struct service *s, const struct packet *p,
				    const struct memory *known, uint16_t previous)
{
	if (!(s->flags & SERVICE_REMEMBERS) || p->flags & PACKET_TRACELESS)
		return false;
	if (known)
		return p->flags & PACKET_OPENS && memory_state(known) == MEMORY_CLOSING;
	return p->flags & PACKET_OPENS || previous == SLOT_NONE;
}

/* The load of the backend in a slot; a slot without a backend has the greatest. */
SLUICE_INLINE uint32_t steer_slot_load(const struct arena *arena, const struct service *s,
				       uint32_t slot)
{
	const uint16_t *value = arena_at(arena, service_current_offset(s, slot), sizeof(*value));
	const struct backend *b;

	if (!value || (*value & SLOT_INDEX) == SLOT_NONE)
		return UINT32_MAX;
	b = arena_at(arena, service_backend_offset(s, *value & SLOT_INDEX), sizeof(*b));
	return b ? b->load : UINT32_MAX;
}

/*
 * Services that don't hash: the slot for a flow that is not known. `ticket`: a count that rises by
 * one with each such flow of the worker (round robin), or 64 random bits.
 */
SLUICE_INLINE uint32_t steer_free_slot(const struct arena *arena, const struct service *s,
				       uint64_t ticket)
{
	uint32_t first, second;

	if (s->slots == 0)
		return 0;
	if (s->flags & SERVICE_ROUND_ROBIN)
		return (uint32_t)ticket % s->slots;
	first = service_slot(s, ticket);
	if (!(s->flags & SERVICE_LEAST_CONN))
		return first;
	/* Mitzenmacher, 2001: the better of two random choices is nearly as good as the best. */
	second = service_slot(s, ticket << 32);
	return steer_slot_load(arena, s, second) < steer_slot_load(arena, s, first) ? second
										    : first;
}

/*
 * What stands in st->slot, and `previous` of steer_previous(), for memory_choose(). While the way
 * before is asked, a flow that it has no answer for is remembered wherever it goes: all flows younger
 * than the first of several changes are, but those that this way sends where they are.
 */
SLUICE_INLINE struct memory_slot steer_choices(const struct steering *st, uint16_t previous)
{
	uint16_t flags = st->service->flags;

	return (struct memory_slot){
		.current = st->value & SLOT_INDEX,
		.previous = previous,
		.service = (uint16_t)st->service->id,
		.remember_all =
			flags & SERVICE_REMEMBERS || (flags & SERVICE_WAY && previous == SLOT_NONE),
	};
}

/*
 * memory_choose(), and then: what the table holds of the flow, but steer_known() doesn't rely on,
 * goes when it isn't replaced. The flow is where the tables say from now on; should the entry's
 * backend live again some day, nobody may go by it. `found`: the entry, or NULL.
 */
SLUICE_INLINE struct memory_choice steer_choose(const struct memory *found,
						const struct memory *known, const struct packet *p,
						const struct memory_slot *choices, uint32_t now_s)
{
	struct memory_choice choice = memory_choose(known, p, choices, now_s);

	if (found && !known && choice.action == MEMORY_LEAVE && !(p->flags & PACKET_TRACELESS))
		choice.action = MEMORY_FORGET;
	return choice;
}

/* Step 5: the backend. Returns forward, no_backend or bad_tables. */
SLUICE_INLINE enum verdict steer_backend(const struct arena *arena, const struct service *s,
					 uint16_t index, const struct backend **backend)
{
	*backend = NULL;
	if ((index & SLOT_INDEX) == SLOT_NONE)
		return VERDICT_no_backend;
	*backend = arena_at(arena, service_backend_offset(s, index), sizeof(**backend));
	return *backend ? VERDICT_forward : VERDICT_bad_tables;
}

/* Whether the packet's frame goes through mss_clamp(), with service_mss(), before it is sent. */
SLUICE_INLINE bool steer_clamps(const struct service *s, const struct packet *p)
{
	return p->flags & PACKET_OPENS && p->proto == PROTO_TCP && s->flags & SERVICE_CLAMPS;
}

/* What no_backend means for a packet of the service. */
SLUICE_INLINE enum verdict steer_no_backend(const struct service *s, const struct packet *p)
{
	return s->flags & SERVICE_REJECTS && reject_may(p) ? VERDICT_no_backend_reject
							   : VERDICT_no_backend;
}

/* Whether the way to a backend, which is of this kind and known, is wide enough: as nearly always. */
SLUICE_INLINE bool steer_kind_fits(const struct backend *b, const struct packet *p,
				   struct encap_kind kind)
{
	return p->ip_bytes + encap_kind_outer_bytes(kind) <= b->mtu_bytes;
}

/* What becomes of a packet that fits. */
SLUICE_INLINE enum verdict steer_fitting(const struct packet *p)
{
	return p->flags & PACKET_ICMP_ERROR ? VERDICT_icmp_forward : VERDICT_forward;
}

/* Step 6: can it go there? Returns forward, icmp_forward, no_next_hop, too_big(_dropped). */
SLUICE_INLINE enum verdict steer_way(const struct backend *b, const struct packet *p)
{
	if (!(b->flags & BACKEND_RESOLVED))
		return VERDICT_no_next_hop;
	if (steer_kind_fits(b, p, encap_kind(b)))
		return steer_fitting(p);
	/* A router on the way fragments the outer packet, which has no DF either. */
	if (!(p->flags & PACKET_DF) &&
	    p->ip_bytes + encap_outer_bytes(b) <= backend_first_mtu_bytes(b))
		return steer_fitting(p);
	if (!(p->flags & PACKET_DF) || !packet_may_be_told(p) || p->ip_bytes < ANSWER_QUOTE_BYTES)
		return VERDICT_too_big_dropped;
	return VERDICT_too_big;
}

/*
 * The MTU that a too_big answer names. Over IPv6 never less than 1280, which every link must carry:
 * senders don't listen to less (RFC 8200 §5, RFC 8201 §4).
 */
SLUICE_INLINE uint32_t steer_inner_mtu_bytes(const struct backend *b, const struct packet *p)
{
	uint32_t bytes = b->mtu_bytes - encap_outer_bytes(b);

	return p->flags & PACKET_V6 && bytes < IPV6_MTU_MIN_BYTES ? IPV6_MTU_MIN_BYTES : bytes;
}

/*
 * Steps 1 to 3, after packet_parse() said `parsed`: forward to go on with step 4 or 5, no_service to
 * go on with steer_unserved(), or the end.
 */
SLUICE_INLINE enum verdict steer_parsed(const struct arena *arena, const struct generation *g,
					const struct packet *p, enum verdict parsed,
					struct steering *st)
{
	enum verdict verdict = steer_service(arena, g, p, parsed, &st->service);

	st->backend = NULL;
	if (verdict != VERDICT_forward)
		return verdict;
	steer_hash(g, p, st);
	return steer_slot(arena, st);
}

/*
 * Steps 1 to 3 with steer_unserved(), for one packet that stands alone: nothing is known of a
 * fragment's first. `c` stands at its first byte, and is used up. `ours`: it is to a MAC that the
 * port takes frames to.
 */
SLUICE_INLINE enum verdict steer_start(const struct arena *arena, const struct generation *g,
				       struct cursor *c, bool ours, struct packet *p,
				       struct steering *st)
{
	enum verdict parsed = packet_parse(c, p);

	if (!ours)
		parsed = packet_not_ours(p, parsed);
	if (parsed == VERDICT_fragment && fragment_part(p) == FRAGMENT_FIRST)
		parsed = VERDICT_forward;
	parsed = steer_parsed(arena, g, p, parsed, st);
	return parsed == VERDICT_no_service ? steer_unserved(arena, g, p, &st->service) : parsed;
}

/* Steps 5 and 6, with the slot's value or what memory_choose() says. */
SLUICE_INLINE enum verdict steer_finish(const struct arena *arena, const struct packet *p,
					uint16_t index, struct steering *st)
{
	enum verdict verdict = steer_backend(arena, st->service, index, &st->backend);

	if (verdict == VERDICT_no_backend)
		return steer_no_backend(st->service, p);
	return verdict == VERDICT_forward ? steer_way(st->backend, p) : verdict;
}

#endif
