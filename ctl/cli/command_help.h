/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sluicectl says of itself: `help`, `COMMAND --help`, and the usage line of an error. Used by
 * main.c.
 */
#ifndef SLUICE_CLI_COMMAND_HELP_H
#define SLUICE_CLI_COMMAND_HELP_H

#include "commands.h"

#include <stdio.h>

/* All commands in groups, a line each; options; exit statuses. */
void help_all(FILE *out);

/* Of the commands that begin with argv's words: of one all there is, of many a line each.
 * Returns how many there are. */
int help_commands(int argc, char *const argv[], FILE *out);

/* "usage: sluicectl backend set SERVICE BACKEND weight N [--dry-run]", in lines of 80 columns. */
void help_usage(const struct command *command, FILE *out);

/* The whole table, for programs, and for the manual page: a new object; NULL: no memory. */
json_t *help_json(void);

#endif
