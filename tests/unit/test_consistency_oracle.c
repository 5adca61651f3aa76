/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection may rely on, against the DPDK burst with its flow table: a dictionary of all
 * flows and where they began, and random packets, changes (of backends, and of scheduler, hash and number
 * of slots) and time. The oracle knows nothing of
 * marks, previous choices or entries; it says only where a packet has to go:
 *  - the first SYN of a connection: to what the lookup table says, which takes new flows;
 *  - any other packet, an ICMP error, and a SYN that somebody else sent in its name, once it has
 *    spoken since the last change: to where the connection began, if that backend lives, and the
 *    connection was not silent for too long;
 *  - what the oracle has no opinion on (its backend died, a long silence): anywhere that lives.
 * One seed from SEED on a run; a failure prints its seed and step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "changed_world.h"
#include "maglev.h"
#include "transition.h"

enum {
	FLOWS = 150,
	RUNS = 60,
	STEPS = 6000,
	TRANSITION_S = 300,
	SYN_S = 10,
	CLOSING_S = 15,
	ESTABLISHED_S = 3600,
};

enum stage { IDLE, OPENED, UNDER_WAY, ENDED };

struct connection {
	enum stage stage;
	uint16_t backend;
	uint32_t life; /* of this backend: one that comes back is another */
	uint32_t seen_s;
	uint32_t seen_change; /* how many changes there had been at its last packet */
	uint32_t fin_change;  /* likewise, at its FIN */
	uint32_t port;        /* another connection, the next port; or after a FIN the same */
};

struct oracle {
	struct connection connections[FLOWS];
	uint32_t weights[CHANGED_BACKENDS]; /* 0: drains */
	bool lives[CHANGED_BACKENDS];
	uint32_t life[CHANGED_BACKENDS]; /* how often it came back */
	uint32_t changes, changed_s, ways;
	uint64_t random, seed, step;
	uint64_t judged, other; /* packets with an opinion, and without */
};

