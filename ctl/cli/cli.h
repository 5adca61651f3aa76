/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command of sluicectl gets: where the daemon is, and how to print; and the exit
 * statuses. Made by main.c.
 */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "words.h"

#define CLI_SOCKET_DEFAULT "/run/sluice/control.sock"

/* X(identifier, status, when) */
#define CLI_STATUSES(X)                                                      \
	X(DONE, 0, "done")                                                   \
	X(FAILED, 1, "sluiced refused it, or it failed; stderr says why")    \
	X(USAGE, 2, "the command line is wrong, and nothing was asked")      \
	X(UNREACHABLE, 3,                                                    \
	  "sluiced can't be asked: it is not running, gives no permission, " \
	  "or doesn't answer in time")

enum cli_status {
#define X(id, status, when) CLI_##id = (status),
	CLI_STATUSES(X)
#undef X
};

/* Of --color. X(identifier, word); words.h */
#define CLI_COLORS(X)                 \
	X(CLI_COLOR_AUTO, "auto")     \
	X(CLI_COLOR_ALWAYS, "always") \
	X(CLI_COLOR_NEVER, "never")

enum cli_color { CLI_COLORS(ENUM_ID) };

ENUM_DECLARE(cli_color);

struct cli {
	const char *socket;
	bool json;  /* results as they came, for programs */
	bool color; /* on stdout */
};

struct command;
struct command_line;

/* Asks the daemon. CLI_DONE with *result, a new reference; else the reason is on stderr by then.
 * `params` stays the caller's. */
enum cli_status cli_request(const struct cli *cli, const char *method, json_t *params,
			    json_t **result);

/* Asks the command's method, and shows its result, or prints it as JSON. */
enum cli_status cli_ask(const struct cli *cli, const struct command_line *line);

/* One line; indented on a terminal. */
void cli_print_json(const json_t *result);

/* A line on stderr: "sluicectl: ..." */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
