/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a command's arguments: from the words of the command line to the parameters of its
 * method. Used by command_parse.c.
 */
#ifndef SLUICE_CLI_COMMAND_VALUE_H
#define SLUICE_CLI_COMMAND_VALUE_H

#include "commands.h"

/* A command line while it is read. */
struct command_reader {
	const struct command_arg *args;
	bool given[COMMAND_ARGS_MAX]; /* args[i] */
	struct command_line *line;
	bool sets;
	char *error; /* of COMMAND_ERROR_MAX */
};

/*
 * Puts the value `text` of `arg` into the line's params, or what is its own. 0; -EINVAL with r->error
 * set, or -ENOMEM.
 */
int command_value_put(struct command_reader *r, const struct command_arg *arg, const char *text);

/* The same for VALUE_KEYS: `text`, and from argv[*i] on all that are KEY=VALUE. */
int command_value_put_keys(struct command_reader *r, const struct command_arg *arg,
			   const char *text, char *const argv[], int argc, int *i);

#endif
