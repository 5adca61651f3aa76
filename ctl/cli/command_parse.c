/* SPDX-License-Identifier: Apache-2.0
 *
 * A command's arguments, read by the table that help prints of them (commands.h). Called by
 * main.c.
 */
#include "commands.h"
#include "duration.h"
#include "endpoint.h"
#include "flow_text.h"
#include "near.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_SHOWN_MAX = 48 };

/* A command line while it is read. */
struct reader {
	const struct command_arg *args;
	bool given[COMMAND_ARGS_MAX]; /* args[i] */
	struct command_line *line;
	char *error; /* of COMMAND_ERROR_MAX */
};

static bool is_place(const struct command_arg *arg)
{
	return isupper((unsigned char)arg->word[0]);
}

static bool is_option(const struct command_arg *arg)
{
	return arg->word[0] == '-';
}

/* Words that would fill a line are told by the help alone. */
static const char *words_text(const struct command_arg *arg)
{
	return strlen(arg->words) <= WORDS_SHOWN_MAX ? arg->words : "WORD";
}

const char *command_arg_text(const struct command_arg *arg, char buf[COMMAND_ARG_TEXT_MAX])
{
	static const char *const values[] = {
		[VALUE_TEXT] = "TEXT",       [VALUE_SERVICE] = "SERVICE",
		[VALUE_BACKEND] = "BACKEND", [VALUE_ENDPOINT] = "VIP:PORT/PROTO",
		[VALUE_FLOW] = "FLOW",       [VALUE_ADDRESS] = "ADDRESS", [VALUE_INTEGER] = "N",
		[VALUE_TIME] = "TIME",       [VALUE_FILE] = "FILE",
	};

	if (is_place(arg) || arg->value == VALUE_NONE)
		snprintf(buf, COMMAND_ARG_TEXT_MAX, "%s", arg->word);
	else
		snprintf(buf, COMMAND_ARG_TEXT_MAX, "%s %s", arg->word,
			 arg->value == VALUE_WORD ? words_text(arg) : values[arg->value]);
	if (arg->value == VALUE_WORD && !is_place(arg)) {
		for (char *c = buf + strlen(arg->word) + 1; *c; c++)
			*c = *c == ' ' ? '|' : *c;
	}
	return buf;
}

/* "--dry-run" is dry_run, SERVICE service, and a TIME ends in _s. */
static void param_name(const struct command_arg *arg, char name[COMMAND_NAME_MAX])
{
	const char *word = arg->word + (is_option(arg) ? 2 : 0);
	size_t length = 0;

	if (arg->param) {
		snprintf(name, COMMAND_NAME_MAX, "%s", arg->param);
		return;
	}
	for (; word[length] && length < COMMAND_NAME_MAX - sizeof("_s"); length++)
		name[length] =
			word[length] == '-' ? '_' : (char)tolower((unsigned char)word[length]);
	snprintf(name + length, COMMAND_NAME_MAX - length, "%s",
		 arg->value == VALUE_TIME ? "_s" : "");
}

static json_t *read_integer(struct reader *r, const struct command_arg *arg, const char *text)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno == 0 && end != text && !*end && !isspace((unsigned char)text[0]))
		return json_integer(value);
	snprintf(r->error, COMMAND_ERROR_MAX, "%s: \"%.64s\" is no number", arg->word, text);
	return NULL;
}

static json_t *read_time(struct reader *r, const struct command_arg *arg, const char *text)
{
	uint32_t seconds;

	if (duration_parse(text, &seconds))
		return json_integer(seconds);
	snprintf(r->error, COMMAND_ERROR_MAX, "%s: \"%.64s\" is no time such as 90, 90s, 10m, 1h",
		 arg->word, text);
	return NULL;
}

static json_t *read_word(struct reader *r, const struct command_arg *arg, const char *text)
{
	struct near near = near_to(text);
	char words[COMMAND_ARG_TEXT_MAX], *rest = NULL, mend[NEAR_WORD_MAX + 32];
	bool found = false;

	snprintf(words, sizeof(words), "%s", arg->words);
	for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		found = found || strcmp(w, text) == 0;
		near_try(&near, w);
	}
	if (found)
		return json_string(text);
	snprintf(r->error, COMMAND_ERROR_MAX, "%s: \"%.64s\" is none of: %s%s", arg->word, text,
		 arg->words, near_text(&near, mend));
	return NULL;
}

