/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that workers read or write: the arena, the counters, the flow tables. Zeroed, on
 * hugepages where there are some. Control thread.
 */
#ifndef SLUICE_DATAPLANE_REGION_H
#define SLUICE_DATAPLANE_REGION_H

#include "sluice/types.h"

struct region {
	void *start;
	size_t bytes;
	bool hugetlb; /* on reserved hugepages; else the kernel was asked for transparent ones */
};

/*
 * Maps at least `bytes`. `hugetlb`: take reserved hugepages if there are enough. `touch`: have
 * every page now, so that no worker ever waits for one; reserved hugepages are touched anyway.
 * -ENOMEM.
 */
int region_map(struct region *r, size_t bytes, bool hugetlb, bool touch);

/*
 * Maps a file of a memory file system, which gets the length, instead: what lies in it stays when
 * the process ends. On hugetlbfs that is reserved hugepages; on tmpfs the kernel is asked to put it
 * on transparent ones (Linux 6.1 and later do). Every page is there afterwards, since one that
 * could not be had later would be a SIGBUS. -errno: there is not enough room, or the file system
 * can't do it.
 */
int region_map_file(struct region *r, int fd, size_t bytes, bool hugetlb);

/* Allowed on a zeroed struct. */
void region_unmap(struct region *r);

#endif
