/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a whole file into memory. Called by config_text.c, on the control thread.
 */
#include "config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int all_read(int fd, size_t bytes_max, char **data, size_t *bytes)
{
	size_t room = 0;

	for (;;) {
		ssize_t n;

		if (room - *bytes < 2) {
			char *grown = realloc(*data, room = room ? 2 * room : 16384);

			if (!grown)
				return -ENOMEM;
			*data = grown;
		}
		n = read(fd, *data + *bytes, room - *bytes - 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			*bytes += (size_t)n;
		if (*bytes > bytes_max)
			return -EFBIG;
	}
	(*data)[*bytes] = '\0';
	return 0;
}

int config_file_read(const char *path, size_t bytes_max, char **data, size_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	*data = NULL;
	*bytes = 0;
	if (fd < 0)
		return -errno;
	err = all_read(fd, bytes_max, data, bytes);
	close(fd);
	if (err) {
		free(*data);
		*data = NULL;
	}
	return err;
}
