/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the command that is meant, and what all commands have in common. Called by main.c,
 * command_help.c and complete.c.
 */
#include "commands.h"
#include "near.h"

#include <stdio.h>
#include <string.h>

ENUM_DEFINE(cli_color, CLI_COLORS);

const struct command_group command_groups[] = {
	{"Looking", commands_show},      {"Seeing why", commands_why},
	{"Changing", commands_change},   {"Configuration", commands_config},
	{"The daemon", commands_daemon}, {.title = NULL},
};

const struct command_arg command_options[] = {
	{"--json", VALUE_NONE, true, .own = true,
	 .help = "prints the result as it came, for programs (docs/json.md has its form)"},
	{"--socket", VALUE_FILE, true, .own = true,
	 .help = "sluiced's control socket; else $SLUICE_SOCKET, else " CLI_SOCKET_DEFAULT},
	{"--color", VALUE_WORD, true, .own = true, .words = cli_color_words,
	 .help = "auto, if not given: on a terminal, unless $NO_COLOR is set"},
	{"--help", VALUE_NONE, true, .own = true, .letter = 'h',
	 .help = "help, on one command if one is named"},
	{"--version", VALUE_NONE, true, .own = true, .help = "sluicectl's own version"},
	{.word = NULL},
};

const struct command *command_at(size_t index)
{
	for (const struct command_group *group = command_groups; group->title; group++) {
		for (const struct command *c = group->commands; c->words; c++) {
			if (index-- == 0)
				return c;
		}
	}
	return NULL;
}

int command_matched(const struct command *command, int argc, char *const argv[])
{
	const char *word = command->words;
	int n = 0;

	while (n < argc && *word) {
		size_t length = strcspn(word, " ");

		if (strlen(argv[n]) != length || memcmp(argv[n], word, length) != 0)
			return -1;
		word += length;
		word += *word == ' ';
		n++;
	}
	return n;
}

int command_words(const struct command *command)
{
	int n = 1;

	for (const char *c = command->words; *c; c++)
		n += *c == ' ';
	return n;
}

/* The first n words of argv, as a command's are written. */
static void join(int n, int argc, char *const argv[], char text[NEAR_WORD_MAX])
{
	size_t length = 0;

	text[0] = 0;
	for (int i = 0; i < n && i < argc && length < NEAR_WORD_MAX; i++)
		length += (size_t)snprintf(text + length, NEAR_WORD_MAX - length, "%s%s",
					   i > 0 ? " " : "", argv[i]);
}

/* What may stand for the words that no command has. */
static const struct command *command_near(int argc, char *const argv[])
{
	const struct command *best = NULL, *c;
	unsigned int best_distance = ~0u;

	for (size_t i = 0; (c = command_at(i)); i++) {
		char text[NEAR_WORD_MAX];
		struct near near;

		if (c->hidden)
			continue;
		join(command_words(c), argc, argv, text);
		near = near_to(text);
		near_try(&near, c->words);
		if (near.best && near.distance < best_distance) {
			best = c;
			best_distance = near.distance;
		}
	}
	return best;
}

static void no_command(int argc, char *const argv[], char error[COMMAND_ERROR_MAX])
{
	const struct command *near = command_near(argc, argv);
	char words[NEAR_WORD_MAX];

	join(near ? command_words(near) : 1, argc, argv, words);
	if (near)
		snprintf(error, COMMAND_ERROR_MAX,
			 "no command \"%s\"; did you mean \"%s\"? (sluicectl help lists them)",
			 words, near->words);
	else
		snprintf(error, COMMAND_ERROR_MAX, "no command \"%s\"; sluicectl help lists them",
			 words);
}

const struct command *command_find(int argc, char *const argv[], char error[COMMAND_ERROR_MAX])
{
	char nouns[COMMAND_ERROR_MAX] = "", *second = argc > 1 ? argv[1] : NULL;
	struct near near = near_to(second ? second : "");
	const struct command *c;
	size_t length = 0;

	if (argc == 0) {
		snprintf(error, COMMAND_ERROR_MAX, "no command; sluicectl help lists them");
		return NULL;
	}
	for (size_t i = 0; (c = command_at(i)); i++) {
		if (command_matched(c, argc, argv) == command_words(c))
			return c;
		/* "show", or "show foo": what could follow the first word? */
		if (command_matched(c, 1, argv) != 1 || c->hidden || !strchr(c->words, ' '))
			continue;
		near_try(&near, strchr(c->words, ' ') + 1);
		if (length < sizeof(nouns))
			length += (size_t)snprintf(nouns + length, sizeof(nouns) - length, "%s%s",
						   length ? ", " : "", strchr(c->words, ' ') + 1);
	}
	if (length == 0)
		no_command(argc, argv, error);
	else if (second && near.best)
		snprintf(error, COMMAND_ERROR_MAX,
			 "%.64s %.64s: no such command; did you mean \"%.64s %s\"? one of: %.200s",
			 argv[0], second, argv[0], near.best, nouns);
	else
		snprintf(error, COMMAND_ERROR_MAX, "%.64s what? one of: %.400s", argv[0], nouns);
	return NULL;
}

const char *command_option_value(const char *text)
{
	const char *equals = strncmp(text, "--", 2) == 0 ? strchr(text, '=') : NULL;

	return equals ? equals + 1 : NULL;
}

const struct command_arg *command_option(const struct command_arg *args, const char *text)
{
	size_t length = strcspn(text, "=");

	for (; args && args->word; args++) {
		if (args->word[0] != '-')
			continue;
		if (strlen(args->word) == length && memcmp(args->word, text, length) == 0)
			return args;
		if (args->letter && text[0] == '-' && text[1] == args->letter && !text[2])
			return args;
	}
	return NULL;
}

bool command_is_option(const char *text)
{
	return text[0] == '-' && text[1] && !strchr("0123456789>", text[1]);
}
