/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder in a bpffs where program, maps and links stay when the daemon goes. One daemon holds
 * it at a time (flock). Removing its files by hand is safe: with the last of them, and no daemon,
 * the program leaves its interfaces. Control thread.
 */
#ifndef SLUICE_PINS_H
#define SLUICE_PINS_H

#include "report.h"

struct pins {
	const char *dir; /* the caller's */
	int fd;          /* of the folder, locked; -1: not open */
};

/*
 * Makes the folder, and mounts a bpffs where there is none. 0, or
 *  -EBUSY  another daemon holds it
 *  -errno  with the reason and the mend in `error`
 */
int pins_open(struct pins *pins, const char *dir, report_log log, char error[FAST_PATH_ERROR_MAX]);
void pins_close(struct pins *pins);

/* A new fd of what is pinned as `name`, or -errno: -ENOENT. */
int pins_get(const struct pins *pins, const char *name);

/* Pins it, in place of what had the name before (atomic). 0 or -errno. */
int pins_put(const struct pins *pins, const char *name, int fd);

int pins_remove(const struct pins *pins, const char *name);

/* Calls `each` for every name that starts with `prefix`; `each` may remove it. */
void pins_walk(const struct pins *pins, const char *prefix,
	       void (*each)(const struct pins *pins, const char *name, void *arg), void *arg);

/* Removes all files, and the folder. The lock stays until pins_close(). */
void pins_clear(const struct pins *pins);

#endif
