/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's life: configuration, fast path, control socket, event loop, end. Called by main().
 */
#ifndef SLUICE_DAEMON_H
#define SLUICE_DAEMON_H

#include <stdbool.h>

struct daemon_options {
	const char *config_path;
	const char *module_dirs; /* separated by colons */
	bool debug;              /* the log's level, whatever the configuration says */
	bool check;              /* only read the configuration */
	bool detach;             /* only path_forget(), and end */
	bool replace;            /* xdp: take the place of another program */
};

/* How it ended; sluiced's exit status. */
enum daemon_end {
	DAEMON_DONE = 0,
	DAEMON_FAILED = 1,     /* could not start, or go on */
	DAEMON_BAD_CONFIG = 2, /* nothing was started */
};

/* Runs until SIGTERM or SIGINT. What goes wrong is logged. */
enum daemon_end daemon_run(const struct daemon_options *options);

#endif
