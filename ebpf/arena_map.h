/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena as the daemon sees it: the BPF array map, mapped into its memory; and how long it
 * has to wait until no packet reads what it is about to write. Control thread.
 */
#ifndef SLUICE_ARENA_MAP_H
#define SLUICE_ARENA_MAP_H

#include "sluice/generation.h"

/* Writable; the mapping keeps the map alive. NULL, errno: ENOMEM, EPERM. */
struct arena *arena_map(int fd, uint64_t bytes);
void arena_unmap(struct arena *arena, uint64_t bytes);

/* The generation that packets see from now on; 0: none. The caller's writes come first. */
void arena_publish(struct arena *arena, uint32_t offset);

/* Holds a generation of this build's layout, so that a daemon can go on with it? */
bool arena_is_live(const struct arena *arena, uint64_t bytes);

struct quiescer {
	int outer; /* -1: not open */
	int inner;
};

/* 0 or -errno. */
int quiescer_open(struct quiescer *q);
void quiescer_close(struct quiescer *q);

/* Returns when every run of a program that was under way at the call has ended. 0 or -errno. */
int quiescer_wait(const struct quiescer *q);

#endif
