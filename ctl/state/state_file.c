/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and replaces files. Called by state_writer.c on its thread, and by the daemon.
 */
#include "state_file.h"

#include "shortage.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "<path><suffix>" */
static int beside(const char *path, const char *suffix, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s%s", path, suffix);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static void folder_of(const char *path, char out[PATH_MAX])
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	snprintf(out, PATH_MAX, "%s", dirname(copy));
}

/* What was renamed in it is so after a power cut, too. */
static int folder_sync(const char *path)
{
	char folder[PATH_MAX];
	int fd, err = 0;

	folder_of(path, folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) != 0)
		err = -errno;
	close(fd);
	return err;
}

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
static int group_take(int fd, const char *aside)
{
	char folder[PATH_MAX];
	struct stat st;

	folder_of(aside, folder);
	if (stat(folder, &st) != 0)
		return -errno;
	return fchown(fd, (uid_t)-1, st.st_gid) == 0 && fchmod(fd, 0640) != 0 ? -errno : 0;
}

/* A new file, or what a process that died left. */
static int aside_write(const char *aside, const struct stat *like, const char *text)
{
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), err;

	if (fd < 0)
		return -errno;
	err = all_write(fd, text);
	if (!err)
		err = like ? owner_keep(fd, like) : group_take(fd, aside);
	if (!err && fsync(fd) != 0)
		err = -errno;
	if (close(fd) != 0 && !err)
		err = -errno;
	return err;
}

static int backup_make(const char *path)
{
	char backup[PATH_MAX];
	int err = beside(path, ".bak", backup);

	if (err)
		return err;
	if (unlink(backup) != 0 && errno != ENOENT)
		return -errno;
	return link(path, backup) == 0 ? 0 : -errno;
}

int state_file_write(const char *path, const char *text, int backup)
{
	char real[PATH_MAX], aside[PATH_MAX], folder[PATH_MAX];
	struct stat old;
	bool exists;
	int err;

	if (!realpath(path, real))
		snprintf(real, sizeof(real), "%s", path);
	exists = stat(real, &old) == 0;
	if (exists && !S_ISREG(old.st_mode))
		return -EINVAL;
	folder_of(real, folder);
	if (!exists && mkdir(folder, 0750) != 0 && errno != EEXIST)
		return -errno;
	err = beside(real, ".new", aside);
	if (err)
		return err;
	err = aside_write(aside, exists && backup ? &old : NULL, text);
	if (!err && exists && backup)
		err = backup_make(real);
	if (!err && rename(aside, real) != 0)
		err = -errno;
	if (err) {
		unlink(aside);
		return err;
	}
	return folder_sync(real);
}

int state_file_remove(const char *path)
{
	if (unlink(path) != 0)
		return errno == ENOENT ? 0 : -errno;
	return folder_sync(path);
}

static void keep_aside(const char *path)
{
	char bad[PATH_MAX];

	if (beside(path, ".bad", bad) == 0)
		(void)rename(path, bad);
}

int state_file_read(const char *path, json_t **state, char error[256])
{
	FILE *file = fopen(path, "re");
	json_error_t where;
	json_t *version;
	int err;

	*state = NULL;
	if (!file) {
		err = -errno;
		if (err != -ENOENT && !shortage_is(-err))
			keep_aside(path);
		return err;
	}
	*state = json_loadf(file, JSON_REJECT_DUPLICATES, &where);
	if (!*state && ferror(file)) {
		fclose(file);
		keep_aside(path);
		return -EIO;
	}
	fclose(file);
	version = json_object_get(*state, "version");
	if (json_is_object(*state) && json_integer_value(version) == STATE_VERSION)
		return 0;
	if (!*state)
		snprintf(error, 256, "line %d: %.200s", where.line, where.text);
	else
		snprintf(error, 256, "it has no \"version\": %d", STATE_VERSION);
	json_decref(*state);
	*state = NULL;
	keep_aside(path);
	return -EINVAL;
}
