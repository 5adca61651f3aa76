/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transition.h: slot by slot.
 */
#include "transition.h"

#include "sluice/generation.h"

static bool lives(const struct transition_change *c, uint16_t index)
{
	return index < c->lives_n && c->lives[index]; /* SLOT_NONE is no index */
}

static uint16_t previous_of(const struct transition_change *c, uint32_t slot, uint16_t now)
{
	uint16_t was = c->was_slots[slot] & SLOT_INDEX;

	if (!c->waits)
		return SLOT_NONE;
	if (c->was_previous) {
		uint16_t older = c->was_previous[slot] & SLOT_INDEX;

		if (lives(c, older))
			return older;
	}
	return was != now && lives(c, was) ? was : SLOT_NONE;
}

struct transition_counts transition_begin(const struct transition_change *c, uint16_t *slots,
					  uint16_t *previous)
{
	struct transition_counts counts = {0};

	for (uint32_t i = 0; i < c->slots_n; i++) {
		uint16_t was = c->was_slots[i], now = slots[i] & SLOT_INDEX;
		bool moved = (was & SLOT_INDEX) != now;
		bool changed;

		previous[i] = previous_of(c, i, now);
		changed = previous[i] != SLOT_NONE || was & SLOT_CHANGED || (moved && c->remembers);
		slots[i] = (uint16_t)(now | (changed ? SLOT_CHANGED : 0));
		counts.moved += moved;
		counts.changed += changed;
		counts.previous += previous[i] != SLOT_NONE;
	}
	return counts;
}

uint32_t transition_way(const struct transition_change *c, uint16_t *way)
{
	uint32_t choices = 0;

	for (uint32_t i = 0; i < c->slots_n; i++) {
		uint16_t oldest = c->was_previous ? c->was_previous[i] & SLOT_INDEX : SLOT_NONE;

		if (!lives(c, oldest))
			oldest = c->was_slots ? c->was_slots[i] & SLOT_INDEX : SLOT_NONE;
		way[i] = lives(c, oldest) ? oldest : SLOT_NONE;
		choices += way[i] != SLOT_NONE;
	}
	return choices;
}

struct transition_counts transition_restart(uint16_t *slots, uint32_t slots_n, bool remembers)
{
	for (uint32_t i = 0; i < slots_n; i++)
		slots[i] = (uint16_t)((slots[i] & SLOT_INDEX) | (remembers ? SLOT_CHANGED : 0));
	return (struct transition_counts){.moved = slots_n, .changed = remembers ? slots_n : 0};
}

uint32_t transition_moved(const uint16_t *a, const uint16_t *b, uint32_t slots_n)
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < slots_n; i++)
		moved += ((a[i] ^ b[i]) & SLOT_INDEX) != 0;
	return moved;
}

bool transition_bit(const uint64_t *bitmap, uint32_t slot)
{
	return bitmap[slot / 64] >> slot % 64 & 1;
}

void transition_bit_set(uint64_t *bitmap, uint32_t slot)
{
	bitmap[slot / 64] |= 1ULL << slot % 64;
}

uint32_t transition_settle(const uint16_t *slots, const uint64_t *elsewhere, uint32_t slots_n,
			   uint16_t *out)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < slots_n; i++) {
		out[i] = slots[i];
		if (!transition_bit(elsewhere, i))
			out[i] &= SLOT_INDEX;
		left += (out[i] & SLOT_CHANGED) != 0;
	}
	return left;
}

uint32_t transition_count_changed(const uint16_t *slots, uint32_t slots_n)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < slots_n; i++)
		n += (slots[i] & SLOT_CHANGED) != 0;
	return n;
}

uint32_t transition_count_choices(const uint16_t *table, uint32_t slots_n)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < slots_n; i++)
		n += (table[i] & SLOT_INDEX) != SLOT_NONE;
	return n;
}
