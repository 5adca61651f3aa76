/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage of a burst that a steady state skips: packets in slots that changed, and those of
 * services whose scheduler doesn't hash. What a packet makes of what is remembered is decided in
 * include/sluice (steer.h step 4, memory.h). Called by the workers, within burst_run().
 */
#include "burst.h"
#include "flow_table.h"
#include "prefetch.h"
#include "sluice/steer.h"

#include <string.h>

enum {
	/* Packets whose first bucket is under way; 8 and 16 to 32 cost 2 to 5 ns a packet more when
	 * all slots changed. */
	AHEAD_PACKETS = 12,
	AHEAD_MORE = 4, /* by then it is there, and the second may be wanted */
	/* Tables of other workers, a burst: 7 us if each is a miss, as a flood of errors and fragments of
	 * unknown flows makes them. What comes beyond counts as unknown. */
	OTHERS_MAX = 64,
};

/*
 * The top bits of four values, SLOT_CHANGED, side by side: bit 16 i of `bits` times 2^(48 - 15 i)
 * is bit 48 + i. No two of the 16 products are the same bit (those that matter here are below 64:
 * 16 i + 48 - 15 j), so that nothing is carried.
 */
static uint64_t four_changed(const uint16_t values[4])
{
	uint64_t bits;

	_Static_assert(SLOT_CHANGED == 0x8000, "the top bit");
	memcpy(&bits, values, sizeof(bits));
	bits = bits >> 15 & 0x0001000100010001ULL;
	return bits * (1ULL << 48 | 1ULL << 33 | 1ULL << 18 | 1ULL << 3) >> 48 & 0xf;
}

/* By k of live[k]. Without branches, since no CPU can foresee which it is. */
static uint64_t changed_mask(const struct burst *b)
{
	uint64_t mask = 0;

	for (uint32_t k = 0; k < b->live_n; k += 4)
		mask |= four_changed(&b->value[k]) << k;
	/* Those behind the last are another burst's. */
	return b->live_n < 64 ? mask & ((1ULL << b->live_n) - 1) : mask;
}

/* The same of services that don't hash. */
static uint64_t remembered_mask(const struct burst *b)
{
	uint64_t mask = 0;

	for (uint32_t k = 0; k < b->live_n; k++)
		if (b->service[b->live[k]]->flags & SERVICE_REMEMBERS)
			mask |= 1ULL << k;
	return mask;
}

void burst_find_changed(struct burst *b, const struct burst_context *ctx, bool remembers)
{
	uint64_t mask = changed_mask(b);
	uint32_t n = 0;

	_Static_assert(BURST_MAX <= 64, "a bit each");
	if (remembers)
		mask |= remembered_mask(b);
	for (; mask; mask &= mask - 1) {
		uint8_t i = b->live[__builtin_ctzll(mask)];
		const struct service *s = b->service[i];

		b->verdict[i] = BURST_LATER;
		/* With SERVICE_WAY that is another line, which the way's length would have to tell. */
		prefetch(arena_at(ctx->arena, service_previous_offset(s, b->slot[i]),
				  sizeof(uint16_t)));
		if (n < AHEAD_PACKETS)
			flow_table_prefetch(ctx->flows, b->hash[i]);
		b->changed[n++] = i;
	}
	b->changed_n = (uint16_t)n;
}

/*
 * An ICMP error comes from a router on the way, with addresses of its own, so that the port may
 * give it to another worker than its flow, which is in that worker's table then; and a port spreads
 * fragments by their addresses alone, whole packets of the same flow by ports too. So a fragment's flow
 * may be known to the whole packets' worker alone, and the other way round where a fragment was the
 * flow's first: as long as some worker remembers fragments, whole packets look there, too. Looking there is
 * safe: a peek writes nothing and sees entries whole (flow_table.c), and tables stay until every
 * worker has ended. It is the one time that a worker reads another's lines, and rare.
 */
static const struct memory *others_find(struct burst *b, const struct burst_context *ctx,
					const struct generation *g, const struct packet *p,
					uint64_t hash, struct memory *copy)
{
	bool strays = p->flags & (PACKET_ICMP_ERROR | PACKET_FRAGMENT);

	for (uint16_t w = 0; w < ctx->tables_n; w++) {
		if (ctx->tables[w] == ctx->flows ||
		    (!strays && !flow_table_has_fragments(ctx->tables[w], g, b->now_s)))
			continue;
		if (b->others_left == 0)
			return NULL;
		b->others_left--;
		if (flow_table_peek(ctx->tables[w], hash, copy))
			return copy;
	}
	return NULL;
}

