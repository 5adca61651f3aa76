/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's arguments, read by the table that help prints of them (commands.h). Called by
 * main.c.
 */
#include "command_value.h"
#include "flow_text.h"
#include "near.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_SHOWN_MAX = 48 };

static bool is_place(const struct command_arg *arg)
{
	return isupper((unsigned char)arg->word[0]);
}

static bool is_option(const struct command_arg *arg)
{
	return arg->word[0] == '-';
}

/* "ipip|gue|gue0". A list that would fill the line is shortened to WORD; the help names them. */
static const char *words_text(const struct command_arg *arg, char buf[COMMAND_ARG_TEXT_MAX])
{
	enum_list(arg->words, "|", "|", buf, COMMAND_ARG_TEXT_MAX);
	return strlen(buf) <= WORDS_SHOWN_MAX ? buf : "WORD";
}

const char *command_arg_text(const struct command_arg *arg, char buf[COMMAND_ARG_TEXT_MAX])
{
	static const char *const values[] = {
		[VALUE_TEXT] = "TEXT",         [VALUE_SERVICE] = "SERVICE",
		[VALUE_BACKEND] = "BACKEND",   [VALUE_ENDPOINT] = "VIP:PORT/PROTO",
		[VALUE_FLOW] = "FLOW",         [VALUE_ADDRESS] = "ADDRESS",
		[VALUE_HOST] = "ADDRESS",      [VALUE_INTEGER] = "N",
		[VALUE_TIME] = "TIME",         [VALUE_FILE] = "FILE",
		[VALUE_KEYS] = "KEY=VALUE...",
	};

	char words[COMMAND_ARG_TEXT_MAX];

	if (is_place(arg) || arg->value == VALUE_NONE)
		snprintf(buf, COMMAND_ARG_TEXT_MAX, "%s", arg->word);
	else
		snprintf(buf, COMMAND_ARG_TEXT_MAX, "%s %s", arg->word,
			 arg->value == VALUE_WORD ? words_text(arg, words) : values[arg->value]);
	return buf;
}

/* The argument that `text` is for, or names. NULL: none. */
static const struct command_arg *arg_for(const struct command_reader *r, const char *text)
{
	if (command_is_option(text))
		return command_option(r->args, text);
	for (size_t i = 0; r->args && r->args[i].word; i++) {
		if (is_place(&r->args[i]) && !r->given[i])
			return &r->args[i];
	}
	for (size_t i = 0; r->args && r->args[i].word; i++) {
		if (!is_place(&r->args[i]) && strcmp(r->args[i].word, text) == 0)
			return &r->args[i];
	}
	return NULL;
}

/* What `text`, which is no argument, may stand for. */
static int refuse_unknown(struct command_reader *r, const char *text)
{
	bool option = command_is_option(text);
	struct near near = near_to(text);
	char mend[NEAR_WORD_MAX + 32];

	for (const struct command_arg *a = r->args; a && a->word; a++) {
		if (!is_place(a) && is_option(a) == option && !r->given[a - r->args])
			near_try(&near, a->word);
	}
	for (const struct command_arg *a = command_options; option && a->word; a++)
		near_try(&near, a->word);
	snprintf(r->error, COMMAND_ERROR_MAX, "\"%.64s\" is %s%s", text,
		 option ? "no option of this command" : "one argument too many",
		 near_text(&near, mend));
	return -EINVAL;
}

/* A flow in several words: from argv[*i] on all that are no options, joined. */
static void flow_join(char *const argv[], int argc, int *i, char text[FLOW_TEXT_MAX])
{
	size_t length = 0;

	text[0] = 0;
	for (; *i < argc && length < FLOW_TEXT_MAX; (*i)++) {
		if (command_is_option(argv[*i]) && strcmp(argv[*i], "->") != 0)
			return;
		length += (size_t)snprintf(text + length, FLOW_TEXT_MAX - length, "%s%s",
					   length ? " " : "", argv[*i]);
	}
}

/* Reads argv[*i], and moves on behind it and its value. */
static int parse_one(struct command_reader *r, char *const argv[], int argc, int *i)
{
	const char *text = argv[(*i)++], *wrong = NULL;
	const struct command_arg *arg = arg_for(r, text);
	const char *value = arg && is_option(arg) ? command_option_value(text) : NULL;
	char flow[FLOW_TEXT_MAX];

	if (!arg)
		return refuse_unknown(r, text);
	if (r->given[arg - r->args])
		wrong = "is given twice";
	else if (arg->value == VALUE_NONE && value)
		wrong = "takes no value";
	else if (!is_place(arg) && arg->value != VALUE_NONE && !value && *i == argc)
		wrong = "lacks its value";
	if (wrong) {
		snprintf(r->error, COMMAND_ERROR_MAX, "\"%s\" %s", arg->word, wrong);
		return -EINVAL;
	}
	r->given[arg - r->args] = true;
	if (!value && !is_place(arg) && arg->value != VALUE_NONE)
		value = argv[(*i)++];
	if (arg->value == VALUE_FLOW) {
		--*i;
		flow_join(argv, argc, i, flow);
		value = flow;
	}
	if (arg->value == VALUE_KEYS)
		return command_value_put_keys(r, arg, value, argv, argc, i);
	return command_value_put(r, arg, value ? value : text);
}

/* Of the words that stand for something to set. */
static bool is_any_given(const struct command_reader *r)
{
	bool any = false;

	for (size_t i = 0; r->args[i].word; i++)
		any = any || (r->given[i] && islower((unsigned char)r->args[i].word[0]));
	return any;
}

static int parse(struct command_reader *r, int argc, char *const argv[])
{
	for (int i = 0; i < argc;) {
		int rc = parse_one(r, argv, argc, &i);

		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; r->args && r->args[i].word; i++) {
		if (!r->given[i] && !r->args[i].optional) {
			snprintf(r->error, COMMAND_ERROR_MAX, "\"%s\" is missing", r->args[i].word);
			return -EINVAL;
		}
	}
	if (r->sets && !is_any_given(r)) {
		snprintf(r->error, COMMAND_ERROR_MAX, "nothing to set is given");
		return -EINVAL;
	}
	if (command_flag(r->line, "wait") && json_object_get(r->line->params, "dry_run")) {
		snprintf(r->error, COMMAND_ERROR_MAX,
			 "with --dry-run there is nothing to --wait for");
		return -EINVAL;
	}
	return 0;
}

int command_parse(const struct command *command, int argc, char *const argv[],
		  struct command_line *line, char error[COMMAND_ERROR_MAX])
{
	struct command_reader r = {
		.args = command->args, .line = line, .sets = command->sets, .error = error};
	int rc = -ENOMEM;

	error[0] = 0;
	*line = (struct command_line){
		.command = command, .params = json_object(), .own = json_object()};
	if (line->params && line->own)
		rc = parse(&r, argc, argv);
	if (rc < 0)
		command_line_free(line);
	return rc;
}

void command_line_free(struct command_line *line)
{
	json_decref(line->params);
	json_decref(line->own);
	*line = (struct command_line){.params = NULL};
}

bool command_flag(const struct command_line *line, const char *name)
{
	return json_is_true(json_object_get(line->own, name));
}

const char *command_text(const struct command_line *line, const char *name)
{
	return json_string_value(json_object_get(line->own, name));
}

json_int_t command_number(const struct command_line *line, const char *name, json_int_t fallback)
{
	const json_t *value = json_object_get(line->own, name);

	return value ? json_integer_value(value) : fallback;
}
