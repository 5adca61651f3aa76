/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hugepages the machine has to give. Control thread.
 */
#ifndef SLUICE_DATAPLANE_HUGEPAGES_H
#define SLUICE_DATAPLANE_HUGEPAGES_H

#include "sluice/types.h"

struct hugepages {
	uint64_t free_bytes; /* of all sizes */
	uint32_t largest_kb; /* the largest size that has free pages; 0: none has */
};

/* As /sys/kernel/mm/hugepages tells it now; all 0 where that isn't there. */
struct hugepages hugepages_read(void);

#endif
