/* SPDX-License-Identifier: Apache-2.0
 *
 * A table for people: columns as wide as their widest cell, numbers to the right. Used by
 * show_*.c. Out of memory ends the program.
 */
#ifndef CTL_CLI_TABLE_H
#define CTL_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct column {
	const char *title;
	bool right; /* for numbers */
};

struct table {
	const struct column *columns;
	size_t columns_n;
	char **cells; /* row by row */
	size_t cells_n;
};

/* `columns` outlives the table. */
void table_init(struct table *table, const struct column *columns, size_t columns_n);

/* The next cell, row by row. Control characters become "?". */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* With the titles, if there is a row. */
void table_print(const struct table *table, FILE *out);

void table_free(struct table *table);

#endif
