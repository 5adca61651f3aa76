/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out which spans of a running arena the published generation uses (layout.h:
 * laid_generation_adopt()). A packet may be reading all of it meanwhile; nothing is written.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "laid_generation.h"
#include "sluice/service.h"

struct span {
	uint32_t offset, bytes;
};

/* What is known of the generation so far. */
struct adoption {
	struct arena_space *space;
	const uint8_t *arena;
	uint64_t arena_bytes;
	const struct generation *g;
	struct span *spans; /* of slots and backends, as often as a service refers to them */
	uint32_t spans_n;
	uint64_t vips6_n;
	char *error; /* of LAYOUT_ERROR_MAX */
};

static int explain_span(const struct adoption *a, const char *what, uint32_t offset, uint64_t bytes)
{
	snprintf(a->error, LAYOUT_ERROR_MAX,
		 "arena: %s at %" PRIu32 ", %" PRIu64 " bytes: misplaced; the tables are damaged",
		 what, offset, bytes);
	return -EBADMSG;
}

static int head_check(const struct adoption *a)
{
	const struct arena_head *head = (const struct arena_head *)a->arena;

	if (head->magic == 0) {
		snprintf(a->error, LAYOUT_ERROR_MAX, "arena: blank");
		return -ENODATA;
	}
	if (head->magic != ARENA_MAGIC || !arena_layout_is_known(head->layout) ||
	    head->arena_bytes != a->arena_bytes) {
		snprintf(a->error, LAYOUT_ERROR_MAX,
			 "arena: layout %" PRIu32 " of %" PRIu64 " bytes, not %d of %" PRIu64
			 ": written by another version, or another "
			 "tables_mb",
			 head->layout, head->arena_bytes, ARENA_LAYOUT, a->arena_bytes);
		return -EPROTO;
	}
	if (head->current == 0) {
		snprintf(a->error, LAYOUT_ERROR_MAX, "arena: no generation was published");
		return -ENODATA;
	}
	return 0;
}

/* Reserves, which is the check that the span is inside and apart from others. */
static int adopt_part(const struct adoption *a, const char *what, uint32_t offset, uint64_t bytes,
		      struct part **part)
{
	int rc = bytes <= a->arena_bytes && bytes <= UINT32_MAX
			 ? part_adopt(a->space, offset, (uint32_t)bytes, part)
			 : -EINVAL;

	if (rc == -EINVAL || rc == -EEXIST)
		return explain_span(a, what, offset, bytes);
	if (rc < 0)
		snprintf(a->error, LAYOUT_ERROR_MAX, "no memory");
	return rc;
}

static int span_check(const struct adoption *a, const char *what, uint32_t offset, uint64_t bytes)
{
	if (offset == 0 || offset % ARENA_SPACE_ALIGN != 0 || offset > a->arena_bytes ||
	    bytes > a->arena_bytes - offset || bytes > UINT32_MAX)
		return explain_span(a, what, offset, bytes);
	return 0;
}

static int span_add(struct adoption *a, const char *what, uint32_t offset, uint64_t bytes)
{
	int rc = span_check(a, what, offset, bytes);

	if (rc == 0)
		a->spans[a->spans_n++] = (struct span){.offset = offset, .bytes = (uint32_t)bytes};
	return rc;
}

/* Each choice of a table must be one of the service's backends. */
static int choices_check(const struct adoption *a, const struct service *s, uint32_t offset,
			 uint32_t slots_n)
{
	const uint16_t *slots = (const uint16_t *)(a->arena + offset);

	for (uint32_t i = 0; i < slots_n; i++) {
		uint32_t index = slots[i] & SLOT_INDEX;

		if (index == SLOT_NONE || index < s->backends)
			continue;
		snprintf(a->error, LAYOUT_ERROR_MAX,
			 "arena: slots at %" PRIu32 ": slot %" PRIu32 " leads to backend %" PRIu32
			 " of %u; the tables are damaged",
			 offset, i, index, s->backends);
		return -EBADMSG;
	}
	return 0;
}

/* A table of as many choices as the service has slots. */
static int slots_add(struct adoption *a, const struct service *s, uint32_t offset)
{
	int rc = span_add(a, "slots", offset, (uint64_t)s->slots * sizeof(uint16_t));

	return rc < 0 ? rc : choices_check(a, s, offset, s->slots);
}

