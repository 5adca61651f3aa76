/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which counter row belongs to whom. The fast path knows rows by number; a service, vip or backend
 * keeps its row for as long as it exists, across generations. A row that is given back is the last
 * to be given out again. Row 0 is nobody's. Control thread.
 */
#ifndef SLUICE_ROWS_H
#define SLUICE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	ROW_KEY_MAX = 80, /* ledger.c makes them; with its 0 */
};

struct rows;

/* Rows 1 to max - 1. NULL: no memory. */
struct rows *rows_new(uint32_t max);
void rows_free(struct rows *rows);

/*
 * The row of `key`, which gets one if it has none; then *fresh says so (and the caller notes where
 * the row's counters stand). -ENOMEM; -ENOSPC: all are taken.
 */
int rows_take(struct rows *rows, const char *key, uint32_t *row, bool *fresh);

/*
 * Gives `key` this very row, which it had in the life of another process. -ENOMEM; -EEXIST: the key
 * has a row, or the row is taken or beyond all.
 */
int rows_claim(struct rows *rows, const char *key, uint32_t row);

/* A free row is to be the last that is given out. No row, or one that is taken: nothing is done. */
void rows_defer(struct rows *rows, uint32_t row);

/* 0: none. */
uint32_t rows_find(const struct rows *rows, const char *key);

/* Gives the row of `key` back, if it has one. */
void rows_release(struct rows *rows, const char *key);

#endif
