/* SPDX-License-Identifier: Apache-2.0
 *
 * Aligned tables for people. Called by show_*.c.
 */
#include "table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void table_init(struct table *table, const struct column *columns, size_t columns_n)
{
	*table = (struct table){.columns = columns, .columns_n = columns_n};
}

static void no_memory(void)
{
	fputs("sluicectl: out of memory\n", stderr);
	exit(1);
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		no_memory();
	va_end(args);
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	table->cells = reallocarray(table->cells, table->cells_n + 1, sizeof(*table->cells));
	if (!table->cells)
		no_memory();
	table->cells[table->cells_n++] = text;
}

static int column_width(const struct table *table, size_t column)
{
	size_t width = strlen(table->columns[column].title);

	for (size_t i = column; i < table->cells_n; i += table->columns_n) {
		size_t length = strlen(table->cells[i]);

		if (width < length)
			width = length;
	}
	return (int)width;
}

static void print_row(const struct table *table, const int *widths, const char *const *cells,
		      FILE *out)
{
	for (size_t i = 0; i < table->columns_n; i++) {
		bool last = i + 1 == table->columns_n;

		if (table->columns[i].right)
			fprintf(out, "%*s", widths[i], cells[i]);
		else
			fprintf(out, "%-*s", last ? 0 : widths[i], cells[i]);
		fputs(last ? "\n" : "  ", out);
	}
}

void table_print(const struct table *table, FILE *out)
{
	int *widths = calloc(table->columns_n, sizeof(*widths));
	const char **titles = calloc(table->columns_n, sizeof(*titles));

	if (!widths || !titles)
		no_memory();
	for (size_t i = 0; i < table->columns_n; i++) {
		widths[i] = column_width(table, i);
		titles[i] = table->columns[i].title;
	}
	if (table->cells_n > 0)
		print_row(table, widths, titles, out);
	for (size_t i = 0; i + table->columns_n <= table->cells_n; i += table->columns_n)
		print_row(table, widths, (const char *const *)&table->cells[i], out);
	free(widths);
	free(titles);
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->cells_n; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){.cells = NULL};
}
