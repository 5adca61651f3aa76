/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The XDP fast path: steers packets of services to their backends, by the tables that sluiced
 * lays out in the arena. Loaded by program.c. What is decided and written is include/sluice's,
 * the same as on the DPDK path; here are the maps, the frame's growth and the way out.
 *
 * A packet reads arena_head.current once, so it sees one generation and nothing of another.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/counters.h"
#include "sluice/plain.h"
#include "sluice/steer.h"

#include "fastpath.h"

const volatile struct fastpath_options fastpath_options = {
	.frags = true,
};

volatile struct fastpath_ports fastpath_ports SEC(".data.ports") = {0};

volatile struct fastpath_macs fastpath_macs SEC(".data.macs") = {0};

/* Stays 0, which the verifier doesn't know: packet_forget(). */
volatile uint32_t fastpath_nothing SEC(".data.nothing") = 0;

/*
 * Sizes that come from the config are set between open and load. The arena has one value of all
 * bytes, or as many chunks as it takes: sluice/arena.h.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, ARENA_CHUNK_BYTES);
} arena SEC(".maps");

/* Here, since they read the options and the arena. */
#include "frame.bpf.h"
#include "flow_memory.bpf.h"
#include "fragments.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct service_counters);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct backend_counters);
} backends SEC(".maps");

/* By port index. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, FASTPATH_PORTS);
	__type(key, uint32_t);
	__type(value, uint32_t);
} devices SEC(".maps");

/* NULL before the first is published. */
SLUICE_INLINE const struct generation *generation_current(const struct arena *tables)
{
	const struct arena_head *head = arena_at(tables, 0, sizeof(*head));
	uint32_t offset;

	if (!head)
		return NULL;
	offset = *(const volatile uint32_t *)&head->current;
	return offset ? arena_at(tables, offset, sizeof(struct generation)) : NULL;
}

/* Here, since it reads the arena as packets do. */
#include "capture.bpf.h"

/* Back out of the port that the packet came by. */
SLUICE_INLINE int frame_return(const struct xdp_md *ctx)
{
	if (fastpath_options.no_tx)
		return (int)bpf_redirect(ctx->ingress_ifindex, 0);
	return XDP_TX;
}

/* Here, since they go back the same way. */
#include "refusals.bpf.h"

SLUICE_INLINE void backend_count(const struct backend *b, const struct packet *p)
{
	struct backend_counters *row = bpf_map_lookup_elem(&backends, &b->counter);

	if (!row)
		return;
	row->packets++;
	row->bytes += p->ip_bytes;
}

/* Encapsulates and sends; *action is XDP's. Returns `verdict`, or why it couldn't. */
SLUICE_INLINE enum verdict packet_forward(struct xdp_md *ctx, const struct generation *g,
					  const struct packet *p, const struct steering *st,
					  enum verdict verdict, int *action)
{
	const struct backend *b = st->backend;
	uint32_t port = b->port, growth = encap_growth_bytes(b, p);
	struct cursor c;

	if (bpf_xdp_adjust_head(ctx, -(int)growth) != 0 &&
	    (frame_is_whole(ctx) || !window_grow(ctx, growth)))
		return VERDICT_no_headroom;
	c = cursor_make(ctx);
	/* Out of reach is only a frame of which the window has the headers. */
	if (!encap_write(&c, g, b, p, st->hash) &&
	    !(fastpath_options.frags && window_encap(ctx, g, b, st->hash)))
		return VERDICT_no_headroom;
	if (fastpath_ports.ifindex[port & (FASTPATH_PORTS - 1)] == ctx->ingress_ifindex) {
		*action = frame_return(ctx);
	} else {
		*action = (int)bpf_redirect_map(&devices, port, XDP_DROP);
		if (*action != XDP_REDIRECT)
			return VERDICT_bad_tables;
	}
	backend_count(b, p);
	frame_cut(ctx, encap_frame_bytes(b, p));
	return verdict;
}

/* mss_clamp(), where steer_clamps(): one word to look at, of which the verifier knows nothing. */
SLUICE_INLINE void packet_clamp(struct xdp_md *ctx, const struct service *s, const struct packet *p)
{
	uint32_t clamps = p->flags & s->flags & PACKET_OPENS;

	_Static_assert((int)PACKET_OPENS == (int)SERVICE_CLAMPS, "one bit");
	asm("" : "+r"(clamps));
	if (clamps)
		(void)frame_clamp(ctx, p->l4_offset, p->proto, service_hole_offset(s));
}

/* Steps 1 to 6 of steer.h. */
SLUICE_INLINE enum verdict packet_steer(struct xdp_md *ctx, const struct arena *tables,
					const struct generation *g, const struct packet *p,
					struct steering *st)
{
	enum verdict verdict = steer_parsed(tables, g, p, VERDICT_forward, st);

