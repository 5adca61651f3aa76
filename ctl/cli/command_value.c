/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a command's arguments. A value that can't be right by its type is refused here; the
 * rest is the daemon's to judge.
 */
#include "command_value.h"
#include "duration.h"
#include "endpoint.h"
#include "flow_text.h"
#include "near.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "--dry-run" is dry_run, SERVICE service, and a TIME ends in _s. */
static void param_name(const struct command_arg *arg, char name[COMMAND_NAME_MAX])
{
	const char *word = arg->word + (arg->word[0] == '-' ? 2 : 0);
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

static json_t *read_integer(struct command_reader *r, const struct command_arg *arg,
			    const char *text)
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

static json_t *read_time(struct command_reader *r, const struct command_arg *arg, const char *text)
{
	uint32_t seconds;

	if (duration_parse(text, &seconds))
		return json_integer(seconds);
	snprintf(r->error, COMMAND_ERROR_MAX, "%s: \"%.64s\" is no time such as 90, 90s, 10m, 1h",
		 arg->word, text);
	return NULL;
}

static json_t *read_word(struct command_reader *r, const struct command_arg *arg, const char *text)
{
	char words[ENUM_LIST_MAX], better[NEAR_WORD_MAX + 32];
	struct near near = near_to(text);

	if (enum_parse(arg->words, text) >= 0)
		return json_string(text);
	for (size_t i = 0; arg->words[i]; i++)
		near_try(&near, arg->words[i]);
	snprintf(r->error, COMMAND_ERROR_MAX, "%s: \"%.64s\" is none of: %s%s", arg->word, text,
		 enum_list(arg->words, " ", " ", words, sizeof(words)), near_text(&near, better));
	return NULL;
}

static json_t *read_address(struct command_reader *r, const struct command_arg *arg,
			    const char *text)
{
	struct in6_addr addr;

	if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, &addr) == 1)
		return json_string(text);
	snprintf(r->error, COMMAND_ERROR_MAX,
		 "%s: \"%.64s\" is no address such as 10.0.0.11, 2001:db8::11", arg->word, text);
	return NULL;
}

static json_t *read_text(struct command_reader *r, const struct command_arg *arg, const char *text)
{
	json_t *string = json_string(text);

	if (!string)
		snprintf(r->error, COMMAND_ERROR_MAX, "%s: the argument is not UTF-8", arg->word);
	return string;
}

static int put_endpoint(struct command_reader *r, const char *text)
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

static int put_end(struct command_reader *r, const char *addr_name, const char *port_name,
		   const struct flow_end *end)
{
	json_t *params = r->line->params;

	if (json_object_set_new(params, addr_name, json_string(end->addr)) < 0)
		return -ENOMEM;
	if (end->has_port && json_object_set_new(params, port_name, json_integer(end->port)) < 0)
		return -ENOMEM;
	return 0;
}

static int put_flow(struct command_reader *r, const char *text)
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

int command_value_put_keys(struct command_reader *r, const struct command_arg *arg,
			   const char *text, char *const argv[], int argc, int *i)
{
	json_t *object = json_object();
	char error[KEY_VALUE_ERROR_MAX], name[COMMAND_NAME_MAX];
	const char *wrong = NULL;

	if (!key_value_is(text)) {
		snprintf(error, sizeof(error), "\"%.64s\" is no KEY=VALUE", text);
		wrong = error;
	}
	while (object && !wrong && text) {
		wrong = key_value_put(object, arg->keys, text, error);
		text = *i < argc && key_value_is(argv[*i]) ? argv[(*i)++] : NULL;
	}
	if (wrong) {
		snprintf(r->error, COMMAND_ERROR_MAX, "%s: %s", arg->word, wrong);
		json_decref(object);
		return -EINVAL;
	}
	param_name(arg, name);
	return json_object_set_new(r->line->params, name, object) < 0 ? -ENOMEM : 0;
}

int command_value_put(struct command_reader *r, const struct command_arg *arg, const char *text)
{
	char name[COMMAND_NAME_MAX];
	json_t *value = NULL;

	switch (arg->value) {
	case VALUE_ENDPOINT:
		return put_endpoint(r, text);
	case VALUE_FLOW:
		return put_flow(r, text);
	case VALUE_KEYS: /* put_keys() */
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
	case VALUE_HOST:
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
