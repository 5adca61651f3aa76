/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sluicectl apply`, which does more than ask and show. Called through the table in
 * commands.c.
 */
#ifndef SLUICE_CLI_APPLY_RUN_H
#define SLUICE_CLI_APPLY_RUN_H

#include "commands.h"

#include <stdio.h>

enum {
	APPLY_BYTES_MAX = 1 << 20, /* of the file; what the daemon takes in a request */
	APPLY_ERROR_MAX = COMMAND_ERROR_MAX + 128,
};

command_function apply_run;

/*
 * The changes of a file, commands or JSON: an array for config.apply, each with its "line". NULL:
 * a text for people in `error`, with its line.
 */
json_t *apply_read(const char *text, char error[APPLY_ERROR_MAX]);

#endif
