/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage of a burst that a steady state skips: packets in slots that changed, and those of
 * services whose scheduler doesn't hash. What a packet makes of what is remembered is decided in
 * include/sluice (steer.h step 4, memory.h). Called by the workers, within burst_run().
 */
#include "burst.h"
#include "flow_table.h"
#include "sluice/steer.h"

enum {
	/* Packets whose buckets are under way: two lines each. With all slots changed and a million
	 * flows, 6 to 10 cost 36 to 40 ns a packet, 16 cost 50, the whole burst at once 70. */
	AHEAD_PACKETS = 8,
};

/* What its slot says, which the stage before has just read. False: bad_tables. */
static bool changed_read(const struct burst *b, const struct arena *arena, uint8_t i,
			 struct steering *st)
{
	*st = (struct steering){
		.service = b->service[i],
		.hash = b->hash[i],
		.slot = b->slot[i],
	};
	return steer_slot(arena, st) == VERDICT_forward;
}

/* Who they are. */
static void changed_find(struct burst *b, const struct burst_context *ctx)
{
	b->changed_n = 0;
	for (uint16_t k = 0; k < b->live_n; k++) {
		uint8_t i = b->live[k];
		struct steering st;

		if (!changed_read(b, ctx->arena, i, &st) || !steer_looks_further(&st))
			continue;
		b->changed[b->changed_n++] = i;
		__builtin_prefetch(arena_at(ctx->arena,
					    service_previous_offset(st.service, st.slot),
					    sizeof(uint16_t)),
				   0, 3);
	}
}

/*
 * An ICMP error comes from a router on the way, with addresses of its own, so that the port may
 * give it to another worker than its flow, which is in that worker's table then; and a port spreads
 * fragments by their addresses alone, whole packets of the same flow by ports too. Looking there is
 * safe: a peek writes nothing and sees entries whole (flow_table.c), and tables stay until every
 * worker has ended. It is the one time that a worker reads another's lines, and rare.
 */
static const struct memory *others_find(const struct burst_context *ctx, uint64_t hash,
					struct memory *copy)
{
	for (uint16_t w = 0; w < ctx->tables_n; w++)
		if (ctx->tables[w] != ctx->flows && flow_table_peek(ctx->tables[w], hash, copy))
			return copy;
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
			 const struct generation *g, uint64_t hash,
			 const struct memory_choice *choice)
{
	switch ((enum memory_action)choice->action) {
	case MEMORY_WRITE:
		(void)flow_table_put(ctx->flows, g, hash, choice->memory, b->now_s);
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
	enum verdict verdict = VERDICT_forward;
	const struct memory *found, *known;
	struct memory_choice choice;
	struct memory_slot choices;
	struct steering st;
	struct memory copy;

	(void)changed_read(b, ctx->arena, i, &st);
	found = flow_table_find(ctx->flows, st.hash);
	if (!found && p->flags & (PACKET_ICMP_ERROR | PACKET_FRAGMENT))
		found = others_find(ctx, st.hash, &copy);
	known = steer_known(ctx->arena, g, st.service, found, b->now_s);
	if (steer_draws_slot(st.service, p, known)) {
		st.slot = steer_free_slot(ctx->arena, st.service, ticket_take(b, ctx, st.service));
		verdict = steer_slot(ctx->arena, &st);
	}
	if (verdict == VERDICT_forward)
		verdict = steer_choices(ctx->arena, &st, &choices);
	if (verdict != VERDICT_forward)
		return verdict;
	choice = steer_choose(found, known, p, &choices, b->now_s);
	choice_apply(b, ctx, g, st.hash, &choice);
	return steer_backend(ctx->arena, st.service, choice.backend, &b->backend[i]);
}

void burst_choose_changed(struct burst *b, const struct burst_context *ctx,
			  const struct generation *g)
{
	changed_find(b, ctx);
	for (uint16_t k = 0; k < b->changed_n && k < AHEAD_PACKETS; k++)
		flow_table_prefetch(ctx->flows, b->hash[b->changed[k]]);
	/* In order: what a packet leaves behind, the next of its flow finds. */
	for (uint16_t k = 0; k < b->changed_n; k++) {
		uint8_t i = b->changed[k];

		if (k + AHEAD_PACKETS < b->changed_n)
			flow_table_prefetch(ctx->flows, b->hash[b->changed[k + AHEAD_PACKETS]]);
		b->verdict[i] = (uint8_t)changed_choose(b, ctx, g, i);
		__builtin_prefetch(b->backend[i], 0, 3);
	}
}
