/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-xdp.so on the wires of xdp_lab.h, loaded as sluiced does it. Used by test_xdp_attach.c,
 * test_xdp_module.c and test_xdp_restart.c.
 */
#ifndef SLUICE_TESTS_UNIT_XDP_MODULE_WORLD_H
#define SLUICE_TESTS_UNIT_XDP_MODULE_WORLD_H

#include "../parity/fixture.h"
#include "xdp_lab.h"

#include "sluice/module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum {
	XDP_ARENA_BYTES = 8 << 20,
	XDP_SERVICES = FIXTURE_ROWS_MAX,
};

extern struct lab lab;
extern const struct fast_path *path;
extern struct fast_path_config config; /* of the next start() */
extern struct fast_path_started started;
extern char error[FAST_PATH_ERROR_MAX];
extern char logged[16384]; /* all lines since start() */

/* main(): loads the module, goes into the lab and runs the tests there. */
int world_run(const char *name, const struct CMUnitTest *tests, size_t n);

/* As fast_path.start(), with `config`. */
int start(void);
void stop(bool detach);
void start_well(bool adopted);

/* What the daemon does: lays a generation out, unless it finds one, and publishes. */
void publish(void);

/* No program on l0 and l1, and no pins. */
void assert_nothing_left(void);

/* A program that isn't ours: an fd. */
int foreign_program(void);

/* Around each test. After it all is taken off, so that one failure stays one. */
int before_each(void **state);
int after_each(void **state);

#define TEST(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)

#endif