/* A way, which says itself how many slots it has. */
static int way_add(struct adoption *a, const struct service *s)
{
	const struct way *way = (const struct way *)(a->arena + s->previous_off);
	int rc = span_check(a, "way", s->previous_off, sizeof(*way));

	if (rc == 0 && way->slots == 0)
		rc = explain_span(a, "way", s->previous_off, sizeof(*way));
	if (rc == 0)
		rc = span_add(a, "way", s->previous_off,
			      sizeof(*way) + (uint64_t)way->slots * sizeof(uint16_t));
	return rc < 0 ? rc : choices_check(a, s, service_way_offset(s, 0), way->slots);
}

static int service_add(struct adoption *a, const struct service *s)
{
	int rc;

	if (s->key >> 56 == IP_V6 && s->id >= a->vips6_n)
		a->vips6_n = s->id + 1ULL;
	if (s->slots == 0)
		return 0;
	rc = slots_add(a, s, s->slots_off);
	if (rc < 0)
		return rc;
	if (s->flags & SERVICE_WAY)
		rc = way_add(a, s);
	else if (s->previous_off != 0)
		rc = slots_add(a, s, s->previous_off);
	if (rc < 0)
		return rc;
	if (s->backends == 0)
		return 0;
	return span_add(a, "backends", s->backends_off,
			(uint64_t)s->backends * sizeof(struct backend));
}

static int services_add(struct adoption *a, const struct service *services)
{
	uint64_t n = a->g->services_mask + 1ULL;

	a->spans = malloc(n * 3 * sizeof(*a->spans));
	if (!a->spans) {
		snprintf(a->error, LAYOUT_ERROR_MAX, "no memory");
		return -ENOMEM;
	}
	for (uint64_t i = 0; i < n; i++) {
		int rc = services[i].key != 0 ? service_add(a, &services[i]) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* By offset; of one offset the longest first. */
static int span_compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static int adopt_spans(struct adoption *a, struct laid_generation *laid)
{
	qsort(a->spans, a->spans_n, sizeof(*a->spans), span_compare);
	for (uint32_t i = 0; i < a->spans_n; i++) {
		const struct span *s = &a->spans[i];
		struct part *part;
		int rc;

		if (i > 0 && s->offset == a->spans[i - 1].offset)
			continue; /* shared */
		rc = adopt_part(a, "slots or backends", s->offset, s->bytes, &part);
		if (rc < 0)
			return rc;
		laid_generation_add(laid, part);
	}
	return 0;
}

/* The header, what it leads to, and what that leads to. */
static int adopt_tables(struct adoption *a, struct laid_generation **laid)
{
	uint32_t current = ((const struct arena_head *)a->arena)->current;
	struct part *header = NULL, *services = NULL;
	int rc;

	rc = adopt_part(a, "generation", current, sizeof(*a->g), &header);
	if (rc < 0)
		return rc;
	a->g = part_data(header);
	if ((a->g->services_mask & (a->g->services_mask + 1ULL)) != 0)
		rc = explain_span(a, "services", a->g->services_off, a->g->services_mask);
	else
		rc = adopt_part(a, "services", a->g->services_off,
				(a->g->services_mask + 1ULL) * sizeof(struct service), &services);
	if (rc < 0)
		goto err_header;
	rc = services_add(a, part_data(services));
	if (rc < 0)
		goto err_services;
	*laid = laid_generation_alloc(a->spans_n);
	if (!*laid) {
		snprintf(a->error, LAYOUT_ERROR_MAX, "no memory");
		rc = -ENOMEM;
		goto err_services;
	}
	(*laid)->header = header;
	(*laid)->services = services;
	if (a->vips6_n > 0)
		rc = adopt_part(a, "vips6", a->g->vips6_off, a->vips6_n * sizeof(struct vip6),
				&(*laid)->vips6);
	if (rc == 0)
		rc = adopt_spans(a, *laid);
	if (rc < 0)
		laid_generation_free(*laid);
	return rc;

err_services:
	part_unref(services);
err_header:
	part_unref(header);
	return rc;
}

int laid_generation_adopt(struct arena_space *space, struct laid_generation **laid,
			  char error[LAYOUT_ERROR_MAX])
{
	struct adoption a = {
		.space = space,
		.arena = (const uint8_t *)arena_space_arena(space),
		.arena_bytes = arena_space_stats(space).bytes,
		.error = error,
	};
	struct laid_generation *found = NULL;
	int rc = head_check(&a);

	if (rc < 0)
		return rc;
	rc = adopt_tables(&a, &found);
	free(a.spans);
	if (rc < 0)
		return rc;
	*laid = found;
	error[0] = '\0';
	return 0;
}