/*
 * What a worker of a process before this one remembered, where the flow's worker is another by now,
 * becomes this worker's own. Packets that may come to another worker than their flow take nothing.
 */
static const struct memory *orphans_find(const struct burst *b, const struct burst_context *ctx,
					 const struct generation *g, const struct packet *p,
					 uint64_t hash, struct memory *copy)
{
	for (uint16_t i = 0; i < ctx->orphans_n; i++) {
		if (p->flags & (PACKET_ICMP_ERROR | PACKET_FRAGMENT)) {
			if (flow_table_peek(&ctx->orphans[i], hash, copy))
				return copy;
		} else if (flow_table_take(&ctx->orphans[i], hash, copy)) {
			(void)flow_table_put(ctx->flows, g, hash, *copy, b->now_s);
			return copy;
		}
	}
	return NULL;
}

/* SplitMix64 (Steele et al., 2014). */
static uint64_t random_take(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/*
 * Each service has its own count: with one for all, two services whose flows come in turns would
 * see every second number only.
 */
static uint64_t ticket_take(struct burst *b, const struct burst_context *ctx,
			    const struct service *s)
{
	if (s->flags & SERVICE_ROUND_ROBIN)
		return ctx->tickets[s->id]++;
	return random_take(&b->random);
}

static void choice_apply(const struct burst *b, const struct burst_context *ctx,
			 const struct generation *g, const struct packet *p, uint64_t hash,
			 const struct memory_choice *choice)
{
	switch ((enum memory_action)choice->action) {
	case MEMORY_WRITE:
		(void)flow_table_put(ctx->flows, g, hash, choice->memory, b->now_s);
		if (p->flags & PACKET_FRAGMENT)
			flow_table_fragment(ctx->flows, b->now_s);
		break;
	case MEMORY_FORGET:
		flow_table_remove(ctx->flows, hash);
		break;
	case MEMORY_LEAVE:
		break;
	}
}

static enum verdict changed_choose(struct burst *b, const struct burst_context *ctx,
				   const struct generation *g, uint8_t i)
{
	const struct packet *p = &b->packets[i];
	const struct memory *found, *known;
	struct memory_choice choice;
	struct memory_slot choices;
	enum verdict verdict;
	uint16_t previous;
	struct steering st = {
		.service = b->service[i],
		.hash = b->hash[i],
		.slot = b->slot[i],
	};
	struct memory copy;

	/* What the stage before has just read: arena_at() is never NULL here. */
	(void)steer_slot(ctx->arena, &st);
	found = flow_table_find(ctx->flows, st.hash);
	if (!found)
		found = others_find(b, ctx, g, p, st.hash, &copy);
	if (!found && ctx->orphans_n > 0)
		found = orphans_find(b, ctx, g, p, st.hash, &copy);
	known = steer_known(ctx->arena, g, st.service, found, b->now_s);
	verdict =
		steer_previous(ctx->arena, &st,
			       service_way_hash(st.service, &p->flow, st.hash, &g->key), &previous);
	if (verdict == VERDICT_forward && steer_draws_slot(st.service, p, known, previous)) {
		st.slot = steer_free_slot(ctx->arena, st.service, ticket_take(b, ctx, st.service));
		verdict = steer_slot(ctx->arena, &st);
	}
	if (verdict != VERDICT_forward)
		return verdict;
	choices = steer_choices(&st, previous);
	choice = steer_choose(found, known, p, &choices, b->now_s);
	choice_apply(b, ctx, g, p, st.hash, &choice);
	return steer_backend(ctx->arena, st.service, choice.backend, &b->backend[i]);
}

void burst_choose_changed(struct burst *b, const struct burst_context *ctx,
			  const struct generation *g)
{
	const uint32_t n = b->changed_n;

	b->others_left = OTHERS_MAX;
	for (uint32_t k = 0; k < n && k < AHEAD_MORE; k++)
		flow_table_prefetch_more(ctx->flows, b->hash[b->changed[k]]);
	/* In order: what a packet leaves behind, the next of its flow finds. */
	for (uint32_t k = 0; k < n; k++) {
		uint8_t i = b->changed[k];

		if (k + AHEAD_PACKETS < n)
			flow_table_prefetch(ctx->flows, b->hash[b->changed[k + AHEAD_PACKETS]]);
		if (k + AHEAD_MORE < n)
			flow_table_prefetch_more(ctx->flows, b->hash[b->changed[k + AHEAD_MORE]]);
		b->verdict[i] = (uint8_t)changed_choose(b, ctx, g, i);
		prefetch(b->backend[i]);
	}
}
