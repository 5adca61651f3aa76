/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enums as words, and back. Pure functions, any thread.
 */
#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *enum_name(const char *const words[], int64_t value)
{
	for (int64_t i = 0; words[i]; i++)
		if (i == value)
			return words[i];
	return "unknown";
}

int enum_parse(const char *const words[], const char *text)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -EINVAL;
}

const char *enum_list(const char *const words[], const char *between, const char *last, char *buf,
		      size_t buf_bytes)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; words[i] && used < buf_bytes; i++)
		used += (size_t)snprintf(buf + used, buf_bytes - used, "%s%s",
					 i == 0         ? ""
					 : words[i + 1] ? between
							: last,
					 words[i]);
	return buf;
}
