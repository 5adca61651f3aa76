/* SPDX-License-Identifier: Apache-2.0
 *
 * A command's arguments, read by the very text that help prints of them (commands.h). Called by
 * main.c.
 */
#include "commands.h"
#include "duration.h"
#include "endpoint.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARGS_MAX = 12,
	WORD_MAX = 24,
};

enum arg_kind {
	ARG_PLACE,   /* a value by its place */
	ARG_KEYWORD, /* its name, and a value behind it */
	ARG_OPTION,  /* --name, and a value behind it */
	ARG_FLAG,    /* --name alone */
};

enum value_kind { VALUE_TEXT, VALUE_INTEGER, VALUE_TIME };

/* One of the command's arguments. */
struct arg {
	char word[WORD_MAX]; /* as help writes it */
	enum arg_kind kind;
	enum value_kind value;
	bool optional;
	bool given;
};

struct args {
	struct arg list[ARGS_MAX];
	int n;
};

/* Takes the next word of the text, without its brackets. False: there is none. */
static bool next_word(const char **text, char word[WORD_MAX], bool *optional)
{
	size_t length;

	*text += strspn(*text, " ");
	*optional = *optional || **text == '[';
	*text += **text == '[';
	length = strcspn(*text, " ]");
	if (length == 0 || length >= WORD_MAX)
		return false;
	memcpy(word, *text, length);
	word[length] = 0;
	*text += length;
	return true;
}

static bool is_option(const char *text)
{
	return strncmp(text, "--", 2) == 0;
}

static enum value_kind value_kind(const char *word)
{
	if (strcmp(word, "N") == 0)
		return VALUE_INTEGER;
	return strcmp(word, "TIME") == 0 ? VALUE_TIME : VALUE_TEXT;
}

/* "SERVICE BACKEND [weight N] [--timeout TIME] [--wait]" */
static struct args args_of(const struct command *command)
{
	struct args args = {.n = 0};
	const char *text = command->args;
	bool optional = false;
	char word[WORD_MAX];

	while (args.n < ARGS_MAX && next_word(&text, word, &optional)) {
		struct arg *arg = &args.list[args.n++];

		memcpy(arg->word, word, sizeof(word));
		arg->optional = optional;
		if (is_option(word))
			arg->kind = *text == ']' ? ARG_FLAG : ARG_OPTION;
		else
			arg->kind = islower((unsigned char)word[0]) ? ARG_KEYWORD : ARG_PLACE;
		if ((arg->kind == ARG_KEYWORD || arg->kind == ARG_OPTION) &&
		    next_word(&text, word, &optional))
			arg->value = value_kind(word);
		if (*text == ']') {
			optional = false;
			text++;
		}
	}
	return args;
}

static int put_endpoint(json_t *params, const char *text, char error[COMMAND_ERROR_MAX])
{
	struct endpoint e;
	const char *wrong = endpoint_parse(text, &e);

	if (wrong) {
		snprintf(error, COMMAND_ERROR_MAX, "\"%.100s\": %s", text, wrong);
		return -EINVAL;
	}
	if (json_object_set_new(params, "vip", json_string(e.vip)) < 0 ||
	    json_object_set_new(params, "port", json_integer(e.port)) < 0 ||
	    json_object_set_new(params, "protocol", json_string(e.proto)) < 0)
		return -ENOMEM;
	return 0;
}

static int put_integer(json_t *params, const struct arg *arg, const char *name, const char *text,
		       char error[COMMAND_ERROR_MAX])
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end || isspace((unsigned char)text[0])) {
		snprintf(error, COMMAND_ERROR_MAX, "%s: \"%.64s\" is no number", arg->word, text);
		return -EINVAL;
	}
	return json_object_set_new(params, name, json_integer(value)) < 0 ? -ENOMEM : 0;
}

static int put_time(json_t *params, const struct arg *arg, const char *name, const char *text,
		    char error[COMMAND_ERROR_MAX])
{
	char name_s[WORD_MAX + sizeof("_s")];
	uint32_t seconds;

	if (!duration_parse(text, &seconds)) {
		snprintf(error, COMMAND_ERROR_MAX,
			 "%s: \"%.64s\" is no time such as 90, 90s, 10m, 1h", arg->word, text);
		return -EINVAL;
	}
	snprintf(name_s, sizeof(name_s), "%s_s", name);
	return json_object_set_new(params, name_s, json_integer(seconds)) < 0 ? -ENOMEM : 0;
}

