/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of slots for schedulers that don't hash: each backend as often as its weight says, and
 * its turns as far apart as they can be. Called by the control plane, off the packet path, and by
 * tests. Pure, any thread.
 */
#ifndef SLUICE_TABLES_WRR_H
#define SLUICE_TABLES_WRR_H

#include <stdint.h>

enum {
	/* No table is much longer than this, or than WRR_SLOTS_PER_BACKEND for each backend. */
	WRR_SLOTS_MAX = 4096,
	WRR_SLOTS_PER_BACKEND = 16,
};

struct wrr_backend {
	uint32_t weight; /* 0: gets no slot */
	uint16_t index;  /* what stands in its slots, below SLOT_NONE */
};

/*
 * Makes the table: *slots, for the caller to free, has *slots_n of them, and is to be gone through
 * over and over. That is the sum of the weights after division by their common factor; where this
 * is more than the limit above, weights are rounded in proportion, but no backend with a weight
 * loses its last slot. The turns of backends of one weight are evenly apart, and those of unequal
 * weights interleaved (weights 5, 1, 1: a b a a a c a). Without any positive weight: one slot,
 * SLOT_NONE. Returns 0, or -EINVAL: n is over BACKENDS_PER_SERVICE_MAX; -ENOMEM.
 */
int wrr_build(const struct wrr_backend *backends, uint32_t n, uint16_t **slots, uint32_t *slots_n);

#endif
