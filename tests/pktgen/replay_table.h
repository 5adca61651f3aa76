/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes of byte strings to small numbers, given out as they come. 64 bits: among a million
 * strings two share a hash once in 40 million files. Filled before the run, then only read.
 */
#ifndef SLUICE_PKTGEN_REPLAY_TABLE_H
#define SLUICE_PKTGEN_REPLAY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replay_table;

/* For up to `max` strings. NULL: no memory. */
struct replay_table *replay_table_new(uint32_t max);
void replay_table_free(struct replay_table *t);

/* The string's number; a new one gets the next. */
uint32_t replay_table_add(struct replay_table *t, uint64_t hash);

bool replay_table_find(const struct replay_table *t, uint64_t hash, uint32_t *number);

uint32_t replay_table_count(const struct replay_table *t);

uint64_t replay_hash(const uint8_t *bytes, size_t n);

#endif
