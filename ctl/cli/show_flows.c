/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `show flows`, `show transitions` and `show memory`. Called through the table in commands.c.
 */
#include "show.h"

#include "duration.h"
#include "table.h"

#include "sluice/memory_counters.h"

#include <string.h>
#include <time.h>

void show_flows(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"FLOW HASH", false}, {"SERVICE", false}, {"BACKEND", false},
		{"STATE", false},     {"IDLE", true},     {"WORKER", true},
	};
	const json_t *flows = json_object_get(result, "flows");
	json_int_t matching = show_number(result, "matching");
	char idle[DURATION_TEXT_MAX];
	struct table table;
	json_t *flow;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (flows, i, flow) {
		table_cell(&table, "%s", show_text(flow, "hash"));
		table_cell(&table, "%s", show_text(flow, "service"));
		table_cell(&table, "%s", show_text(flow, "backend"));
		table_cell(&table, "%s", show_text(flow, "state"));
		table_cell(&table, "%s", duration_format(show_number(flow, "idle_s"), idle));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(flow, "worker"));
	}
	table_print(&table, show->out);
	table_free(&table);
	if (matching == 0)
		fputs("no remembered flows (others are where the lookup table says)\n", show->out);
	else if (matching > (json_int_t)json_array_size(flows))
		fprintf(show->out, "%zu of %" JSON_INTEGER_FORMAT " (--limit N shows more)\n",
			json_array_size(flows), matching);
}

void show_transitions(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"SERVICE", false},      {"STATE", false}, {"SINCE", false},
		{"ENDS IN", true},       {"SLOTS", true},  {"CHANGED SLOTS", true},
		{"WITH PREVIOUS", true},
	};
	struct table table;
	json_t *row;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (json_object_get(result, "transitions"), i, row) {
		bool ends = json_is_integer(json_object_get(row, "ends_in_s"));
		char in[DURATION_TEXT_MAX], since[64];

		table_cell(&table, "%s", show_text(row, "service"));
		table_cell(&table, "%s", show_text(row, "state"));
		table_cell(&table, "%s", show_time(show_number(row, "started_us"), since));
		table_cell(&table, "%s",
			   ends ? duration_format(show_number(row, "ends_in_s"), in) : "-");
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(row, "slots"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(row, "changed_slots"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(row, "previous_slots"));
	}
	if (table.cells_n == 0)
		fputs("no transition is under way: the lookup tables tell where each flow goes\n",
		      show->out);
	table_print(&table, show->out);
	table_free(&table);
}

void show_memory(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"COUNTER", false},
		{"COUNT", true},
		{"MEANING", false},
	};
	char share[32];
	struct table table;

	fprintf(show->out, "%s of the flow table is in use\n\n",
		show_share(show_number(result, "entries"), show_number(result, "capacity"), share));
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
#define X(member, meaning)                                                         \
	table_cell(&table, "%s", #member);                                         \
	table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(result, #member)); \
	table_cell(&table, "%s", meaning);
	SLUICE_MEMORY_COUNTERS(X)
#undef X
	table_print(&table, show->out);
	table_free(&table);
}
