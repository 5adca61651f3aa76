/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which counter row belongs to whom: a tree by key (libc's tsearch) and a queue of free rows.
 * Control thread.
 */
#include "rows.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	uint32_t number;
	char key[ROW_KEY_MAX];
};

struct rows {
	void *by_key;
	uint32_t *free; /* queue: first given back, first given out */
	uint32_t free_first, free_n, capacity;
};

static int row_compare(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

struct rows *rows_new(uint32_t max)
{
	struct rows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return NULL;
	rows->capacity = max;
	rows->free = calloc(max, sizeof(*rows->free));
	if (!rows->free) {
		free(rows);
		return NULL;
	}
	for (uint32_t row = 1; row < max; row++)
		rows->free[rows->free_n++] = row;
	return rows;
}

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	tdestroy(rows->by_key, free);
	free(rows->free);
	free(rows);
}

static struct row *row_find(const struct rows *rows, const char *key)
{
	struct row probe;
	struct row *const *found;

	snprintf(probe.key, sizeof(probe.key), "%s", key);
	found = tfind(&probe, &rows->by_key, row_compare);
	return found ? *found : NULL;
}

/* Out of the queue, if it is in there: the first takes its place. */
static bool free_remove(struct rows *rows, uint32_t number)
{
	for (uint32_t i = 0; i < rows->free_n; i++) {
		uint32_t at = (rows->free_first + i) % rows->capacity;

		if (rows->free[at] != number)
			continue;
		rows->free[at] = rows->free[rows->free_first];
		rows->free_first = (rows->free_first + 1) % rows->capacity;
		rows->free_n--;
		return true;
	}
	return false;
}

static void free_append(struct rows *rows, uint32_t number)
{
	rows->free[(rows->free_first + rows->free_n) % rows->capacity] = number;
	rows->free_n++;
}

static int row_insert(struct rows *rows, const char *key, uint32_t number)
{
	struct row *row = calloc(1, sizeof(*row));

	if (!row)
		return -ENOMEM;
	snprintf(row->key, sizeof(row->key), "%s", key);
	row->number = number;
	if (tsearch(row, &rows->by_key, row_compare))
		return 0;
	free(row);
	return -ENOMEM;
}

int rows_take(struct rows *rows, const char *key, uint32_t *number, bool *fresh)
{
	struct row *row = row_find(rows, key);
	int err;

	*fresh = false;
	if (row) {
		*number = row->number;
		return 0;
	}
	if (rows->free_n == 0)
		return -ENOSPC;
	*number = rows->free[rows->free_first];
	err = row_insert(rows, key, *number);
	if (err)
		return err;
	rows->free_first = (rows->free_first + 1) % rows->capacity;
	rows->free_n--;
	*fresh = true;
	return 0;
}

int rows_claim(struct rows *rows, const char *key, uint32_t number)
{
	int err;

	if (row_find(rows, key) || !free_remove(rows, number))
		return -EEXIST;
	err = row_insert(rows, key, number);
	if (err)
		free_append(rows, number);
	return err;
}

void rows_defer(struct rows *rows, uint32_t number)
{
	if (free_remove(rows, number))
		free_append(rows, number);
}

uint32_t rows_find(const struct rows *rows, const char *key)
{
	const struct row *row = row_find(rows, key);

	return row ? row->number : 0;
}

void rows_release(struct rows *rows, const char *key)
{
	struct row *row = row_find(rows, key);

	if (!row)
		return;
	free_append(rows, row->number);
	tdelete(row, &rows->by_key, row_compare);
	free(row);
}
