/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would become of a packet, step by step. Control thread.
 */
#include "trace.h"
#include "sluice/mac.h"

#include <stdlib.h>
#include <string.h>

static struct cursor cursor_of(const struct trace_frame *frame)
{
	return (struct cursor){frame->bytes, frame->bytes + frame->n, frame->n};
}

/* NULL before the first is published. */
static const struct generation *generation_current(const struct arena *arena)
{
	const struct arena_head *head = arena_at(arena, 0, sizeof(*head));
	uint32_t offset = __atomic_load_n(&head->current, __ATOMIC_ACQUIRE);

	return offset ? arena_at(arena, offset, sizeof(struct generation)) : NULL;
}

/* Step 4 of steer.h; what the choice says is not done. Forward: t->index is set, or t->draws. */
static enum verdict look_further(const struct trace_tables *tables, struct trace *t)
{
	const struct service *s = t->steering.service;
	const struct memory *found = NULL, *known;
	struct memory_choice choice;

	t->looked = true;
	t->found = tables->find(tables->ctx, &t->packet, t->steering.hash, &t->memory);
	if (t->found)
		found = &t->memory;
	known = steer_known(tables->arena, t->generation, s, found, tables->now_s);
	t->known = known;
	t->draws = steer_draws_slot(s, &t->packet, known, t->slot.previous);
	if (t->draws)
		return VERDICT_forward;
	choice = steer_choose(found, known, &t->packet, &t->slot, tables->now_s);
	t->index = choice.backend;
	return VERDICT_forward;
}

static enum verdict steer(const struct trace_tables *tables, const struct trace_frame *frame,
			  struct trace *t)
{
	struct cursor c = cursor_of(frame);
	bool ours = !tables->macs || frame->n < sizeof(struct ether_header) ||
		    macs_have(tables->macs, mac_word(frame->bytes));
	enum verdict verdict =
		steer_start(tables->arena, t->generation, &c, ours, &t->packet, &t->steering);
	uint16_t previous;

	if (t->packet.flow.last != 0) /* it has addresses */
		t->vip = service_find_vip(tables->arena, t->generation, &t->packet.flow);
	if (verdict != VERDICT_forward)
		return verdict;
	t->hashed = true;
	verdict = steer_previous(tables->arena, &t->steering,
				 service_way_hash(t->steering.service, &t->packet.flow,
						  t->steering.hash, &t->generation->key),
				 &previous);
	t->slot = steer_choices(&t->steering, previous);
	t->index = t->steering.value & SLOT_INDEX;
	if (verdict == VERDICT_forward && steer_looks_further(&t->steering))
		verdict = look_further(tables, t);
	if (verdict != VERDICT_forward)
		return verdict;
	if (t->draws) {
		t->index = SLOT_NONE;
		return verdict;
	}
	return steer_finish(tables->arena, &t->packet, t->index, &t->steering);
}

static void head_move(struct trace_frame *frame, uint32_t growth_bytes)
{
	frame->bytes -= growth_bytes;
	frame->n += growth_bytes;
}

static void frame_cut(struct trace_frame *frame, uint32_t bytes)
{
	if (frame->n > bytes)
		frame->n = bytes;
}

static void outer_read_v4(const struct ipv4_header *ip, struct trace_outer *outer)
{
	be32 src = ip->src, dst = ip->dst;

	outer->src = ip_from_bytes(IP_V4, &src);
	outer->dst = ip_from_bytes(IP_V4, &dst);
	outer->ttl = ip->ttl;
	outer->ip_bytes = be16_to(ip->total_bytes);
}

static void outer_read_v6(const struct ipv6_header *ip, struct trace_outer *outer)
{
	outer->src = ip_from_bytes(IP_V6, (const uint8_t *)ip + offsetof(struct ipv6_header, src));
	outer->dst = ip_from_bytes(IP_V6, (const uint8_t *)ip + offsetof(struct ipv6_header, dst));
	outer->ttl = ip->hop_limit;
	outer->ip_bytes = be16_to(ip->payload_bytes) + (uint32_t)sizeof(*ip);
}

/* What encap_write() wrote: it is the one place that knows. False: cut, which it is not. */
static bool outer_read(const struct trace_frame *frame, const struct backend *b,
		       struct trace_outer *outer)
{
	struct cursor c = cursor_of(frame);
	const struct ether_header *ether = cursor_take(&c, sizeof(*ether));
	bool v6 = b->flags & BACKEND_OUTER_V6;
	const struct udp_header *udp;
	const void *ip;

