/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long histories through the DPDK worker's burst: connections come and go, slots, backends and the way
 * in which flows find their slot change again and again, transitions end. The oracle is a list of all connections: none that its
 * backend would still serve may ever be sent elsewhere. What the control plane does about slots is
 * written here once more, as plainly as can be.
 */
#include "changed_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	FLOWS = 3000, /* of one service */
	BURST = 32,
	CLOSING_S = 15,
};

struct connection {
	struct changed_packet packet; /* service and client */
	uint32_t slot, way_slot; /* of today's table; of the previous way, while that is asked */
	uint64_t hash;
	bool open;
	uint16_t at;   /* where it is, or was when it was open */
	uint32_t seen; /* h.changes at its last packet */
	uint32_t closed_s;
};

static struct history {
	struct connection flows[FLOWS];
	bool lives[CHANGED_BACKENDS];
	bool in_transition;
	uint64_t seed;
	uint32_t opened, closed, cut, changes,
		ways; /* what happened, so that a test of nothing shows */
} h;

static struct changed_tables *tables(void)
{
	return cw.tables[h.flows[0].packet.service];
}

static const struct service *service(void)
{
	return cw.services[h.flows[0].packet.service];
}

static bool asks_way(void)
{
	return service()->flags & SERVICE_WAY;
}

static bool draws(void)
{
	return service()->flags & SERVICE_REMEMBERS;
}

/* Where each connection's slots are by now. */
static void slots_find(void)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct connection *c = &h.flows[i];

		c->slot = changed_slot(&c->packet);
		if (asks_way())
			c->way_slot = changed_slot_in(&c->packet, tables()->way.slots,
						      service()->flags & SERVICE_WAY_SOURCE);
	}
}

static void history_start(enum changed_service service, uint64_t seed)
{
	/* Closed connections are forgotten soon; others are never silent for that long here. */
	static const uint16_t idle_s[MEMORY_STATES] = {0, 600, 600, 3600, CLOSING_S, 600, 600};

	changed_reset(NULL);
	memcpy(cw.generation->idle_s, idle_s, sizeof(idle_s));
	h = (struct history){.seed = seed};
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct connection *c = &h.flows[i];

		c->packet = (struct changed_packet){
			.service = service,
			.client = 1 + i / 4,
			.sport = (uint16_t)(2000 + i % 4),
			.kind = CHANGED_ACK,
		};
		c->at = SLOT_NONE;
		c->hash = changed_hash(&c->packet);
	}
	slots_find();
	for (int b = 0; b < CHANGED_BACKENDS; b++)
		h.lives[b] = true;
}

/*
 * What the packet is to be: a SYN opens; one in 20 is spoofed, of connections that were seen since
 * the last change (of others nobody knows yet that they are old); one in 10 ends it.
 */
static enum changed_kind kind_next(const struct connection *c)
{
	uint32_t dice = random_below(&h.seed, 100);

	if (c->packet.service == DNS)
		return CHANGED_UDP;
	if (!c->open || (dice < 5 && c->seen == h.changes))
		return CHANGED_SYN;
	return dice < 15 ? CHANGED_FIN : CHANGED_ACK;
}

/*
 * Where an unknown flow goes: UDP has no SYN, in a transition it counts as older. SLOT_NONE:
 * anywhere, it draws.
 */
static uint16_t where_new(const struct connection *c)
{
	uint16_t previous = tables()->previous[asks_way() ? c->way_slot : c->slot];

	if (c->packet.service == DNS && h.in_transition && previous != SLOT_NONE &&
	    (asks_way() || (!draws() && tables()->slots[c->slot] & SLOT_CHANGED)))
		return previous;
	if (draws())
		return SLOT_NONE;
	return tables()->slots[c->slot] & SLOT_INDEX;
}

static void connection_follow(struct connection *c, enum changed_kind kind, uint16_t at)
{
	c->seen = h.changes;
	if (!c->open) {
		/* Where the flow's last connection was: its end may have been seen by nobody. */
		if ((c->at != at || !h.lives[at]) && where_new(c) != SLOT_NONE)
			assert_int_equal(at, where_new(c));
		c->open = true;
		c->at = at;
		h.opened++;
		return;
	}
	if (at != c->at)
		fail_msg("client %u, slot %u: to backend %u, was at %u", c->packet.client, c->slot,
			 at, c->at);
	if (kind == CHANGED_FIN) {
		c->open = false;
		c->closed_s = cw.burst.now_s;
		h.closed++;
	}
}

