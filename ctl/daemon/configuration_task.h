/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes long because it reads the whole configuration file: reloads and saves, one after the
 * other. A thread reads and judges, with models of its own to compare with, and the loop takes the
 * result. Used by configuration*.c; control thread.
 */
#ifndef SLUICE_CONFIGURATION_TASK_H
#define SLUICE_CONFIGURATION_TASK_H

#include "configuration_internal.h"

struct task_ops {
	/* On the thread: reads `path`, `was` and `now` of the task, and its own. 0 or -errno. */
	int (*read)(struct task *task);
	/* With what read() returned: goes on, up to task_end(). */
	void (*take)(struct task *task, int err);
	/* After task_step(). */
	void (*step)(struct task *task);
	/* Tells who asked, and frees it. */
	void (*end)(struct task *task, int err);
};

enum task_phase {
	TASK_WAITS, /* for changes that are not in force yet; or for the task before it */
	TASK_READS,
	TASK_STEPS,
};

/* The first member of the struct that it is of, which is calloc()ed. */
struct task {
	STAILQ_ENTRY(task) link;
	const struct task_ops *ops;
	struct configuration *c;
	enum task_phase phase;
	int64_t waits_us;        /* since when; monotonic */
	struct model *was, *now; /* the file as it was last loaded, and what is in force */
	const char *path;        /* of the file */
	int err;                 /* of read() */
	bool ends;               /* atomically: what read() does is of no use any more */
};

int tasks_open(struct configuration *c, struct event_base *base); /* 0 or -errno */
void tasks_close(struct configuration *c);

/* Takes `task` over. */
void task_add(struct configuration *c, struct task *task, const struct task_ops *ops);

/* Of the first one: from the start, since something else is in force by now. */
void task_again(struct task *task);

/* Of the first one: its step() is called when others have had their turn. */
void task_step(struct task *task);

/* Of the first one, which is freed. */
void task_end(struct task *task, int err);

/* Whether what is in force, or will be with the next generation, is still task->now. */
bool task_is_current(const struct task *task);

/* Takes what is in force for task->now, and reads on the loop; as read() and task_begin(). */
int task_read_here(struct task *task);

/* For read(), between two steps: whether to give up. Any thread. */
bool task_is_over(const struct task *task);

#endif
