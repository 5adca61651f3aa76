/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the programs of exec checks: a process of its own, forked before the daemon has threads or
 * gives up its rights, so that the daemon itself needs neither the right to become somebody else
 * nor to start programs. Each program runs as the given user, without new rights, in a process
 * group of its own with nothing open, and the group is killed when its time is up or its leader
 * has ended. No shell. If the process dies, another that waits for that starts it
 * again (keeper.c); runs that were under way end with EXEC_NO_HELPER. Both end with the daemon.
 * Control thread.
 */
#ifndef SLUICE_HEALTH_EXEC_HELPER_H
#define SLUICE_HEALTH_EXEC_HELPER_H

#include <stdint.h>

struct event_base;
struct exec_helper;

enum exec_end {
	EXEC_EXITED,    /* code: the status */
	EXEC_SIGNALLED, /* code: the signal */
	EXEC_TIMED_OUT,
	EXEC_NOT_STARTED, /* code: errno; of the program's file or rights */
	EXEC_NO_HELPER,   /* code: errno; nothing was tried */
};

/* Called once for each run that isn't cancelled, from the event loop. */
struct exec_run {
	void (*ended)(struct exec_run *run, enum exec_end end, int code);
	uint64_t id; /* the helper's */
};

enum {
	EXEC_TEXTS_MAX = 2048, /* bytes of arguments, or of environment, each text with its 0 */
};

/*
 * Forks. `user` is looked up now. 0, or -errno: -ENOENT: there is no such user.
 */
int exec_helper_new(struct event_base *base, const char *user, struct exec_helper **helper);
void exec_helper_free(struct exec_helper *helper); /* NULL is allowed; kills what still runs */

/*
 * `args`: the program's path, and its arguments; `env`: NAME=value. 0, with run->ended() to come;
 * or -errno: -EAGAIN: too many are under way; -EPIPE: the process is gone; -E2BIG.
 */
int exec_helper_start(struct exec_helper *helper, struct exec_run *run, uint32_t timeout_ms,
		      const char *args, uint32_t args_bytes, const char *env, uint32_t env_bytes);

/* Kills it, without a call. */
void exec_helper_cancel(struct exec_helper *helper, struct exec_run *run);

#endif