/*
 * A client doesn't take a port anew that it has just closed (TIME_WAIT: RFC 9293 §3.6.1). Where
 * its slot is changed, it may: that is seen. Else, if the slot changed within CLOSING_S, the table
 * would take the new connection for the last one's end.
 */
static bool connection_waits(const struct connection *c)
{
	return !c->open && c->closed_s != 0 && cw.burst.now_s - c->closed_s <= CLOSING_S &&
	       !(tables()->slots[c->slot] & SLOT_CHANGED) && !draws();
}

/* One packet of each of BURST connections that follow each other from `first` on. */
static void connections_send(uint32_t first, bool open_only)
{
	struct changed_packet packets[BURST];
	struct connection *of[BURST];
	uint16_t at[BURST], n = 0;

	for (uint32_t i = first; i < first + BURST && i < FLOWS; i++) {
		if ((open_only && !h.flows[i].open) || connection_waits(&h.flows[i]))
			continue;
		of[n] = &h.flows[i];
		packets[n] = h.flows[i].packet;
		packets[n].kind = open_only && packets[n].service != DNS ? CHANGED_ACK
									 : kind_next(&h.flows[i]);
		n++;
	}
	if (n == 0)
		return;
	changed_send(0, packets, n, at);
	for (uint16_t i = 0; i < n; i++)
		connection_follow(of[i], packets[i].kind, at[i]);
}

/*
 * A slot gets another backend: docs/consistency.md. Its bit is set also when the one before is
 * dead: flows may be remembered there, and must be found before it comes back to life.
 */
static void slot_assign(uint32_t slot, uint16_t to)
{
	uint16_t *current = &tables()->slots[slot], *previous = &tables()->previous[slot];
	uint16_t was = *current & SLOT_INDEX, before = h.in_transition ? *previous : SLOT_NONE;
	bool changed = *current & SLOT_CHANGED;

	if (before != SLOT_NONE && h.lives[before])
		*previous = before;
	else if (was != SLOT_NONE && h.lives[was] && was != to)
		*previous = was;
	else
		*previous = SLOT_NONE;
	*current = (uint16_t)(to |
			      (changed || *previous != SLOT_NONE || was != to ? SLOT_CHANGED : 0));
}

static uint16_t backend_alive(void)
{
	uint16_t b;

	do
		b = (uint16_t)random_below(&h.seed, CHANGED_BACKENDS);
	while (!h.lives[b]);
	return b;
}

/* What older flows' slots say of where they belong: as plainly as can be. */
static uint16_t oldest_alive(uint32_t slot)
{
	uint16_t before = h.in_transition ? tables()->previous[slot] : SLOT_NONE;
	uint16_t was = tables()->slots[slot] & SLOT_INDEX;

	if (before != SLOT_NONE && h.lives[before])
		return before;
	return was != SLOT_NONE && h.lives[was] ? was : SLOT_NONE;
}

/* The previous way is what its slots were, but for the dead. False: no living backend is left in it. */
static bool way_scrub(void)
{
	bool any = false;

	for (uint32_t i = 0; i < tables()->way.slots; i++) {
		uint16_t *previous = &tables()->previous[i];

		if (*previous != SLOT_NONE && !h.lives[*previous])
			*previous = SLOT_NONE;
		any = any || *previous != SLOT_NONE;
	}
	return any;
}

/* Flows find their slots in another way, or in the same as before while an older one is asked. */
static void way_assign(uint16_t flags, uint32_t slots_n)
{
	static uint16_t way[CHANGED_SLOTS_MAX];
	uint16_t asked = service()->flags & (SERVICE_WAY | SERVICE_WAY_SOURCE);
	uint32_t n = tables()->way.slots;

	if (!asked && !draws()) {
		n = service()->slots;
		for (uint32_t i = 0; i < n; i++)
			way[i] = oldest_alive(i);
		memcpy(tables()->previous, way, n * sizeof(way[0]));
		tables()->way.slots = n;
		asked = SERVICE_WAY |
			(service()->flags & SERVICE_HASH_SOURCE ? SERVICE_WAY_SOURCE : 0);
	}
	if (asked && !way_scrub())
		asked = 0;
	for (uint32_t i = 0; i < slots_n; i++)
		tables()->slots[i] = (uint16_t)(backend_alive() | SLOT_CHANGED);
	changed_way(h.flows[0].packet.service, flags | asked, slots_n, n);
	h.in_transition = asked;
	slots_find();
}

