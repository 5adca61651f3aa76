/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and replaces files. Called by state_writer.c on its thread, and by the daemon.
 */
#include "state_file.h"

#include "shortage.h"
#include "state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int all_write(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

/* As the file that it takes the place of. */
static int owner_keep(int fd, const struct stat *like)
{
	return fchown(fd, like->st_uid, like->st_gid) != 0 || fchmod(fd, like->st_mode & 07777) != 0
		       ? -errno
		       : 0;
}

/* Whoever writes it, its folder's group reads it: root does that, without CAP_DAC_OVERRIDE, before
 * it becomes the user who will write. */
static int group_take(int fd, const struct state_folder *folder)
{
	return fchown(fd, (uid_t)-1, folder->st.st_gid) == 0 && fchmod(fd, 0640) != 0 ? -errno : 0;
}

/* A new file, never one that is there: that may be what a process that died left, or a link. */
static int aside_open(const struct state_folder *folder, const char *aside)
{
	int fd;

	if (unlinkat(folder->fd, aside, 0) != 0 && errno != ENOENT)
		return -errno;
	fd = openat(folder->fd, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static int aside_write(const struct state_folder *folder, const char *aside,
		       const struct stat *like, const char *text)
{
	int fd = aside_open(folder, aside), err;

	if (fd < 0)
		return fd;
	err = all_write(fd, text);
	if (!err)
		err = like ? owner_keep(fd, like) : group_take(fd, folder);
	if (!err && fsync(fd) != 0)
		err = -errno;
	if (close(fd) != 0 && !err)
		err = -errno;
	return err;
}

static int backup_make(const struct state_folder *folder)
{
	char backup[NAME_MAX + 1];
	int err = state_folder_beside(folder, ".bak", backup);

	if (err)
		return err;
	if (unlinkat(folder->fd, backup, 0) != 0 && errno != ENOENT)
		return -errno;
	return linkat(folder->fd, folder->name, folder->fd, backup, 0) == 0 ? 0 : -errno;
}

/* The file that there is. 0; -ENOENT: there is none; -ELOOP: a symbolic link; -EINVAL: no plain file. */
static int old_look(const struct state_folder *folder, struct stat *old)
{
	if (fstatat(folder->fd, folder->name, old, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	if (S_ISLNK(old->st_mode))
		return -ELOOP;
	return S_ISREG(old->st_mode) ? 0 : -EINVAL;
}

/* What was renamed in it is so after a power cut, too. */
static int folder_sync(const struct state_folder *folder)
{
	return fsync(folder->fd) == 0 ? 0 : -errno;
}

static int file_replace(const struct state_folder *folder, const char *text, bool backup)
{
	char aside[NAME_MAX + 1];
	struct stat old;
	int err = old_look(folder, &old);
	const bool exists = err == 0;

	if (err && err != -ENOENT)
		return err;
	err = state_folder_beside(folder, ".new", aside);
	if (err)
		return err;
	err = aside_write(folder, aside, exists && backup ? &old : NULL, text);
	if (!err && exists && backup)
		err = backup_make(folder);
	if (!err && renameat(folder->fd, aside, folder->fd, folder->name) != 0)
		err = -errno;
	if (err) {
		unlinkat(folder->fd, aside, 0);
		return err;
	}
	return folder_sync(folder);
}

int state_file_write(const char *path, const char *text, int backup)
{
	struct state_folder folder;
	int err = state_folder_open(&folder, path, true);

	if (err)
		return err;
	err = file_replace(&folder, text, backup);
	state_folder_close(&folder);
	return err;
}

int state_file_remove(const char *path)
{
	struct state_folder folder;
	int err = state_folder_open(&folder, path, false);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (unlinkat(folder.fd, folder.name, 0) == 0)
		err = folder_sync(&folder);
	else
		err = errno == ENOENT ? 0 : -errno;
	state_folder_close(&folder);
	return err;
}

static void keep_aside(const struct state_folder *folder)
{
	char bad[NAME_MAX + 1];

	if (state_folder_beside(folder, ".bad", bad) == 0)
		(void)renameat(folder->fd, folder->name, folder->fd, bad);
}

int state_file_read_open(int fd, json_t **state, char error[256])
{
	json_error_t where;
	json_t *version;
	FILE *file = fdopen(fd, "r");
	bool broken;

	*state = NULL;
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	*state = json_loadf(file, JSON_REJECT_DUPLICATES, &where);
	broken = !*state && ferror(file);
	fclose(file);
	if (broken)
		return -EIO;
	version = json_object_get(*state, "version");
	if (json_is_object(*state) && json_integer_value(version) >= STATE_VERSION_MIN &&
	    json_integer_value(version) <= STATE_VERSION)
		return 0;
	if (!*state)
		snprintf(error, 256, "line %d: %.200s", where.line, where.text);
	else
		snprintf(error, 256, "it has no \"version\" from %d to %d", STATE_VERSION_MIN,
			 STATE_VERSION);
	json_decref(*state);
	*state = NULL;
	return -EINVAL;
}

int state_file_read(const char *path, json_t **state, char error[256])
{
	struct state_folder folder;
	int err, fd;

	*state = NULL;
	err = state_folder_open(&folder, path, false);
	if (err)
		return err;
	fd = state_folder_read(&folder);
	err = fd < 0 ? fd : state_file_read_open(fd, state, error);
	if (err && err != -ENOENT && !shortage_is(-err))
		keep_aside(&folder);
	state_folder_close(&folder);
	return err;
}
