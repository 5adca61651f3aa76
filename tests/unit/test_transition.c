/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/tables/transition.[ch]: the rule slot by slot, and what it is for: on seeded random sequences
 * of changes, ends and settlings no packet of a flow goes elsewhere than to the backend that the
 * flow began with, while that lives. The oracle is a list of all flows with their backends.
 */
#include "transition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"
#include "sluice/steer.h"

enum {
	A,
	B,
	C,
	D, /* backends; D doesn't live */
	NONE = SLOT_NONE,
	MARK = SLOT_CHANGED,
	NO_TABLE = 0xffff,
};

static const bool lives[] = {true, true, true, false};

static void test_rule(void **state)
{
	static const struct {
		const char *name;
		uint16_t was, was_previous, now;
		bool waits, remembers;
		uint16_t slot, previous;
		uint32_t moved;
	} rows[] = {
		{"nothing changes", A, NO_TABLE, A, true, false, A, NONE, 0},
		{"moves: the old one is kept", A, NO_TABLE, B, true, false, B | MARK, A, 1},
		{"moves from a dead one", D, NO_TABLE, B, true, false, B, NONE, 1},
		{"moves from a dead one, entries may be left", D, NO_TABLE, B, true, true, B | MARK,
		 NONE, 1},
		{"moves from nobody", NONE, NO_TABLE, B, true, false, B, NONE, 1},
		{"moves to nobody: the old one is kept", A, NO_TABLE, NONE, true, false,
		 NONE | MARK, A, 1},
		{"another slot is in transition, this one moves", A, NONE, B, true, true, B | MARK,
		 A, 1},
		{"another slot is in transition, this one stays", A, NONE, A, true, true, A, NONE,
		 0},
		{"second change: the oldest counts", B | MARK, A, C, true, true, C | MARK, A, 1},
		{"second change elsewhere", B | MARK, A, B, true, true, B | MARK, A, 0},
		{"there and back", B | MARK, A, A, true, true, A | MARK, A, 1},
		{"the oldest died: the one after it", B | MARK, D, C, true, true, C | MARK, B, 1},
		{"the oldest died, this one stays", B | MARK, D, B, true, true, B | MARK, NONE, 0},
		{"both died", D | MARK, D, C, true, true, C | MARK, NONE, 1},
		{"after a transition: the mark stays", B | MARK, NO_TABLE, B, true, true, B | MARK,
		 NONE, 0},
		{"after a transition, moves", B | MARK, NO_TABLE, C, true, true, C | MARK, B, 1},
		{"no waiting, moves", A, NO_TABLE, B, false, false, B, NONE, 1},
		{"no waiting, but entries may be left", A, NO_TABLE, B, false, true, B | MARK, NONE,
		 1},
		{"no waiting any more", B | MARK, A, C, false, true, C | MARK, NONE, 1},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct transition_change change = {
			.was_slots = &rows[i].was,
			.was_previous =
				rows[i].was_previous == NO_TABLE ? NULL : &rows[i].was_previous,
			.slots_n = 1,
			.lives = lives,
			.lives_n = ROWS(lives),
			.waits = rows[i].waits,
			.remembers = rows[i].remembers,
		};
		uint16_t slot = rows[i].now, previous = 0x1234;
		struct transition_counts counts = transition_begin(&change, &slot, &previous);

		row_assert(rows[i].name, slot == rows[i].slot);
		row_assert(rows[i].name, previous == rows[i].previous);
		row_assert(rows[i].name, counts.moved == rows[i].moved);
		row_assert(rows[i].name, counts.changed == !!(slot & MARK));
		row_assert(rows[i].name, counts.previous == (previous != NONE));
	}
}

static void test_index_beyond_lives(void **state)
{
	const uint16_t was = 9;
	const struct transition_change change = {
		.was_slots = &was, .slots_n = 1, .lives = lives, .lives_n = 4, .waits = true};
	uint16_t slot = A, previous;

	assert_int_equal(transition_begin(&change, &slot, &previous).previous, 0);
	assert_int_equal(slot, A);
}

static void test_restart(void **state)
{
	uint16_t slots[] = {A, B | MARK, NONE};

	assert_int_equal(transition_restart(slots, 3, true).changed, 3);
	assert_int_equal(slots[0], A | MARK);
	assert_int_equal(slots[2], NONE | MARK);
	assert_int_equal(transition_restart(slots, 3, false).changed, 0);
	assert_int_equal(slots[1], B);
}

