/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which index each backend of a service has. Control thread.
 */
#include "indices.h"

#include <stdlib.h>
#include <string.h>

/* What an index is in use for, while new ones are given out. */
enum use {
	USE_NONE,
	USE_OWNED,
	USE_FREED,
};

static int owner_compare(const void *a, const void *b)
{
	return ip_compare(&((const struct index_owner *)a)->addr,
			  &((const struct index_owner *)b)->addr);
}

static struct indices *indices_alloc(uint32_t owners_max, uint32_t freed_max)
{
	struct indices *indices = calloc(1, sizeof(*indices));

	if (!indices)
		return NULL;
	indices->refs = 1;
	indices->owners = calloc(owners_max + 1, sizeof(*indices->owners));
	indices->freed = calloc(freed_max + 1, sizeof(*indices->freed));
	if (!indices->owners || !indices->freed) {
		indices_unref(indices);
		return NULL;
	}
	return indices;
}

uint16_t indices_find(const struct indices *indices, const struct ip_addr *addr)
{
	struct index_owner probe = {.addr = *addr};
	const struct index_owner *found;

	if (indices->owners_n == 0)
		return SLOT_NONE;
	found = bsearch(&probe, indices->owners, indices->owners_n, sizeof(probe), owner_compare);
	return found ? found->index : SLOT_NONE;
}

/* The freed ones of `was`, and behind them those whose owners are gone. */
static void freed_fill(struct indices *indices, const struct indices *was, int64_t now_us)
{
	if (was->freed_n > 0)
		memcpy(indices->freed, was->freed, was->freed_n * sizeof(*was->freed));
	indices->freed_n = was->freed_n;
	for (uint32_t i = 0; i < was->owners_n; i++)
		if (indices_find(indices, &was->owners[i].addr) == SLOT_NONE)
			indices->freed[indices->freed_n++] =
				(struct index_freed){was->owners[i].index, now_us};
}

/* The lowest index of no use, from *next on; else the longest freed. There are enough of both. */
static uint16_t index_take(struct indices *indices, uint8_t *uses, uint32_t *next)
{
	uint16_t index;

	while (*next < BACKENDS_PER_SERVICE_MAX && uses[*next] != USE_NONE)
		(*next)++;
	if (*next < BACKENDS_PER_SERVICE_MAX) {
		index = (uint16_t)(*next)++;
	} else {
		index = indices->freed[0].index;
		memmove(&indices->freed[0], &indices->freed[1],
			--indices->freed_n * sizeof(*indices->freed));
	}
	uses[index] = USE_OWNED;
	return index;
}

static void indices_measure(struct indices *indices)
{
	for (uint32_t i = 0; i < indices->owners_n; i++)
		if (indices->owners[i].index >= indices->length)
			indices->length = (uint16_t)(indices->owners[i].index + 1);
}

struct indices *indices_new(const struct indices *was, const struct ip_addr *addrs, uint32_t n,
			    int64_t now_us)
{
	static const struct indices none;
	const struct indices *before = was ? was : &none;
	struct indices *indices = indices_alloc(n, before->freed_n + before->owners_n);
	uint8_t *uses = calloc(BACKENDS_PER_SERVICE_MAX, sizeof(*uses));
	uint32_t next = 0;

	if (!indices || !uses) {
		indices_unref(indices);
		free(uses);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		indices->owners[i].addr = addrs[i];
		indices->owners[i].index = indices_find(before, &addrs[i]);
	}
	indices->owners_n = n;
	for (uint32_t i = 0; i < n; i++)
		if (indices->owners[i].index != SLOT_NONE)
			uses[indices->owners[i].index] = USE_OWNED;
	qsort(indices->owners, n, sizeof(*indices->owners), owner_compare);
	freed_fill(indices, before, now_us);
	for (uint32_t i = 0; i < indices->freed_n; i++)
		uses[indices->freed[i].index] = USE_FREED;
	/* In the order of `addrs`, so that a first generation's indices are the backends' order. */
	for (uint32_t i = 0; i < n; i++) {
		struct index_owner probe = {.addr = addrs[i]};
		struct index_owner *owner =
			bsearch(&probe, indices->owners, n, sizeof(probe), owner_compare);

		if (owner->index == SLOT_NONE)
			owner->index = index_take(indices, uses, &next);
	}
	indices_measure(indices);
	free(uses);
	return indices;
}

struct indices *indices_adopt(const struct backend *entries, uint32_t n, uint32_t borne_n,
			      int64_t now_us)
{
	struct indices *indices = indices_alloc(n, n > borne_n ? n : borne_n);

	for (uint32_t i = 0; indices && i < n; i++) {
		uint8_t family = entries[i].flags & BACKEND_OUTER_V6 ? IP_V6 : IP_V4;
		uint16_t index = (uint16_t)i;

		if (entries[i].counter != 0 && entries[i].flags & BACKEND_LIVES)
			indices->owners[indices->owners_n++] = (struct index_owner){
				ip_from_bytes(family, entries[i].outer_dst), index};
		else
			indices->freed[indices->freed_n++] = (struct index_freed){index, now_us};
	}
	if (!indices)
		return NULL;
	for (uint32_t i = n; i < borne_n; i++)
		indices->freed[indices->freed_n++] = (struct index_freed){(uint16_t)i, now_us};
	qsort(indices->owners, indices->owners_n, sizeof(*indices->owners), owner_compare);
	indices_measure(indices);
	return indices;
}

void indices_release(struct indices *indices, bool (*bears)(const void *ctx, uint16_t index),
		     const void *ctx, int64_t now_us, int64_t longest_us)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < indices->freed_n; i++) {
		const struct index_freed *freed = &indices->freed[i];

		if (now_us - freed->freed_us < longest_us && (!bears || bears(ctx, freed->index)))
			indices->freed[kept++] = *freed;
	}
	indices->freed_n = kept;
}

struct indices *indices_ref(struct indices *indices)
{
	indices->refs++;
	return indices;
}

void indices_unref(struct indices *indices)
{
	if (!indices || --indices->refs > 0)
		return;
	free(indices->owners);
	free(indices->freed);
	free(indices);
}
