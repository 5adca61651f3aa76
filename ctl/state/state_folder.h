/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of a file that root writes, held open, so that nothing that others do to paths leads
 * the daemon elsewhere: what is in it is reached by name from here alone (openat(2) and the like),
 * and neither the folder nor the file may be a symbolic link. Any thread.
 */
#ifndef SLUICE_STATE_FOLDER_H
#define SLUICE_STATE_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct state_folder {
	int fd;
	struct stat st;          /* of the folder */
	char name[NAME_MAX + 1]; /* of the file */
};

enum { STATE_FOLDER_ERROR_MAX = 320 };

/*
 * Opens the folder of the file at `path`; with `make`, one that is missing is made (one level,
 * 0750). 0, or -errno: -ELOOP: it is a symbolic link; -ENOENT, -ENOTDIR, -EACCES, -ENAMETOOLONG,
 * -EINVAL (no name).
 */
int state_folder_open(struct state_folder *folder, const char *path, bool make);
void state_folder_close(struct state_folder *folder);

/* "<name><suffix>". 0 or -ENAMETOOLONG. */
int state_folder_beside(const struct state_folder *folder, const char *suffix,
			char name[NAME_MAX + 1]);

/*
 * Opens the file to read. What others may have put there is refused: -ELOOP: it is a symbolic link;
 * -EPERM: it is no plain file, has a second name (a hard link), or is neither root's, nor ours, nor
 * the folder's owner's. Returns its fd, or -errno.
 */
int state_folder_read(const struct state_folder *folder);

/*
 * Makes the folder of the file at `path` one that only the daemon writes. It takes the right to
 * write from group and others, if the folder is ours and not one that all share (sticky). It gives
 * the folder to `user`, whom the daemon is going to become, if it is root's and of that user's group;
 * with user "", which means that the daemon stays root, back to root. To be called as root, at the
 * start. 0, with what was done, or "", in `done`; or -errno.
 */
int state_folder_take(const char *path, const char *user, char done[STATE_FOLDER_ERROR_MAX]);

#endif