/* A way that is kept: of each slot the oldest choice that lives. */
static void test_way(void **state)
{
	static const struct {
		const char *name;
		uint16_t was, was_previous, way;
	} rows[] = {
		{"one that lives", A, NO_TABLE, A},
		{"a mark is none of it", A | MARK, NO_TABLE, A},
		{"one that died", D, NO_TABLE, NONE},
		{"none", NONE, NO_TABLE, NONE},
		{"in a transition: the previous one", B | MARK, A, A},
		{"in a transition, not this slot", B, NONE, B},
		{"the previous one died: the one after it", B | MARK, D, B},
		{"both died", D | MARK, D, NONE},
		{"a way itself", NO_TABLE, A, A},
		{"a way itself, whose choice died", NO_TABLE, D, NONE},
		{"a way itself, without a choice", NO_TABLE, NONE, NONE},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct transition_change change = {
			.was_slots = rows[i].was == NO_TABLE ? NULL : &rows[i].was,
			.was_previous =
				rows[i].was_previous == NO_TABLE ? NULL : &rows[i].was_previous,
			.slots_n = 1,
			.lives = lives,
			.lives_n = ROWS(lives),
		};
		uint16_t way = 0x1234;

		row_assert(rows[i].name, transition_way(&change, &way) == (way != NONE));
		row_assert(rows[i].name, way == rows[i].way);
	}
}

static void test_settle(void **state)
{
	uint16_t slots[200], out[200];
	uint64_t elsewhere[4] = {0};

	for (uint32_t i = 0; i < 200; i++)
		slots[i] = (uint16_t)(i | (i % 2 ? MARK : 0));
	transition_bit_set(elsewhere, 1);
	transition_bit_set(elsewhere, 2); /* has no mark, and gets none */
	transition_bit_set(elsewhere, 63);
	transition_bit_set(elsewhere, 65);
	transition_bit_set(elsewhere, 199);
	assert_int_equal(transition_settle(slots, elsewhere, 200, out), 4);
	for (uint32_t i = 0; i < 200; i++) {
		bool kept = i == 1 || i == 63 || i == 65 || i == 199;

		assert_int_equal(out[i], kept ? (i | MARK) : i);
	}
	assert_int_equal(transition_count_changed(slots, 200), 100);
	assert_int_equal(transition_count_changed(out, 200), 4);
}

static void test_counts(void **state)
{
	const uint16_t a[] = {A, B | MARK, C, NONE}, b[] = {A | MARK, B, D, A};

	assert_int_equal(transition_moved(a, b, 4), 2);
	assert_int_equal(transition_count_choices(a, 4), 3);
}

/* ---- the oracle ---- */

enum {
	SLOTS = 61,
	FLOWS = 400,
	BACKENDS = 4096, /* indices: none is used twice */
	LIVING = 6,
};

struct flow_known {
	uint32_t slot;
	uint16_t home;        /* where its first packet went */
	struct memory memory; /* what the flow table holds of it; seen_state 0: nothing */
};

struct world {
	uint64_t random;
	uint16_t slots[SLOTS], previous[SLOTS];
	bool in_transition, remembers;
	bool lives[BACKENDS];
	uint16_t living[LIVING]; /* the backends, some of them with no slots */
	uint16_t next;           /* index */
	struct flow_known flows[FLOWS];
};

/* A packet as a path would steer it. */
static uint16_t send(struct world *w, struct flow_known *flow, bool opens)
{
	const struct memory *found = flow->memory.seen_state ? &flow->memory : NULL;
	const struct memory *known = found && w->lives[found->backend] ? found : NULL;
	uint16_t value = w->slots[flow->slot];
	struct packet p = {
		.proto = PROTO_TCP,
		.flags = opens ? PACKET_OPENS : 0,
		.tcp_flags = opens ? TCP_SYN : 0,
	};
	struct memory_slot slot = {
		.current = value & SLOT_INDEX,
		.previous = w->in_transition ? w->previous[flow->slot] : SLOT_NONE,
	};
	struct memory_choice choice;

	if (!(value & SLOT_CHANGED))
		return value;
	choice = steer_choose(found, known, &p, &slot, 1);
	if (choice.action == MEMORY_WRITE)
		flow->memory = choice.memory;
	else if (choice.action == MEMORY_FORGET)
		flow->memory = (struct memory){0};
	return choice.backend;
}

static void open_flow(struct world *w, struct flow_known *flow)
{
	flow->slot = random_below(&w->random, SLOTS);
	flow->memory = (struct memory){0};
	flow->home = send(w, flow, true);
}

/* Every flow whose backend lives sends; one whose backend died is another from now on. */
static void all_send(struct world *w, const char *when)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow_known *flow = &w->flows[i];
		uint16_t went;

		if (flow->home == SLOT_NONE || !w->lives[flow->home]) {
			open_flow(w, flow);
			continue;
		}
		went = send(w, flow, false);
		if (went != flow->home)
			fail_msg("%s: a flow of slot %u moved from %u to %u", when, flow->slot,
				 flow->home, went);
	}
}