/* The method's parameter: "--dry-run" is dry_run. */
static void param_name(const struct arg *arg, char name[WORD_MAX])
{
	const char *word = arg->word + (is_option(arg->word) ? 2 : 0);
	size_t length = strlen(word);

	for (size_t i = 0; i < length; i++)
		name[i] = word[i] == '-' ? '_' : (char)tolower((unsigned char)word[i]);
	name[length] = 0;
}

static int put(json_t *params, const struct arg *arg, const char *text,
	       char error[COMMAND_ERROR_MAX])
{
	char name[WORD_MAX];
	json_t *string;

	if (strcmp(arg->word, "VIP:PORT/PROTO") == 0)
		return put_endpoint(params, text, error);
	param_name(arg, name);
	if (arg->value == VALUE_INTEGER)
		return put_integer(params, arg, name, text, error);
	if (arg->value == VALUE_TIME)
		return put_time(params, arg, name, text, error);
	string = json_string(text);
	if (!string) {
		snprintf(error, COMMAND_ERROR_MAX, "%s: the argument is not UTF-8", arg->word);
		return -EINVAL;
	}
	return json_object_set_new(params, name, string) < 0 ? -ENOMEM : 0;
}

static int put_flag(struct command_line *line, const struct arg *arg)
{
	char name[WORD_MAX];

	if (strcmp(arg->word, "--wait") == 0) {
		line->wait = true;
		return 0;
	}
	param_name(arg, name);
	return json_object_set_new(line->params, name, json_true()) < 0 ? -ENOMEM : 0;
}

static bool begins(const struct arg *arg, const char *text, size_t length)
{
	return strlen(arg->word) == length && memcmp(arg->word, text, length) == 0;
}

/* The argument that `text` is for, or names. NULL: none. */
static struct arg *arg_for(struct args *args, const char *text)
{
	bool option = is_option(text);
	size_t length = option ? strcspn(text, "=") : strlen(text);

	for (int i = 0; !option && i < args->n; i++) {
		if (args->list[i].kind == ARG_PLACE && !args->list[i].given)
			return &args->list[i];
	}
	for (int i = 0; i < args->n; i++) {
		if (args->list[i].kind != ARG_PLACE && begins(&args->list[i], text, length))
			return &args->list[i];
	}
	return NULL;
}

/* Reads argv[*i], and moves on behind it and its value. */
static int parse_one(struct args *args, char *const argv[], int argc, int *i,
		     struct command_line *line, char error[COMMAND_ERROR_MAX])
{
	const char *text = argv[(*i)++], *equals = is_option(text) ? strchr(text, '=') : NULL;
	struct arg *arg = arg_for(args, text);
	const char *wrong = NULL;

	if (!arg)
		wrong = is_option(text) ? "is no option of this command"
					: "is one argument too many";
	else if (arg->given)
		wrong = "is given twice";
	else if (arg->kind == ARG_FLAG && equals)
		wrong = "takes no value";
	else if (arg->kind != ARG_PLACE && arg->kind != ARG_FLAG && !equals && *i == argc)
		wrong = "lacks its value";
	if (wrong) {
		snprintf(error, COMMAND_ERROR_MAX, "\"%.*s\" %s",
			 equals ? (int)(equals - text) : 64, text, wrong);
		return -EINVAL;
	}
	arg->given = true;
	if (arg->kind == ARG_FLAG)
		return put_flag(line, arg);
	if (arg->kind != ARG_PLACE)
		text = equals ? equals + 1 : argv[(*i)++];
	return put(line->params, arg, text, error);
}

static int parse(struct args *args, int argc, char *const argv[], struct command_line *line,
		 char error[COMMAND_ERROR_MAX])
{
	for (int i = 0; i < argc;) {
		int rc = parse_one(args, argv, argc, &i, line, error);

		if (rc < 0)
			return rc;
	}
	for (int i = 0; i < args->n; i++) {
		if (!args->list[i].given && !args->list[i].optional) {
			snprintf(error, COMMAND_ERROR_MAX, "\"%s\" is missing", args->list[i].word);
			return -EINVAL;
		}
	}
	if (line->wait && json_object_get(line->params, "dry_run")) {
		snprintf(error, COMMAND_ERROR_MAX, "with --dry-run there is nothing to --wait for");
		return -EINVAL;
	}
	return 0;
}

int command_parse(const struct command *command, int argc, char *const argv[],
		  struct command_line *line, char error[COMMAND_ERROR_MAX])
{
	struct args args = args_of(command);
	int rc;

	error[0] = 0;
	*line = (struct command_line){.params = json_object()};
	if (!line->params)
		return -ENOMEM;
	rc = parse(&args, argc, argv, line, error);
	if (rc < 0) {
		json_decref(line->params);
		line->params = NULL;
	}
	return rc;
}
