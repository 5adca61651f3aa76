/* SPDX-License-Identifier: Apache-2.0
 *
 * A command's arguments, read by the very text that help prints of them (commands.h). Called by
 * main.c.
 */
#include "commands.h"
#include "endpoint.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARGS_MAX = 8,
	WORD_MAX = 24,
};

/* One of the command's arguments. */
struct arg {
	char word[WORD_MAX]; /* as help writes it */
	bool keyword;        /* else a value by its place */
	bool integer;        /* the keyword's value */
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

/* "SERVICE BACKEND [weight N]" */
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
		arg->keyword = islower((unsigned char)word[0]);
		if (arg->keyword && next_word(&text, word, &optional))
			arg->integer = strcmp(word, "N") == 0;
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

static int put_integer(json_t *params, const char *name, const char *text,
		       char error[COMMAND_ERROR_MAX])
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end || isspace((unsigned char)text[0])) {
		snprintf(error, COMMAND_ERROR_MAX, "%s: \"%.64s\" is no number", name, text);
		return -EINVAL;
	}
	return json_object_set_new(params, name, json_integer(value)) < 0 ? -ENOMEM : 0;
}

static int put(json_t *params, const struct arg *arg, const char *text,
	       char error[COMMAND_ERROR_MAX])
{
	char name[WORD_MAX] = "";
	json_t *string;

	if (strcmp(arg->word, "VIP:PORT/PROTO") == 0)
		return put_endpoint(params, text, error);
	for (size_t i = 0; arg->word[i]; i++)
		name[i] = (char)tolower((unsigned char)arg->word[i]);
	if (arg->integer)
		return put_integer(params, name, text, error);
	string = json_string(text);
	if (!string) {
		snprintf(error, COMMAND_ERROR_MAX, "%s: the argument is not UTF-8", arg->word);
		return -EINVAL;
	}
	return json_object_set_new(params, name, string) < 0 ? -ENOMEM : 0;
}

/* The argument that argv[0] is for. NULL: none. */
static struct arg *arg_for(struct args *args, const char *text)
{
	for (int i = 0; i < args->n; i++) {
		if (!args->list[i].keyword && !args->list[i].given)
			return &args->list[i];
	}
	for (int i = 0; i < args->n; i++) {
		if (args->list[i].keyword && strcmp(args->list[i].word, text) == 0)
			return &args->list[i];
	}
	return NULL;
}

static int parse(struct args *args, int argc, char *const argv[], json_t *params,
		 char error[COMMAND_ERROR_MAX])
{
	for (int i = 0; i < argc; i++) {
		struct arg *arg = arg_for(args, argv[i]);
		int rc;

		if (!arg || arg->given) {
			snprintf(error, COMMAND_ERROR_MAX,
				 arg ? "\"%.64s\" is given twice"
				     : "\"%.64s\" is one argument too many",
				 argv[i]);
			return -EINVAL;
		}
		arg->given = true;
		if (arg->keyword && ++i == argc) {
			snprintf(error, COMMAND_ERROR_MAX, "\"%s\" lacks its value", arg->word);
			return -EINVAL;
		}
		rc = put(params, arg, argv[i], error);
		if (rc < 0)
			return rc;
	}
	for (int i = 0; i < args->n; i++) {
		if (!args->list[i].given && !args->list[i].optional) {
			snprintf(error, COMMAND_ERROR_MAX, "\"%s\" is missing", args->list[i].word);
			return -EINVAL;
		}
	}
	return 0;
}

int command_parse(const struct command *command, int argc, char *const argv[], json_t **params,
		  char error[COMMAND_ERROR_MAX])
{
	struct args args = args_of(command);
	json_t *object = json_object();
	int rc;

	error[0] = 0;
	if (!object)
		return -ENOMEM;
	rc = parse(&args, argc, argv, object, error);
	if (rc < 0)
		json_decref(object);
	else
		*params = object;
	return rc;
}
