/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that the daemon has, for one that it hasn't. Called by cli.c.
 */
#include "unknown.h"

#include "client.h"
#include "near.h"
#include "show.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Whether `word` is among the names. If not, says which are near, or which there are. */
static bool tell(const json_t *rows, const char *word, const char *what,
		 char text[UNKNOWN_TEXT_MAX])
{
	struct near near = near_to(word);
	char mend[NEAR_WORD_MAX + 32];
	size_t i, n = json_array_size(rows), length = 0;
	json_t *row;

	json_array_foreach (rows, i, row) {
		if (strcmp(show_text(row, "name"), word) == 0)
			return true;
		near_try(&near, show_text(row, "name"));
	}
	if (near.best) {
		snprintf(text, UNKNOWN_TEXT_MAX, "%s", near_text(&near, mend));
		return false;
	}
	length = (size_t)snprintf(text, UNKNOWN_TEXT_MAX,
				  n == 0 ? "; there is no %s" : "; %ss: ", what);
	json_array_foreach (rows, i, row) {
		if (i == UNKNOWN_NAMES_MAX || length + 80 > UNKNOWN_TEXT_MAX)
			break;
		length += (size_t)snprintf(text + length, UNKNOWN_TEXT_MAX - length, "%s%.64s",
					   i > 0 ? ", " : "", show_text(row, "name"));
	}
	if (i < n)
		snprintf(text + length, UNKNOWN_TEXT_MAX - length, " and %zu more", n - i);
	return false;
}

void unknown_mend(const char *socket_path, const json_t *params, char text[UNKNOWN_TEXT_MAX])
{
	const char *service = json_string_value(json_object_get(params, "service"));
	const char *backend = json_string_value(json_object_get(params, "backend"));
	json_t *result = NULL, *query = json_object();
	char error[CLIENT_ERROR_MAX];
	bool known;

	text[0] = 0;
	if (!service ||
	    client_request(socket_path, "services.list", query, CLIENT_TIMEOUT_MS, &result, error))
		goto out;
	known = tell(json_object_get(result, "services"), service, "service", text);
	json_decref(result);
	result = NULL;
	json_object_set_new(query, "service", json_string(service));
	if (known && backend &&
	    !client_request(socket_path, "backends.list", query, CLIENT_TIMEOUT_MS, &result, error))
		tell(json_object_get(result, "backends"), backend, "backend", text);
	json_decref(result);
out:
	json_decref(query);
}
