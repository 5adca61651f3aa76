/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `show counters`. Called through the table in commands.c.
 */
#include "show.h"

#include "table.h"

#include "sluice/module.h"
#include "sluice/verdict.h"

#include <string.h>

static const struct verdict_row {
	const char *name, *text;
	enum action action;
} verdict_table[] = {
#define X(verdict, action, text) {#verdict, text, ACTION_##action},
	SLUICE_VERDICTS(X)
#undef X
};

/* NULL: of a newer daemon. */
static const struct verdict_row *verdict_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verdict_table) / sizeof(verdict_table[0]); i++) {
		if (strcmp(verdict_table[i].name, name) == 0)
			return &verdict_table[i];
	}
	return NULL;
}

static void verdict_rows(struct table *table, const struct show *show, const char *whose,
			 json_t *object)
{
	const char *verdict;
	json_t *packets;

	json_object_foreach (json_object_get(object, "packets"), verdict, packets) {
		const struct verdict_row *row = verdict_find(verdict);

		if (!show->all && json_integer_value(packets) == 0)
			continue;
		table_cell(table, "%s", whose);
		table_cell(table, "%s", verdict);
		table_cell(table, "%" JSON_INTEGER_FORMAT, json_integer_value(packets));
		if (row && row->action == ACTION_DROP && json_integer_value(packets) > 0)
			table_paint(table, PAINT_WARN);
		table_cell(table, "%s", row ? row->text : "-");
	}
}

static const struct {
	const char *word, *text;
} drop_table[] = {
#define X(id, word, text) {word, text},
	FAST_PATH_DROPS(X)
#undef X
};

static const char *drop_text(const char *word)
{
	for (size_t i = 0; i < sizeof(drop_table) / sizeof(drop_table[0]); i++)
		if (strcmp(drop_table[i].word, word) == 0)
			return drop_table[i].text;
	return "-"; /* of a newer daemon */
}

/* What was lost beside the verdicts. */
static void drop_rows(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"PORT", false},
		{"LOST AS", false},
		{"PACKETS", true},
		{"MEANING", false},
	};
	json_t *port, *packets;
	struct table table;
	const char *word;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (json_object_get(result, "ports"), i, port) {
		json_object_foreach (json_object_get(port, "dropped"), word, packets) {
			if (!show->all && json_integer_value(packets) == 0)
				continue;
			table_cell(&table, "%s", show_text(port, "interface"));
			table_cell(&table, "%s", word);
			table_cell(&table, "%" JSON_INTEGER_FORMAT, json_integer_value(packets));
			if (json_integer_value(packets) > 0)
				table_paint(&table, PAINT_WARN);
			table_cell(&table, "%s", drop_text(word));
		}
	}
	if (table.cells_n > 0) {
		fputc('\n', show->out);
		table_print(&table, show->out);
	}
	table_free(&table);
}

void show_counters(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"SERVICE OR VIP", false},
		{"VERDICT", false},
		{"PACKETS", true},
		{"MEANING", false},
	};
	struct table table;
	json_t *object;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (json_object_get(result, "services"), i, object)
		verdict_rows(&table, show, show_text(object, "service"), object);
	json_array_foreach (json_object_get(result, "vips"), i, object)
		verdict_rows(&table, show, show_text(object, "vip"), object);
	verdict_rows(&table, show, "(neither)", json_object_get(result, "no_vip"));
	if (table.cells_n == 0)
		fputs("no packets yet (--all shows the rows that are 0)\n", show->out);
	table_print(&table, show->out);
	table_free(&table);
	drop_rows(show, result);
}
