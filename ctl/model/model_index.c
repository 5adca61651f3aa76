/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash tables of a model's services. Called by model.c and model_check.c on the control thread.
 * Keys come from the operator alone, so the hash needs no secret.
 */
#include "model_index.h"

#include <stdlib.h>
#include <string.h>

struct index_key {
	enum model_index_table table;
	const char *name;          /* INDEX_NAME */
	const struct ip_addr *vip; /* the other two */
	uint16_t port;             /* INDEX_ENDPOINT */
	uint8_t proto;
};

/* FNV-1a. */
static uint64_t bytes_hash(uint64_t hash, const void *bytes, size_t n_bytes)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n_bytes; i++)
		hash = (hash ^ b[i]) * 0x100000001b3ULL;
	return hash;
}

static uint32_t key_hash(const struct index_key *key)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	if (key->table == INDEX_NAME) {
		hash = bytes_hash(hash, key->name, strlen(key->name));
	} else {
		hash = bytes_hash(hash, key->vip, sizeof(*key->vip));
		hash = bytes_hash(hash, &key->port, sizeof(key->port));
		hash = bytes_hash(hash, &key->proto, sizeof(key->proto));
	}
	return (uint32_t)(hash >> 32 ^ hash);
}

static bool key_is(const struct index_key *key, const struct service_conf *s)
{
	if (key->table == INDEX_NAME)
		return strcmp(key->name, s->name) == 0;
	if (!ip_equal(key->vip, &s->vip))
		return false;
	return key->table == INDEX_VIP || (key->port == s->port && key->proto == s->proto);
}

/* Number of the cell that holds the key, or of the empty one where it belongs. */
static size_t cell_find(const struct model_index *index, struct service_conf *const services[],
			const struct index_key *key)
{
	size_t table = (size_t)key->table * ((size_t)index->mask + 1);
	uint32_t i = key_hash(key) & index->mask;

	/* Ends: half of the cells are empty. */
	while (index->cells[table + i] && !key_is(key, services[index->cells[table + i] - 1]))
		i = (i + 1) & index->mask;
	return table + i;
}

struct model_index *model_index_new(uint32_t services_n)
{
	struct model_index *index;
	size_t cells = 8;

	while (cells < 2 * (size_t)services_n)
		cells *= 2;
	index = calloc(1, sizeof(*index) + INDEX_TABLES * cells * sizeof(index->cells[0]));
	if (!index)
		return NULL;
	index->refs = 1;
	index->mask = (uint32_t)(cells - 1);
	return index;
}

void model_index_ref(struct model_index *index)
{
	__atomic_add_fetch(&index->refs, 1, __ATOMIC_RELAXED);
}

void model_index_unref(struct model_index *index)
{
	if (index && __atomic_sub_fetch(&index->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(index);
}

uint32_t model_index_insert(struct model_index *index, struct service_conf *const services[],
			    enum model_index_table table, uint32_t position)
{
	const struct service_conf *s = services[position];
	struct index_key key = {.table = table, .name = s->name, .vip = &s->vip};
	size_t cell;

	if (table == INDEX_ENDPOINT) {
		key.port = s->port;
		key.proto = s->proto;
	}
	cell = cell_find(index, services, &key);
	if (index->cells[cell])
		return index->cells[cell] - 1;
	index->cells[cell] = position + 1;
	if (table == INDEX_VIP)
		index->vips_n++;
	return MODEL_NOWHERE;
}

/* 0 - 1 is MODEL_NOWHERE. */
uint32_t model_index_name(const struct model_index *index, struct service_conf *const services[],
			  const char *name)
{
	struct index_key key = {.table = INDEX_NAME, .name = name};

	return index->cells[cell_find(index, services, &key)] - 1;
}

uint32_t model_index_endpoint(const struct model_index *index,
			      struct service_conf *const services[],
			      const struct service_conf *like)
{
	struct index_key key = {
		.table = INDEX_ENDPOINT,
		.vip = &like->vip,
		.port = like->port,
		.proto = like->proto,
	};

	return index->cells[cell_find(index, services, &key)] - 1;
}

uint32_t model_index_vip(const struct model_index *index, struct service_conf *const services[],
			 const struct ip_addr *vip)
{
	struct index_key key = {.table = INDEX_VIP, .vip = vip};

	return index->cells[cell_find(index, services, &key)] - 1;
}
