/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes, locks and lists the folder, and moves a new pin into place by rename. Called by the
 * module. Control thread.
 */
#include "pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/magic.h>

/* Where systems mount it. */
#define BPFFS "/sys/fs/bpf"

/* The new pin, until it takes its name. bpffs has no names with dots. */
#define NEW_PREFIX "new_"

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

static int make_dirs(const char *dir)
{
	char path[PATH_MAX];

	if (strlen(dir) >= sizeof(path))
		return -ENAMETOOLONG;
	strcpy(path, dir);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;
}

static bool mounts_are_shared_with(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	/* Who may not look has nothing to say. */
	return stat("/proc/self/ns/mnt", &ours) != 0 || stat(path, &theirs) != 0 ||
	       ours.st_ino == theirs.st_ino;
}

/* A bpffs mounted here is gone with our mount namespace, and what is pinned in it too. */
static bool mounts_are_private(void)
{
	return !mounts_are_shared_with(1) || !mounts_are_shared_with(getppid());
}

static int mount_bpffs(const char *dir, report_log log, char error[FAST_PATH_ERROR_MAX])
{
	const size_t usual = strlen(BPFFS);
	const char *at = dir;

	if (strncmp(dir, BPFFS, usual) == 0 && (dir[usual] == '/' || dir[usual] == 0))
		at = BPFFS;
	else
		make_dirs(dir); /* if that fails, so does mount(), and says so */
	if (mount("bpf", at, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0)
		return report_error(error, -errno,
				    "%s is in no bpffs, and mounting one at %s failed (%s): "
				    "mount -t bpf bpf %s",
				    dir, at, strerror(errno), at);
	report_line(log, FAST_PATH_LOG_INFO, "mounted a bpffs at %s", at);
	if (mounts_are_private())
		report_line(
			log, FAST_PATH_LOG_WARNING,
			"%s is mounted in a mount namespace of our own, as `ip netns exec` makes "
			"one: what is pinned there goes with it; nsenter --net=/run/netns/NAME "
			"keeps the host's",
			at);
	return 0;
}

/* Is the folder, or the part of its path that exists, in a bpffs? */
static bool will_be_in_bpffs(const char *dir)
{
	char path[PATH_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", dir);
	while (access(path, F_OK) != 0) {
		slash = strrchr(path, '/');
		if (!slash || slash == path)
			return false;
		*slash = 0;
	}
	return is_bpffs(path);
}

int pins_open(struct pins *p, const char *dir, report_log log, char error[FAST_PATH_ERROR_MAX])
{
	int err = 0;

	*p = (struct pins){.dir = dir, .fd = -1};
	if (!dir || dir[0] != '/')
		return report_error(error, -EINVAL,
				    "pin_dir: an absolute path in a bpffs is needed");
	if (!will_be_in_bpffs(dir))
		err = mount_bpffs(dir, log, error);
	if (err)
		return err;
	err = make_dirs(dir);
	if (err)
		return report_error(error, err, "can't make %s: %s%s", dir, strerror(-err),
				    err == -EPERM && strchr(dir, '.')
					    ? " (a bpffs has no names with dots)"
					    : "");
	p->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd < 0)
		return report_error(error, -errno, "can't open %s: %s", dir, strerror(errno));
	if (flock(p->fd, LOCK_EX | LOCK_NB) != 0) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		pins_close(p);
		return report_error(error, err,
				    "%s: held by another sluiced (%s); each needs a "
				    "pin_dir of its own",
				    dir, strerror(-err));
	}
	return 0;
}

void pins_close(struct pins *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static int path_write(char path[PATH_MAX], const struct pins *p, const char *prefix,
		      const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s%s", p->dir, prefix, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int pins_get(const struct pins *p, const char *name)
{
	char path[PATH_MAX];
	int fd, err = path_write(path, p, "", name);

	if (err)
		return err;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int pins_put(const struct pins *p, const char *name, int fd)
{
	char path[PATH_MAX], made[PATH_MAX];
	int err = path_write(path, p, "", name);

	if (!err)
		err = path_write(made, p, NEW_PREFIX, name);
	if (err)
		return err;
	unlink(made); /* of a daemon that was killed at this place */
	if (bpf_obj_pin(fd, made) != 0)
		return -errno;
	if (rename(made, path) != 0) {
		err = -errno;
		unlink(made);
	}
	return err;
}

int pins_remove(const struct pins *p, const char *name)
{
	return unlinkat(p->fd, name, 0) ? -errno : 0;
}

void pins_walk(const struct pins *p, const char *prefix,
	       void (*each)(const struct pins *pins, const char *name, void *arg), void *arg)
{
	DIR *dir = opendir(p->dir);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			each(p, entry->d_name, arg);
	closedir(dir);
}

static void remove_one(const struct pins *p, const char *name, void *arg)
{
	pins_remove(p, name);
}

void pins_clear(const struct pins *p)
{
	pins_walk(p, "", remove_one, NULL);
	rmdir(p->dir);
}