	if (verdict != VERDICT_forward)
		return verdict;
	if (steer_looks_further(st)) {
		uint32_t recalled = flow_recall(g, st->service, st->hash, recall_way_hash(g, p, st),
						recall_pack(p, st));

		if (recalled >= RECALL_BAD_TABLES)
			return VERDICT_bad_tables;
		st->value = (uint16_t)recalled;
	}
	packet_clamp(ctx, st->service, p);
	return steer_finish(tables, p, st->value, st);
}

/* Answers a packet that is refused; *action is XDP's. Returns `verdict`, or why it couldn't. */
SLUICE_INLINE enum verdict packet_reject(struct xdp_md *ctx, const struct generation *g,
					 const struct packet *p, enum verdict verdict, int *action)
{
	const uint32_t packed = refusal_pack(p);
	uint32_t done;

	if (!frame_may_be_told(ctx, g, p->l3_offset, p->flags, LIMIT_REFUSALS))
		return VERDICT_reject_limited;
	/* From here, for the stack that both would take together. */
	if (frame_is_whole(ctx) || frame_reaches(ctx, p->l3_offset + (uint32_t)ANSWER_QUOTE_BYTES))
		done = frame_reject(ctx, p->l3_offset, p->l4_offset, packed, p->ip_bytes);
	else
		done = window_reject(ctx, p->l3_offset, p->l4_offset, packed, p->ip_bytes);
	if (!done)
		return VERDICT_no_headroom;
	*action = frame_return(ctx);
	return verdict;
}

/* Does what packet_steer() says. Returns what became of it in the end. */
SLUICE_INLINE enum verdict packet_act(struct xdp_md *ctx, const struct generation *g,
				      const struct packet *p, const struct steering *st,
				      enum verdict verdict, int *action)
{
	*action = XDP_DROP;
	switch (verdict_action(verdict)) {
	case ACTION_FORWARD:
		return packet_forward(ctx, g, p, st, verdict, action);
	case ACTION_ECHO:
		if (!frame_answer_echo(ctx, p->l3_offset, p->l4_offset, p->flags))
			return VERDICT_bad_icmp;
		(void)frame_cut_longer(ctx, answer_echo_bytes(p));
		*action = frame_return(ctx);
		return verdict;
	case ACTION_TOO_BIG:
		if (!frame_may_be_told(ctx, g, p->l3_offset, p->flags, LIMIT_ERRORS))
			return VERDICT_error_limited;
		if (!frame_answer_too_big(ctx, p->l3_offset, p->flags,
					  steer_inner_mtu_bytes(st->backend, p)))
			return VERDICT_no_headroom;
		*action = frame_return(ctx);
		return verdict;
	case ACTION_REJECT:
		return packet_reject(ctx, g, p, verdict, action);
	case ACTION_PASS:
		*action = XDP_PASS;
		break;
	case ACTION_DROP:
		break;
	}
	return verdict;
}

/* A packet's verdict counts in a row: steer_counter_row(). */
SLUICE_INLINE void packet_count(struct xdp_md *ctx, uint32_t key, const struct backend *b,
				enum verdict verdict, bool sent)
{
	struct service_counters *row;

	if (fastpath_capture.service == key && key != 0)
		capture_end(ctx, b ? b->counter : 0, verdict, sent);
	row = bpf_map_lookup_elem(&services, &key);
	if (row && verdict < VERDICT_COUNT)
		row->packets[verdict]++;
}

/* A packet of no service. Returns XDP's action. */
SLUICE_INLINE int packet_unserved(struct xdp_md *ctx, const struct generation *g,
				  const struct packet *p)
{
	/* A copy, so that the packet's own stays in registers. */
	const struct flow flow = p->flow;
	const uint64_t word = flow_unserved(g, &flow, p->l4_offset, refusal_pack(p));
	enum verdict verdict = (enum verdict)(uint32_t)word;
	int action = XDP_DROP;

	if (verdict == VERDICT_unserved_reject)
		verdict = packet_reject(ctx, g, p, verdict, &action);
	else if (verdict != VERDICT_unserved_drop)
		action = XDP_PASS;
	packet_count(ctx, (uint32_t)(word >> 32), NULL, verdict,
		     action == XDP_TX || action == XDP_REDIRECT);
	return action;
}

/* All that happens to a packet of which packet_parse() says `forward`. Returns XDP's action. */
SLUICE_INLINE int packet_way(struct xdp_md *ctx, const struct arena *tables,
			     const struct generation *g, const struct packet *p)
{
	struct steering st;
	enum verdict verdict;
	int action;

	verdict = packet_steer(ctx, tables, g, p, &st);
	if (verdict == VERDICT_no_service)
		return packet_unserved(ctx, g, p);
	verdict = packet_act(ctx, g, p, &st, verdict, &action);
	packet_count(ctx, steer_counter_row(st.service), st.backend, verdict,
		     action == XDP_TX || action == XDP_REDIRECT);
	return action;
}

