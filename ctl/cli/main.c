/* SPDX-License-Identifier: Apache-2.0
 *
 * sluicectl: asks sluiced, and shows what it answers. Exit status: 0 done, 1 refused or failed,
 * 2 usage.
 */
#include "client.h"
#include "commands.h"
#include "drain_wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_DEFAULT "/run/sluice/control.sock"

enum exit_status {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
};

struct options {
	bool json, all, help, version;
	const char *socket;
};

enum option_id { OPTION_JSON, OPTION_ALL, OPTION_SOCKET, OPTION_HELP, OPTION_VERSION };

static const struct {
	const char *name, *value, *help;
} option_rows[] = {
	[OPTION_JSON] = {"--json", NULL, "prints the result as it came, for programs"},
	[OPTION_ALL] = {"--all", NULL, "show counters: with the rows of 0"},
	[OPTION_SOCKET] = {"--socket", "PATH",
			   "sluiced's control socket (else $SLUICE_SOCKET, or " SOCKET_DEFAULT ")"},
	[OPTION_HELP] = {"--help", NULL, "help, on one command if one is named"},
	[OPTION_VERSION] = {"--version", NULL, "sluicectl's own version"},
};

static int usage_error(const char *text)
{
	fprintf(stderr, "sluicectl: %s\n", text);
	return EXIT_USAGE;
}

/* Of a command: with its own form. */
static int usage_error_of(const struct command *command, const char *text)
{
	fprintf(stderr, "sluicectl %s: %s\nusage: sluicectl %s %s\n", command->words, text,
		command->words, command->args);
	return EXIT_USAGE;
}

static int help(int argc, char *const argv[])
{
	if (argc > 0) {
		if (command_help(argc, argv, stdout) > 0)
			return EXIT_DONE;
		return usage_error("help: no such command; sluicectl help lists them");
	}
	fputs("usage: sluicectl [OPTIONS] COMMAND\n\ncommands:\n", stdout);
	command_help(0, NULL, stdout);
	fputs("  help [COMMAND]\n      this text, or that of the commands that begin so\n"
	      "\noptions:\n",
	      stdout);
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++)
		printf("  %s%s%s\n      %s\n", option_rows[i].name, option_rows[i].value ? " " : "",
		       option_rows[i].value ? option_rows[i].value : "", option_rows[i].help);
	fputs("\nexit status: 0 done, 1 refused or failed, 2 usage\n", stdout);
	return EXIT_DONE;
}

static void option_set(struct options *options, size_t id, const char *value)
{
	switch ((enum option_id)id) {
	case OPTION_JSON:
		options->json = true;
		break;
	case OPTION_ALL:
		options->all = true;
		break;
	case OPTION_SOCKET:
		options->socket = value;
		break;
	case OPTION_HELP:
		options->help = true;
		break;
	case OPTION_VERSION:
		options->version = true;
		break;
	}
}

static bool option_known(const char *text)
{
	size_t length = strcspn(text, "=");

	for (size_t id = 0; id < sizeof(option_rows) / sizeof(option_rows[0]); id++) {
		if (strlen(option_rows[id].name) == length &&
		    memcmp(option_rows[id].name, text, length) == 0)
			return true;
	}
	return false;
}

/* Reads argv[*i] and moves on behind it. Returns 0 or EXIT_USAGE. */
static int option_read(struct options *options, char *const argv[], int *i)
{
	const char *text = argv[(*i)++];
	size_t length = strcspn(text, "=");
	char error[160];

	for (size_t id = 0; id < sizeof(option_rows) / sizeof(option_rows[0]); id++) {
		const char *value = text[length] ? text + length + 1 : NULL;

		if (strlen(option_rows[id].name) != length ||
		    memcmp(option_rows[id].name, text, length) != 0)
			continue;
		if (option_rows[id].value && !value && argv[*i])
			value = argv[(*i)++];
		if (!option_rows[id].value == !value) {
			option_set(options, id, value);
			return 0;
		}
		snprintf(error, sizeof(error), "%s %s", option_rows[id].name,
			 value ? "takes no value" : "lacks its value");
		return usage_error(error);
	}
	snprintf(error, sizeof(error), "no option \"%.64s\"; sluicectl --help lists them", text);
	return usage_error(error);
}

static void print_json(const json_t *result)
{
	json_dumpf(result, stdout, isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT);
	fputc('\n', stdout);
}

/* After a drain has begun. */
static int wait_for_drain(const struct options *options, const json_t *params)
{
	const struct drain_watch watch = {
		.socket_path = options->socket,
		.service = show_text(params, "service"),
		.backend = show_text(params, "backend"),
		.interval_ms = DRAIN_INTERVAL_MS,
		.out = options->json ? NULL : stdout,
		.terminal = isatty(STDOUT_FILENO),
	};
	char line[CLIENT_ERROR_MAX];
	json_t *result;
	int rc = drain_wait(&watch, &result, line);

	if (options->json && result)
		print_json(result);
	else if (rc < 0 && rc != -ECANCELED)
		fprintf(stderr, "sluicectl: %s\n", line);
	json_decref(result);
	return rc < 0 ? EXIT_REFUSED : EXIT_DONE;
}

static int ask(const struct options *options, const struct command *command,
	       const struct command_line *line)
{
	const struct show show = {.out = stdout, .all = options->all};
	char error[CLIENT_ERROR_MAX];
	json_t *result;
	int rc;

	rc = client_request(options->socket, command->method, line->params, CLIENT_TIMEOUT_MS,
			    &result, error);
	if (rc < 0) {
		fprintf(stderr, "sluicectl: %s\n", error);
		return EXIT_REFUSED;
	}
	if (!options->json)
		command->show(&show, result);
	else if (!line->wait)
		print_json(result);
	json_decref(result);
	return line->wait ? wait_for_drain(options, line->params) : EXIT_DONE;
}

static int run(const struct options *options, int argc, char *const argv[])
{
	char usage[COMMAND_ERROR_MAX];
	const struct command *command = command_find(argc, argv, usage);
	struct command_line line;
	int words, rc, status;

	if (!command)
		return usage_error(usage);
	words = command_words(command);
	rc = command_parse(command, argc - words, argv + words, &line, usage);
	if (rc < 0)
		return usage_error_of(command, rc == -EINVAL ? usage : strerror(-rc));
	status = ask(options, command, &line);
	json_decref(line.params);
	return status;
}

static int dispatch(const struct options *options, int argc, char *const argv[])
{
	if (options->version) {
		printf("sluicectl %s\n", SLUICE_VERSION);
		return EXIT_DONE;
	}
	if (argc > 0 && strcmp(argv[0], "help") == 0)
		return help(argc - 1, argv + 1);
	if (options->help)
		return help(argc, argv);
	return run(options, argc, argv);
}

int main(int argc, char *argv[])
{
	const char *env = getenv("SLUICE_SOCKET");
	struct options options = {.socket = env && env[0] ? env : SOCKET_DEFAULT};
	int words_n = 0, status;

	/* Options stand anywhere, a command's own behind its words, for it to read; the words are
	 * moved together at argv's start. */
	for (int i = 1; i < argc;) {
		bool own = words_n > 0 && !option_known(argv[i]);

		if (own || strncmp(argv[i], "--", 2) != 0) {
			argv[words_n++] = argv[i++];
			continue;
		}
		status = option_read(&options, argv, &i);
		if (status != EXIT_DONE)
			return status;
	}
	status = dispatch(&options, words_n, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "sluicectl: can't write the output: %s\n", strerror(errno));
		return EXIT_REFUSED;
	}
	return status;
}
