/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluicectl: asks sluiced, and shows what it answers. The exit statuses are in cli.h.
 */
#include "client.h"
#include "command_help.h"
#include "commands.h"
#include "complete.h"
#include "near.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	struct cli cli;
	bool help, version;
};

/* Of a command: with its own form. */
static enum cli_status usage_error(const struct command *command, const char *text)
{
	fprintf(stderr, "sluicectl %s: %s\n", command->words, text);
	help_usage(command, stderr);
	fprintf(stderr, "sluicectl help %s tells more.\n", command->words);
	return CLI_USAGE;
}

static enum cli_status help(const struct options *options, int argc, char *const argv[])
{
	char error[COMMAND_ERROR_MAX];

	if (options->cli.json) {
		json_t *all = help_json();

		cli_print_json(all);
		json_decref(all);
		return CLI_DONE;
	}
	if (argc == 0)
		help_all(stdout);
	else if (help_commands(argc, argv, stdout) == 0) {
		command_find(argc, argv, error);
		cli_error("help: %s", error);
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static bool color_wanted(enum cli_color when)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (when != CLI_COLOR_AUTO)
		return when == CLI_COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && (!no_color || !no_color[0]) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static enum cli_status option_set(struct options *options, const char *word, const char *value)
{
	char all[ENUM_LIST_MAX];

	if (strcmp(word, "--json") == 0) {
		options->cli.json = true;
	} else if (strcmp(word, "--socket") == 0) {
		options->cli.socket = value;
	} else if (strcmp(word, "--help") == 0) {
		options->help = true;
	} else if (strcmp(word, "--version") == 0) {
		options->version = true;
	} else if (enum_parse(cli_color_words, value) < 0) {
		cli_error("--color: \"%.64s\" is none of: %s", value,
			  enum_list(cli_color_words, " ", " ", all, sizeof(all)));
		return CLI_USAGE;
	} else {
		options->cli.color =
			color_wanted((enum cli_color)enum_parse(cli_color_words, value));
	}
	return CLI_DONE;
}

/* Reads argv[*i], an option of all commands, and moves on behind it. */
static enum cli_status option_read(struct options *options, char *const argv[], int *i)
{
	const char *text = argv[(*i)++], *value = command_option_value(text);
	const struct command_arg *arg = command_option(command_options, text);
	char mend[NEAR_WORD_MAX + 32];

	if (!arg) {
		struct near near = near_to(text);

		for (arg = command_options; arg->word; arg++)
			near_try(&near, arg->word);
		cli_error("no option \"%.64s\"%s (sluicectl --help lists them)", text,
			  near_text(&near, mend));
		return CLI_USAGE;
	}
	if (arg->value != VALUE_NONE && !value && argv[*i])
		value = argv[(*i)++];
	if ((arg->value == VALUE_NONE) == !value)
		return option_set(options, arg->word, value);
	cli_error("%s %s", arg->word, value ? "takes no value" : "lacks its value");
	return CLI_USAGE;
}

static enum cli_status run(const struct options *options, int argc, char *const argv[])
{
	char usage[COMMAND_ERROR_MAX];
	const struct command *command = command_find(argc, argv, usage);
	struct command_line line;
	enum cli_status status;
	int words, rc;

	if (!command) {
		cli_error("%s", usage);
		return CLI_USAGE;
	}
	words = command_words(command);
	rc = command_parse(command, argc - words, argv + words, &line, usage);
	if (rc < 0)
		return usage_error(command, rc == -EINVAL ? usage : strerror(-rc));
	status = command->run ? command->run(&options->cli, &line) : cli_ask(&options->cli, &line);
	command_line_free(&line);
	return status;
}

static enum cli_status dispatch(const struct options *options, int argc, char *const argv[])
{
	if (options->version) {
		if (options->cli.json)
			printf("{\"version\":\"%s\"}\n", SLUICE_VERSION);
		else
			printf("sluicectl %s\n", SLUICE_VERSION);
		return CLI_DONE;
	}
	if (argc > 0 && strcmp(argv[0], "help") == 0)
		return help(options, argc - 1, argv + 1);
	if (options->help)
		return help(options, argc, argv);
	return run(options, argc, argv);
}

int main(int argc, char *argv[])
{
	const char *env = getenv("SLUICE_SOCKET");
	struct options options = {.cli = {.socket = env && env[0] ? env : CLI_SOCKET_DEFAULT,
					  .color = color_wanted(CLI_COLOR_AUTO)}};
	enum cli_status status;
	int words_n = 0;

	/* For a shell: its words are not ours to judge. */
	if (argc > 1 && strcmp(argv[1], "complete") == 0) {
		complete_print(argc - 2, argv + 2, options.cli.socket, stdout);
		return CLI_DONE;
	}
	/* Options stand anywhere, a command's own behind its words, for it to read; the words are
	 * moved together at argv's start. */
	for (int i = 1; i < argc;) {
		bool own = words_n > 0 && !command_option(command_options, argv[i]);

		if (own || !command_is_option(argv[i])) {
			argv[words_n++] = argv[i++];
			continue;
		}
		status = option_read(&options, argv, &i);
		if (status != CLI_DONE)
			return (int)status;
	}
	argv[words_n] = NULL;
	status = dispatch(&options, words_n, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_error("can't write the output: %s", strerror(errno));
		return CLI_FAILED;
	}
	return (int)status;
}
