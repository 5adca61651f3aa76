/* SPDX-License-Identifier: Apache-2.0 */
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

struct census_count {
	const struct running *r;
	struct fast_path_walk walk;
	struct installed **by_row; /* as long as census.number is in force */
	uint32_t now_s;
	bool failed; /* no memory */
	struct census census;
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
	uint32_t slot = service_slot_of(installed_slots_n(s), entry->hash);
	uint16_t previous;

	tally->on_previous += !installed_previous_of(s, entry->hash, &previous) ||
			      previous == entry->memory.backend;
	if (tally->elsewhere && (installed_slots(s)[slot] & SLOT_INDEX) != entry->memory.backend)
		transition_bit_set(tally->elsewhere, slot);
}

static void walk_each(void *ctx, uint32_t worker, const struct memory_entry *entry)
{
	struct census_count *c = ctx;
	uint32_t row = entry->memory.service;
	const struct installed *s = row < c->census.rows_n ? c->by_row[row] : NULL;
	uint16_t index = entry->memory.backend;
	struct tally *tally;

	(void)worker;
	if (!s || c->failed ||
	    memory_is_expired(running_generation(c->r), &entry->memory, c->now_s))
		return;
	if (!c->census.rows[row])
		c->census.rows[row] = tally_new(s);
	tally = c->census.rows[row];
	if (!tally) {
		c->failed = true;
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

struct census_count *census_begin(const struct running *r)
{
	struct census_count *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->r = r;
	c->now_s = r->path->module->memory_now_s();
	c->by_row = running_by_row(r);
	c->census = (struct census){
		.number = r->number,
		.taken_us = r->around.now_us(),
		.rows_n = r->settings.services_max,
		.rows = calloc(r->settings.services_max, sizeof(struct tally *)),
	};
	if (c->by_row && c->census.rows)
		return c;
	census_abandon(c);
	return NULL;
}

int census_go_on(struct census_count *c, int64_t budget_us, struct census *census)
{
	const struct running *r = c->r;
	int64_t start_us = r->around.now_us(), end_us;
	int rc;

	do {
		rc = c->census.number == r->number
			     ? r->path->module->memory_walk(&c->walk, walk_each, c)
			     : -ESTALE;
		if (c->failed)
			rc = -ENOMEM;
		end_us = r->around.now_us();
	} while (rc > 0 && end_us - start_us < budget_us);
	c->census.took_us += end_us - start_us;
	if (rc > 0)
		return 1;
	if (rc == 0) {
		census_clear(census);
		*census = c->census;
		c->census = (struct census){0};
	}
	census_abandon(c);
	return rc;
}

void census_abandon(struct census_count *c)
{
	if (!c)
		return;
	census_clear(&c->census);
	free(c->by_row);
	free(c);
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
