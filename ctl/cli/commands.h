/* SPDX-License-Identifier: Apache-2.0
 *
 * sluicectl's commands: one table, from which parsing and help come. Used by main.c.
 */
#ifndef CTL_CLI_COMMANDS_H
#define CTL_CLI_COMMANDS_H

#include "show.h"

enum {
	COMMAND_ERROR_MAX = 512,
};

struct command {
	const char *words; /* "backend set"; NULL ends the table */
	/*
	 * What follows, as help prints it, and as it is parsed: an upper-case word is a value, by
	 * its place; a lower-case one must be written so, with a value behind it; an option begins
	 * with --, stands anywhere, and has a value behind it or is alone. A value called N is an
	 * integer, TIME a duration (duration.h), others are texts. What is in brackets may be
	 * missing. The method's parameter has the word's name in lower case, "_" for "-", and "_s"
	 * behind that of a TIME; an option alone is true; VIP:PORT/PROTO makes three. --wait is no
	 * parameter.
	 */
	const char *args;
	const char *method;
	show_function *show;
	const char *help;
};

extern const struct command commands[];

/* The command that argv begins with. NULL: none, with a text for people in `error`. */
const struct command *command_find(int argc, char *const argv[], char error[COMMAND_ERROR_MAX]);

/* How many words it has. */
int command_words(const struct command *command);

struct command_line {
	json_t *params; /* of the method */
	bool wait;      /* --wait: until what the method began has ended */
};

/*
 * Reads what follows the command's words. line->params is a new object.
 * Returns 0; -EINVAL with a text for people in `error`; -ENOMEM.
 */
int command_parse(const struct command *command, int argc, char *const argv[],
		  struct command_line *line, char error[COMMAND_ERROR_MAX]);

/* Usage of the commands that begin with argv's words: all, if there are none. Returns how many. */
int command_help(int argc, char *const argv[], FILE *out);

#endif
