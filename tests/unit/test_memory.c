/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a packet in a changed slot does, and what is remembered then: memory_choose(), as a table of
 * every state, kind of packet and kind of slot. test_memory_state.c has states and clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory_packets.h"

enum slot {
	IN_TRANSITION, /* NEW, before OLD */
	BACK,          /* NEW, before NEW: a change that was taken back */
	AFTER,         /* NEW; the transition is over, its flows are not */
	EMPTY,         /* no backend at all */
	LEAVING,       /* no backend for new flows, before OLD */
	REMEMBERS,     /* NEW; a scheduler that doesn't hash */
	SLOTS,
};

static struct memory_slot slot_of(enum slot slot)
{
	static const struct memory_slot slots[SLOTS] = {
		[IN_TRANSITION] = {NEW, OLD, SERVICE, false},
		[BACK] = {NEW, NEW, SERVICE, false},
		[AFTER] = {NEW, SLOT_NONE, SERVICE, false},
		[EMPTY] = {SLOT_NONE, SLOT_NONE, SERVICE, false},
		[LEAVING] = {SLOT_NONE, OLD, SERVICE, false},
		[REMEMBERS] = {NEW, SLOT_NONE, SERVICE, true},
	};

	return slots[slot];
}

struct choose_row {
	const char *name;
	enum slot slot;
	enum memory_state known; /* MEMORY_NONE: an unknown flow */
	uint16_t at;             /* where it is known to be */
	enum kind kind;
	uint16_t backend; /* where the packet goes */
	enum memory_action action;
	enum memory_state state; /* with MEMORY_WRITE */
};

#define LEAVE  MEMORY_LEAVE, MEMORY_NONE
#define FORGET MEMORY_FORGET, MEMORY_NONE
#define WRITE  MEMORY_WRITE

