/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of the config file: which keys they have, and where a setting stands. Called by
 * config*.c, on the control thread.
 */
#include "config.h"
#include "config_value.h"

#include "near.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	PATH_ROOM = 256,
};

/* Writes "services[0].port", from the root down. Returns what it has used. */
static size_t path_write(const config_setting_t *s, char path[PATH_ROOM])
{
	const char *name = config_setting_name(s);
	size_t used;

	if (config_setting_is_root(s)) {
		path[0] = '\0';
		return 0;
	}
	used = path_write(config_setting_parent(s), path);
	if (name)
		snprintf(path + used, PATH_ROOM - used, "%s%s", used ? "." : "", name);
	else
		snprintf(path + used, PATH_ROOM - used, "[%d]", config_setting_index(s));
	return used + strlen(path + used);
}

void config_fault(struct config_reader *r, const config_setting_t *s, const char *key,
		  const char *format, ...)
{
	/* Not changed by it, but not const either before libconfig 1.8. */
	const config_setting_t *member =
		key ? config_setting_lookup((config_setting_t *)(uintptr_t)s, key) : NULL;
	char path[PATH_ROOM], text[512];
	const char *file = NULL;
	uint32_t line = 0;
	va_list args;
	size_t used;

	/* A place costs a look at all elements before it. */
	if (r->report->faults_n >= CONFIG_FAULTS_MAX) {
		r->report->faults_n++;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	used = path_write(member ? member : s, path);
	if (key && !member)
		snprintf(path + used, sizeof(path) - used, "%s%s", used ? "." : "", key);
	if (r->text)
		file = config_text_place(r->text, config_setting_source_line(member ? member : s),
					 &line);
	/* Of what isn't there in the root, no line is to blame. */
	if (config_setting_is_root(s) && !member)
		line = 0;
	config_report_add(r->report, file, line, path, "%s", text);
}

/* The key that `name` was likely meant to be, or NULL. */
static const char *key_guess(const char *name, const struct config_key *keys)
{
	size_t name_n = strlen(name), nearest_distance = SIZE_MAX;
	const char *nearest = NULL;

	for (const struct config_key *key = keys; key->name; key++) {
		size_t key_n = strlen(key->name);
		size_t longer = name_n > key_n ? name_n : key_n;
		size_t shorter = name_n > key_n ? key_n : name_n;
		/* "prot" is nearer to "protocol" than to "port". */
		bool begins = strncmp(key->name, name, shorter) == 0;
		size_t distance = begins ? 0 : near_distance(name, key->name);

		if (2 * distance <= longer && distance < nearest_distance) {
			nearest_distance = distance;
			nearest = key->name;
		}
	}
	return nearest;
}

static void unknown_report(struct config_reader *r, const config_setting_t *s,
			   const struct config_key *keys)
{
	const char *guess = key_guess(config_setting_name(s), keys);
	char all[320] = "";

	if (guess) {
		config_fault(r, s, NULL, "unknown key; did you mean \"%s\"?", guess);
		return;
	}
	for (size_t used = 0; keys->name && used < sizeof(all); keys++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "",
					 keys->name);
	config_fault(r, s, NULL, "unknown key; there are %s", all);
}

static const struct config_key *key_find(const struct config_key *keys, const char *name)
{
	for (; keys->name; keys++) {
		if (strcmp(keys->name, name) == 0)
			return keys;
	}
	return NULL;
}

void config_group_read(struct config_reader *r, const config_setting_t *group,
		       const struct config_key *keys, void *out)
{
	int n = config_setting_length(group);

	for (int i = 0; i < n; i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);
		const struct config_key *key = key_find(keys, config_setting_name(s));

		if (key)
			key->read(r, s, key, (char *)out + key->offset);
		else
			unknown_report(r, s, keys);
	}
	for (; keys->name; keys++) {
		if (!keys->fallback && !config_setting_get_member(group, keys->name))
			config_fault(r, group, keys->name, "missing%s%s", keys->mend ? "; " : "",
				     keys->mend ? keys->mend : "");
	}
}
