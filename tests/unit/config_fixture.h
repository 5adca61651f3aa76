/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Config files for tests, in a folder of their own that goes with the test.
 */
#ifndef SLUICE_CONFIG_FIXTURE_H
#define SLUICE_CONFIG_FIXTURE_H

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char folder[] = "/tmp/sluice-config-XXXXXX";
static char config_path[sizeof(folder) + 16];
static char config_error[CONFIG_ERROR_MAX];

static inline int folder_make(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(config_path, sizeof(config_path), "%s/sluice.conf", folder);
	return 0;
}

static inline void file_write_bytes(const char *name, const void *bytes, size_t n_bytes)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n_bytes, file), n_bytes);
	assert_int_equal(fclose(file), 0);
}

static inline void file_write(const char *name, const char *text)
{
	file_write_bytes(name, text, strlen(text));
}

static inline int folder_remove(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

/* Compares the errors with `want`, in which each "$" is the folder's sluice.conf. */
static inline void error_is(const char *want)
{
	char *text = NULL;
	size_t text_bytes;
	FILE *out = open_memstream(&text, &text_bytes);

	assert_non_null(out);
	for (; *want; want++) {
		if (*want == '$')
			fputs(config_path, out);
		else
			fputc(*want, out);
	}
	fclose(out);
	assert_string_equal(config_error, text);
	free(text);
}

static inline void config_refused(const char *text, const char *error)
{
	file_write("sluice.conf", text);
	assert_null(config_load(config_path, config_error));
	error_is(error);
}

/* The model of a file that is right. */
static inline struct model *config_accepted(const char *text)
{
	struct model *m;

	file_write("sluice.conf", text);
	m = config_load(config_path, config_error);
	if (!m)
		fail_msg("%s", config_error);
	return m;
}

#endif
