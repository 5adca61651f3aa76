/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values of the config file. Called through the tables of config_settings.c and
 * config_services.c, on the control thread.
 */
#include "config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <string.h>

#include "model.h"
#include "utf8.h"

const char *config_type_name(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "an integer";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "a boolean";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	case CONFIG_TYPE_LIST:
		return "a list ( )";
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	default:
		return "nothing";
	}
}

bool config_key_is_integer(const struct config_key *key)
{
	return key->max != 0 && key->read != config_read_prefix;
}

static bool is_integer(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT ||
	       config_setting_type(s) == CONFIG_TYPE_INT64;
}

bool config_integer(struct config_reader *r, const config_setting_t *s, int64_t min, int64_t max,
		    int64_t *value)
{
	if (!is_integer(s)) {
		config_fault(r, s, NULL, "expected an integer, not %s", config_type_name(s));
		return false;
	}
	*value = config_setting_get_int64(s);
	if (*value < min || *value > max) {
		config_fault(r, s, NULL, "%" PRId64 " is not in %" PRId64 "-%" PRId64, *value, min,
			     max);
		return false;
	}
	return true;
}

const char *config_string(struct config_reader *r, const config_setting_t *s)
{
	const char *text = config_setting_get_string(s);
	long fault;

	if (config_setting_type(s) != CONFIG_TYPE_STRING || !text) {
		config_fault(r, s, NULL, "expected a string, not %s", config_type_name(s));
		return NULL;
	}
	fault = utf8_fault(text);
	if (fault != UTF8_VALID) {
		config_fault(r, s, NULL,
			     "no UTF-8: byte 0x%02x, %ld bytes into it; save it as UTF-8",
			     (unsigned char)text[fault], fault);
		return NULL;
	}
	if (utf8_has_control(text)) {
		config_fault(r, s, NULL, "\"%.64s\" has a control character in it", text);
		return NULL;
	}
	return text;
}

/* Little-endian: the lower bytes come first. */
static void integer_store(void *out, size_t size, int64_t value)
{
	memcpy(out, &value, size);
}

void config_read_integer(struct config_reader *r, const config_setting_t *s,
			 const struct config_key *key, void *out)
{
	int64_t value;

	if (config_integer(r, s, key->min, key->max, &value))
		integer_store(out, key->size, value);
}

void config_read_bool(struct config_reader *r, const config_setting_t *s,
		      const struct config_key *key, void *out)
{
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		config_fault(r, s, NULL, "expected true or false, not %s", config_type_name(s));
	else
		*(bool *)out = config_setting_get_bool(s) != 0;
}

/* The string, if there is room for it. */
static const char *text_fit(struct config_reader *r, const config_setting_t *s, size_t room)
{
	const char *text = config_string(r, s);

	if (text && strlen(text) >= room) {
		config_fault(r, s, NULL, "\"%.64s...\" is longer than %zu characters", text,
			     room - 1);
		return NULL;
	}
	return text;
}

void config_read_text(struct config_reader *r, const config_setting_t *s,
		      const struct config_key *key, void *out)
{
	const char *text = text_fit(r, s, key->size);

	if (text)
		strcpy(out, text);
}

void config_read_path(struct config_reader *r, const config_setting_t *s,
		      const struct config_key *key, void *out)
{
	const char *text = text_fit(r, s, key->size);

	if (text && *text != '/')
		config_fault(r, s, NULL, "\"%s\" does not begin with a /: give the whole path",
			     text);
	else if (text)
		strcpy(out, text);
}

void config_read_filename(struct config_reader *r, const config_setting_t *s,
			  const struct config_key *key, void *out)
{
	const char *text = config_setting_get_string(s);

	if (text && *text && text[strlen(text) - 1] == '/')
		config_fault(r, s, NULL, "\"%.128s\" is a folder: give the path of a file", text);
	else
		config_read_path(r, s, key, out);
}

void config_read_ifname(struct config_reader *r, const config_setting_t *s,
			const struct config_key *key, void *out)
{
	const char *text = text_fit(r, s, IFNAMSIZ);

	if (!text)
		return;
	if (!*text || strpbrk(text, "/: ") || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		config_fault(r, s, NULL, "\"%s\" is no name of a network interface", text);
	else
		strcpy(out, text);
}

void config_read_name(struct config_reader *r, const config_setting_t *s,
		      const struct config_key *key, void *out)
{
	const char *text = text_fit(r, s, MODEL_NAME_MAX);

	if (text)
		strcpy(out, text);
}

void config_read_choice(struct config_reader *r, const config_setting_t *s,
			const struct config_key *key, void *out)
{
	const char *text = config_string(r, s);
	int value = text ? enum_parse(key->choices, text) : 0;
	char all[ENUM_LIST_MAX];

	if (!text)
		return;
	if (value < 0)
		config_fault(r, s, NULL, "\"%.64s\" is none of %s", text,
			     enum_list(key->choices, ", ", ", ", all, sizeof(all)));
	else
		integer_store(out, key->size, value);
}

void config_read_addr(struct config_reader *r, const config_setting_t *s,
		      const struct config_key *key, void *out)
{
	const char *text = config_string(r, s);
	struct ip_addr addr;

	if (!text)
		return;
	if (ip_parse(text, &addr) < 0)
		config_fault(r, s, NULL, "\"%.64s\" is no IP address", text);
	else if (key->family && addr.family != key->family)
		config_fault(r, s, NULL, "\"%s\" is no IPv%u address", text, key->family);
	else
		memcpy(out, &addr, sizeof(addr));
}

void config_read_source(struct config_reader *r, const config_setting_t *s,
			const struct config_key *key, void *out)
{
	struct ip_addr addr = {.family = IP_NONE};
	const char *refusal;
	char text[IP_TEXT_MAX];

	config_read_addr(r, s, key, &addr);
	if (addr.family == IP_NONE)
		return;
	refusal = ip_refusal(&addr);
	if (refusal)
		config_fault(r, s, NULL, "%s %s", ip_format(&addr, text), refusal);
	else
		memcpy(out, &addr, sizeof(addr));
}

void config_read_prefix(struct config_reader *r, const config_setting_t *s,
			const struct config_key *key, void *out)
{
	const char *text = config_string(r, s), *refusal;
	struct ip_prefix prefix;
	int err;

	if (!text)
		return;
	err = ip_prefix_parse(text, &prefix);
	if (err == -EDOM) {
		config_fault(r, s, NULL, "\"%s\" has bits set behind its length", text);
		return;
	}
	if (err || prefix.addr.family != key->family) {
		config_fault(r, s, NULL, "\"%.64s\" is no IPv%u prefix such as %s", text,
			     key->family,
			     key->family == IP_V4 ? "100.64.0.0/16" : "2001:db8:ff::/64");
		return;
	}
	refusal = ip_refusal(&prefix.addr);
	if (prefix.bits < key->min || prefix.bits > key->max)
		config_fault(r, s, NULL, "/%u is not in /%" PRId64 "-/%" PRId64, prefix.bits,
			     key->min, key->max);
	else if (refusal)
		config_fault(r, s, NULL, "\"%s\" %s", text, refusal);
	else
		memcpy(out, &prefix, sizeof(prefix));
}

void config_read_group(struct config_reader *r, const config_setting_t *s,
		       const struct config_key *key, void *out)
{
	if (config_setting_type(s) != CONFIG_TYPE_GROUP)
		config_fault(r, s, NULL, "expected a group { }, not %s", config_type_name(s));
	else
		config_group_read(r, s, key->keys, out);
}
