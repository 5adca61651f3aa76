/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as they stand in a config file. Used by config_text.c; pure functions.
 */
#ifndef SLUICE_CONFIG_NUMBER_H
#define SLUICE_CONFIG_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* What a key may consist of: a number within one is none. */
#define CONFIG_NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*"

enum config_number {
	CONFIG_NUMBER_PLAIN,   /* to be read as it stands: 32 bits, a float, or it has its L */
	CONFIG_NUMBER_LONG,    /* an integer that needs an L behind it */
	CONFIG_NUMBER_TOO_BIG, /* an integer beyond 64 bits, with sign */
};

/* Whether a number begins here. */
bool config_number_begins(const char *text);

/* How many bytes of `text`, where one begins, are the number. */
size_t config_number_length(const char *text, enum config_number *kind);

#endif