/* Some backend may die and come back as another; every slot may move, or most stay. */
static void change(struct world *w, bool waits)
{
	uint16_t slots[SLOTS], previous[SLOTS];
	struct transition_change c = {
		.was_slots = w->slots,
		.was_previous = w->in_transition ? w->previous : NULL,
		.slots_n = SLOTS,
		.lives = w->lives,
		.lives_n = BACKENDS,
		.waits = waits,
		.remembers = w->remembers,
	};
	uint32_t moves = random_below(&w->random, 4) == 0 ? SLOTS : SLOTS / 8;
	struct transition_counts counts;

	if (random_below(&w->random, 3) == 0) {
		uint32_t i = random_below(&w->random, LIVING);

		w->lives[w->living[i]] = false;
		w->living[i] = w->next++;
		w->lives[w->living[i]] = true;
	}
	for (uint32_t i = 0; i < SLOTS; i++) {
		slots[i] = w->slots[i] & SLOT_INDEX;
		if (slots[i] == SLOT_NONE || !w->lives[slots[i]] ||
		    random_below(&w->random, SLOTS) < moves)
			slots[i] = w->living[random_below(&w->random, LIVING)];
	}
	counts = transition_begin(&c, slots, previous);
	memcpy(w->slots, slots, sizeof(slots));
	memcpy(w->previous, previous, sizeof(previous));
	w->in_transition = counts.previous > 0;
	w->remembers = w->remembers || counts.changed > 0;
}

static void settle(struct world *w)
{
	uint64_t elsewhere[SLOTS / 64 + 1] = {0};
	uint16_t out[SLOTS];

	for (uint32_t i = 0; i < FLOWS; i++) {
		const struct flow_known *flow = &w->flows[i];

		if (flow->memory.seen_state && w->lives[flow->memory.backend] &&
		    flow->memory.backend != (w->slots[flow->slot] & SLOT_INDEX))
			transition_bit_set(elsewhere, flow->slot);
	}
	transition_settle(w->slots, elsewhere, SLOTS, out);
	memcpy(w->slots, out, sizeof(out));
}

/*
 * Between a change and the end of its transition every flow sends; between two changes of one
 * transition they need not.
 */
static void test_no_flow_moves(void **state)
{
	static struct world w;
	uint32_t marks_settled = 0, changes = 0;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		w = (struct world){.random = seed};
		for (uint32_t i = 0; i < LIVING; i++) {
			w.living[i] = w.next++;
			w.lives[w.living[i]] = true;
		}
		for (uint32_t i = 0; i < SLOTS; i++)
			w.slots[i] = w.living[i % LIVING];
		for (uint32_t i = 0; i < FLOWS; i++)
			open_flow(&w, &w.flows[i]);
		for (uint32_t round = 0; round < 60; round++) {
			uint32_t in_a_row = 1 + random_below(&w.random, 3);

			for (uint32_t i = 0; i < in_a_row; i++, changes++) {
				change(&w, true);
				/* Flows that begin in between count, too. */
				for (uint32_t k = 0; k < FLOWS / 20; k++)
					open_flow(&w, &w.flows[random_below(&w.random, FLOWS)]);
			}
			all_send(&w, "in transition");
			all_send(&w, "again");
			w.in_transition = false;
			all_send(&w, "after it");
			if (random_below(&w.random, 2) == 0)
				continue; /* the next change finds marks */
			settle(&w);
			marks_settled += SLOTS - transition_count_changed(w.slots, SLOTS);
			all_send(&w, "settled");
		}
	}
	assert_true(changes > 2400);
	assert_true(marks_settled > 0);
}

/* Without waiting, what is known stays, and what isn't goes to the new choice. */
static void test_no_waiting(void **state)
{
	static struct world w;

	w = (struct world){.random = 5, .next = 2, .living = {0, 1, 0, 1, 0, 1}};
	w.lives[0] = w.lives[1] = true;
	for (uint32_t i = 0; i < FLOWS; i++)
		open_flow(&w, &w.flows[i]);
	for (uint32_t round = 0; round < 20; round++) {
		change(&w, false);
		assert_false(w.in_transition);
		assert_int_equal(transition_count_changed(w.slots, SLOTS), 0);
		for (uint32_t i = 0; i < FLOWS; i++)
			assert_int_equal(send(&w, &w.flows[i], false), w.slots[w.flows[i].slot]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule),          cmocka_unit_test(test_index_beyond_lives),
		cmocka_unit_test(test_restart),       cmocka_unit_test(test_way),
		cmocka_unit_test(test_settle),        cmocka_unit_test(test_counts),
		cmocka_unit_test(test_no_flow_moves), cmocka_unit_test(test_no_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
