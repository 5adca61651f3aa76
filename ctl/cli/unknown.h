/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do about a service or backend that the daemon doesn't know: which ones it has. Used by
 * cli.c.
 */
#ifndef SLUICE_CLI_UNKNOWN_H
#define SLUICE_CLI_UNKNOWN_H

#include <jansson.h>

enum {
	UNKNOWN_TEXT_MAX = 320,
	UNKNOWN_NAMES_MAX = 8, /* told; one that is near alone is told for itself */
};

/* Asks the daemon for the names beside which "service" or "backend" of `params` is wrong, and
 * writes "; did you mean ...?", "; there are web, dns" or "". */
void unknown_mend(const char *socket_path, const json_t *params, char text[UNKNOWN_TEXT_MAX]);

#endif
