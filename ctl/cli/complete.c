/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion, from the table of commands and the daemon's names. Called by main.c.
 */
#include "complete.h"

#include "client.h"
#include "commands.h"

#include <ctype.h>
#include <string.h>

enum { WORDS_MAX = 64 };

struct completion {
	const char *socket, *current;
	char prefix[COMMAND_NAME_MAX + 2]; /* of each candidate: "--service=" */
	FILE *out;

	/* What stands before: words, without the options of all commands. */
	char *words[WORDS_MAX];
	int words_n;
	const struct command *command; /* that they begin with; NULL: none yet */
	bool help;                     /* they began with "help" */

	bool given[COMMAND_ARGS_MAX];    /* command->args[i] */
	const struct command_arg *lacks; /* its value: the current word is */
	int keys_n;                      /* of `lacks`, where it takes several KEY=VALUE */
	const char *service;             /* that was named */
};

static void candidate(const struct completion *c, const char *text)
{
	if (strncmp(text, c->current, strlen(c->current)) == 0)
		fprintf(c->out, "%s%s\n", c->prefix, text);
}

static void candidates(const struct completion *c, const char *const words[])
{
	for (size_t i = 0; words[i]; i++)
		candidate(c, words[i]);
}

/* A member of what a method lists. */
static void names(const struct completion *c, const char *method, const char *list,
		  const char *member, const char *service)
{
	json_t *params = json_object(), *result = NULL, *row;
	char error[CLIENT_ERROR_MAX];
	size_t i;

	if (service)
		json_object_set_new(params, "service", json_string(service));
	if (client_request(c->socket, method, params, COMPLETE_TIMEOUT_MS, &result, error) == 0) {
		json_array_foreach (json_object_get(result, list), i, row)
			candidate(c, show_text(row, member));
	}
	json_decref(result);
	json_decref(params);
}

/* What may follow "KEY=", or the keys. */
static void keys_of(struct completion *c, const struct command_arg *arg)
{
	const struct config_key *key = key_value_key(arg->keys, c->current);

	if (key_value_is(c->current)) {
		snprintf(c->prefix, sizeof(c->prefix), "%.*s",
			 (int)(strchr(c->current, '=') - c->current) + 1, c->current);
		c->current = strchr(c->current, '=') + 1;
		if (key && key->choices)
			candidates(c, key->choices);
		return;
	}
	for (key = arg->keys; key->name; key++) {
		char word[COMMAND_NAME_MAX];

		snprintf(word, sizeof(word), "%s=", key->name);
		candidate(c, word);
	}
}

static void value_of(const struct completion *c, const struct command_arg *arg)
{
	switch (arg->value) {
	case VALUE_SERVICE:
		names(c, "services.list", "services", "name", NULL);
		break;
	case VALUE_BACKEND:
		names(c, "backends.list", "backends", "name", c->service);
		break;
	case VALUE_HOST:
		names(c, "hosts.list", "hosts", "address", NULL);
		break;
	case VALUE_WORD:
		candidates(c, arg->words);
		break;
	case VALUE_FILE:
		fputs(COMPLETE_FILES "\n", c->out);
		break;
	case VALUE_KEYS: /* keys_of() */
	case VALUE_NONE:
	case VALUE_TEXT:
	case VALUE_ENDPOINT:
	case VALUE_FLOW:
	case VALUE_ADDRESS:
	case VALUE_INTEGER:
	case VALUE_TIME:
		break; /* for people to know */
	}
}

/* Those of the command that are not there yet. */
static void options(const struct completion *c)
{
	for (const struct command_arg *arg = c->command ? c->command->args : NULL; arg && arg->word;
	     arg++) {
		if (arg->word[0] == '-' && !c->given[arg - c->command->args])
			candidate(c, arg->word);
	}
}

static void options_of_all(const struct completion *c)
{
	for (const struct command_arg *arg = command_options; arg->word; arg++)
		candidate(c, arg->word);
}

/* What may follow the command's words, and the arguments that are there. */
static void arguments(const struct completion *c)
{
	const struct command_arg *args = c->command->args;
	bool keywords = false;

	for (int i = 0; args && args[i].word; i++) {
		if (!c->given[i] && isupper((unsigned char)args[i].word[0])) {
			value_of(c, &args[i]);
			return;
		}
	}
	for (int i = 0; args && args[i].word; i++) {
		if (!c->given[i] && islower((unsigned char)args[i].word[0])) {
			candidate(c, args[i].word);
			keywords = true;
		}
	}
	if (!keywords)
		options(c);
}

