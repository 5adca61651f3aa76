/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that workers read or write. Control thread.
 */
#include "region.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE /* Linux 6.1; older headers */
#define MADV_COLLAPSE 25
#endif

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

/* An address range that hugepages fit into. */
static void *range_reserve(size_t bytes)
{
	size_t huge_bytes = (size_t)1 << HUGE_LOG2;
	uint8_t *start = mmap(NULL, bytes + huge_bytes, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t lead;

	if (start == MAP_FAILED)
		return NULL;
	lead = (huge_bytes - ((uintptr_t)start & (huge_bytes - 1))) & (huge_bytes - 1);
	if (lead > 0)
		munmap(start, lead);
	munmap(start + lead + bytes, huge_bytes - lead);
	return start + lead;
}

/* Whether the file's system has as much as the file is short of `bytes`. */
static bool has_room(int fd, const struct stat *st, size_t bytes)
{
	uint64_t have_bytes = (uint64_t)st->st_blocks * 512;
	struct statfs fs;

	return fstatfs(fd, &fs) != 0 || have_bytes >= bytes ||
	       fs.f_bavail >= (bytes - have_bytes) / (uint64_t)fs.f_bsize;
}

int region_map_file(struct region *r, int fd, size_t bytes, bool hugetlb)
{
	size_t huge_bytes = (size_t)1 << HUGE_LOG2;
	void *range, *start;
	struct stat st;
	bool is_new;
	int err;

	bytes = (bytes + huge_bytes - 1) / huge_bytes * huge_bytes;
	if (fstat(fd, &st) != 0)
		return -errno;
	is_new = st.st_blocks == 0;
	if (!hugetlb && !has_room(fd, &st, bytes))
		return -ENOSPC;
	if (st.st_size != (off_t)bytes && ftruncate(fd, (off_t)bytes) != 0)
		return -errno;
	range = range_reserve(bytes);
	if (!range)
		return -ENOMEM;
	start = mmap(range, bytes, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED | (hugetlb ? MAP_POPULATE : 0), fd, 0);
	if (start == MAP_FAILED) {
		err = -errno;
		munmap(range, bytes);
		return err;
	}
	err = posix_fallocate(fd, 0, (off_t)bytes);
	if (err) {
		munmap(start, bytes);
		return -err;
	}
	/* What was put on hugepages once is mapped as such from then on. */
	if (!hugetlb)
		(void)madvise(start, bytes, is_new ? MADV_COLLAPSE : MADV_POPULATE_WRITE);
	*r = (struct region){.start = start, .bytes = bytes, .hugetlb = hugetlb};
	return 0;
}

void region_unmap(struct region *r)
{
	if (r->start)
		munmap(r->start, r->bytes);
	*r = (struct region){0};
}
