/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help, from the table of commands. Called by main.c.
 */
#include "command_help.h"

#include <string.h>

enum { WIDTH = 79, HELP_COLUMN = 26 };

/* Text at a column, broken at blanks before WIDTH. `at`: where the line is now. */
static void print_wrapped(FILE *out, const char *text, int column, int at)
{
	while (*text) {
		int word = (int)strcspn(text, " \n");

		if (at > column && at + 1 + word > WIDTH) {
			fputc('\n', out);
			at = 0;
		} else if (at > column) {
			fputc(' ', out);
			at++;
		}
		if (at < column) {
			fprintf(out, "%*s", column - at, "");
			at = column;
		}
		fprintf(out, "%.*s", word, text);
		at += word;
		text += word;
		text += *text != 0;
	}
	fputc('\n', out);
}

/* "  words      help" */
static void print_row(FILE *out, const char *words, const char *help)
{
	int at = 2 + (int)strlen(words);

	fprintf(out, "  %s", words);
	if (at + 2 > HELP_COLUMN) {
		fputc('\n', out);
		at = 0;
	}
	print_wrapped(out, help, HELP_COLUMN, at);
}

/* An argument as the usage line has it; blanks that must not be broken are \1. */
static int usage_arg(const struct command_arg *arg, char *buf, size_t buf_bytes)
{
	char text[COMMAND_ARG_TEXT_MAX];

	return snprintf(buf, buf_bytes, arg->optional ? "[%s]" : "%s", command_arg_text(arg, text));
}

void help_usage(const struct command *command, FILE *out)
{
	int at = fprintf(out, "usage: sluicectl %s", command->words);
	int column = (int)strlen("usage: sluicectl ");

	for (const struct command_arg *arg = command->args; arg && arg->word; arg++) {
		char text[COMMAND_ARG_TEXT_MAX + 2];
		int length = usage_arg(arg, text, sizeof(text));

		if (at + 1 + length > WIDTH) {
			fprintf(out, "\n%*s", column, "");
			at = column;
		} else {
			fputc(' ', out);
			at++;
		}
		fputs(text, out);
		at += length;
	}
	fputc('\n', out);
}

/* "  fall=1-100      3 if never given" */
static void print_keys(const struct command_arg *arg, FILE *out)
{
	fprintf(out, "\nkeys of %s, as sluice.conf(5) tells of them:\n", arg->word);
	for (const struct config_key *key = arg->keys; key->name; key++) {
		char form[KEY_VALUE_TEXT_MAX], text[KEY_VALUE_TEXT_MAX];
		char help[KEY_VALUE_TEXT_MAX + sizeof(" if never given")] =
			"must be given at first";
		const char *by_default = key_value_default(key, text);

		if (by_default)
			snprintf(help, sizeof(help), "%s%s", by_default,
				 *by_default ? " if never given" : "");
		print_row(out, key_value_form(key, form), help);
	}
}

static void print_args(const struct command_arg *args, FILE *out)
{
	for (; args->word; args++) {
		char text[COMMAND_ARG_TEXT_MAX], words[COMMAND_ARG_TEXT_MAX + 8];

		command_arg_text(args, text);
		if (args->letter)
			snprintf(words, sizeof(words), "-%c, %s", args->letter, text);
		else
			snprintf(words, sizeof(words), "%s", text);
		print_row(out, words, args->help);
	}
}

static void print_examples(const char *lines, FILE *out)
{
	fputs("\nexamples:\n", out);
	while (*lines) {
		int length = (int)strcspn(lines, "\n");

		fprintf(out, "  sluicectl %.*s\n", length, lines);
		lines += length;
		lines += *lines == '\n';
	}
}

static void help_one(const struct command *command, FILE *out)
{
	help_usage(command, out);
	fputc('\n', out);
	print_wrapped(out, command->help, 0, 0);
	if (command->text) {
		fputc('\n', out);
		print_wrapped(out, command->text, 0, 0);
	}
	if (command->args) {
		fputs("\narguments:\n", out);
		print_args(command->args, out);
	}
	for (const struct command_arg *arg = command->args; arg && arg->word; arg++) {
		if (arg->keys)
			print_keys(arg, out);
	}
	if (command->examples)
		print_examples(command->examples, out);
	fputs("\nsluicectl --help lists the options that all commands take.\n", out);
}

int help_commands(int argc, char *const argv[], FILE *out)
{
	const struct command *c, *only = NULL;
	int n = 0;

	for (size_t i = 0; (c = command_at(i)); i++) {
		if (command_matched(c, argc, argv) <= 0)
			continue;
		/* All its words are there, and maybe its arguments. */
		if (command_matched(c, argc, argv) == command_words(c)) {
			help_one(c, out);
			return 1;
		}
		only = c;
		n += !c->hidden;
	}
	if (n == 1)
		help_one(only, out);
	for (size_t i = 0; n > 1 && (c = command_at(i)); i++) {
		if (command_matched(c, argc, argv) > 0 && !c->hidden)
			print_row(out, c->words, c->help);
	}
	if (n > 1)
		fprintf(out, "\nsluicectl help %s ... tells more of one.\n", argv[0]);
	return n;
}

void help_all(FILE *out)
{
	fputs("usage: sluicectl [OPTIONS] COMMAND\n", out);
	for (const struct command_group *g = command_groups; g->title; g++) {
		fprintf(out, "\n%s:\n", g->title);
		for (const struct command *c = g->commands; c->words; c++) {
			if (!c->hidden)
				print_row(out, c->words, c->help);
		}
	}
	print_row(out, "help [COMMAND]",
		  "this text, or all there is on the commands that begin so");
	fputs("\nOptions:\n", out);
	print_args(command_options, out);
	fputs("\nExit status:\n", out);
#define X(id, status, when) print_row(out, #status, when);
	CLI_STATUSES(X)
#undef X
}

/* NULL stands for a null. */
static json_t *keys_json(const struct config_key *key)
{
	json_t *list = key ? json_array() : NULL;

	for (; key && key->name; key++) {
		char form[KEY_VALUE_TEXT_MAX], text[KEY_VALUE_TEXT_MAX];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s?}", "key", key->name, "form",
						      key_value_form(key, form), "default",
						      key_value_default(key, text)));
	}
	return list;
}

static json_t *args_json(const struct command_arg *args)
{
	json_t *list = json_array();

	for (; args && args->word; args++) {
		char text[COMMAND_ARG_TEXT_MAX], letter[2] = {args->letter, 0};

		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:b, s:s, s:o?}", "word",
						args->word, "form", command_arg_text(args, text),
						"letter", letter, "required", !args->optional,
						"help", args->help, "keys", keys_json(args->keys)));
	}
	return list;
}

static json_t *command_json(const struct command *command, const char *group)
{
	return json_pack("{s:s, s:s, s:s?, s:o, s:s, s:s?, s:s?}", "words", command->words, "group",
			 group, "method", command->method, "arguments", args_json(command->args),
			 "help", command->help, "text", command->text, "examples",
			 command->examples);
}

json_t *help_json(void)
{
	json_t *commands = json_array(), *statuses = json_array();

	for (const struct command_group *g = command_groups; g->title; g++) {
		for (const struct command *c = g->commands; c->words; c++) {
			if (!c->hidden)
				json_array_append_new(commands, command_json(c, g->title));
		}
	}
#define X(id, status, when) \
	json_array_append_new(statuses, json_pack("{s:i, s:s}", "status", status, "when", when));
	CLI_STATUSES(X)
#undef X
	return json_pack("{s:o, s:o, s:o}", "commands", commands, "options",
			 args_json(command_options), "exit_statuses", statuses);
}
