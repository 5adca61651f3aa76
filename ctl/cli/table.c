/* SPDX-License-Identifier: Apache-2.0 */
/*
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
	table->cells[table->cells_n++] = (struct cell){.text = text};
}

void table_paint(struct table *table, enum paint paint)
{
	if (table->cells_n > 0)
		table->cells[table->cells_n - 1].paint = paint;
}

static int column_width(const struct table *table, size_t column)
{
	size_t width = strlen(table->columns[column].title);

	for (size_t i = column; i < table->cells_n; i += table->columns_n) {
		size_t length = strlen(table->cells[i].text);

		if (width < length)
			width = length;
	}
	return (int)width;
}

/* Without color, and with PAINT_NONE, the text alone. */
static void print_cell(const struct table *table, const struct cell *cell, int width, bool right,
		       FILE *out)
{
	static const char *const begins[] = {
		[PAINT_NONE] = "", [PAINT_WARN] = "\033[33m", [PAINT_BAD] = "\033[31m"};
	bool color = table->color && cell->paint != PAINT_NONE;
	int blanks = width - (int)strlen(cell->text);

	if (right && blanks > 0)
		fprintf(out, "%*s", blanks, "");
	fprintf(out, "%s%s%s", color ? begins[cell->paint] : "", cell->text,
		color ? "\033[0m" : "");
	if (!right && blanks > 0)
		fprintf(out, "%*s", blanks, "");
}

static void print_row(const struct table *table, const int *widths, const struct cell *cells,
		      FILE *out)
{
	for (size_t i = 0; i < table->columns_n; i++) {
		bool last = i + 1 == table->columns_n, right = table->columns[i].right;

		print_cell(table, &cells[i], last && !right ? 0 : widths[i], right, out);
		fputs(last ? "\n" : "  ", out);
	}
}

static void print_titles(const struct table *table, const int *widths, FILE *out)
{
	if (table->color)
		fputs("\033[1m", out);
	for (size_t i = 0; i < table->columns_n; i++) {
		const struct column *column = &table->columns[i];
		bool last = i + 1 == table->columns_n;

		if (column->right)
			fprintf(out, "%*s", widths[i], column->title);
		else
			fprintf(out, "%-*s", last ? 0 : widths[i], column->title);
		fputs(last ? "" : "  ", out);
	}
	fputs(table->color ? "\033[0m\n" : "\n", out);
}

void table_print(const struct table *table, FILE *out)
{
	int *widths = calloc(table->columns_n, sizeof(*widths));

	if (!widths)
		no_memory();
	for (size_t i = 0; i < table->columns_n; i++)
		widths[i] = column_width(table, i);
	if (table->cells_n > 0)
		print_titles(table, widths, out);
	for (size_t i = 0; i + table->columns_n <= table->cells_n; i += table->columns_n)
		print_row(table, widths, &table->cells[i], out);
	free(widths);
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->cells_n; i++)
		free(table->cells[i].text);
	free(table->cells);
	*table = (struct table){.cells = NULL};
}
