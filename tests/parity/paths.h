/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The paths that were built in, opened for one fixture: what test_parity.c and test_flows.c send
 * their frames through. Environment: PARITY_PATHS (names, default all). One thread.
 */
#ifndef SLUICE_TESTS_PARITY_PATHS_H
#define SLUICE_TESTS_PARITY_PATHS_H

#include "path.h"

enum {
	PATHS_MAX = 4, /* with room for one of a test's own */
};

struct paths {
	const struct parity_path *at[PATHS_MAX];
	uint32_t n;
	uint32_t missing_n; /* that this machine can't have: said on standard output */
};

/* 0; -1: a path failed, or there is none. */
int paths_open(struct paths *paths, const struct fixture *fixture);
void paths_close(struct paths *paths);

#endif
