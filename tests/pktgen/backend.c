/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backends that packets were sent to. Packet path of the generator.
 */
#include "backend.h"
#include "bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int backends_create(struct backends *b)
{
	*b = (struct backends){0};
	b->slots = calloc(1U << BACKENDS_LOG2, sizeof(*b->slots));
	b->rows = calloc(BACKENDS_MAX, sizeof(*b->rows));
	if (b->slots && b->rows)
		return 0;
	backends_destroy(b);
	return -ENOMEM;
}

void backends_destroy(struct backends *b)
{
	free(b->slots);
	free(b->rows);
	*b = (struct backends){0};
}

static bool is_row(const struct backend_row *row, const uint8_t *address, bool v6)
{
	return row->address.v6 == v6 && address_is(row->address.bytes, address, v6);
}

struct backend_row *backends_row(struct backends *b, const uint8_t *address, bool v6)
{
	uint64_t high = 0, low = 0;
	uint32_t slot;

	if (v6) {
		memcpy(&high, address, sizeof(high));
		memcpy(&low, address + 8, sizeof(low));
	} else {
		memcpy(&low, address, 4);
	}
	slot = (uint32_t)(random_mix(low + high * 31 + v6) >> (64 - BACKENDS_LOG2));
	for (; b->slots[slot] != 0; slot = (slot + 1) & ((1U << BACKENDS_LOG2) - 1)) {
		struct backend_row *row = &b->rows[b->slots[slot] - 1];

		if (is_row(row, address, v6))
			return row;
	}
	if (b->n == BACKENDS_MAX)
		return NULL;
	b->slots[slot] = ++b->n;
	b->rows[b->n - 1].address.v6 = v6;
	memcpy(b->rows[b->n - 1].address.bytes, address, v6 ? 16 : 4);
	return &b->rows[b->n - 1];
}
