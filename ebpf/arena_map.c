/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps the arena, and waits for the kernel's RCU grace period before memory is used again. Called
 * by program.c and adoption.c. Control thread.
 */
#include "arena_map.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

struct arena *arena_map(int fd, uint64_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

void arena_unmap(struct arena *arena, uint64_t bytes)
{
	munmap(arena, bytes);
}

void arena_publish(struct arena *arena, uint32_t offset)
{
	struct arena_head *head = (struct arena_head *)arena;

	/* The program's loads depend on the offset's value: no barrier is needed there. */
	__atomic_store_n(&head->current, offset, __ATOMIC_RELEASE);
}

bool arena_is_live(const struct arena *arena, uint64_t bytes)
{
	const struct arena_head *head = (const struct arena_head *)arena;

	return head->magic == ARENA_MAGIC && arena_layout_is_known(head->layout) &&
	       head->arena_bytes == bytes && head->current != 0;
}

int quiescer_open(struct quiescer *q)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	*q = (struct quiescer){.outer = -1, .inner = -1};
	q->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_quiesce", 4, 4, 1, NULL);
	if (q->inner < 0)
		return -errno;
	opts.inner_map_fd = (uint32_t)q->inner;
	q->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "sluice_quiesce", 4, 4, 1, &opts);
	if (q->outer < 0) {
		int err = -errno;

		quiescer_close(q);
		return err;
	}
	return 0;
}

void quiescer_close(struct quiescer *q)
{
	if (q->outer >= 0)
		close(q->outer);
	if (q->inner >= 0)
		close(q->inner);
	*q = (struct quiescer){.outer = -1, .inner = -1};
}

/*
 * XDP programs run under RCU, whose grace periods user space can't wait for directly. But when
 * it updates a map of maps, the kernel comes back only when no program that may have seen the old
 * inner map runs any more: it calls synchronize_rcu(), whichever map that is
 * (maybe_wait_bpf_programs() in kernel/bpf/syscall.c, 5.15 to 6.18). So we update one that no
 * program uses.
 */
int quiescer_wait(const struct quiescer *q)
{
	uint32_t key = 0;

	return bpf_map_update_elem(q->outer, &key, &q->inner, BPF_ANY) ? -errno : 0;
}