/* And of which it says anything else: no backend's. */
SLUICE_INLINE int packet_refuse(struct xdp_md *ctx, const struct arena *tables,
				const struct generation *g, const struct packet *p,
				enum verdict parsed)
{
	const struct service *service;
	enum verdict verdict = steer_service(tables, g, p, parsed, &service);

	packet_count(ctx, steer_counter_row(service), NULL, verdict, false);
	return verdict_action(verdict) == ACTION_PASS ? XDP_PASS : XDP_DROP;
}

/*
 * Lets the verifier forget where packet_parse() came to know a packet, or it would look at all that
 * follows once for each way there. Only what differs most from way to way: each word costs 1 ns or
 * more.
 */
SLUICE_INLINE void packet_forget(struct packet *p)
{
	const uint32_t nothing = fastpath_nothing;

	p->l3_offset |= (uint16_t)nothing;
	p->l4_offset |= (uint16_t)nothing;
	p->proto |= (uint8_t)nothing;
	p->flags |= (uint8_t)nothing;
}

/* Any frame, of which `c` stands at the first byte. */
SLUICE_INLINE int frame_receive_any(struct xdp_md *ctx, const struct arena *tables,
				    const struct generation *g, struct cursor *c)
{
	enum verdict parsed;
	struct packet p;

	if (fastpath_options.frags)
		c->frame_bytes = frame_bytes(ctx);
	parsed = packet_parse(c, &p);
	if (frame_asks_window(ctx, &p, parsed)) {
		const struct window *w;
		uint32_t zero = 0;

		w = bpf_map_lookup_elem(&windows, &zero);
		if (!w)
			return XDP_DROP;
		parsed = frame_parse_window(ctx, w);
		p = w->packet;
	}
	if (fastpath_options.macs && !frame_is_ours(ctx))
		parsed = packet_not_ours(&p, parsed);
	if (parsed == VERDICT_fragment)
		parsed = fragment_join(ctx, g, &p);
	packet_forget(&p);
	if (parsed == VERDICT_forward)
		return packet_way(ctx, tables, g, &p);
	return packet_refuse(ctx, tables, g, &p, parsed);
}

/* A frame that is plain (sluice/plain.h) and untagged. False: it isn't. */
SLUICE_INLINE bool frame_parse_plain(const struct cursor *c, struct packet *p, bool v6)
{
	const uint32_t l3_offset = sizeof(struct ether_header);
	struct plain plain;

	if (!cursor_reaches(c, PLAIN_BYTES_MIN) ||
	    !plain_starts(wire_load32(c->pos + l3_offset - 2), v6) ||
	    !plain_parse(c, l3_offset, v6, &plain) || plain_source_is_bad(&plain, v6))
		return false;
	plain_store(p, &plain, v6);
	return true;
}

/*
 * The ways through the program: two short ones for plain frames, each for its family alone, and one
 * for any other. A frame whose IP packet goes on behind its first buffer is not plain, so the
 * kernel need not be asked for the length of those that are.
 */
SLUICE_INLINE int frame_receive(struct xdp_md *ctx, const struct arena *tables)
{
	const struct generation *g = generation_current(tables);
	struct packet p;
	struct cursor c;

	if (!g)
		return XDP_PASS;
	if (fastpath_capture.service != 0)
		capture_take_in(ctx);
	c = cursor_make(ctx);
	if (!fastpath_options.macs || frame_is_own(ctx, &c)) {
		if (frame_parse_plain(&c, &p, false))
			return packet_way(ctx, tables, g, &p);
		if (frame_parse_plain(&c, &p, true))
			return packet_way(ctx, tables, g, &p);
	}
	return frame_receive_any(ctx, tables, g, &c);
}

/*
 * The same program twice, for the two forms of the arena; the loader takes one. No "xdp.frags":
 * the loader sets that flag where the kernel knows it (5.18).
 */
SEC("xdp")
int sluice_xdp(struct xdp_md *ctx)
{
	uint32_t key = 0;
	const struct arena tables = {
		.value = bpf_map_lookup_elem(&arena, &key),
		.bytes = fastpath_options.arena_bytes,
	};

	return tables.value ? frame_receive(ctx, &tables) : XDP_PASS;
}

SEC("xdp")
int sluice_xdp_5_15(struct xdp_md *ctx)
{
	const struct arena tables = {.chunks = &arena};

	return frame_receive(ctx, &tables);
}

/* The word that the kernel knows for "GPL-2.0 or BSD-2-Clause". */
char program_license[] SEC("license") = "Dual BSD/GPL";
