/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Step 0 of steer.h in the kernel: the map of datagrams that come in fragments, and what a fragment
 * does to it. A part of fastpath.bpf.c, which alone includes it, behind flow_memory.bpf.h. Packets
 * that are no fragments come nowhere here.
 *
 * A full map gives up what was not looked up for long, approximately. As with flows, an entry is
 * read by one load, and never written in place.
 */
#ifndef SLUICE_FRAGMENTS_BPF_H
#define SLUICE_FRAGMENTS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/steer.h"

/* By fragment_key(). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGMENT_ENTRIES);
	__type(key, uint64_t);
	__type(value, struct fragment);
} fragments SEC(".maps");

/* struct fragment as the word that it is. */
typedef uint64_t __attribute__((may_alias)) fragment_word;

SLUICE_INLINE struct fragment fragment_from(uint64_t word)
{
	return (struct fragment){.ports = (uint32_t)word, .seen_proto = (uint32_t)(word >> 32)};
}

/*
 * packet_fragment_id(): 1 << 32 and the identification; 0: never. It walks over extension headers
 * once more, which the verifier needn't see for each way to have come here.
 */
__attribute__((noinline)) uint64_t fragment_id(struct xdp_md *ctx, uint32_t l3_offset,
					       uint32_t flags)
{
	struct cursor c = cursor_make(ctx);
	uint32_t id = 0;

	if (packet_fragment_id(&c, l3_offset, flags & PACKET_V6, &id))
		return 1ULL << 32 | id;
	return frame_is_whole(ctx) ? 0 : window_fragment_id(ctx, l3_offset, flags);
}

/* What a fragment's look-up needs of its packet beside the flow, in a word. */
SLUICE_INLINE uint64_t fragment_pack(const struct packet *p, uint32_t id)
{
	return (uint64_t)id << 32 | (uint32_t)p->flags << 8 | p->proto;
}

/*
 * Step 0: what is known of the packet's datagram, as one word; 0: nothing. Global for the reason
 * that flow_recall() is.
 */
__attribute__((noinline)) uint64_t fragment_recall(const struct generation *g,
						   const struct flow *flow, uint64_t packed)
{
	const struct arena tables = arena_whole();
	const uint32_t id = (uint32_t)(packed >> 32);
	struct packet p = {
		.flags = (uint8_t)(packed >> 8),
		.proto = (uint8_t)packed,
	};
	const volatile fragment_word *found;
	uint32_t now_s = memory_now_s();
	struct fragment fragment;
	uint64_t key, word;

	if (!g || !flow || !arena_is_there(&tables))
		return 0;
	p.flow = *flow;
	switch (steer_fragment(&tables, g, &p, id, &key)) {
	case FRAGMENT_FIRST:
		fragment = fragment_make(&p.flow, now_s);
		(void)bpf_map_update_elem(&fragments, &key, &fragment, BPF_ANY);
		return *(fragment_word *)&fragment;
	case FRAGMENT_LATER:
		found = bpf_map_lookup_elem(&fragments, &key);
		if (!found)
			return 0;
		word = *found;
		fragment = fragment_from(word);
		return fragment_lives(&fragment, now_s) ? word : 0;
	case FRAGMENT_OTHER:
		break;
	}
	return 0;
}

/* After packet_parse() said `fragment`. Returns forward with the packet's flow, or fragment. */
SLUICE_INLINE enum verdict fragment_join(struct xdp_md *ctx, const struct generation *g,
					 struct packet *p)
{
	/* A copy, so that the packet's own stays in registers. */
	const struct flow flow = p->flow;
	const uint64_t id = fragment_id(ctx, p->l3_offset, p->flags);
	struct fragment known;
	uint64_t word;

	if (id == 0)
		return VERDICT_fragment;
	word = fragment_recall(g, &flow, fragment_pack(p, (uint32_t)id));
	if (word == 0)
		return VERDICT_fragment;
	known = fragment_from(word);
	packet_join(p, &known);
	return VERDICT_forward;
}

#endif
