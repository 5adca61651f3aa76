/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KEY=VALUE words. Whether a value is right is the daemon's to judge: here it gets its type.
 */
#include "key_value.h"

#include "near.h"
#include "words.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t name_length(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) || text[length] == '_')
		length++;
	return length;
}

bool key_value_is(const char *text)
{
	size_t length = name_length(text);

	return length > 0 && text[length] == '=';
}

const struct config_key *key_value_key(const struct config_key *keys, const char *text)
{
	size_t length = name_length(text);

	for (; keys->name; keys++) {
		if (strncmp(keys->name, text, length) == 0 && !keys->name[length])
			return keys;
	}
	return NULL;
}

static const char *unknown(const struct config_key *keys, const char *text,
			   char error[KEY_VALUE_ERROR_MAX])
{
	char name[NEAR_WORD_MAX], mend[NEAR_WORD_MAX + 32];
	struct near near;

	snprintf(name, sizeof(name), "%.*s", (int)name_length(text), text);
	near = near_to(name);
	for (; keys->name; keys++)
		near_try(&near, keys->name);
	snprintf(error, KEY_VALUE_ERROR_MAX, "there is no key \"%s\"%s", name,
		 near_text(&near, mend));
	return error;
}

/* NULL: it isn't of the key's type; or no memory. */
static json_t *value_of(const struct config_key *key, const char *text)
{
	long long number;
	char *end;

	if (!*text)
		return json_null();
	if (key->read == config_read_bool)
		return strcmp(text, "true") == 0    ? json_true()
		       : strcmp(text, "false") == 0 ? json_false()
						    : NULL;
	if (!config_key_is_integer(key))
		return json_string(text);
	errno = 0;
	number = strtoll(text, &end, 10);
	return errno || *end || isspace((unsigned char)*text) ? NULL : json_integer(number);
}

static const char *wrong_type(const struct config_key *key, const char *value,
			      char error[KEY_VALUE_ERROR_MAX])
{
	const char *want = "is not UTF-8";

	if (config_key_is_integer(key))
		want = "is no number";
	else if (key->read == config_read_bool)
		want = "is neither true nor false";
	snprintf(error, KEY_VALUE_ERROR_MAX, "%s: \"%.64s\" %s", key->name, value, want);
	return error;
}

const char *key_value_put(json_t *object, const struct config_key *keys, const char *text,
			  char error[KEY_VALUE_ERROR_MAX])
{
	const struct config_key *key = key_value_key(keys, text);
	const char *text_value = text + name_length(text) + 1;
	json_t *before = key ? json_object_get(object, key->name) : NULL, *value;

	if (!key)
		return unknown(keys, text, error);
	if (before && !(key->list && json_is_array(before))) {
		snprintf(error, KEY_VALUE_ERROR_MAX, "%s is given twice", key->name);
		return error;
	}
	value = value_of(key, text_value);
	if (!value)
		return wrong_type(key, text_value, error);
	if (before)
		json_array_append_new(before, value);
	else if (key->list && !json_is_null(value))
		json_object_set_new(object, key->name, json_pack("[o]", value));
	else
		json_object_set_new(object, key->name, value);
	return NULL;
}

const char *key_value_form(const struct config_key *key, char buf[KEY_VALUE_TEXT_MAX])
{
	size_t used = (size_t)snprintf(buf, KEY_VALUE_TEXT_MAX, "%s=", key->name);

	if (config_key_is_integer(key))
		snprintf(buf + used, KEY_VALUE_TEXT_MAX - used, "%" PRId64 "-%" PRId64, key->min,
			 key->max);
	else if (key->read == config_read_bool)
		snprintf(buf + used, KEY_VALUE_TEXT_MAX - used, "true|false");
	else if (!key->choices)
		snprintf(buf + used, KEY_VALUE_TEXT_MAX - used, "TEXT%s", key->list ? " ..." : "");
	else
		enum_list(key->choices, "|", "|", buf + used, KEY_VALUE_TEXT_MAX - used);
	return buf;
}

const char *key_value_default(const struct config_key *key, char buf[KEY_VALUE_TEXT_MAX])
{
	const char *text = key->fallback;
	size_t length = text ? strlen(text) : 0;

	if (!text)
		return NULL;
	if (length >= 2 && *text == '"') {
		text++;
		length -= 2;
	}
	snprintf(buf, KEY_VALUE_TEXT_MAX, "%.*s", (int)length, text);
	return buf;
}
