/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares of flows. Flows are taken evenly out of all that there can be: the hash goes up in equal
 * steps, and the source's hash with it by the golden ratio, so that the two together are spread
 * evenly, too (Kronecker's sequence). Where only a flow's slot counts, each slot is looked at once
 * instead, and the shares are exact. Control thread.
 */
#include "forecast.h"

#include <stdlib.h>

#include "sluice/service.h"

/* A flow's two hashes: what may pick its slot. */
struct sample {
	uint64_t hash, source;
};

struct view {
	const struct former *was;
	const struct plan *plan;
	const uint16_t *now_at;
	uint32_t now_n;
	double *drawn; /* by index: the share of new flows, where the scheduler doesn't hash */
};

static uint16_t choice_in(const uint16_t *table, uint32_t n, uint16_t by_source,
			  const struct sample *s)
{
	return table[service_slot_of(n, by_source ? s->source : s->hash)];
}

/* Where tables of slots, marks and previous choices send an older flow; SLOT_NONE: nowhere. */
static uint16_t previous_in(const uint16_t *slots, uint32_t slots_n, const uint16_t *previous,
			    uint32_t previous_n, uint16_t flags, uint16_t way,
			    const struct sample *s)
{
	if (!previous)
		return SLOT_NONE;
	if (way)
		return choice_in(previous, previous_n, way & SERVICE_WAY_SOURCE, s) & SLOT_INDEX;
	if (!(choice_in(slots, slots_n, flags & SERVICE_HASH_SOURCE, s) & SLOT_CHANGED))
		return SLOT_NONE;
	return choice_in(previous, previous_n, flags & SERVICE_HASH_SOURCE, s) & SLOT_INDEX;
}

/*
 * Where it is, if nothing is remembered of it: where the tables alone send it, now and after the
 * transition that may be under way. SLOT_NONE: then it is remembered as soon as it sends a packet,
 * or there is no such flow.
 */
static uint16_t home_of(const struct former *f, const struct sample *s)
{
	uint16_t home, previous;

	if (f->flags & SERVICE_REMEMBERS)
		return SLOT_NONE;
	home = choice_in(f->slots, f->slots_n, f->flags & SERVICE_HASH_SOURCE, s) & SLOT_INDEX;
	previous =
		previous_in(f->slots, f->slots_n, f->previous, f->previous_n, f->flags, f->way, s);
	if (previous == SLOT_NONE ? f->way : previous != home)
		return SLOT_NONE;
	return home;
}

/* How likely today's scheduler of the plan keeps it there, of itself. */
static double kept_by_tables(const struct view *v, const struct sample *s, uint16_t at)
{
	const struct plan *p = v->plan;

	if (at == SLOT_NONE)
		return 0;
	if (p->flags & SERVICE_REMEMBERS)
		return v->drawn[at];
	return (choice_in(p->slots, p->slots_n, p->flags & SERVICE_HASH_SOURCE, s) & SLOT_INDEX) ==
	       at;
}

/* How likely a packet of it comes there: 0 or 1, unless it is drawn. */
static double kept(const struct view *v, const struct sample *s, uint16_t at)
{
	const struct plan *p = v->plan;
	uint16_t previous =
		previous_in(p->slots, p->slots_n, p->previous, p->previous_n, p->flags, p->way, s);

	return previous == SLOT_NONE ? kept_by_tables(v, s, at) : previous == at;
}

/* The share of new flows of each backend, by index. False: no memory. */
static bool draws_make(struct view *v)
{
	const struct plan *p = v->plan;
	bool least = p->flags & SERVICE_LEAST_CONN;
	uint16_t *loads;
	double *below; /* by load: the share of slots whose backends have less */

	v->drawn = calloc(SLOT_NONE + 1U, sizeof(*v->drawn));
	loads = calloc(SLOT_NONE + 1U, sizeof(*loads));
	below = calloc(UINT16_MAX + 2U, sizeof(*below));
	if (v->drawn && loads && below) {
		for (uint32_t i = 0; i < p->conf->backends_n; i++)
			if (p->courses[i].index != SLOT_NONE)
				loads[p->courses[i].index] = p->courses[i].load;
		for (uint32_t i = 0; i < p->slots_n; i++)
			v->drawn[p->slots[i] & SLOT_INDEX] += 1.0 / p->slots_n;
		for (uint32_t i = 0; least && i < SLOT_NONE; i++)
			below[loads[i] + 1U] += v->drawn[i];
		for (uint32_t i = 1; least && i <= UINT16_MAX + 1U; i++)
			below[i] += below[i - 1];
		/* The first of two, unless the second has less: steer_free_slot(). */
		for (uint32_t i = 0; least && i < SLOT_NONE; i++)
			v->drawn[i] *= 2 - below[loads[i]] - below[loads[i] + 1U];
	}
	free(loads);
	free(below);
	return v->drawn != NULL;
}

/* Whether a flow's slot tells all, and is the same as it was. */
static bool slots_tell(const struct former *was, const struct plan *plan)
{
	return was->slots_n == plan->slots_n && was->flags == plan->flags && !was->way &&
	       !plan->way && !(plan->flags & SERVICE_REMEMBERS);
}

/* A hash in the middle of part i of n. */
static uint64_t hash_in(uint32_t i, uint32_t n)
{
	return (uint64_t)(((double)i + 0.5) / n * 0x1p32) << 32;
}

struct forecast forecast_make(const struct former *was, const struct plan *plan,
			      const uint16_t *now_at, uint32_t now_n, uint32_t flows)
{
	struct view v = {.was = was, .plan = plan, .now_at = now_at, .now_n = now_n};
	struct forecast f = {0};
	uint32_t total = 0;

	if (plan->flags & SERVICE_REMEMBERS && !draws_make(&v))
		return (struct forecast){1, 1};
	if (slots_tell(was, plan))
		flows = plan->slots_n;
	for (uint32_t i = 0; i < flows; i++) {
		/* In a table that one hash alone picks from, both are the same. */
		struct sample s = {hash_in(i, flows), (uint64_t)(i * 0x9e3779b9U) << 32};
		uint16_t home, at;

		if (slots_tell(was, plan))
			s.source = s.hash;
		home = home_of(was, &s);
		if (home == SLOT_NONE)
			continue;
		at = home < now_n ? now_at[home] : SLOT_NONE;
		f.without += 1 - kept_by_tables(&v, &s, at);
		f.with += 1 - kept(&v, &s, at);
		total++;
	}
	free(v.drawn);
	if (total > 0) {
		f.without /= total;
		f.with /= total;
	}
	return f;
}
