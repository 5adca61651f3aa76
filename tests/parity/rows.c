/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parity table, put together from its themes.
 */
#include "rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void row_append(struct row_list *list, enum verdict verdict, const struct frame_spec *spec,
		const char *name, ...)
{
	struct row *row;
	char *text;
	va_list args;

	if (list->n == list->max) {
		list->max = list->max ? list->max * 2 : 1024;
		list->rows = reallocarray(list->rows, list->max, sizeof(*list->rows));
		if (!list->rows)
			abort();
	}
	va_start(args, name);
	if (vasprintf(&text, name, args) < 0)
		abort();
	va_end(args);
	row = &list->rows[list->n++];
	*row = (struct row){.name = text, .verdict = verdict, .spec = *spec};
}

void rows_make(struct row_list *list)
{
	*list = (struct row_list){0};
	rows_append_link(list);
	rows_append_v4(list);
	rows_append_v6(list);
	rows_append_icmp4(list);
	rows_append_icmp6(list);
	rows_append_malformed(list);
	rows_append_address(list);
	rows_append_cut(list);
	rows_append_refused(list);
	rows_append_encap(list);
	rows_append_size(list);
}

void rows_free(struct row_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free((char *)list->rows[i].name);
	free(list->rows);
	*list = (struct row_list){0};
}