static const struct choose_row choose_rows[] = {
	/* Unknown flows. */
	{"syn: a new connection", IN_TRANSITION, 0, 0, SYN, NEW, WRITE, MEMORY_SYN},
	{"quic initial: a new connection", IN_TRANSITION, 0, 0, QUIC, NEW, WRITE, MEMORY_UDP_ONCE},
	{"ack: an older connection", IN_TRANSITION, 0, 0, ACK, OLD, WRITE, MEMORY_TCP_ONCE},
	{"syn-ack opens nothing", IN_TRANSITION, 0, 0, SYN_ACK, OLD, WRITE, MEMORY_TCP_ONCE},
	{"fin: an older one ends", IN_TRANSITION, 0, 0, FIN, OLD, WRITE, MEMORY_CLOSING},
	{"rst: an older one ends", IN_TRANSITION, 0, 0, RST, OLD, WRITE, MEMORY_CLOSING},
	{"udp has no syn: older", IN_TRANSITION, 0, 0, UDP, OLD, WRITE, MEMORY_UDP_ONCE},
	{"icmp error: older, no trace", IN_TRANSITION, 0, 0, ICMP, OLD, LEAVE},
	{"taken back: syn", BACK, 0, 0, SYN, NEW, LEAVE},
	{"taken back: ack", BACK, 0, 0, ACK, NEW, LEAVE},
	{"after: syn", AFTER, 0, 0, SYN, NEW, LEAVE},
	{"after: ack", AFTER, 0, 0, ACK, NEW, LEAVE},
	{"after: udp", AFTER, 0, 0, UDP, NEW, LEAVE},
	{"after: icmp error", AFTER, 0, 0, ICMP, NEW, LEAVE},
	{"empty: syn", EMPTY, 0, 0, SYN, SLOT_NONE, LEAVE},
	{"empty: ack", EMPTY, 0, 0, ACK, SLOT_NONE, LEAVE},
	{"empty: icmp error", EMPTY, 0, 0, ICMP, SLOT_NONE, LEAVE},
	{"leaving: syn has nowhere to go", LEAVING, 0, 0, SYN, SLOT_NONE, LEAVE},
	{"leaving: ack", LEAVING, 0, 0, ACK, OLD, WRITE, MEMORY_TCP_ONCE},
	{"leaving: udp", LEAVING, 0, 0, UDP, OLD, WRITE, MEMORY_UDP_ONCE},
	{"remembers: syn", REMEMBERS, 0, 0, SYN, NEW, WRITE, MEMORY_SYN},
	{"remembers: ack", REMEMBERS, 0, 0, ACK, NEW, WRITE, MEMORY_TCP_ONCE},
	{"remembers: udp", REMEMBERS, 0, 0, UDP, NEW, WRITE, MEMORY_UDP_ONCE},
	{"remembers: icmp error", REMEMBERS, 0, 0, ICMP, NEW, LEAVE},

	/* Half-open: where the first SYN went. */
	{"syn again", IN_TRANSITION, MEMORY_SYN, NEW, SYN, NEW, WRITE, MEMORY_SYN},
	{"syn again, after a second change", IN_TRANSITION, MEMORY_SYN, OTHER, SYN, OTHER, WRITE,
	 MEMORY_SYN},
	{"half-open: ack", IN_TRANSITION, MEMORY_SYN, NEW, ACK, NEW, WRITE, MEMORY_TCP},
	{"half-open: fin", IN_TRANSITION, MEMORY_SYN, NEW, FIN, NEW, WRITE, MEMORY_CLOSING},
	{"half-open: rst", IN_TRANSITION, MEMORY_SYN, NEW, RST, NEW, WRITE, MEMORY_CLOSING},
	{"half-open: icmp error", IN_TRANSITION, MEMORY_SYN, OTHER, ICMP, OTHER, LEAVE},
	{"once: ack", IN_TRANSITION, MEMORY_TCP_ONCE, OLD, ACK, OLD, WRITE, MEMORY_TCP},
	{"once: a spoofed syn", IN_TRANSITION, MEMORY_TCP_ONCE, OLD, SYN, OLD, WRITE,
	 MEMORY_TCP_ONCE},

	/* Established. */
	{"a spoofed syn moves nobody", IN_TRANSITION, MEMORY_TCP, OLD, SYN, OLD, WRITE, MEMORY_TCP},
	{"ack stays with the old one", IN_TRANSITION, MEMORY_TCP, OLD, ACK, OLD, WRITE, MEMORY_TCP},
	{"ack stays with the new one", IN_TRANSITION, MEMORY_TCP, NEW, ACK, NEW, WRITE, MEMORY_TCP},
	{"ack stays with a third", IN_TRANSITION, MEMORY_TCP, OTHER, ACK, OTHER, WRITE, MEMORY_TCP},
	{"fin", IN_TRANSITION, MEMORY_TCP, OLD, FIN, OLD, WRITE, MEMORY_CLOSING},
	{"rst", IN_TRANSITION, MEMORY_TCP, OLD, RST, OLD, WRITE, MEMORY_CLOSING},
	{"icmp error goes with its flow", IN_TRANSITION, MEMORY_TCP, NEW, ICMP, NEW, LEAVE},
	{"udp stays", IN_TRANSITION, MEMORY_UDP, OLD, UDP, OLD, WRITE, MEMORY_UDP},
	{"udp once", IN_TRANSITION, MEMORY_UDP_ONCE, OLD, UDP, OLD, WRITE, MEMORY_UDP},
	{"quic initial of a known flow", IN_TRANSITION, MEMORY_UDP, OLD, QUIC, OLD, WRITE,
	 MEMORY_UDP},
	{"taken back: ack elsewhere", BACK, MEMORY_TCP, OTHER, ACK, OTHER, WRITE, MEMORY_TCP},
	{"taken back: ack", BACK, MEMORY_TCP, NEW, ACK, NEW, FORGET},
	{"taken back: syn again", BACK, MEMORY_SYN, NEW, SYN, NEW, FORGET},
	{"taken back: udp", BACK, MEMORY_UDP, NEW, UDP, NEW, FORGET},
	{"taken back: icmp error", BACK, MEMORY_TCP, NEW, ICMP, NEW, LEAVE},
	{"after: ack elsewhere", AFTER, MEMORY_TCP, OLD, ACK, OLD, WRITE, MEMORY_TCP},
	{"after: a spoofed syn elsewhere", AFTER, MEMORY_TCP, OLD, SYN, OLD, WRITE, MEMORY_TCP},
	{"after: ack", AFTER, MEMORY_TCP, NEW, ACK, NEW, FORGET},
	{"after: icmp error elsewhere", AFTER, MEMORY_TCP, OLD, ICMP, OLD, LEAVE},
	{"empty: ack elsewhere", EMPTY, MEMORY_TCP, OLD, ACK, OLD, WRITE, MEMORY_TCP},
	{"leaving: ack", LEAVING, MEMORY_TCP, OLD, ACK, OLD, WRITE, MEMORY_TCP},
	{"leaving: a spoofed syn", LEAVING, MEMORY_TCP, OLD, SYN, OLD, WRITE, MEMORY_TCP},
	{"remembers: ack", REMEMBERS, MEMORY_TCP, OTHER, ACK, OTHER, WRITE, MEMORY_TCP},
	{"remembers: ack, where the slot points", REMEMBERS, MEMORY_TCP, NEW, ACK, NEW, WRITE,
	 MEMORY_TCP},

	/* Closing. */
	{"syn: the next from the same port", IN_TRANSITION, MEMORY_CLOSING, OLD, SYN, NEW, WRITE,
	 MEMORY_SYN},
	{"closing: ack", IN_TRANSITION, MEMORY_CLOSING, OLD, ACK, OLD, WRITE, MEMORY_CLOSING},
	{"closing: fin again", IN_TRANSITION, MEMORY_CLOSING, OLD, FIN, OLD, WRITE, MEMORY_CLOSING},
	{"closing: icmp error", IN_TRANSITION, MEMORY_CLOSING, OLD, ICMP, OLD, LEAVE},
	{"after: the next from the same port", AFTER, MEMORY_CLOSING, OLD, SYN, NEW, FORGET},
	{"after: closing elsewhere", AFTER, MEMORY_CLOSING, OLD, ACK, OLD, WRITE, MEMORY_CLOSING},
	{"empty: the next has nowhere to go", EMPTY, MEMORY_CLOSING, OLD, SYN, SLOT_NONE, LEAVE},
	{"remembers: the next", REMEMBERS, MEMORY_CLOSING, OTHER, SYN, NEW, WRITE, MEMORY_SYN},
};

