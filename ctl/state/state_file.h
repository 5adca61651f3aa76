/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are there whole, the old or the new one, whatever happens: written aside, synced,
 * renamed, and the folder synced. No state; any thread. May block as long as the disk does.
 */
#ifndef SLUICE_STATE_FILE_H
#define SLUICE_STATE_FILE_H

#include <jansson.h>

enum {
	STATE_VERSION = 2,     /* that is written */
	STATE_VERSION_MIN = 1, /* from there on they are read: overlay.c knows what differs */
	STATE_BYTES_MAX = 256 << 20,
};

/*
 * Puts `text` in the place of the file at `path`. Its folder is made if it is missing (one level,
 * 0750), and its group may read the file (0640), if it can be given to it; else 0600. No symbolic
 * link is followed (state_folder.h): -ELOOP. `backup`: the old one stays as "<path>.bak", and the new one has its mode and owner. Returns 0, or -errno with the old file in its place.
 */
int state_file_write(const char *path, const char *text, int backup);

/* No such file is as good. 0 or -errno. */
int state_file_remove(const char *path);

/*
 * The object in the file. Returns 0; -ENOENT: there is none; -EINVAL: it is no JSON, or of another
 * version, and `error` says what is wrong; another -errno of reading, as state_folder_read() has it.
 * But for -ENOENT, and for what shortage_is(), which says nothing of the file, it lies at "<path>.bad"
 * then: what is written next doesn't overwrite it.
 */
int state_file_read(const char *path, json_t **state, char error[256]);

/* The same of a file that is open for reading, and closes it; it lies where it lay. */
int state_file_read_open(int fd, json_t **state, char error[256]);

#endif
