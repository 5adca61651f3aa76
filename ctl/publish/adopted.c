// SPDX-License-Identifier: Apache-2.0
/*
 * Services that a daemon before this one laid out. Control thread.
 */
#include "adopted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sluice/service.h"

struct adopted {
	struct running *running;
	uint32_t *borne_n; /* by row: one more than the greatest index of a remembered flow */
	struct former former; /* that was asked for last */
	struct indices *indices;
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
			     conf->vip.family == IP_V6 ? addr6 : NULL);
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

int adopted_read(struct running *r, const struct model *next, struct adopted **adopted)
{
	const struct generation *g = running_generation(r);
	struct adopted *a;
	int err;

	*adopted = NULL;
	if (memcmp(&g->key, &r->settings.seed, sizeof(g->key)) != 0)
		return 0;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->running = r;
	a->borne_n = calloc(r->settings.services_max, sizeof(*a->borne_n));
	if (!a->borne_n) {
		adopted_free(a);
		return -ENOMEM;
	}
	/* Without it an index may be used again too early: no reason not to start. */
	err = path_memory_walk(r->path, note_index, a);
	if (err)
		log_warning("remembered flows can't be read: %s", strerror(-err));
	claim_rows(r, next);
	*adopted = a;
	return 0;
}

void adopted_free(struct adopted *a)
{
	if (!a)
		return;
	indices_unref(a->indices);
	free(a->borne_n);
	free(a);
}

static const uint16_t *table_at(const struct adopted *a, uint32_t offset)
{
	return offset == 0 ? NULL : arena_at(arena_of(a->running), offset, sizeof(uint16_t));
}

const struct former *adopted_former(struct adopted *a, const struct service_conf *conf)
{
	const struct surroundings *around = &a->running->around;
	const struct service *s = find(a->running, conf);
	int64_t now_us = around->now_us();
	uint32_t borne_n;

	if (!s || s->slots == 0)
		return NULL;
	borne_n = s->id < a->running->settings.services_max ? a->borne_n[s->id] : 0;
	indices_unref(a->indices);
	a->indices = indices_adopt(arena_at(arena_of(a->running), s->backends_off,
					    sizeof(struct backend)),
				   s->backends, borne_n, now_us);
	if (!a->indices)
		return NULL;
	/* When its last change was is not written down: a transition starts its time anew. */
	a->former = (struct former){
		.indices = a->indices,
		.slots = table_at(a, s->slots_off),
		.previous = table_at(a, s->previous_off),
		.slots_n = s->slots,
		.flags = s->flags,
		.remembers = true,
		.phase = {
			.changed_us = now_us,
			.changed_real_us = around->now_real_us(),
			.previous_seen_us = now_us,
		},
	};
	return &a->former;
}
