// SPDX-License-Identifier: Apache-2.0
/*
 * A count of the remembered flows. Control thread.
 */
#include "census.h"

#include <errno.h>
#include <stdlib.h>

#include "running.h"
#include "sluice/service.h"
#include "transition.h"

enum {
	REST_PER_WORK = 20,
};

struct walk {
	const struct generation *g;
	uint32_t now_s;
	struct installed **by_row;
	struct census *census;
	bool failed; /* no memory */
};

static void tally_free(struct tally *tally)
{
	if (!tally)
		return;
	free(tally->by_index);
	free(tally->elsewhere);
	free(tally);
}

static struct tally *tally_new(const struct installed *s)
{
	struct tally *tally = calloc(1, sizeof(*tally));
	bool by_hash = !(s->flags & (SERVICE_HASH_SOURCE | SERVICE_REMEMBERS));

	if (!tally)
		return NULL;
	/* Freed indices may lie beyond those in use. */
	tally->indices_n = s->indices->length;
	for (uint32_t i = 0; i < s->indices->freed_n; i++)
		if (s->indices->freed[i].index >= tally->indices_n)
			tally->indices_n = s->indices->freed[i].index + 1U;
	tally->by_index = calloc(tally->indices_n + 1U, sizeof(*tally->by_index));
	if (by_hash)
		tally->elsewhere = calloc(installed_slots_n(s) / 64 + 1, sizeof(uint64_t));
	if (tally->by_index && (tally->elsewhere || !by_hash))
		return tally;
	tally_free(tally);
	return NULL;
}

static bool index_lives(const struct installed *s, uint16_t index)
{
	const struct backend *entries = s->backends ? part_data(s->backends) : NULL;

	return index < s->indices->length && entries[index].flags & BACKEND_LIVES;
}

/* The flow's slot follows from its hash, but with session affinity, where any may be it. */
static void tally_slot(struct tally *tally, const struct installed *s,
		       const struct memory_entry *entry)
{
	const struct service service = {.slots = installed_slots_n(s)};
	const uint16_t *previous = installed_previous(s);
	uint32_t slot = service_slot(&service, entry->hash);

	if (!tally->elsewhere) {
		tally->on_previous += previous != NULL;
		return;
	}
	if ((installed_slots(s)[slot] & SLOT_INDEX) != entry->memory.backend)
		transition_bit_set(tally->elsewhere, slot);
	tally->on_previous += previous && (previous[slot] & SLOT_INDEX) == entry->memory.backend;
}

static void walk_each(void *ctx, uint32_t worker, const struct memory_entry *entry)
{
	struct walk *walk = ctx;
	uint32_t row = entry->memory.service;
	const struct installed *s = row < walk->census->rows_n ? walk->by_row[row] : NULL;
	uint16_t index = entry->memory.backend;
	struct tally *tally;

	(void)worker;
	if (!s || walk->failed || memory_is_expired(walk->g, &entry->memory, walk->now_s))
		return;
	if (!walk->census->rows[row])
		walk->census->rows[row] = tally_new(s);
	tally = walk->census->rows[row];
	if (!tally) {
		walk->failed = true;
		return;
	}
	tally->entries++;
	if (index < tally->indices_n)
		tally->by_index[index]++;
	if (!index_lives(s, index))
		return;
	tally->flows++;
	tally_slot(tally, s, entry);
}

int census_take(struct census *census, const struct running *r)
{
	const struct fast_path *path = r->path->module;
	struct census next = {
		.number = r->number,
		.rows_n = r->settings.services_max,
		.rows = calloc(r->settings.services_max, sizeof(struct tally *)),
	};
	struct walk walk = {
		.g = running_generation(r),
		.now_s = path->memory_now_s(),
		.by_row = running_by_row(r),
		.census = &next,
	};
	int err = -ENOMEM;

	next.taken_us = r->around.now_us();
	if (next.rows && walk.by_row)
		err = path->memory_walk(walk_each, &walk);
	if (!err && walk.failed)
		err = -ENOMEM;
	free(walk.by_row);
	if (err) {
		census_clear(&next);
		return err;
	}
	next.took_us = r->around.now_us() - next.taken_us;
	census_clear(census);
	*census = next;
	return 0;
}

void census_clear(struct census *census)
{
	for (uint32_t i = 0; census->rows && i < census->rows_n; i++)
		tally_free(census->rows[i]);
	free(census->rows);
	*census = (struct census){0};
}

const struct tally *census_tally(const struct census *census, uint32_t row)
{
	return row < census->rows_n ? census->rows[row] : NULL;
}

uint64_t census_flows(const struct census *census, uint32_t row, uint16_t index)
{
	const struct tally *tally = census_tally(census, row);

	return tally && index < tally->indices_n ? tally->by_index[index] : 0;
}

int64_t census_rest_us(const struct census *census)
{
	return census->took_us * REST_PER_WORK;
}