	if (!ether)
		return false;
	memcpy(outer->dst_mac, ether->dst, sizeof(outer->dst_mac));
	memcpy(outer->src_mac, ether->src, sizeof(outer->src_mac));
	if (ether->type == be16_from(ETHER_VLAN)) {
		const struct vlan_tag *tag = cursor_take(&c, sizeof(*tag));

		outer->vlan = tag ? be16_to(tag->tci) & 0xfff : 0;
	}
	ip = cursor_take(&c, v6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header));
	if (!ip)
		return false;
	if (v6)
		outer_read_v6(ip, outer);
	else
		outer_read_v4(ip, outer);
	if (b->encap == ENCAP_IPIP)
		return true;
	udp = cursor_take(&c, sizeof(*udp));
	if (!udp)
		return false;
	outer->src_port = be16_to(udp->src_port);
	outer->dst_port = be16_to(udp->dst_port);
	return true;
}

static enum verdict forward(struct trace *t, struct trace_frame *frame, enum verdict verdict)
{
	const struct backend *b = t->steering.backend;
	struct cursor c;

	head_move(frame, encap_growth_bytes(b, &t->packet));
	c = cursor_of(frame);
	if (!encap_write(&c, t->generation, b, &t->packet, t->steering.hash) ||
	    !outer_read(frame, b, &t->outer))
		return VERDICT_no_headroom;
	frame_cut(frame, encap_frame_bytes(b, &t->packet));
	return verdict;
}

/* Returns the verdict, or what kept it from being carried out. */
static enum verdict act(const struct trace_tables *tables, struct trace *t,
			struct trace_frame *frame, enum verdict verdict)
{
	const struct service *s = t->steering.service;
	struct reject reject;

	if (s && steer_clamps(s, &t->packet))
		mss_clamp(cursor_of(frame), t->packet.l4_offset, service_mss(tables->arena, s));
	switch (verdict_action(verdict)) {
	case ACTION_FORWARD:
		return t->draws ? verdict : forward(t, frame, verdict);
	case ACTION_TOO_BIG:
		head_move(frame, answer_too_big_growth(&t->packet));
		frame->n = answer_too_big_bytes(&t->packet);
		return answer_too_big(cursor_of(frame), &t->packet,
				      steer_inner_mtu_bytes(t->steering.backend, &t->packet))
			       ? verdict
			       : VERDICT_no_headroom;
	case ACTION_REJECT:
		if (!reject_read(cursor_of(frame), &t->packet, &reject))
			return VERDICT_no_headroom;
		head_move(frame, reject_growth(&t->packet));
		frame->n = reject_bytes(&t->packet);
		return reject_write(cursor_of(frame), &t->packet, &reject) ? verdict
									   : VERDICT_no_headroom;
	case ACTION_ECHO:
		if (!answer_echo(cursor_of(frame), &t->packet))
			return VERDICT_bad_icmp;
		frame_cut(frame, answer_echo_bytes(&t->packet));
		return verdict;
	case ACTION_PASS:
	case ACTION_DROP:
		break;
	}
	return verdict;
}

void trace_packet(const struct trace_tables *tables, struct trace_frame *frame, struct trace *t)
{
	*t = (struct trace){
		.verdict = VERDICT_no_service,
		.generation = generation_current(tables->arena),
		.slot = {.current = SLOT_NONE, .previous = SLOT_NONE},
		.index = SLOT_NONE,
	};
	if (t->generation)
		t->verdict = act(tables, t, frame, steer(tables, frame, t));
}

static int candidate_compare(const void *a, const void *b)
{
	const struct trace_candidate *one = a, *other = b;

	if (one->slots != other->slots)
		return one->slots < other->slots ? 1 : -1;
	return one->index < other->index ? -1 : one->index > other->index;
}

uint32_t trace_candidates(const struct trace_tables *tables, const struct trace *t,
			  struct trace_candidate *rows)
{
	struct steering st = t->steering;
	uint32_t n = 0, none = st.service->backends;

	for (uint32_t i = 0; i <= none; i++)
		rows[i] = (struct trace_candidate){.index = i < none ? (uint16_t)i : SLOT_NONE};
	for (st.slot = 0; st.slot < st.service->slots; st.slot++) {
		if (steer_slot(tables->arena, &st) != VERDICT_forward)
			continue;
		st.value &= SLOT_INDEX;
		rows[st.value < none ? st.value : none].slots++;
	}
	for (uint32_t i = 0; i <= none; i++) {
		if (rows[i].slots == 0)
			continue;
		rows[n] = rows[i];
		rows[n].verdict = steer_finish(tables->arena, &t->packet, rows[n].index, &st);
		n++;
	}
	qsort(rows, n, sizeof(*rows), candidate_compare);
	return n;
}
