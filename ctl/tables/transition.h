/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change makes of a service's slots: which of them are marked SLOT_CHANGED, and where older
 * flows belong (sluice/generation.h: struct service.previous_off). Called by the control plane, and
 * by tests and benches. Pure functions, any thread. docs/consistency.md has the reasoning.
 *
 * A service's way: a change begins a transition; at its end the table of previous choices is left
 * out of the next generation, and the slots stay as they are; then transition_settle() clears the
 * marks of those whose remembered flows are gone.
 */
#ifndef CTL_TABLES_TRANSITION_H
#define CTL_TABLES_TRANSITION_H

#include <stdbool.h>
#include <stdint.h>

/* What was, and what counts. */
struct transition_change {
	const uint16_t *was_slots;    /* as they lie in the arena, with SLOT_CHANGED */
	const uint16_t *was_previous; /* NULL: no transition was under way */
	uint32_t slots_n;             /* of all tables here */
	const bool *lives; /* by index of a backend: keeps its flows (BACKEND_LIVES) */
	uint32_t lives_n;  /* an index from here on doesn't live */
	bool waits;        /* older flows get a previous choice; not with transition_s = 0 */
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
 * The same where slots can't be compared with what was, since the table's length, or what picks the
 * slot, is another: no previous choices; with `remembers` every slot gets the mark.
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
