/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a process alive that the daemon can't start again, since it has given up the right to by
 * then: the daemon forks a keeper, which does nothing but wait, and holds the process's end of the
 * socket to the daemon: what the dead one had not read is the new one's. It ends when the process ends with
 * status 0, which means that the daemon has.
 */
#ifndef SLUICE_HEALTH_KEEPER_H
#define SLUICE_HEALTH_KEEPER_H

struct keeper_job {
	const void *ctx;
	/* The process: `fd` is the socket, the only file above 2. Exits, with 0 at the end of the socket. */
	void (*run)(int fd, const void *ctx);
	/* Tells the daemon that the process died: by that signal, or 0: by itself. */
	void (*lost)(int fd, int signal_number);
	/* Gives up what the keeper and the process don't need. */
	void (*rights_drop)(void);
};

/* What the daemon forks. */
__attribute__((noreturn)) void keeper_run(int fd, const struct keeper_job *job);

#endif
