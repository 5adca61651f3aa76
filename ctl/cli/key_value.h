/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KEY=VALUE words, by the tables that the configuration file is read by (config_value.h): they make
 * an object for the daemon, and help and completion know them. Used by command_*.c, complete.c.
 */
#ifndef SLUICE_CLI_KEY_VALUE_H
#define SLUICE_CLI_KEY_VALUE_H

#include "config_value.h"

enum {
	KEY_VALUE_TEXT_MAX = 128,
	KEY_VALUE_ERROR_MAX = 256,
};

/* Whether a word is one: a name and "=" at its start. */
bool key_value_is(const char *text);

/*
 * Puts "fall=2" into `object`, as the type that the key has; "fall=" as null: the default. A key
 * that takes several texts may come again. NULL: done; else what is wrong, in `error`.
 */
const char *key_value_put(json_t *object, const struct config_key *keys, const char *text,
			  char error[KEY_VALUE_ERROR_MAX]);

/* The key of "fall=2". NULL: none. */
const struct config_key *key_value_key(const struct config_key *keys, const char *text);

/* "fall=1-100", "via=node|vip", "path=TEXT". Returns buf. */
const char *key_value_form(const struct config_key *key, char buf[KEY_VALUE_TEXT_MAX]);

/* "3": what holds if it was never given. "": nothing; NULL: it has to be given. Returns buf. */
const char *key_value_default(const struct config_key *key, char buf[KEY_VALUE_TEXT_MAX]);

#endif
