/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table for people: columns as wide as their widest cell, numbers to the right, in color if it
 * is wanted. Used by show_*.c and top_print.c. Out of memory ends the program.
 */
#ifndef SLUICE_CLI_TABLE_H
#define SLUICE_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct column {
	const char *title;
	bool right; /* for numbers */
};

enum paint { PAINT_NONE, PAINT_WARN, PAINT_BAD };

struct cell {
	char *text;
	enum paint paint;
};

struct table {
	const struct column *columns;
	size_t columns_n;
	struct cell *cells; /* row by row */
	size_t cells_n;
	bool color; /* false at first */
};

/* `columns` outlives the table. */
void table_init(struct table *table, const struct column *columns, size_t columns_n);

/* The next cell, row by row. Control characters become "?". */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Of the cell that came last. */
void table_paint(struct table *table, enum paint paint);

/* With the titles, if there is a row. */
void table_print(const struct table *table, FILE *out);

void table_free(struct table *table);

#endif
