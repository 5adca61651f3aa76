/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluicectl's commands: one table, from which come parsing, help, completion and the manual page.
 * A command is a row in commands_NOUN.c, and nothing else has to know of it.
 */
#ifndef SLUICE_CLI_COMMANDS_H
#define SLUICE_CLI_COMMANDS_H

#include "cli.h"
#include "key_value.h"
#include "show.h"

#include <stddef.h>

enum {
	COMMAND_ERROR_MAX = 512,
	COMMAND_ARGS_MAX = 16,
	COMMAND_NAME_MAX = 32, /* of a method's parameter, with its 0 */
};

/* What an argument is, how it is checked, and what completes it. */
enum command_value {
	VALUE_NONE = 0, /* an option that stands alone */
	VALUE_TEXT,     /* anything; a new name, a flow */
	VALUE_SERVICE,  /* the name of a service that there is */
	VALUE_BACKEND,  /* of a backend: of the service before it, if there is one */
	VALUE_ENDPOINT, /* VIP:PORT/PROTO (endpoint.h): makes the parameters vip, port, protocol */
	VALUE_FLOW,    /* several words (flow_text.h): source, destination, their ports, protocol */
	VALUE_ADDRESS, /* IPv4 or IPv6 */
	VALUE_HOST,    /* the same, of backends that there are */
	VALUE_INTEGER, /* N */
	VALUE_TIME,    /* a duration (duration.h): seconds, "_s" behind the parameter's name */
	VALUE_FILE,    /* a path, or "-" */
	VALUE_WORD,    /* one of `words` */
	VALUE_KEYS,    /* KEY=VALUE, one or several words (key_value.h): an object */
};

struct command_arg {
	/*
	 * As help writes it; NULL ends a table. An upper-case word is a value, by its place; a
	 * lower-case one must be written so, with a value behind it; an option begins with --,
	 * stands anywhere, and has a value behind it (or behind "="), unless it is VALUE_NONE.
	 */
	const char *word;
	enum command_value value;
	bool optional;
	/* No parameter of the method: for the client itself, in command_line.own. */
	bool own;
	char letter;                   /* of an option: -c for --count; 0: none */
	const char *const *words;      /* VALUE_WORD: words.h */
	const struct config_key *keys; /* VALUE_KEYS: those that there are */
	/* The parameter's name; NULL: the word in lower case, "_" for "-", without the "--". */
	const char *param;
	const char *help;
};

struct command_line {
	const struct command *command;
	json_t *params; /* of the method */
	json_t *own;    /* {"wait": true}: arguments that are no parameters, named like these */
};

/* Does a command. Returns the exit status; what is wrong is on stderr by then. */
typedef enum cli_status command_function(const struct cli *cli, const struct command_line *line);

struct command {
	const char *words;              /* "backend set"; NULL ends a table */
	const struct command_arg *args; /* NULL: none */
	const char *method;             /* asked, and its result shown; NULL: `run` does it all */
	show_function *show;
	/* Instead of asking and showing (cli_ask() does that, for a start). NULL: cli_ask(). */
	command_function *run;
	bool hidden;          /* not in help: for programs */
	bool sets;            /* of its lower-case words at least one must be there */
	const char *help;     /* one line */
	const char *text;     /* sentences that `help COMMAND` adds; NULL: none */
	const char *examples; /* command lines without "sluicectl", one a line; NULL: none */
};

/* A heading of help and manual, with its commands. Ends with one without a title. */
struct command_group {
	const char *title;
	const struct command *commands;
};

extern const struct command_group command_groups[];

/* The tables, one a noun; each ends with a command without words. */
extern const struct command commands_show[];
extern const struct command commands_why[];
extern const struct command commands_change[];
extern const struct command commands_config[];
extern const struct command commands_daemon[];

/* What all commands take. */
extern const struct command_arg command_options[];

/* The commands, in the order of help; NULL past the last. */
const struct command *command_at(size_t index);

/* The command that argv begins with. NULL: none, with a text for people in `error`. */
const struct command *command_find(int argc, char *const argv[], char error[COMMAND_ERROR_MAX]);

/* How many words it has. */
int command_words(const struct command *command);

/* How many words of argv it begins with: all of argv's, or all of its own. -1: it doesn't. */
int command_matched(const struct command *command, int argc, char *const argv[]);

/*
 * Reads what follows the command's words. params and own of *line are new objects.
 * Returns 0; -EINVAL with a text for people in `error`; -ENOMEM.
 */
int command_parse(const struct command *command, int argc, char *const argv[],
		  struct command_line *line, char error[COMMAND_ERROR_MAX]);

void command_line_free(struct command_line *line);

/* The option of a table that `text` names: "--json", "--socket=/x", "-c". NULL: none. */
const struct command_arg *command_option(const struct command_arg *args, const char *text);

/* Where the value begins in "--socket=/x", NULL if there is none in it. */
const char *command_option_value(const char *text);

/* Whether it is an argument that begins with "-", followed by something that is no number. */
bool command_is_option(const char *text);

/* "VIP:PORT/PROTO", "weight N", "--timeout TIME", "encap ipip|gue|gue0". Returns buf. */
enum { COMMAND_ARG_TEXT_MAX = 128 };
const char *command_arg_text(const struct command_arg *arg, char buf[COMMAND_ARG_TEXT_MAX]);

/* Value of an argument that is the client's own. */
bool command_flag(const struct command_line *line, const char *name);
const char *command_text(const struct command_line *line, const char *name); /* NULL: not given */
json_int_t command_number(const struct command_line *line, const char *name, json_int_t fallback);

#endif
