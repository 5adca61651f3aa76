/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the config file. The input is one file, or several with a form feed between them:
 * the first is the configuration, the others are what it may @include, by the names "1", "2" and
 * so on. No file of this machine is read. A text that is refused must say why, in printable
 * lines; one that is taken must be a model in which every service is found by its name. Called by
 * libFuzzer, on one thread.
 */
#include "config.h"
#include "config_file.h"
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAIN_FILE "/fuzz/sluice.conf"

enum {
	SEPARATOR = '\f',
};

static struct {
	const uint8_t *data;
	size_t bytes;
} input;

int __wrap_config_file_read(const char *path, size_t bytes_max, char **data, size_t *bytes);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

/* Which part of the input a path stands for; -1: none. */
static long part_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *end;
	long part;

	if (strcmp(path, MAIN_FILE) == 0)
		return 0;
	part = strtol(slash ? slash + 1 : path, &end, 10);
	return *end == '\0' && part > 0 ? part : -1;
}

/* In config_file_read()'s place. */
int __wrap_config_file_read(const char *path, size_t bytes_max, char **data, size_t *bytes)
{
	const uint8_t *start = input.data, *end = input.data + input.bytes, *stop;
	long part = part_of(path);

	*data = NULL;
	*bytes = 0;
	if (part < 0)
		return -ENOENT;
	for (; part > 0; part--) {
		start = memchr(start, SEPARATOR, (size_t)(end - start));
		if (!start)
			return -ENOENT;
		start++;
	}
	stop = memchr(start, SEPARATOR, (size_t)(end - start));
	if ((size_t)((stop ? stop : end) - start) > bytes_max)
		return -EFBIG;
	*data = malloc((size_t)((stop ? stop : end) - start) + 1);
	if (!*data)
		return -ENOMEM;
	*bytes = (size_t)((stop ? stop : end) - start);
	memcpy(*data, start, *bytes);
	(*data)[*bytes] = '\0';
	return 0;
}

static void check_refusal(const char *error)
{
	if (error[0] == '\0')
		fuzz_fail("refused without a reason");
	if (strlen(error) >= CONFIG_ERROR_MAX)
		fuzz_fail("a reason of %zu bytes", strlen(error));
	for (const char *p = error; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\n')
			fuzz_fail("a reason with byte %d: %s", *p, error);
}

static void check_model(const struct model *m)
{
	for (uint32_t i = 0; i < m->services_n; i++) {
		const struct service_conf *s = m->services[i];

		if (!model_name_valid(s->name))
			fuzz_fail("a service called \"%s\"", s->name);
		if (model_find(m, s->name) != s)
			fuzz_fail("service \"%s\" is not found", s->name);
		for (uint32_t k = 0; k < s->backends_n; k++)
			if (!model_name_valid(s->backends[k].name) ||
			    ip_refusal(&s->backends[k].addr))
				fuzz_fail("service \"%s\": backend %u", s->name, k);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	static char error[CONFIG_ERROR_MAX];
	struct model *m;

	input.data = data;
	input.bytes = data_bytes;
	memset(error, 0, sizeof(error));
	m = config_load(MAIN_FILE, error);
	if (m)
		check_model(m);
	else
		check_refusal(error);
	model_free(m);
	return 0;
}
