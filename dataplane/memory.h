/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that the fast path reads or writes for every packet: the arena, the counters. Zeroed,
 * on hugepages where there are some. Control thread.
 */
#ifndef SLUICE_DATAPLANE_MEMORY_H
#define SLUICE_DATAPLANE_MEMORY_H

#include "sluice/types.h"

struct memory {
	void *start;
	size_t bytes;
	bool hugetlb; /* on reserved hugepages; else the kernel was asked for transparent ones */
};

/*
 * Maps at least `bytes`. `hugetlb`: take reserved hugepages if there are enough. `touch`: have
 * every page now, so that no worker ever waits for one. -ENOMEM.
 */
int memory_map(struct memory *m, size_t bytes, bool hugetlb, bool touch);

/* Allowed on a zeroed struct. */
void memory_unmap(struct memory *m);

#endif
