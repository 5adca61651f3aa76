/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes of byte strings to numbers: open addressing, at most half full.
 */
#include "replay_table.h"
#include "bytes.h"

#include <stdlib.h>

struct replay_table {
	uint64_t mask;
	uint32_t n;
	struct {
		uint64_t hash;
		uint32_t number; /* + 1; 0: empty */
	} slots[];
};

struct replay_table *replay_table_new(uint32_t max)
{
	struct replay_table *t;
	uint64_t slots = 2;

	while (slots < 2 * (uint64_t)max)
		slots *= 2;
	t = calloc(1, sizeof(*t) + slots * sizeof(t->slots[0]));
	if (t)
		t->mask = slots - 1;
	return t;
}

void replay_table_free(struct replay_table *t)
{
	free(t);
}

static uint64_t slot_of(const struct replay_table *t, uint64_t hash)
{
	uint64_t slot = hash & t->mask;

	while (t->slots[slot].number != 0 && t->slots[slot].hash != hash)
		slot = (slot + 1) & t->mask;
	return slot;
}

uint32_t replay_table_add(struct replay_table *t, uint64_t hash)
{
	uint64_t slot = slot_of(t, hash);

	if (t->slots[slot].number == 0) {
		t->slots[slot].hash = hash;
		t->slots[slot].number = ++t->n;
	}
	return t->slots[slot].number - 1;
}

bool replay_table_find(const struct replay_table *t, uint64_t hash, uint32_t *number)
{
	uint64_t slot = slot_of(t, hash);

	*number = t->slots[slot].number - 1;
	return t->slots[slot].number != 0;
}

uint32_t replay_table_count(const struct replay_table *t)
{
	return t->n;
}

uint64_t replay_hash(const uint8_t *bytes, size_t n)
{
	uint64_t hash = random_mix(n), word = 0;

	for (; n >= 8; bytes += 8, n -= 8) {
		memcpy(&word, bytes, 8);
		hash = random_mix(hash + word) * 3;
	}
	word = 0;
	memcpy(&word, bytes, n);
	return random_mix(hash + word);
}
