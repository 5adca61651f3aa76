/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens the paths that were built in and that PARITY_PATHS names. Called by test_parity.c and
 * test_flows.c. One thread.
 */
#include "paths.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct parity_path *const known[] = {
	&path_core,
#ifdef PARITY_DPDK
	&path_dpdk,
#endif
#ifdef PARITY_XDP
	&path_xdp,
#endif
};

_Static_assert(sizeof(known) / sizeof(known[0]) < PATHS_MAX, "room for all");

static bool path_wanted(const char *name)
{
	const char *wanted = getenv("PARITY_PATHS");

	return !wanted || strstr(wanted, name);
}

int paths_open(struct paths *paths, const struct fixture *fixture)
{
	char why[PARITY_ERROR_MAX];

	*paths = (struct paths){0};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct parity_path *path = known[i];
		int rc;

		if (!path_wanted(path->name))
			continue;
		rc = path->open(fixture, why);
		if (rc == 0) {
			paths->at[paths->n++] = path;
			print_message("# path %s\n", path->name);
			continue;
		}
		path->close();
		print_message("# %s %s: %s\n", rc == -ENOTSUP ? "skip: path" : "path", path->name,
			      why);
		if (rc != -ENOTSUP)
			return -1;
		paths->missing_n++;
	}
	return paths->n > 0 ? 0 : -1;
}

void paths_close(struct paths *paths)
{
	while (paths->n > 0)
		paths->at[--paths->n]->close();
}
