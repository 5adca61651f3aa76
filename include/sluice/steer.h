/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * A packet's way through the tables: whose it is, which slot, which backend. steer_packet() is
 * the whole, one packet at a time, for the XDP program and as the reference in tests; the DPDK
 * worker calls the same steps in stages over a burst, with prefetches between them.
 */
#ifndef SLUICE_STEER_H
#define SLUICE_STEER_H

#include "sluice/answer.h"
#include "sluice/encap.h"
#include "sluice/packet.h"
#include "sluice/service.h"

struct steering {
	const struct service *service; /* NULL: none; of a vip, its own entry */
	const struct backend *backend; /* set for forward, icmp_forward and the too_big pair */
	uint64_t hash;                 /* set with backend */
};

/* The counter row that a verdict counts in: 0 stands for packets of no service. */
SLUICE_INLINE uint32_t steer_counter_row(const struct service *service)
{
	return service ? service->id : 0;
}

/*
 * Step 1, after packet_parse() said `parsed`: whose packet is it? Returns forward with the
 * service to go on, or the final verdict.
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
	case VERDICT_bad_extension:
	case VERDICT_bad_tcp:
	case VERDICT_bad_udp:
	case VERDICT_bad_icmp:
	case VERDICT_bad_quote:
	case VERDICT_fragment:
		/* Odd, but maybe not to us: then it's the kernel's to judge. */
		*service = service_find_vip(arena, g, &p->flow);
		return *service ? parsed : VERDICT_no_service;
	default:
		return parsed;
	}
}

/* Step 2: the slot's backend. Returns forward, no_backend or bad_tables. */
SLUICE_INLINE enum verdict steer_backend(const struct arena *arena, const struct service *s,
					 uint64_t hash, const struct backend **backend)
{
	const uint16_t *slot = arena_at(arena, service_slot_offset(s, hash), sizeof(*slot));

	*backend = NULL;
	if (!slot)
		return VERDICT_bad_tables;
	if ((*slot & SLOT_INDEX) == SLOT_NONE)
		return VERDICT_no_backend;
	*backend = arena_at(arena, service_backend_offset(s, *slot), sizeof(**backend));
	return *backend ? VERDICT_forward : VERDICT_bad_tables;
}

/* Step 3: can it go there? Returns forward, icmp_forward, no_next_hop, too_big(_dropped). */
SLUICE_INLINE enum verdict steer_way(const struct backend *b, const struct packet *p)
{
	if (!(b->flags & BACKEND_RESOLVED))
		return VERDICT_no_next_hop;
	if (p->ip_bytes + encap_outer_bytes(b) > b->mtu_bytes) {
		/* No ICMP error is sent about an ICMP error: RFC 1122 §3.2.2. */
		if (!(p->flags & PACKET_DF) || p->flags & PACKET_ICMP_ERROR ||
		    p->ip_bytes < ANSWER_QUOTE_BYTES)
			return VERDICT_too_big_dropped;
		return VERDICT_too_big;
	}
	return p->flags & PACKET_ICMP_ERROR ? VERDICT_icmp_forward : VERDICT_forward;
}

/* The MTU that a too_big answer names. */
SLUICE_INLINE uint32_t steer_inner_mtu_bytes(const struct backend *b)
{
	return b->mtu_bytes - encap_outer_bytes(b);
}

/* All steps, after packet_parse() said `parsed`. */
SLUICE_INLINE enum verdict steer_parsed(const struct arena *arena, const struct generation *g,
					const struct packet *p, enum verdict parsed,
					struct steering *st)
{
	enum verdict verdict = steer_service(arena, g, p, parsed, &st->service);

	st->backend = NULL;
	if (verdict != VERDICT_forward)
		return verdict;
	st->hash = flow_hash(&p->flow, &g->key);
	verdict = steer_backend(arena, st->service, st->hash, &st->backend);
	if (verdict != VERDICT_forward)
		return verdict;
	return steer_way(st->backend, p);
}

/* All steps, for one packet; `c` stands at its first byte, and is used up. */
SLUICE_INLINE enum verdict steer_packet(const struct arena *arena, const struct generation *g,
					struct cursor *c, struct packet *p, struct steering *st)
{
	return steer_parsed(arena, g, p, packet_parse(c, p), st);
}

#endif