static json_t *read_address(struct reader *r, const struct command_arg *arg, const char *text)
{
	struct in6_addr addr;

	if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, &addr) == 1)
		return json_string(text);
	snprintf(r->error, COMMAND_ERROR_MAX,
		 "%s: \"%.64s\" is no address such as 10.0.0.11, 2001:db8::11", arg->word, text);
	return NULL;
}

static json_t *read_text(struct reader *r, const struct command_arg *arg, const char *text)
{
	json_t *string = json_string(text);

	if (!string)
		snprintf(r->error, COMMAND_ERROR_MAX, "%s: the argument is not UTF-8", arg->word);
	return string;
}

static int put_endpoint(struct reader *r, const char *text)
{
	struct endpoint e;
	const char *wrong = endpoint_parse(text, &e);

	if (wrong) {
		snprintf(r->error, COMMAND_ERROR_MAX, "\"%.100s\": %s", text, wrong);
		return -EINVAL;
	}
	if (json_object_set_new(r->line->params, "vip", json_string(e.vip)) < 0 ||
	    json_object_set_new(r->line->params, "port", json_integer(e.port)) < 0 ||
	    json_object_set_new(r->line->params, "protocol", json_string(e.proto)) < 0)
		return -ENOMEM;
	return 0;
}

static int put_end(struct reader *r, const char *addr_name, const char *port_name,
		   const struct flow_end *end)
{
	json_t *params = r->line->params;

	if (json_object_set_new(params, addr_name, json_string(end->addr)) < 0)
		return -ENOMEM;
	if (end->has_port && json_object_set_new(params, port_name, json_integer(end->port)) < 0)
		return -ENOMEM;
	return 0;
}

static int put_flow(struct reader *r, const char *text)
{
	struct flow_text flow;
	const char *wrong = flow_text_parse(text, &flow);

	if (wrong) {
		snprintf(r->error, COMMAND_ERROR_MAX, "\"%.100s\": %s", text, wrong);
		return -EINVAL;
	}
	if (json_object_set_new(r->line->params, "protocol", json_string(flow.proto)) < 0 ||
	    put_end(r, "source", "source_port", &flow.src) < 0 ||
	    put_end(r, "destination", "destination_port", &flow.dst) < 0)
		return -ENOMEM;
	return 0;
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

static int put(struct reader *r, const struct command_arg *arg, const char *text)
{
	char name[COMMAND_NAME_MAX];
	json_t *value = NULL;

	switch (arg->value) {
	case VALUE_ENDPOINT:
		return put_endpoint(r, text);
	case VALUE_FLOW:
		return put_flow(r, text);
	case VALUE_NONE:
		value = json_true();
		break;
	case VALUE_INTEGER:
		value = read_integer(r, arg, text);
		break;
	case VALUE_TIME:
		value = read_time(r, arg, text);
		break;
	case VALUE_WORD:
		value = read_word(r, arg, text);
		break;
	case VALUE_ADDRESS:
		value = read_address(r, arg, text);
		break;
	case VALUE_TEXT:
	case VALUE_SERVICE:
	case VALUE_BACKEND:
	case VALUE_FILE:
		value = read_text(r, arg, text);
		break;
	}
	if (!value)
		return r->error[0] ? -EINVAL : -ENOMEM;
	param_name(arg, name);
	return json_object_set_new(arg->own ? r->line->own : r->line->params, name, value) < 0
		       ? -ENOMEM
		       : 0;
}

/* The argument that `text` is for, or names. NULL: none. */
static const struct command_arg *arg_for(const struct reader *r, const char *text)
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
static int refuse_unknown(struct reader *r, const char *text)
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

/* Reads argv[*i], and moves on behind it and its value. */
static int parse_one(struct reader *r, char *const argv[], int argc, int *i)
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
	return put(r, arg, value ? value : text);
}

static int parse(struct reader *r, int argc, char *const argv[])
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
	struct reader r = {.args = command->args, .line = line, .error = error};
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
