/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that a daemon before this one laid out. Control thread.
 */
#include "adopted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sluice/service.h"

enum {
	WAY_FLAGS = SERVICE_WAY | SERVICE_WAY_SOURCE,
};

struct adopted {
	struct running *running;
	const struct notes *notes;
	uint32_t
		*borne_n; /* by row: one more than the greatest index of a remembered flow; NULL: no
			    * tables */
	struct former former; /* that was asked for last */
	struct indices *indices;
	struct course *noted;
};

static const struct arena *arena_of(const struct running *r)
{
	return arena_space_arena(r->around.space);
}

static const struct service *find(const struct running *r, const struct service_conf *conf)
{
	uint64_t addr6[2];

	memcpy(addr6, conf->vip.bytes, sizeof(addr6));
	return service_probe(arena_of(r), running_generation(r),
			     layout_key(&conf->vip, conf->port, conf->proto),
			     conf->vip.family == IP_V6, addr6);
}

static void note_index(void *ctx, uint32_t worker, const struct memory_entry *entry)
{
	struct adopted *a = ctx;
	uint16_t index = entry->memory.backend;

	(void)worker;
	if (entry->memory.service < a->running->settings.services_max &&
	    index < BACKENDS_PER_SERVICE_MAX && index >= a->borne_n[entry->memory.service])
		a->borne_n[entry->memory.service] = index + 1U;
}

/* Rows for those that go on; the others' are not given out before they must. */
static void claim_rows(struct running *r, const struct model *next)
{
	const struct generation *g = running_generation(r);
	const struct service *table = arena_at(arena_of(r), g->services_off, sizeof(*table));

	for (uint32_t i = 0; i < next->services_n; i++) {
		const struct service *s = find(r, next->services[i]);

		if (s)
			ledger_claim(r->around.ledger, next->services[i], s->id);
	}
	for (uint64_t i = 0; i <= g->services_mask; i++)
		if (table[i].key != 0)
			ledger_defer(r->around.ledger, table[i].id);
}

static int tables_read(struct adopted *a, const struct model *next)
{
	struct running *r = a->running;
	int err;

	a->borne_n = calloc(r->settings.services_max, sizeof(*a->borne_n));
	if (!a->borne_n)
		return -ENOMEM;
	/* Without it an index may be used again too early: no reason not to start. */
	err = path_memory_walk(r->path, note_index, a);
	if (err)
		log_warning("remembered flows can't be read: %s", strerror(-err));
	claim_rows(r, next);
	return 0;
}

int adopted_read(struct running *r, const struct model *next, const struct notes *notes,
		 struct adopted **adopted)
{
	struct adopted *a = calloc(1, sizeof(*a));
	int err = 0;

	*adopted = NULL;
	if (!a)
		return -ENOMEM;
	a->running = r;
	a->notes = notes;
	/* With another seed each flow has another hash. */
	if (r->laid &&
	    memcmp(&running_generation(r)->key, &r->settings.seed, sizeof(struct flow_key)) == 0)
		err = tables_read(a, next);
	if (err) {
		adopted_free(a);
		return err;
	}
	*adopted = a;
	return 0;
}

void adopted_free(struct adopted *a)
{
	if (!a)
		return;
	indices_unref(a->indices);
	free(a->noted);
	free(a->borne_n);
	free(a);
}

static const uint16_t *table_at(const struct adopted *a, uint32_t offset)
{
	return offset == 0 ? NULL : arena_at(arena_of(a->running), offset, sizeof(uint16_t));
}

uint32_t adopted_slots(const struct running *r, const struct service_conf *conf)
{
	const struct service *s = r->laid ? find(r, conf) : NULL;

	/* One that doesn't hash has a table of its scheduler's length. */
	return s && !(s->flags & SERVICE_REMEMBERS) ? s->slots : 0;
}

/* Its tables. False: no memory. */
static bool tables_former(struct adopted *a, const struct service_conf *conf,
			  const struct service *s)
{
	const struct surroundings *around = &a->running->around;
	uint32_t borne_n = s->id < a->running->settings.services_max ? a->borne_n[s->id] : 0;
	int64_t now_us = around->now_us();
	/* Without the hole that carries the segment size. */
	uint16_t backends_n = (uint16_t)(s->backends - (s->flags & SERVICE_CLAMPS ? 1 : 0));
	struct former *f = &a->former;

	a->indices = indices_adopt(
		arena_at(arena_of(a->running), s->backends_off, sizeof(struct backend)), backends_n,
		borne_n, now_us);
	if (!a->indices)
		return false;
	f->indices = a->indices;
	f->slots = table_at(a, s->slots_off);
	f->previous = table_at(a, s->previous_off);
	f->slots_n = s->slots;
	f->previous_n = s->slots;
	f->flags = s->flags & SERVICE_FINDS;
	f->way = s->flags & WAY_FLAGS;
	if (f->way) {
		const struct way *way =
			arena_at(arena_of(a->running), s->previous_off, sizeof(*way));

		f->previous = table_at(a, service_way_offset(s, 0));
		f->previous_n = way->slots;
	}
	f->remembers = true;
	/* Unless it is noted, when a slot last moved is not known: it may have been just now. */
	f->phase = (struct phase){
		.changed_us = now_us,
		.changed_real_us = around->now_real_us(),
		.previous_seen_us = now_us,
	};
	notes_phase(a->notes, conf, f, &f->phase);
	return true;
}

const struct former *adopted_former(struct adopted *a, const struct service_conf *conf)
{
	const struct service *s = a->borne_n ? find(a->running, conf) : NULL;

	indices_unref(a->indices);
	a->indices = NULL;
	free(a->noted);
	a->noted = notes_courses(a->notes, conf);
	a->former = (struct former){.noted = a->noted};
	if (s && s->slots != 0 && !tables_former(a, conf, s))
		return NULL;
	return a->indices || a->noted ? &a->former : NULL;
}
