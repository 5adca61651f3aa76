/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What configuration.c (the state file), configuration_task.c, configuration_reload.c and
 * configuration_save.c share.
 * Control thread.
 */
#ifndef SLUICE_CONFIGURATION_INTERNAL_H
#define SLUICE_CONFIGURATION_INTERNAL_H

#include <jansson.h>
#include <sys/queue.h>

#include "configuration.h"

struct task;
STAILQ_HEAD(task_list, task);

struct configuration {
	const char *path;
	struct settings settings; /* in force: the file's at the start */
	struct model *file;       /* as it was last loaded, or saved */
	struct publisher *publisher;

	const char *state_path;
	struct state_writer *writer; /* NULL: run-time changes are not kept */
	struct event *timer;
	json_t *written; /* overlay and notes that the writer has; NULL: not known */
	int64_t took_us; /* to make the last one */
	uint64_t failures;
	int error;                       /* of the last try; 0: it went well */
	bool pending;                    /* what is in force is not on disk yet */
	int64_t written_us;              /* when it was last, since the epoch; 0: not yet */
	struct event *retry;             /* each second */
	int64_t retry_us, retry_wait_us; /* when to try again after a failure; monotonic */
	struct daemon_reloads reloads;

	/* configuration_task.c's. */
	struct task_list tasks;       /* the first is under way */
	struct worker_thread *worker; /* of their own */
	struct event *task_timer;
	bool ending;
};

/* The file, or what is in force, is another by now: the state file follows soon. */
void configuration_keep(struct configuration *c);

#endif
