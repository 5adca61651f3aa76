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

/* Step 0: what is known of the datagram that a packet is a part of. False: nothing. */
SLUICE_INLINE bool fragment_recall(struct xdp_md *ctx, const struct arena *tables,
				   const struct generation *g, const struct packet *p,
				   struct fragment *known)
{
	struct cursor c = cursor_make(ctx);
	const volatile fragment_word *found;
	uint32_t now_s = memory_now_s();
	uint64_t key;

	switch (steer_fragment(tables, g, &c, p, &key)) {
	case FRAGMENT_FIRST:
		*known = fragment_make(&p->flow, now_s);
		(void)bpf_map_update_elem(&fragments, &key, known, BPF_ANY);
		return true;
	case FRAGMENT_LATER:
		found = bpf_map_lookup_elem(&fragments, &key);
		if (!found)
			return false;
		*(fragment_word *)known = *found;
		return fragment_lives(known, now_s);
	case FRAGMENT_OTHER:
		break;
	}
	return false;
}

/* Step 0, after packet_parse() said `fragment`. Returns forward with the packet's flow, or
 * fragment. */
__attribute__((noinline)) uint32_t fragment_join(struct xdp_md *ctx, const struct generation *g,
						 struct packet *p)
{
	const struct arena tables = arena_whole();
	struct fragment known;

	if (!g || !p || !arena_is_there(&tables))
		return VERDICT_bad_tables;
	if (!fragment_recall(ctx, &tables, g, p, &known))
		return VERDICT_fragment;
	packet_join(p, &known);
	return VERDICT_forward;
}

#endif
