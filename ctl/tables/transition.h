/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change makes of a service's slots: which of them are marked SLOT_CHANGED, and where older
 * flows belong (sluice/generation.h: struct service.previous_off). Called by the control plane, and
 * by tests and benches. Pure functions, any thread. docs/consistency.md has the reasoning.
 *
 * A service's course: a change begins a transition; at its end the table of previous choices is left
 * out of the next generation, and the slots stay as they are; then transition_settle() clears the
 * marks of those whose remembered flows are gone.
 *
 * Two kinds of change. As long as a flow's slot stays the same slot (weights, backends, states),
 * slots are compared one by one, and only those that move are marked and get a previous choice:
 * transition_begin(). Where the *way* changes by which a flow finds its slot (another number of
 * slots, another hash, a scheduler that doesn't hash), no slot can be compared with another. Then the
 * way that was is kept whole, as a table with its own length beside the new one (transition_way()),
 * and every slot is marked: an unknown packet that doesn't open a flow goes where that way says.
 *
 * One previous way is enough, whatever else changes before the transition is over, since it need
 * speak for those flows only that are older than the *first* change of the way. While it is there,
 * every younger flow is remembered (steer_choices(), memory_choose()), with one exception: a flow
 * whose backend is the one that the previous way gives. That one is found there, if it becomes unknown
 * to the tables of today; and if its backend dies, it is lost under any rule. So of several changes,
 * whether of the way or of slots, the ways and choices in between are not kept, and nothing grows with
 * the number of changes: a service has at most one table beside its own. Choices whose backend dies
 * leave the previous way at once, so that a reused index never stands for an old backend. A way that
 * has no choice left is the same as none.
 *
 * Services that don't hash take part: what they remember stays known, so leaving them needs marks
 * but no previous way; and one that hashed before keeps that way, as any other.
 */
#ifndef SLUICE_TABLES_TRANSITION_H
#define SLUICE_TABLES_TRANSITION_H

#include <stdbool.h>
#include <stdint.h>

/* What was, and what counts. */
struct transition_change {
	const uint16_t
		*was_slots; /* as they lie in the arena, with SLOT_CHANGED; NULL: see below */
	const uint16_t *was_previous; /* NULL: no transition was under way */
	uint32_t slots_n;             /* of all tables here */
	const bool *lives;            /* by index of a backend: keeps its flows (BACKEND_LIVES) */
	uint32_t lives_n;             /* an index from here on doesn't live */
	bool waits; /* older flows get a previous choice; not with transition_s = 0 */
	/* Flows of the service may be remembered, also in slots without a mark. */
	bool remembers;
};

struct transition_counts {
	uint32_t moved;    /* slots whose current choice is another than it was */
	uint32_t changed;  /* slots with SLOT_CHANGED */
	uint32_t previous; /* slots with a previous choice */
};

/*
 * `slots`: the new choices, and after the call with SLOT_CHANGED; `previous` is written: SLOT_NONE
 * where there is none. With counts.previous 0 the table is as good as none. For each slot:
 *  - previous: what it was, while that lives; else the current choice that was, if that lives and
 *    is another now. So of several changes in a row, the oldest choice that lives counts: flows
 *    younger than that are remembered.
 *  - mark: where there is a previous choice; where it was set, since flows may be remembered; and
 *    where the choice moved and an entry may be left of the time before the mark was cleared.
 */
struct transition_counts transition_begin(const struct transition_change *change, uint16_t *slots,
					  uint16_t *previous);

/*
 * Where slots can't be compared: the way that was, as a table of slots_n choices. Of each slot the
 * oldest choice that lives: the previous one, else the current one, else SLOT_NONE. was_slots NULL:
 * was_previous is a way itself, which loses the choices that don't live any more. Returns how many
 * choices there are.
 */
uint32_t transition_way(const struct transition_change *change, uint16_t *way);

/*
 * The new slots beside that: with `remembers` (a way is kept, or flows of the service may be
 * remembered) every one gets the mark, else none.
 */
struct transition_counts transition_restart(uint16_t *slots, uint32_t slots_n, bool remembers);

/* Slots whose choice differs, marks aside. */
uint32_t transition_moved(const uint16_t *a, const uint16_t *b, uint32_t slots_n);

/* Bit `slot` of a bitmap that has (slots_n + 63) / 64 words. */
bool transition_bit(const uint64_t *bitmap, uint32_t slot);
void transition_bit_set(uint64_t *bitmap, uint32_t slot);

/*
 * Copies `slots` to `out` with the marks of all those cleared that are not in `elsewhere`: the
 * bitmap of slots that remembered flows of other than the current backend fall into. Only for a
 * service without previous choices. Returns how many marks are left.
 */
uint32_t transition_settle(const uint16_t *slots, const uint64_t *elsewhere, uint32_t slots_n,
			   uint16_t *out);

/* Slots with the mark, and (`table` being the previous choices) slots with a choice. */
uint32_t transition_count_changed(const uint16_t *slots, uint32_t slots_n);
uint32_t transition_count_choices(const uint16_t *table, uint32_t slots_n);

#endif
