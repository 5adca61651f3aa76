/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are there whole, the old or the new one, whatever happens: written aside, synced,
 * renamed, and the folder synced. No state; any thread. May block as long as the disk does.
 */
#ifndef SLUICE_STATE_FILE_H
#define SLUICE_STATE_FILE_H

#include <jansson.h>

enum {
	STATE_VERSION = 1,
	STATE_BYTES_MAX = 256 << 20,
};

/*
 * Puts `text` in the place of the file at `path`, with the old one's mode and owner, or 0600. Its
 * folder is made if it is missing (one level, 0750). A symbolic link is followed. `backup`: the old
 * one stays as "<path>.bak". Returns 0, or -errno with the old file in its place.
 */
int state_file_write(const char *path, const char *text, int backup);

/* No such file is as good. 0 or -errno. */
int state_file_remove(const char *path);

/*
 * The object in the file. Returns 0; -ENOENT: there is none; -EINVAL: it is no JSON, or of another
 * version: it lies at "<path>.bad" now, and `error` says what is wrong; another -errno of reading.
 */
int state_file_read(const char *path, json_t **state, char error[256]);

#endif