static uint64_t random_take(struct oracle *o)
{
	uint64_t z = o->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint32_t random_below(struct oracle *o, uint32_t n)
{
	return (uint32_t)((random_take(o) >> 32) * n >> 32);
}

static struct changed_packet packet_of(const struct oracle *o, uint32_t i, enum changed_kind kind)
{
	return (struct changed_packet){WEB, kind, 1 + i, (uint16_t)o->connections[i].port};
}

/* How long it may be silent, and still be where it was. */
static uint32_t silence_max_s(const struct connection *c)
{
	switch (c->stage) {
	case OPENED:
		return SYN_S;
	case ENDED:
		return CLOSING_S;
	default:
		return TRANSITION_S - 1;
	}
}

static bool relies(const struct oracle *o, const struct connection *c)
{
	return c->stage != IDLE && o->lives[c->backend] && o->life[c->backend] == c->life &&
	       cw.burst.now_s - c->seen_s <= silence_max_s(c);
}

static void fail_at(const struct oracle *o, const char *what, uint32_t i, uint32_t got,
		    uint32_t expected)
{
	fail_msg("seed %llu step %llu, connection %u: %s: backend %u, not %u",
		 (unsigned long long)o->seed, (unsigned long long)o->step, i, what, got, expected);
}

static void open_one(struct oracle *o, uint32_t i)
{
	struct connection *c = &o->connections[i];
	struct changed_packet p;
	uint16_t said, got;

	/*
	 * What no FIN ended may still be remembered: a SYN from the same port would be its own. So
	 * it is after a change, if a late ACK comes: of a FIN before the change nobody knows.
	 */
	if (c->stage != ENDED || c->fin_change != o->changes || random_below(o, 2))
		c->port++;
	p = packet_of(o, i, CHANGED_SYN);
	said = cw.tables[WEB]->slots[changed_slot(&p)] & SLOT_INDEX;
	got = changed_send_one(0, &p);
	if (got != said && !(cw.services[WEB]->flags & SERVICE_REMEMBERS))
		fail_at(o, "a new one goes where the lookup table says", i, got, said);
	assert_true(o->lives[got] && o->weights[got] > 0);
	o->judged++;
	*c = (struct connection){
		.stage = OPENED,
		.backend = got,
		.life = o->life[got],
		.seen_s = cw.burst.now_s,
		.seen_change = o->changes,
		.port = c->port,
	};
}

static void packet_send(struct oracle *o, uint32_t i, enum changed_kind kind)
{
	struct connection *c = &o->connections[i];
	struct changed_packet p = packet_of(o, i, kind);
	bool sure = relies(o, c);
	uint16_t got = changed_send_one(0, &p);

	assert_true(got < CHANGED_BACKENDS && o->lives[got]);
	o->judged += sure;
	o->other += !sure;
	if (sure && got != c->backend)
		fail_at(o, "it stays where it began", i, got, c->backend);
	if (kind == CHANGED_ERROR || kind == CHANGED_SYN)
		return; /* not the connection's own */
	if (!sure) {
		c->stage = IDLE; /* broken, as far as anybody knows */
		return;
	}
	c->seen_s = cw.burst.now_s;
	c->seen_change = o->changes;
	if (kind == CHANGED_FIN) {
		c->stage = ENDED;
		c->fin_change = o->changes;
	} else if (c->stage == OPENED) {
		c->stage = UNDER_WAY;
	}
}

static void any_packet(struct oracle *o)
{
	uint32_t i = random_below(o, FLOWS), chance = random_below(o, 100);
	struct connection *c = &o->connections[i];

	if (c->stage == IDLE || (c->stage == ENDED && chance < 30))
		open_one(o, i);
	else if (!relies(o, c) || chance < 85)
		packet_send(o, i, CHANGED_ACK);
	else if (chance < 90)
		packet_send(o, i, CHANGED_FIN);
	else if (chance < 95)
		packet_send(o, i, CHANGED_ERROR);
	else if (c->stage == UNDER_WAY && c->seen_change == o->changes)
		packet_send(o, i, CHANGED_SYN); /* spoofed */
}

/* Backends' rows, and what takes new flows: by Maglev, or in turn. */
static void slots_fill(const struct oracle *o, uint16_t flags, uint16_t *slots, uint32_t slots_n)
{
	struct maglev_backend backends[CHANGED_BACKENDS];
	uint16_t taking[CHANGED_BACKENDS];
	uint32_t n = 0, taking_n = 0;

	for (uint16_t b = 0; b < CHANGED_BACKENDS; b++) {
		struct backend *row = &cw.tables[WEB]->backends[b];

		row->flags &= (uint8_t)~BACKEND_LIVES;
		if (!o->lives[b])
			continue;
		row->flags |= BACKEND_LIVES;
		if (o->weights[b] > 0)
			taking[taking_n++] = b;
		backends[n++] = (struct maglev_backend){
			.identity = 0x9e3779b97f4a7c15ULL * (b + 1),
			.weight = o->weights[b],
			.index = b,
		};
	}
	if (!(flags & SERVICE_REMEMBERS))
		assert_int_equal(maglev_build(slots, slots_n, backends, n), 0);
	for (uint32_t i = 0; flags & SERVICE_REMEMBERS && i < slots_n; i++)
		slots[i] = taking[i % taking_n];
}

/* A change that leaves a flow's slot where it is. */
static void slots_change(const struct transition_change *change, uint16_t *slots)
{
	struct changed_tables *t = cw.tables[WEB];
	uint16_t previous[CHANGED_SLOTS_MAX];
	struct transition_counts counts = transition_begin(change, slots, previous);

	memcpy(t->slots, slots, change->slots_n * sizeof(*slots));
	memcpy(t->previous, previous, change->slots_n * sizeof(*previous));
	changed_transition(WEB, counts.previous > 0);
}

/* Any other: the way before is kept, unless the one before that still is. */
static void way_change(const struct transition_change *was, uint16_t flags, uint16_t *slots,
		       uint32_t slots_n)
{
	struct changed_tables *t = cw.tables[WEB];
	uint16_t before = cw.services[WEB]->flags, way[CHANGED_SLOTS_MAX];
	struct transition_change change = *was;
	uint32_t choices = 0;

	if (before & SERVICE_WAY) {
		change.was_slots = NULL;
		change.slots_n = t->way.slots;
	}
	if (before & SERVICE_WAY || !(before & SERVICE_REMEMBERS))
		choices = transition_way(&change, way);
	if (!(flags & SERVICE_REMEMBERS))
		transition_restart(slots, slots_n, change.remembers || choices > 0);
	if (choices > 0 && before & SERVICE_WAY)
		flags |= before & (SERVICE_WAY | SERVICE_WAY_SOURCE);
	else if (choices > 0)
		flags |= SERVICE_WAY | (before & SERVICE_HASH_SOURCE ? SERVICE_WAY_SOURCE : 0);
	memcpy(t->slots, slots, slots_n * sizeof(*slots));
	memcpy(t->previous, way, choices > 0 ? change.slots_n * sizeof(*way) : 0);
	changed_way(WEB, flags, slots_n, change.slots_n);
}

/* The slots follow the weights; `flags` and `slots_n` are the way that flows find theirs. */
static void change(struct oracle *o, uint16_t flags, uint32_t slots_n)
{
	struct changed_tables *t = cw.tables[WEB];
	const struct service *s = cw.services[WEB];
	uint16_t slots[CHANGED_SLOTS_MAX];
	struct transition_change change = {
		.was_slots = t->slots,
		.was_previous = s->previous_off ? t->previous : NULL,
		.slots_n = s->slots,
		.lives = o->lives,
		.lives_n = CHANGED_BACKENDS,
		.waits = true,
		.remembers = s->flags & SERVICE_REMEMBERS || flow_table_entries(&cw.flows[0]) > 0,
	};

	slots_fill(o, flags, slots, slots_n);
	if (s->flags == flags && s->slots == slots_n && !(flags & SERVICE_REMEMBERS))
		slots_change(&change, slots);
	else
		way_change(&change, flags, slots, slots_n);
	o->changes++;
	o->changed_s = cw.burst.now_s;
}

static uint16_t flags_of_today(void)
{
	return cw.services[WEB]->flags & (uint16_t) ~(SERVICE_WAY | SERVICE_WAY_SOURCE);
}

struct walk {
	uint64_t elsewhere[CHANGED_SLOTS_MAX / 64];
	bool names[CHANGED_BACKENDS]; /* backends that entries bear */
};

static void walk_entry(void *ctx, uint32_t worker, const struct memory_entry *e)
{
	struct walk *w = ctx;
	uint32_t slot = service_slot(cw.services[WEB], e->hash);

	(void)worker;
	w->names[e->memory.backend] = true;
	/* By source, an entry's slot isn't known. */
	for (uint32_t i = 0; cw.services[WEB]->flags & SERVICE_HASH_SOURCE && i < CHANGED_SLOTS_MAX;
	     i++)
		transition_bit_set(w->elsewhere, i);
	if (e->memory.backend != (cw.tables[WEB]->slots[slot] & SLOT_INDEX))
		transition_bit_set(w->elsewhere, slot);
}

static struct walk walk_take(void)
{
	struct walk w = {0};

	flow_table_walk(&cw.flows[0], 0, walk_entry, &w);
	return w;
}

static uint32_t backends_taking(const struct oracle *o)
{
	uint32_t n = 0;

	for (int b = 0; b < CHANGED_BACKENDS; b++)
		n += o->lives[b] && o->weights[b] > 0;
	return n;
}

static void any_change(struct oracle *o)
{
	static const uint16_t flags[] = {0, 0, SERVICE_HASH_SOURCE, SERVICE_ROUND_ROBIN};
	static const uint32_t slots_n[] = {CHANGED_SLOTS, 31, 127};
	uint32_t b = random_below(o, CHANGED_BACKENDS);
	bool enough = backends_taking(o) > 2;

	if (random_below(o, 4) == 0) {
		change(o, flags[random_below(o, 4)], slots_n[random_below(o, 3)]);
		o->ways++;
		return;
	}

	if (!o->lives[b]) {
		if (walk_take().names[b])
			return; /* its index is not free */
		o->lives[b] = true;
		o->life[b]++;
		o->weights[b] = 100;
	} else if (o->weights[b] > 0 && !enough) {
		o->weights[b] = 1 + random_below(o, 200);
	} else {
		switch (random_below(o, 5)) {
		case 0:
			o->lives[b] = false;
			break;
		case 1:
			o->weights[b] = 0;
			break;
		default:
			o->weights[b] = 1 + random_below(o, 200);
		}
	}
	change(o, flags_of_today(), cw.services[WEB]->slots);
}

/* What the daemon does as time goes by. */
static void tick(struct oracle *o)
{
	struct changed_tables *t = cw.tables[WEB];
	uint16_t slots[CHANGED_SLOTS_MAX];
	struct walk w;

	if (cw.services[WEB]->previous_off) {
		if (cw.burst.now_s - o->changed_s >= TRANSITION_S)
			changed_transition(WEB, false);
		return;
	}
	w = walk_take();
	transition_settle(t->slots, w.elsewhere, cw.services[WEB]->slots, slots);
	memcpy(t->slots, slots, cw.services[WEB]->slots * sizeof(*slots));
}

static void time_passes(struct oracle *o)
{
	static const uint32_t most_s[] = {2, 2, 10, 10, 40, 200};
	uint32_t seconds = 1 + random_below(o, most_s[random_below(o, 6)]);

	for (uint32_t i = 0; i < seconds; i++) {
		cw.burst.now_s++;
		tick(o);
	}
	if (random_below(o, 2))
		flow_table_sweep(&cw.flows[0], cw.generation, cw.burst.now_s,
				 random_below(o, cw.flows[0].buckets_n + 1));
}

/* Connections that speak often: a silence between changes is then none of the time. */
static void run(struct oracle *o, uint64_t seed)
{
	*o = (struct oracle){.seed = seed,
			     .random = seed,
			     .judged = o->judged,
			     .other = o->other,
			     .ways = o->ways};
	for (int b = 0; b < CHANGED_BACKENDS; b++) {
		o->weights[b] = 100;
		o->lives[b] = true;
	}
	for (uint32_t i = 0; i < FLOWS; i++)
		o->connections[i].port = 2000;
	cw.generation->idle_s[MEMORY_SYN] = SYN_S;
	cw.generation->idle_s[MEMORY_TCP_ONCE] = ESTABLISHED_S;
	cw.generation->idle_s[MEMORY_TCP] = ESTABLISHED_S;
	cw.generation->idle_s[MEMORY_CLOSING] = CLOSING_S;
	for (o->step = 0; o->step < STEPS; o->step++) {
		uint32_t chance = random_below(o, 1000);

		if (chance < 12)
			any_change(o);
		else if (chance < 40)
			time_passes(o);
		else
			any_packet(o);
	}
}

static void connections_stay(void **state)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
	struct oracle o = {0};

	for (uint32_t i = 0; i < RUNS; i++) {
		assert_int_equal(changed_reset(state), 0);
		run(&o, seed + i);
	}
	print_message("# %u changes of the way; %llu packets with an opinion, %llu without; in the "
		      "last run %llu look-ups\n",
		      o.ways, (unsigned long long)o.judged, (unsigned long long)o.other,
		      (unsigned long long)cw.flows[0].counters.lookups);
	assert_true(o.judged > 2 * o.other);
	assert_true(o.ways > 5 * RUNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(connections_stay, changed_reset),
	};

	return cmocka_run_group_tests_name("consistency_oracle", tests, changed_open,
					   changed_close);
}
