/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of /proc and /sys. Called by the checks.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int path_format(const struct host *host, char path[PATH_MAX], const char *format,
		       va_list args)
{
	int root = snprintf(path, PATH_MAX, "%s", host->root);
	int rest = vsnprintf(path + root, (size_t)(PATH_MAX - root), format, args);

	return root + rest < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int line_read(const char *path, char text[HOST_TEXT_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes;

	if (fd < 0)
		return -errno;
	bytes = read(fd, text, HOST_TEXT_MAX - 1);
	if (bytes < 0) {
		bytes = -errno;
	} else {
		text[bytes] = '\0';
		text[strcspn(text, "\n")] = '\0';
	}
	close(fd);
	return bytes < 0 ? (int)bytes : 0;
}

static int text_read(const struct host *host, char text[HOST_TEXT_MAX], const char *format,
		     va_list args)
{
	char path[PATH_MAX];
	int err = path_format(host, path, format, args);

	return err ? err : line_read(path, text);
}

int host_text(const struct host *host, char text[HOST_TEXT_MAX], const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = text_read(host, text, format, args);
	va_end(args);
	return err;
}

int host_number(const struct host *host, long long *number, const char *format, ...)
{
	char text[HOST_TEXT_MAX], *end;
	va_list args;
	int err;

	va_start(args, format);
	err = text_read(host, text, format, args);
	va_end(args);
	if (err)
		return err;
	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' ? 0 : -EINVAL;
}

int host_link_name(const struct host *host, char name[HOST_TEXT_MAX], const char *format, ...)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t bytes;
	va_list args;
	int err;

	va_start(args, format);
	err = path_format(host, path, format, args);
	va_end(args);
	if (err)
		return err;
	bytes = readlink(path, target, sizeof(target) - 1);
	if (bytes < 0)
		return -errno;
	target[bytes] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (strlen(last) >= HOST_TEXT_MAX)
		return -ENAMETOOLONG;
	memcpy(name, last, strlen(last) + 1);
	return 0;
}

int host_kernel(const struct host *host, char text[HOST_TEXT_MAX])
{
	int err = host_text(host, text, "/proc/sys/kernel/osrelease");
	int major, minor;

	if (err)
		return err;
	if (sscanf(text, "%d.%d", &major, &minor) != 2)
		return -EINVAL;
	return 1000 * major + minor;
}

bool host_has(const struct host *host, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int err;

	va_start(args, format);
	err = path_format(host, path, format, args);
	va_end(args);
	return err == 0 && access(path, F_OK) == 0;
}

bool host_listed(const struct host *host, const char *path, unsigned int index)
{
	char text[HOST_TEXT_MAX], *rest = text, *range;

	if (host_text(host, text, "%s", path) != 0)
		return false;
	while ((range = strsep(&rest, ","))) {
		unsigned int first, last;
		int n = sscanf(range, "%u-%u", &first, &last);

		if (n >= 1 && index >= first && index <= (n == 2 ? last : first))
			return true;
	}
	return false;
}
