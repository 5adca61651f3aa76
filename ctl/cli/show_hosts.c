/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `show hosts`. Called through the table in commands.c.
 */
#include "show.h"
#include "table.h"

void show_hosts(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"ADDRESS", false}, {"BACKENDS", true}, {"ENABLED", true}, {"DRAINING", true},
		{"DRAINED", true},  {"DISABLED", true}, {"DOWN", true},    {"FLOWS", true},
		{"PACKETS", true},  {"BYTES", true},
	};
	static const char *const numbers[] = {"backends", "enabled",  "draining",
					      "drained",  "disabled", "down",
					      "flows",    "packets",  "bytes"};
	struct table table;
	json_t *host;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (json_object_get(result, "hosts"), i, host) {
		table_cell(&table, "%s", show_text(host, "address"));
		for (size_t j = 0; j < sizeof(numbers) / sizeof(numbers[0]); j++)
			table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(host, numbers[j]));
	}
	if (table.cells_n == 0)
		fputs("no backends\n", show->out);
	table_print(&table, show->out);
	table_free(&table);
}
