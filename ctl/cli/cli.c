/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking and showing, as most commands do it. Called by main.c and the commands' own functions.
 */
#include "cli.h"

#include "client.h"
#include "commands.h"
#include "unknown.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

void cli_error(const char *format, ...)
{
	va_list args;

	fputs("sluicectl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void cli_print_json(const json_t *result)
{
	json_dumpf(result, stdout,
		   JSON_REAL_PRECISION(9) |
			   (isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT));
	fputc('\n', stdout);
}

enum cli_status cli_request(const struct cli *cli, const char *method, json_t *params,
			    json_t **result)
{
	char error[CLIENT_ERROR_MAX], mend[UNKNOWN_TEXT_MAX] = "";
	int rc = client_request(cli->socket, method, params, CLIENT_TIMEOUT_MS, result, error);

	if (rc == 0)
		return CLI_DONE;
	if (rc == -ESRCH)
		unknown_mend(cli->socket, params, mend);
	cli_error("%s%s", error, mend);
	return rc == -ESRCH || rc == -EREMOTEIO ? CLI_FAILED : CLI_UNREACHABLE;
}

enum cli_status cli_ask(const struct cli *cli, const struct command_line *line)
{
	/* A command has one of them, if any. */
	const struct show show = {.out = stdout,
				  .all = command_flag(line, "all") || command_flag(line, "diff"),
				  .color = cli->color};
	enum cli_status status;
	json_t *result;

	status = cli_request(cli, line->command->method, line->params, &result);
	if (status != CLI_DONE)
		return status;
	if (cli->json)
		cli_print_json(result);
	else
		line->command->show(&show, result);
	json_decref(result);
	return CLI_DONE;
}
