/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for a reload. Control thread.
 */
#include "reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"

void daemon_reload_free(struct daemon_reload *reload)
{
	model_diff_free(&reload->diff);
	free(reload->rows);
	for (uint32_t i = 0; i < reload->lost_n; i++)
		free(reload->lost[i]);
	free(reload->lost);
	free(reload->error);
	*reload = (struct daemon_reload){.rows_n = 0};
}

void daemon_reload_lose(void *ctx, const char *text)
{
	struct daemon_reload *reload = ctx;
	char **more = realloc(reload->lost, (reload->lost_n + 1) * sizeof(*more));
	char *copy = strdup(text);

	if (more)
		reload->lost = more;
	if (more && copy)
		reload->lost[reload->lost_n++] = copy;
	else
		free(copy);
}

/* Differences come in the rows' order, so it is mostly the next one. */
static const struct daemon_preview *row_of(struct daemon_reload *reload, const char *service)
{
	for (uint32_t i = 0; i < reload->rows_n; i++) {
		uint32_t at = (reload->rows_at + i) % reload->rows_n;

		if (strcmp(reload->rows[at].service, service) == 0) {
			reload->rows_at = at;
			return &reload->rows[at];
		}
	}
	return NULL;
}

char *daemon_reload_line(struct daemon_reload *reload, uint32_t *at)
{
	uint32_t start = *at;
	char *line = model_diff_line(&reload->diff, at), *longer;
	const struct model_change *first;
	const struct daemon_preview *row;

	if (!line)
		return NULL; /* past the last, if there are any */
	first = &reload->diff.changes[start];
	if (first->kind == MODEL_CHANGE_SETTING || first->kind == MODEL_CHANGE_SERVICE_ADDED ||
	    first->kind == MODEL_CHANGE_SERVICE_REMOVED)
		return line;
	row = row_of(reload, first->service);
	if (!row || row->slots == 0)
		return line;
	if (asprintf(&longer,
		     "%s; %.1f %% of slots move, %.1f %% of the flows that aren't remembered (%.1f "
		     "%% "
		     "without the transition)",
		     line, 100.0 * row->slots_moved / row->slots, 100 * row->moved_with,
		     100 * row->moved_without) < 0)
		return line;
	free(line);
	return longer;
}
