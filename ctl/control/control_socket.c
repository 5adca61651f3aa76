/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control server's socket file: two daemons never share one, a dead one's is removed.
 * Called by control.c, at start and end.
 */
#include "control_socket.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BACKLOG = 128,
	LOCK_ATTEMPTS = 20,
	LOCK_PAUSE_MS = 50,
};

static int fail(char error[CONTROL_ERROR_MAX], int rc, const char *path, const char *what)
{
	snprintf(error, CONTROL_ERROR_MAX, "control socket %s: %s: %s", path, what, strerror(-rc));
	return rc;
}

/*
 * Opens the folder, which is made if missing, and locks it: between the look at a stale socket
 * and our own listening no other sluiced may do the same. Returns its fd, or -errno.
 */
static int folder_lock(const char *path, char error[CONTROL_ERROR_MAX])
{
	char copy[sizeof(((struct control_socket *)0)->path)];
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
	const char *folder;
	int fd, rc;

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return fail(error, -errno, path, "its folder is missing and can't be made");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(error, -errno, path,
			    "its folder can't be opened, or is a symbolic link");
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK || i == LOCK_ATTEMPTS) {
			rc = -errno;
			close(fd);
			return fail(error, rc, path,
				    "its folder is locked (another sluiced that is "
				    "starting?)");
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* Returns 0: nothing is in the way now; or as control_new. */
static int remove_stale(const struct sockaddr_un *addr, char error[CONTROL_ERROR_MAX])
{
	struct stat st;
	int fd, rc;

	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : fail(error, -errno, addr->sun_path, "lstat");
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(error, CONTROL_ERROR_MAX,
			 "control socket %s: the file there is no socket: "
			 "remove it, or set another path",
			 addr->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(error, -errno, addr->sun_path, "socket");
	/* EAGAIN: a listener's queue is full, so there is one. */
	rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? -errno : 0;
	close(fd);
	if (rc == 0 || rc == -EAGAIN) {
		snprintf(error, CONTROL_ERROR_MAX,
			 "another sluiced is running on %s: stop it, or set "
			 "another path for the control socket",
			 addr->sun_path);
		return -EADDRINUSE;
	}
	if (rc != -ECONNREFUSED)
		return fail(error, rc, addr->sun_path, "can't tell whether somebody listens");
	if (unlink(addr->sun_path) < 0 && errno != ENOENT)
		return fail(error, -errno, addr->sun_path, "can't remove the stale socket");
	return 0;
}

/* Of the socket that `fd` (O_PATH) stands for: whatever is at its path by now. */
static void set_group(int fd, const char *path, const char *group)
{
	const struct group *entry = group[0] ? getgrnam(group) : NULL;

	if (group[0] && !entry)
		log_warning("control socket %s: there is no group %s: root alone may use it "
			    "(groupadd --system %s)",
			    path, group, group);
	else if (entry && fchownat(fd, "", (uid_t)-1, entry->gr_gid, AT_EMPTY_PATH) < 0)
		log_warning("control socket %s: can't give it to the group %s: %s", path, group,
			    strerror(errno));
}

/* fchmod() takes no fd that was opened by O_PATH. */
static int set_mode(int fd, mode_t mode)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, mode) < 0 ? -errno : 0;
}

/* Group and mode of what was bound. A link that somebody put in its place is not followed. */
static int access_set(struct control_socket *s, int folder, const struct control_config *config)
{
	const mode_t mode = config->reads_only && !config->group[0] ? 0666 : 0660;
	const char *slash = strrchr(s->path, '/');
	int fd = openat(folder, slash ? slash + 1 : s->path, O_PATH | O_NOFOLLOW | O_CLOEXEC),
	    err = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		err = -EEXIST;
	if (!err) {
		set_group(fd, s->path, config->group);
		err = set_mode(fd, mode);
	}
	close(fd);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return err;
}

/* Nobody can connect before listen(), so owner and mode are right from the first client on. */
static int bind_and_listen(struct control_socket *s, int folder, const struct sockaddr_un *addr,
			   const struct control_config *config, char error[CONTROL_ERROR_MAX])
{
	int rc;

	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return fail(error, -errno, s->path, "socket");
	if (bind(s->fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0) {
		rc = fail(error, -errno, s->path, "bind");
		goto err_close;
	}
	rc = access_set(s, folder, config);
	if (rc == 0 && listen(s->fd, BACKLOG) < 0)
		rc = -errno;
	if (rc == 0)
		return 0;
	fail(error, rc, s->path, "mode or listen");
	unlink(s->path);
err_close:
	close(s->fd);
	return rc;
}

int control_socket_open(struct control_socket *s, const struct control_config *config,
			char error[CONTROL_ERROR_MAX])
{
	const char *path = config->path;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int folder, rc;

	if (path[0] == 0)
		return fail(error, -EINVAL, "\"\"", "no path");
	if (strlen(path) >= sizeof(addr.sun_path))
		return fail(error, -ENAMETOOLONG, path, "longer than 107 bytes");
	memcpy(addr.sun_path, path, strlen(path) + 1);
	memcpy(s->path, path, strlen(path) + 1);
	folder = folder_lock(path, error);
	if (folder < 0)
		return folder;
	rc = remove_stale(&addr, error);
	if (rc == 0)
		rc = bind_and_listen(s, folder, &addr, config, error);
	close(folder);
	return rc;
}

void control_socket_remove(const struct control_socket *s)
{
	struct stat st;

	if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
}
