/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Step 4 of steer.h in the kernel: the maps of remembered flows, and what a packet does to them. A
 * part of fastpath.bpf.c, which alone includes it. Packets of unchanged slots come nowhere here.
 *
 * The kernel evicts from a full map what was not looked up for long, approximately. An entry that
 * a packet has found may be given to another flow under its hands: entries are therefore read by
 * one load, and never written in place.
 */
#ifndef SLUICE_FLOW_MEMORY_BPF_H
#define SLUICE_FLOW_MEMORY_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/steer.h"

#include "fastpath.h"

/* By flow hash. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, uint64_t);
	__type(value, struct memory);
} half_open SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, uint64_t);
	__type(value, struct memory);
} established SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FASTPATH_MEMORY_ROWS);
	__type(key, uint32_t);
	__type(value, struct fastpath_memory);
} memory_counts SEC(".maps");

/* How many flows of a round-robin service have come, by service.id. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint64_t);
} tickets SEC(".maps");

struct memory_word {
	uint64_t value;
} __attribute__((may_alias));

/* The clock of memory.seen_state: CLOCK_MONOTONIC_COARSE. */
SLUICE_INLINE uint32_t memory_now_s(void)
{
	return (uint32_t)(bpf_ktime_get_coarse_ns() / 1000000000);
}

SLUICE_INLINE enum fastpath_class memory_class(const struct memory *m)
{
	return memory_is_half_open(memory_state(m)) ? FASTPATH_HALF_OPEN : FASTPATH_ESTABLISHED;
}

/* Copies what is there of a flow, and returns where. */
SLUICE_INLINE enum fastpath_class flow_find(const uint64_t *hash, struct memory *m)
{
	enum fastpath_class class = FASTPATH_ESTABLISHED;
	const volatile struct memory_word *found = bpf_map_lookup_elem(&established, hash);

	if (!found) {
		class = FASTPATH_HALF_OPEN;
		found = bpf_map_lookup_elem(&half_open, hash);
	}
	if (!found)
		return FASTPATH_CLASSES;
	((struct memory_word *)m)->value = found->value;
	return class;
}

SLUICE_INLINE void flow_remove(struct fastpath_memory *counts, const uint64_t *hash,
			       enum fastpath_class class)
{
	if (class == FASTPATH_HALF_OPEN && bpf_map_delete_elem(&half_open, hash) == 0)
		counts->removed[FASTPATH_HALF_OPEN]++;
	if (class == FASTPATH_ESTABLISHED && bpf_map_delete_elem(&established, hash) == 0)
		counts->removed[FASTPATH_ESTABLISHED]++;
}

/* `was`: where the flow lies now. First into its new class, then out of the old: never in none. */
SLUICE_INLINE void flow_write(struct fastpath_memory *counts, const uint64_t *hash,
			      const struct memory *m, enum fastpath_class was)
{
	enum fastpath_class class = memory_class(m);
	long err = class == FASTPATH_HALF_OPEN
			   ? bpf_map_update_elem(&half_open, hash, m, BPF_ANY)
			   : bpf_map_update_elem(&established, hash, m, BPF_ANY);

	if (err) {
		counts->untracked++;
		return;
	}
	if (class == was)
		return;
	if (was == FASTPATH_CLASSES)
		counts->inserts++;
	if (class == FASTPATH_HALF_OPEN)
		counts->added[FASTPATH_HALF_OPEN]++;
	else
		counts->added[FASTPATH_ESTABLISHED]++;
	flow_remove(counts, hash, was);
}

/* For a flow of a service that doesn't hash. */
SLUICE_INLINE uint64_t ticket_draw(const struct service *s)
{
	uint32_t key = s->id; /* a copy: up to Linux 6.1 no key may lie where flow_recall()'s
				 service does */
	uint64_t *row;

	if (!(s->flags & SERVICE_ROUND_ROBIN))
		return (uint64_t)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
	row = bpf_map_lookup_elem(&tickets, &key);
	return row ? (*row)++ : 0;
}

enum { RECALL_BAD_TABLES = 1 << 16 };

/*
 * The arena, in whichever form, for functions that can't be given it. There is none where it has
 * bytes and no value.
 */
SLUICE_INLINE struct arena arena_whole(void)
{
	const uint32_t bytes = fastpath_options.arena_bytes; /* 0: in chunks */
	uint32_t zero = 0;

	return (struct arena){
		.value = bytes ? bpf_map_lookup_elem(&arena, &zero) : NULL,
		.bytes = bytes,
		.chunks = &arena,
	};
}

