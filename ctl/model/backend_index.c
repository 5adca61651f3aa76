/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two open-addressing tables of positions + 1, at most half full. Any thread.
 */
#include "backend_index.h"

#include <stdlib.h>
#include <string.h>

struct backend_index {
	uint32_t mask;    /* cells of a table, a power of two, less 1 */
	uint32_t cells[]; /* by address, and behind them by name */
};

/* FNV-1a, with a last step that brings the high bits down. */
static uint32_t bytes_hash(const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ULL;
	return (uint32_t)(hash ^ hash >> 29);
}

static uint32_t addr_hash(const struct ip_addr *addr)
{
	return bytes_hash(addr, sizeof(*addr)); /* as ip_equal() compares them */
}

static uint32_t name_hash(const char *name)
{
	return bytes_hash(name, strlen(name));
}

/* The cell that has it, or the free one where it would stand. */
static uint32_t *addr_cell(struct backend_index *index, const struct service_conf *s,
			   const struct ip_addr *addr)
{
	uint32_t at = addr_hash(addr) & index->mask;

	while (index->cells[at] && !ip_equal(&s->backends[index->cells[at] - 1].addr, addr))
		at = (at + 1) & index->mask;
	return &index->cells[at];
}

static uint32_t *name_cell(struct backend_index *index, const struct service_conf *s,
			   const char *name)
{
	uint32_t *cells = index->cells + index->mask + 1;
	uint32_t at = name_hash(name) & index->mask;

	while (cells[at] && strcmp(s->backends[cells[at] - 1].name, name) != 0)
		at = (at + 1) & index->mask;
	return &cells[at];
}

static struct backend_index *index_make(const struct service_conf *s)
{
	struct backend_index *index;
	uint32_t cells = 2 * BACKEND_INDEX_FROM;

	while (cells < 2 * s->backends_n)
		cells *= 2;
	index = calloc(1, sizeof(*index) + 2 * cells * sizeof(index->cells[0]));
	if (!index)
		return NULL;
	index->mask = cells - 1;
	for (uint32_t i = 0; i < s->backends_n; i++) {
		uint32_t *addr = addr_cell(index, s, &s->backends[i].addr);
		uint32_t *name = name_cell(index, s, s->backends[i].name);

		if (!*addr)
			*addr = i + 1;
		if (!*name)
			*name = i + 1;
	}
	return index;
}

const struct backend_index *backend_index_of(const struct service_conf *s)
{
	struct backend_index **kept = &((struct service_conf *)s)->index;
	struct backend_index *index = __atomic_load_n(kept, __ATOMIC_ACQUIRE), *none = NULL;

	if (index || s->backends_n < BACKEND_INDEX_FROM)
		return index;
	index = index_make(s);
	if (!index || __atomic_compare_exchange_n(kept, &none, index, false, __ATOMIC_ACQ_REL,
						  __ATOMIC_ACQUIRE))
		return index;
	free(index); /* another thread was first */
	return none;
}

void backend_index_free(struct backend_index *index)
{
	free(index);
}

/* 0 - 1 is MODEL_NOWHERE. */
uint32_t backend_index_addr(const struct backend_index *index, const struct service_conf *s,
			    const struct ip_addr *addr)
{
	return *addr_cell((struct backend_index *)index, s, addr) - 1;
}

uint32_t backend_index_name(const struct backend_index *index, const struct service_conf *s,
			    const char *name)
{
	return *name_cell((struct backend_index *)index, s, name) - 1;
}