/* The word of a command that follows those that are there. False: it doesn't begin so. */
static bool next_word(const struct completion *c, const struct command *command,
		      char word[COMMAND_NAME_MAX])
{
	const char *next = command->words;

	if (command->hidden || command_matched(command, c->words_n, c->words) != c->words_n)
		return false;
	for (int n = 0; n < c->words_n; n++) {
		next = strchr(next, ' ');
		if (!next++)
			return false;
	}
	snprintf(word, COMMAND_NAME_MAX, "%.*s", (int)strcspn(next, " "), next);
	return true;
}

/* Each once, though many commands have it. */
static void next_words(const struct completion *c)
{
	const struct command *command, *earlier;
	char word[COMMAND_NAME_MAX], other[COMMAND_NAME_MAX];

	for (size_t i = 0; (command = command_at(i)); i++) {
		bool seen = false;

		if (!next_word(c, command, word))
			continue;
		for (size_t j = 0; j < i && (earlier = command_at(j)); j++)
			seen = seen || (next_word(c, earlier, other) && strcmp(other, word) == 0);
		if (!seen)
			candidate(c, word);
	}
	if (c->words_n == 0 && !c->help)
		candidate(c, "help");
}

/* Takes note of one of the command's arguments. */
static void pass_argument(struct completion *c, const char *text)
{
	const struct command_arg *args = c->command->args, *arg = NULL;

	if (c->lacks && c->lacks->value == VALUE_KEYS && (key_value_is(text) || c->keys_n == 0)) {
		c->keys_n++;
		return;
	}
	if (c->lacks && c->lacks->value != VALUE_KEYS) {
		arg = c->lacks;
		c->lacks = NULL;
	} else if (command_is_option(text)) {
		arg = command_option(args, text);
		if (arg && arg->value != VALUE_NONE && !command_option_value(text))
			c->lacks = arg;
		else if (arg)
			text = command_option_value(text);
	} else {
		for (int i = 0; !arg && args && args[i].word; i++) {
			if (!c->given[i] && isupper((unsigned char)args[i].word[0]))
				arg = &args[i];
		}
		c->lacks = NULL;
		for (int i = 0; !arg && args && args[i].word; i++) {
			if (strcmp(args[i].word, text) == 0)
				arg = c->lacks = &args[i];
		}
	}
	if (!arg)
		return;
	c->given[arg - args] = true;
	if (!c->lacks && arg->value == VALUE_SERVICE)
		c->service = text;
}

static void pass(struct completion *c, char *text)
{
	char error[COMMAND_ERROR_MAX];

	if (c->command) {
		pass_argument(c, text);
	} else if (c->words_n == 0 && !c->help && strcmp(text, "help") == 0) {
		c->help = true;
	} else if (c->words_n < WORDS_MAX) {
		c->words[c->words_n++] = text;
		c->command = command_find(c->words_n, c->words, error);
	}
}

/* Reads the words before the last one. */
static void pass_all(struct completion *c, int argc, char *const argv[])
{
	for (int i = 0; i + 1 < argc; i++) {
		const struct command_arg *arg = NULL;

		if (!c->lacks && command_is_option(argv[i]))
			arg = command_option(command_options, argv[i]);
		if (!arg) {
			pass(c, argv[i]);
			continue;
		}
		if (arg->value == VALUE_NONE)
			continue;
		if (strcmp(arg->word, "--socket") == 0 && command_option_value(argv[i]))
			c->socket = command_option_value(argv[i]);
		if (command_option_value(argv[i]))
			continue;
		if (i + 2 == argc)
			c->lacks = arg;
		else if (strcmp(arg->word, "--socket") == 0)
			c->socket = argv[i + 1];
		i++;
	}
}

/* "--service=we": the option, whose value the rest is. NULL: it is none. */
static const struct command_arg *split_option(struct completion *c)
{
	const char *value = command_option_value(c->current);
	const struct command_arg *arg = command_option(command_options, c->current);

	if (!value)
		return NULL;
	if (!arg && c->command)
		arg = command_option(c->command->args, c->current);
	if (!arg)
		return NULL;
	snprintf(c->prefix, sizeof(c->prefix), "%s=", arg->word);
	c->current = value;
	return arg;
}

void complete_print(int argc, char *const argv[], const char *socket_path, FILE *out)
{
	struct completion c = {.socket = socket_path, .out = out};
	const struct command_arg *option;

	if (argc == 0)
		return;
	c.current = argv[argc - 1];
	pass_all(&c, argc, argv);
	option = c.lacks ? NULL : split_option(&c);
	if (c.lacks && c.lacks->keys) {
		if (c.keys_n > 0 && !key_value_is(c.current))
			arguments(&c);
		keys_of(&c, c.lacks);
	} else if (c.lacks) {
		value_of(&c, c.lacks);
	} else if (option) {
		value_of(&c, option);
	} else if (c.current[0] == '-') {
		options(&c);
		options_of_all(&c);
	} else if (c.command && !c.help) {
		arguments(&c);
	} else if (!c.command) {
		next_words(&c);
	}
}