/* So that the verifier knows it, too. */
SLUICE_INLINE bool arena_is_there(const struct arena *whole)
{
	return whole->bytes == 0 || whole->value;
}

/* What step 4 has to know of a packet and its slot, in a word. */
SLUICE_INLINE uint64_t recall_pack(const struct packet *p, const struct steering *st)
{
	return (uint64_t)st->slot << 32 | (uint64_t)st->value << 16 |
	       (uint64_t)(p->flags & (PACKET_OPENS | PACKET_TRACELESS)) << 8 |
	       (p->proto == PROTO_UDP ? 1U << 7 : 0) | (p->tcp_flags & (TCP_FIN | TCP_RST));
}

_Static_assert(PACKET_OPENS < 1 << 8 && TCP_FIN < 1 << 7 && TCP_RST < 1 << 7, "recall_pack()");

SLUICE_INLINE void recall_unpack(uint64_t packed, struct packet *p, struct steering *st)
{
	*p = (struct packet){
		.proto = packed >> 7 & 1 ? PROTO_UDP : PROTO_TCP,
		.flags = (uint8_t)(packed >> 8),
		.tcp_flags = packed & (TCP_FIN | TCP_RST),
	};
	st->slot = (uint32_t)(packed >> 32);
	st->value = (uint16_t)(packed >> 16);
}

/*
 * flow_hash_source() of a flow with these addresses (struct flow), for which nearly no packet asks
 * here: global, for the same reason as flow_recall().
 */
__attribute__((noinline)) uint64_t flow_source(const struct generation *g, uint64_t addr0,
					       uint64_t addr1, uint64_t last)
{
	struct flow flow = {.addrs = {addr0, addr1}, .last = last};

	return g ? flow_hash_source(&flow, &g->key) : 0;
}

/* service_way_hash(), at the price of a look at the flags where it isn't wanted. */
SLUICE_INLINE uint64_t recall_way_hash(const struct generation *g, const struct packet *p,
				       const struct steering *st)
{
	if (!(st->service->flags & SERVICE_WAY_SOURCE))
		return st->hash;
	/* Nothing has written addrs[1] of IPv4, and the verifier wants arguments to be something. */
	return flow_source(g, p->flow.addrs[0], flow_is_v4(&p->flow) ? 0 : p->flow.addrs[1],
			   p->flow.last);
}

/*
 * Step 4: the maps are as steer_choose() wants them. Returns the index of the backend, SLOT_NONE,
 * or RECALL_BAD_TABLES.
 *
 * Global, so that the verifier looks at it once, and not for each way to have come here: that
 * would be 250,000 instructions more of the million that it has patience for. So arguments can be
 * numbers and small structs only. Nor do packet and steering have their address taken for it, which
 * would keep them out of the registers of packets that never come here: 5 ns.
 */
__attribute__((noinline)) uint32_t flow_recall(const struct generation *g, const struct service *s,
					       uint64_t hash, uint64_t way_hash, uint64_t packed)
{
	const struct arena whole = arena_whole();
	const struct arena *tables = &whole;
	uint32_t now_s = memory_now_s(), row = FASTPATH_MEMORY_PACKETS;
	struct fastpath_memory *counts = bpf_map_lookup_elem(&memory_counts, &row);
	struct steering st = {.service = s, .hash = hash};
	const struct memory *known = NULL;
	struct memory_choice choice;
	struct memory_slot slot;
	enum fastpath_class class;
	struct memory found;
	uint16_t previous;
	struct packet p;

	if (!counts || !g || !s || !arena_is_there(&whole))
		return RECALL_BAD_TABLES;
	recall_unpack(packed, &p, &st);
	counts->lookups++;
	class = flow_find(&hash, &found);
	if (class != FASTPATH_CLASSES) {
		counts->hits++;
		known = steer_known(tables, g, s, &found, now_s);
	}
	if (steer_previous(tables, &st, way_hash, &previous) != VERDICT_forward)
		return RECALL_BAD_TABLES;
	if (steer_draws_slot(s, &p, known, previous)) {
		st.slot = steer_free_slot(tables, s, ticket_draw(s));
		if (steer_slot(tables, &st) != VERDICT_forward)
			return RECALL_BAD_TABLES;
	}
	slot = steer_choices(&st, previous);
	choice = steer_choose(class != FASTPATH_CLASSES ? &found : NULL, known, &p, &slot, now_s);
	if (choice.action == MEMORY_WRITE) {
		flow_write(counts, &hash, &choice.memory, class);
	} else if (choice.action == MEMORY_FORGET) {
		counts->forgotten++;
		flow_remove(counts, &hash, class);
	}
	return choice.backend;
}

#endif
