/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backends that packets were sent to: outer destination addresses, numbered as they come.
 * Written by the generator's core alone.
 */
#ifndef SLUICE_PKTGEN_BACKEND_H
#define SLUICE_PKTGEN_BACKEND_H

#include "address.h"

enum {
	BACKENDS_LOG2 = 17,
	BACKENDS_MAX = 1 << (BACKENDS_LOG2 - 1), /* half full: short probes */
};

struct backend_row {
	struct address address;
	uint64_t packets, bytes, flows; /* flows: that came here first */
};

struct backends {
	uint32_t *slots; /* index into rows + 1; 0: empty */
	struct backend_row *rows;
	uint32_t n;
};

/* -ENOMEM. */
int backends_create(struct backends *b);
void backends_destroy(struct backends *b);

/* The row of an address, new or not. NULL: BACKENDS_MAX others are there. */
struct backend_row *backends_row(struct backends *b, const uint8_t *address, bool v6);

#endif
