/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random frames: rows of the table with bits flipped, bytes set, ends cut or grown, parts of two
 * spliced. The same seed gives the same frames everywhere.
 */
#ifndef SLUICE_TESTS_PARITY_MUTATE_H
#define SLUICE_TESTS_PARITY_MUTATE_H

#include "rows.h"

/* xorshift64*: Vigna, 2016. `state` is never 0. */
uint64_t random_next(uint64_t *state);

/* 0 to n - 1; n is not 0. */
uint32_t random_below(uint64_t *state, uint32_t n);

/* A frame that started as one of the list's rows. */
void mutate_make(uint64_t *state, const struct row_list *rows, struct frame *frame);

#endif
