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
#include "sluice/steer.h"

#include "fastpath.h"

const volatile struct fastpath_options fastpath_options = {
	.frags = true,
};

volatile struct fastpath_ports fastpath_ports SEC(".data.ports") = {0};

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

SLUICE_INLINE struct cursor cursor_make(const struct xdp_md *ctx)
{
	struct cursor c = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};

	c.frame_bytes = (uint32_t)(c.end - c.pos);
	return c;
}

/* Here, since they read the options and the arena. */
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
	uint32_t port = b->port;
	struct cursor c;

	if (bpf_xdp_adjust_head(ctx, -(int)encap_growth_bytes(b, p)) != 0)
		return VERDICT_no_headroom;
	c = cursor_make(ctx);
	if (!encap_write(&c, g, b, p, st->hash))
		return VERDICT_no_headroom;
	if (fastpath_ports.ifindex[port & (FASTPATH_PORTS - 1)] == ctx->ingress_ifindex) {
		*action = frame_return(ctx);
	} else {
		*action = (int)bpf_redirect_map(&devices, port, XDP_DROP);
		if (*action != XDP_REDIRECT)
			return VERDICT_bad_tables;
	}
	backend_count(b, p);
	return verdict;
}

SLUICE_INLINE enum verdict packet_answer_echo(struct xdp_md *ctx, const struct packet *p,
					      enum verdict verdict, int *action)
{
	if (!answer_echo(cursor_make(ctx), p))
		return VERDICT_bad_icmp;
	*action = frame_return(ctx);
	return verdict;
}

SLUICE_INLINE enum verdict packet_answer_too_big(struct xdp_md *ctx, const struct packet *p,
						 const struct steering *st, uint32_t frame_bytes,
						 enum verdict verdict, int *action)
{
	uint32_t growth = answer_too_big_growth(p);
	int cut = (int)answer_too_big_bytes(p) - (int)(frame_bytes + growth);

	if (bpf_xdp_adjust_head(ctx, -(int)growth) != 0 || bpf_xdp_adjust_tail(ctx, cut) != 0 ||
	    !answer_too_big(cursor_make(ctx), p, steer_inner_mtu_bytes(st->backend, p)))
		return VERDICT_no_headroom;
	*action = frame_return(ctx);
	return verdict;
}

/* What steer.h decides, done. */
SLUICE_INLINE enum verdict packet_act(struct xdp_md *ctx, const struct arena *tables,
				      const struct generation *g, const struct packet *p,
				      uint32_t frame_bytes, enum verdict parsed,
				      struct steering *st, int *action)
{
	enum verdict verdict = steer_parsed(tables, g, p, parsed, st);

	*action = XDP_DROP;
	if (verdict == VERDICT_forward && steer_looks_further(st)) {
		uint32_t recalled = flow_recall(g, st->service, st->hash,
						recall_way_hash(g, p, st), recall_pack(p, st));

		if (recalled >= RECALL_BAD_TABLES)
			return VERDICT_bad_tables;
		st->value = (uint16_t)recalled;
	}
	if (verdict == VERDICT_forward)
		verdict = steer_finish(tables, p, st->value, st);
	switch (verdict_action(verdict)) {
	case ACTION_FORWARD:
		return packet_forward(ctx, g, p, st, verdict, action);
	case ACTION_ECHO:
		return packet_answer_echo(ctx, p, verdict, action);
	case ACTION_TOO_BIG:
		return packet_answer_too_big(ctx, p, st, frame_bytes, verdict, action);
	case ACTION_PASS:
		*action = XDP_PASS;
		break;
	case ACTION_DROP:
		break;
	}
	return verdict;
}

/*
 * Everything that can happen to a packet; st->service is who it counts for. Of this the compiler
 * makes a way for each family without the other's branches: 50 of 750 instructions less for IPv4,
 * 30 of 830 for IPv6.
 */
SLUICE_INLINE enum verdict packet_process(struct xdp_md *ctx, const struct arena *tables,
					  const struct generation *g, struct steering *st,
					  int *action)
{
	struct cursor c = cursor_make(ctx);
	uint32_t frame_bytes;
	enum verdict parsed;
	struct packet p;
	bool v4;

	if (fastpath_options.frags)
		c.frame_bytes = (uint32_t)bpf_xdp_get_buff_len(ctx);
	frame_bytes = c.frame_bytes;
	parsed = packet_parse(&c, &p);
	if (parsed == VERDICT_fragment)
		parsed = fragment_join(ctx, g, &p);
	if (parsed != VERDICT_forward)
		return packet_act(ctx, tables, g, &p, frame_bytes, parsed, st, action);
	v4 = flow_is_v4(&p.flow);
	if (p.flags & PACKET_V6) {
		__builtin_assume(!v4);
		return packet_act(ctx, tables, g, &p, frame_bytes, VERDICT_forward, st, action);
	}
	__builtin_assume(v4);
	return packet_act(ctx, tables, g, &p, frame_bytes, VERDICT_forward, st, action);
}

SLUICE_INLINE int frame_receive(struct xdp_md *ctx, const struct arena *tables)
{
	const struct generation *g = generation_current(tables);
	struct service_counters *row;
	struct steering st;
	enum verdict verdict;
	uint32_t key;
	int action;

	if (!g)
		return XDP_PASS;
	if (fastpath_capture.service != 0)
		capture_take_in(ctx);
	verdict = packet_process(ctx, tables, g, &st, &action);
	key = steer_counter_row(st.service);
	if (fastpath_capture.service == key && key != 0)
		capture_end(ctx, st.backend ? st.backend->counter : 0, verdict,
			    action == XDP_TX || action == XDP_REDIRECT);
	row = bpf_map_lookup_elem(&services, &key);
	if (row && verdict < VERDICT_COUNT)
		row->packets[verdict]++;
	return action;
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
