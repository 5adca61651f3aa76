/* SPDX-License-Identifier: Apache-2.0
 *
 * `show backends`. Called through the table in commands.c.
 */
#include "show.h"

#include "table.h"

#include <string.h>

/* "veth0 02:00:00:00:00:01", or why there is no way. */
static void next_hop_cell(struct table *table, const json_t *backend)
{
	const json_t *hop = json_object_get(backend, "next_hop");
	json_int_t vlan = show_number(hop, "vlan");

	if (strcmp(show_text(hop, "state"), "resolved") != 0)
		table_cell(table, "%s", show_text(hop, "text"));
	else if (vlan != 0)
		table_cell(table, "%s %s vlan %" JSON_INTEGER_FORMAT, show_text(hop, "interface"),
			   show_text(hop, "mac"), vlan);
	else
		table_cell(table, "%s %s", show_text(hop, "interface"), show_text(hop, "mac"));
}

/* Of the slots, so of the flows that come. */
static void share_cell(struct table *table, const json_t *backend)
{
	json_int_t total = show_number(backend, "slots_total");
	json_int_t slots = show_number(backend, "slots");

	if (total > 0)
		table_cell(table, "%.1f%%", (double)slots * 100 / (double)total);
	else
		table_cell(table, "-");
}

void show_backends(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"SERVICE", false}, {"BACKEND", false}, {"ADDRESS", false},
		{"STATE", false},   {"WEIGHT", true},   {"SHARE", true},
		{"PACKETS", true},  {"BYTES", true},    {"NEXT HOP", false},
	};
	struct table table;
	json_t *backend;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach (json_object_get(result, "backends"), i, backend) {
		table_cell(&table, "%s", show_text(backend, "service"));
		table_cell(&table, "%s", show_text(backend, "name"));
		table_cell(&table, "%s", show_text(backend, "address"));
		table_cell(&table, "%s", show_text(backend, "state"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(backend, "weight"));
		share_cell(&table, backend);
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(backend, "packets"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(backend, "bytes"));
		next_hop_cell(&table, backend);
	}
	if (table.cells_n == 0)
		fputs("no backends\n", show->out);
	table_print(&table, show->out);
	table_free(&table);
}
