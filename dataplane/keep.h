/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that outlives the process: the tables (arena) and what the workers remember, as files in a
 * folder of a memory file system, which a later process maps again. Used by path.c, and each folder
 * by one process at a time. Control thread.
 *
 * What a process that is killed leaves behind is whole: a generation is published by one store, and
 * what it replaces is reused only afterwards; a flow's entry is freed first and written by stores
 * of 8 bytes (flow_table.c). What can differ is checked: build, sizes, and that the host was not
 * started again, since the times in the entries are those of a clock that starts over then. The
 * control plane checks the generation (laid_generation_adopt()) before any worker reads it.
 */
#ifndef SLUICE_DATAPLANE_KEEP_H
#define SLUICE_DATAPLANE_KEEP_H

#include "flow_table.h"
#include "region.h"
#include "sluice/module.h"

enum {
	/* Rises when struct memory_entry, its clock, or where a flow lies in a table changes; for
	 * the arena there is ARENA_LAYOUT. */
	KEEP_LAYOUT = 1,
	KEEP_ORPHANS_MAX = FAST_PATH_WORKERS_MAX,
	KEEP_TABLES_MAX = FAST_PATH_WORKERS_MAX + KEEP_ORPHANS_MAX,
	KEEP_DIR_MAX = 256,
};

/* One file of flows. */
struct keep_table {
	uint32_t number; /* its name is "flows-<number>" */
	uint32_t buckets_n;
};

/* What the files hold. Lies twice behind the arena; the valid one with the greater sequence counts.
 */
struct keep_index {
	uint64_t magic;
	uint32_t layout;
	uint32_t workers_n; /* tables[] of workers, in their order */
	uint32_t orphans_n; /* and behind them those of workers that are no more */
	uint32_t next_number;
	uint64_t sequence;
	uint64_t arena_bytes;
	uint64_t tsc_hz; /* what seconds are in the entries */
	char boot[40];   /* the kernel's id of this start of the host */
	struct keep_table tables[KEEP_TABLES_MAX];
	uint64_t sum; /* of all before it */
};

struct keep {
	int dir_fd; /* -1: nothing is kept */
	char dir[KEEP_DIR_MAX];
	bool hugetlb;
	bool adopted;        /* the arena holds what a process before this one published */
	struct region arena; /* and behind it the indices */
	uint64_t arena_bytes;
	uint64_t tsc_hz;
	int32_t shift_s;         /* from the entries' clock to ours */
	bool same_workers;       /* each of them has its own table again */
	struct keep_index index; /* what the next process is to find */
	uint32_t orphans_n;
	struct flow_table orphans[KEEP_ORPHANS_MAX]; /* flows whose worker is not known */
	void (*log)(enum fast_path_log level, const char *line);
};

/*
 * Takes the folder, which is made if it is missing (`dir` "": "sluice" in a hugetlbfs if
 * `hugepages`, else in /dev/shm), and maps the arena: as a process before this one left it
 * (k->adopted), or blank. `tsc_hz`: ticks a second of the clock of the entries (worker_now_s()).
 * Returns 0; or -errno with a warning in the log and k->dir_fd -1: nothing
 * can be kept, and the caller takes other memory.
 */
int keep_open(struct keep *k, const char *dir, uint64_t arena_bytes, bool hugepages,
	      uint64_t tsc_hz, void (*log)(enum fast_path_log level, const char *line));

/*
 * Says how many workers there are, and how many flows each may remember: if the process before this
 * one had the same, each gets its own table again; else all that there are become orphans, which
 * any worker takes its flows out of. Then keep_table() for each worker (-errno: no room), and at
 * last keep_commit(), from where on the next process finds them.
 */
void keep_plan(struct keep *k, uint16_t workers_n, uint32_t flows_max);
int keep_table(struct keep *k, uint16_t worker, struct flow_table *t);
void keep_commit(struct keep *k);

/* Of what was adopted nothing counts: the arena becomes blank, and `tables` and orphans forget. */
void keep_start_over(struct keep *k, struct flow_table *const *tables, uint16_t tables_n);

/* Leaves all for the next process; `remove`: nothing. Allowed on one whose dir_fd is -1. */
void keep_close(struct keep *k, bool remove);

/*
 * Removes what a process that has ended left in `dir`; "" or NULL: in every folder that keep_open() may have
 * taken by itself. 0, also where there is nothing; -EBUSY: a process has it, and it stays. No DPDK needed.
 */
int keep_forget(const char *dir);

#endif