static struct memory_choice choose(enum memory_state known, uint16_t at, uint32_t seen_s,
				   enum kind kind, enum slot slot)
{
	struct memory memory = memory_of(known, at, seen_s);
	struct memory_slot choices = slot_of(slot);
	struct packet p = packet_of(kind);

	return memory_choose(known == MEMORY_NONE ? NULL : &memory, &p, &choices, NOW_S);
}

static void test_choose(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(choose_rows); i++) {
		const struct choose_row *r = &choose_rows[i];
		struct memory_choice c = choose(r->known, r->at, NOW_S - 1, r->kind, r->slot);

		row_assert(r->name, c.backend == r->backend);
		row_assert(r->name, c.action == r->action);
		if (c.action != MEMORY_WRITE)
			continue;
		row_assert(r->name, memory_state(&c.memory) == r->state);
		row_assert(r->name, memory_idle_s(&c.memory, NOW_S) == 0);
		row_assert(r->name, c.memory.backend == r->backend);
		row_assert(r->name, c.memory.service == SERVICE);
	}
}

/* Can a flow of this protocol be in this state? */
static bool state_fits(enum memory_state state, enum kind kind)
{
	bool udp = state == MEMORY_UDP_ONCE || state == MEMORY_UDP;

	return state == MEMORY_NONE || kind == ICMP || udp == (kind == QUIC || kind == UDP);
}

/*
 * In one line, what the rows say in many: of every state, packet, slot and place, where does the
 * packet go, and what is kept of it?
 */
static void check_combination(const char *name, enum memory_state known, uint16_t at,
			      enum kind kind, enum slot slot)
{
	struct memory_choice c = choose(known, at, NOW_S - 1, kind, slot);
	struct memory_slot s = slot_of(slot);
	bool opens = kind == SYN || kind == QUIC;
	bool stays = known != MEMORY_NONE && !(opens && known == MEMORY_CLOSING);
	uint16_t expected = stays ? at : opens || s.previous == SLOT_NONE ? s.current : s.previous;
	bool told = !s.remember_all && s.current == expected &&
		    (s.previous == SLOT_NONE || s.previous == expected);

	row_assert(name, c.backend == expected);
	if (kind == ICMP || expected == SLOT_NONE)
		row_assert(name, c.action == MEMORY_LEAVE);
	else if (told)
		row_assert(name, c.action == (known ? MEMORY_FORGET : MEMORY_LEAVE));
	else
		row_assert(name, c.action == MEMORY_WRITE && c.memory.backend == expected);
}

static void test_choose_combinations(void **state)
{
	uint32_t n = 0;

	(void)state;
	for (int known = MEMORY_NONE; known < MEMORY_STATES; known++)
		for (int kind = 0; kind < KINDS; kind++)
			for (int slot = 0; slot < SLOTS; slot++)
				for (uint16_t at = NEW; at <= OTHER; at++) {
					char name[64];

					if (!state_fits((enum memory_state)known, (enum kind)kind))
						continue;
					snprintf(name, sizeof(name), "state %d, %s, slot %d, at %u",
						 known, kind_names[kind], slot, at);
					check_combination(name, (enum memory_state)known, at,
							  (enum kind)kind, (enum slot)slot);
					n++;
				}
	assert_true(n > 500);
}

/* One store a second and flow: nothing new is not written. */
static void test_choose_same_second(void **state)
{
	struct memory_choice c;

	(void)state;
	c = choose(MEMORY_TCP, OLD, NOW_S, ACK, IN_TRANSITION);
	assert_int_equal(c.backend, OLD);
	assert_int_equal(c.action, MEMORY_LEAVE);
	c = choose(MEMORY_TCP, OLD, NOW_S, FIN, IN_TRANSITION);
	assert_int_equal(c.action, MEMORY_WRITE);
	c = choose(MEMORY_SYN, NEW, NOW_S, SYN, IN_TRANSITION);
	assert_int_equal(c.action, MEMORY_LEAVE);
	c = choose(MEMORY_SYN, NEW, NOW_S, ACK, IN_TRANSITION);
	assert_int_equal(c.action, MEMORY_WRITE);
	/* The same second, the same state, another backend. */
	c = choose(MEMORY_CLOSING, OLD, NOW_S, SYN, IN_TRANSITION);
	assert_int_equal(c.backend, NEW);
	assert_int_equal(c.action, MEMORY_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_choose_combinations),
		cmocka_unit_test(test_choose_same_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
