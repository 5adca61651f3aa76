/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder, by its file descriptor. Called by state_file.c, and at the start by daemon_confine.c.
 */
#include "state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Where the folder's path ends and the name begins; "." for a name alone. */
static int split(struct state_folder *folder, const char *path, char where[PATH_MAX])
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const size_t bytes = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);

	if (strlen(path) >= PATH_MAX || strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	memcpy(folder->name, name, strlen(name) + 1);
	memcpy(where, path, bytes);
	where[bytes] = '\0';
	if (bytes == 0)
		memcpy(where, ".", 2);
	return 0;
}

int state_folder_open(struct state_folder *folder, const char *path, bool make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char where[PATH_MAX];
	int err = split(folder, path, where);

	folder->fd = -1;
	if (err)
		return err;
	folder->fd = open(where, flags);
	if (folder->fd < 0 && errno == ENOENT && make && mkdir(where, 0750) == 0)
		folder->fd = open(where, flags);
	if (folder->fd < 0)
		return errno == ENOTDIR && is_link(where) ? -ELOOP : -errno;
	if (fstat(folder->fd, &folder->st) == 0)
		return 0;
	err = -errno;
	state_folder_close(folder);
	return err;
}

void state_folder_close(struct state_folder *folder)
{
	if (folder->fd >= 0)
		close(folder->fd);
	folder->fd = -1;
}

int state_folder_beside(const struct state_folder *folder, const char *suffix,
			char name[NAME_MAX + 1])
{
	int n = snprintf(name, NAME_MAX + 1, "%s%s", folder->name, suffix);

	return n < 0 || n > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* Whether the file can't have been put there by somebody whom the daemon doesn't trust. */
static bool is_trusted(const struct state_folder *folder, const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1)
		return false;
	return st->st_uid == 0 || st->st_uid == geteuid() || st->st_uid == folder->st.st_uid;
}

int state_folder_read(const struct state_folder *folder)
{
	/* A FIFO that somebody put there must not hold the daemon up. */
	int fd = openat(folder->fd, folder->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && is_trusted(folder, &st))
		return fd;
	close(fd);
	return -EPERM;
}

/*
 * Whether the folder is to become `uid`'s: from root, if it is of the group of that user (`entry`),
 * or back to root from a user of whose group it is.
 */
static bool owner_fits(const struct state_folder *folder, uid_t uid, const struct passwd *entry)
{
	const uid_t owner = folder->st.st_uid;

	if (owner == uid)
		return false;
	if (owner != 0)
		entry = uid == 0 ? getpwuid(owner) : NULL;
	return entry && entry->pw_gid == folder->st.st_gid;
}

int state_folder_take(const char *path, const char *user, char done[STATE_FOLDER_ERROR_MAX])
{
	const struct passwd *entry = *user ? getpwnam(user) : NULL;
	struct state_folder folder;
	mode_t mode;
	int err = state_folder_open(&folder, path, true);

	done[0] = '\0';
	if (err)
		return err;
	mode = folder.st.st_mode & 07777;
	if ((mode & (S_IWGRP | S_IWOTH)) != 0 && (mode & S_ISVTX) == 0 &&
	    folder.st.st_uid == geteuid()) {
		mode &= (mode_t) ~(S_IWGRP | S_IWOTH | S_ISGID);
		if (fchmod(folder.fd, mode) != 0)
			err = -errno;
		else
			snprintf(done, STATE_FOLDER_ERROR_MAX,
				 "only the daemon may write in the folder of %.200s from now on "
				 "(%04o)",
				 path, (unsigned int)mode);
	}
	if (!err && owner_fits(&folder, entry ? entry->pw_uid : geteuid(), entry) &&
	    fchown(folder.fd, entry ? entry->pw_uid : geteuid(), (gid_t)-1) != 0)
		err = -errno;
	state_folder_close(&folder);
	return err;
}
