/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that workers read or write. Control thread.
 */
#include "region.h"

#include <errno.h>
#include <sys/mman.h>

enum {
	HUGE_LOG2 = 21, /* 2 MiB: the size that transparent hugepages have, and MAP_HUGE_2MB */
};

int region_map(struct region *r, size_t bytes, bool hugetlb, bool touch)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	size_t huge_bytes = (size_t)1 << HUGE_LOG2;
	void *start = MAP_FAILED;

	bytes = (bytes + huge_bytes - 1) / huge_bytes * huge_bytes;
	if (hugetlb) /* populated always: a page that is missing later would be a SIGBUS */
		start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			     flags | MAP_HUGETLB | HUGE_LOG2 << MAP_HUGE_SHIFT | MAP_POPULATE, -1,
			     0);
	r->hugetlb = start != MAP_FAILED;
	if (!r->hugetlb) {
		start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
		if (start == MAP_FAILED)
			return -ENOMEM;
		/* Advice, both: kernels without either still give the memory. */
		(void)madvise(start, bytes, MADV_HUGEPAGE);
		if (touch)
			(void)madvise(start, bytes, MADV_POPULATE_WRITE);
	}
	r->start = start;
	r->bytes = bytes;
	return 0;
}

void region_unmap(struct region *r)
{
	if (r->start)
		munmap(r->start, r->bytes);
	*r = (struct region){0};
}