static void way_change(void)
{
	static const uint16_t flags[] = {0, SERVICE_HASH_SOURCE, SERVICE_ROUND_ROBIN};
	static const uint32_t slots_n[] = {CHANGED_SLOTS, 31, 127};

	way_assign(flags[random_below(&h.seed, 3)], slots_n[random_below(&h.seed, 3)]);
	h.ways++;
}

/* Some slots move; with `dies`, a backend is gone, and its slots and connections with it. */
static void change(bool dies)
{
	uint16_t dead = dies ? backend_alive() : CHANGED_BACKENDS;

	for (uint16_t b = 0; b < CHANGED_BACKENDS; b++) {
		h.lives[b] = b != dead;
		tables()->backends[b].flags =
			(uint8_t)(BACKEND_RESOLVED | (h.lives[b] ? BACKEND_LIVES : 0));
	}
	if (random_below(&h.seed, 4) == 0) {
		way_change();
	} else if (asks_way() || draws()) {
		way_assign(service()->flags & (uint16_t) ~(SERVICE_WAY | SERVICE_WAY_SOURCE),
			   service()->slots);
	} else {
		for (uint32_t slot = 0; slot < service()->slots; slot++) {
			uint16_t was = tables()->slots[slot] & SLOT_INDEX;

			slot_assign(slot, !h.lives[was] || random_below(&h.seed, 4) == 0
						  ? backend_alive()
						  : was);
		}
		h.in_transition = true;
		changed_transition(h.flows[0].packet.service, true);
	}
	for (uint32_t i = 0; i < FLOWS; i++)
		if (h.flows[i].open && h.flows[i].at == dead) {
			h.flows[i].open = false;
			h.cut++;
			/* Its client notices and comes again, by another port: not our business. */
			flow_table_remove(&cw.flows[0], h.flows[i].hash);
		}
	h.changes++;
}

static void elsewhere_mark(void *ctx, uint32_t worker, const struct memory_entry *e)
{
	bool *elsewhere = ctx;

	(void)worker;
	for (uint32_t i = 0; i < FLOWS; i++)
		if (h.flows[i].hash == e->hash &&
		    e->memory.backend != (tables()->slots[h.flows[i].slot] & SLOT_INDEX))
			elsewhere[h.flows[i].slot] = true;
}

/* The previous ones are forgotten; bits stay where somebody is remembered who is elsewhere. */
static void transition_end(void)
{
	bool elsewhere[CHANGED_SLOTS_MAX] = {false};

	for (uint32_t i = 0; i < FLOWS;
	     i += BURST) /* whoever is silent for so long, is forgotten */
		connections_send(i, true);
	h.in_transition = false;
	changed_transition(h.flows[0].packet.service, false);
	flow_table_walk(&cw.flows[0], 0, elsewhere_mark, elsewhere);
	for (uint32_t slot = 0; slot < service()->slots; slot++)
		if (!elsewhere[slot])
			tables()->slots[slot] &= SLOT_INDEX;
}

static void history_run(enum changed_service service, uint64_t seed)
{
	uint32_t left = 0;

	history_start(service, seed);
	for (uint32_t step = 0; step < 3000; step++) {
		uint32_t dice = random_below(&h.seed, 100);

		cw.burst.now_s += dice < 5;
		if (dice < 2)
			change(dice == 0);
		else if (dice == 2 && h.in_transition)
			transition_end();
		else
			connections_send(random_below(&h.seed, FLOWS), false);
		flow_table_sweep(&cw.flows[0], cw.generation, cw.burst.now_s, 8);
	}
	for (uint32_t i = 0; i < FLOWS; i++)
		left += h.flows[i].open;
	print_message("# %u changes, %u of the way, %u opened, %u closed, %u cut, %u left, %llu "
		      "remembered\n",
		      h.changes, h.ways, h.opened, h.closed, h.cut, left,
		      (unsigned long long)flow_table_entries(&cw.flows[0]));
	assert_true(h.changes > 20 && h.ways > 5 && h.opened > FLOWS && h.cut > 100);
	assert_int_equal(cw.flows[0].counters.evicted_established, 0);
}

static void test_tcp(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		history_run(WEB, seed);
}

static void test_source(void **state)
{
	(void)state;
	for (uint64_t seed = 9; seed <= 12; seed++)
		history_run(SOURCE, seed);
}

static void test_udp(void **state)
{
	(void)state;
	for (uint64_t seed = 13; seed <= 16; seed++)
		history_run(DNS, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_udp),
	};

	return cmocka_run_group_tests(tests, changed_open, changed_close);
}
