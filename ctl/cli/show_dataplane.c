/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `show dataplane` and `version`. Called through the table in commands.c.
 */
#include "show.h"

#include <string.h>

#include "table.h"

/* "-": any, or not known. */
static void node_cell(struct table *table, const json_t *row)
{
	const json_t *node = json_object_get(row, "numa_node");

	if (json_is_integer(node))
		table_cell(table, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
	else
		table_cell(table, "-");
}

/* Of an object whose members are numbers. */
static json_int_t numbers_sum(json_t *object)
{
	json_int_t sum = 0;
	const char *name;
	json_t *number;

	json_object_foreach (object, name, number)
		sum += json_integer_value(number);
	return sum;
}

static void show_ports(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"PORT", true},      {"INTERFACE", false}, {"DRIVER", false},
		{"MAC", false},      {"STATE", false},     {"NODE", true},
		{"QUEUES", true},    {"RX PACKETS", true}, {"TX PACKETS", true},
		{"RX MISSED", true}, {"TO KERNEL", true},  {"FROM KERNEL", true},
		{"DROPPED", true},   {"MODE", false},
	};
	static const char *const numbers[] = {"rx_packets", "tx_packets", "rx_missed", "to_kernel",
					      "from_kernel"};
	struct table table;
	const char *mode;
	json_t *port;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (json_object_get(result, "ports"), i, port) {
		table_cell(&table, "%zu", i);
		table_cell(&table, "%s", show_text(port, "interface"));
		table_cell(&table, "%s", show_text(port, "driver"));
		table_cell(&table, "%s", show_text(port, "mac"));
		table_cell(&table, "%s", show_text(port, "state"));
		node_cell(&table, port);
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(port, "queues"));
		for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++)
			table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(port, numbers[n]));
		table_cell(&table, "%" JSON_INTEGER_FORMAT,
			   numbers_sum(json_object_get(port, "dropped")));
		mode = show_text(port, "mode");
		table_cell(&table, "%s", mode[0] ? mode : "-");
	}
	table_print(&table, show->out);
	table_free(&table);
}

/* Where a port has several queues. */
static void show_spread(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"PORT", true},
		{"HOW PACKETS COME TO ITS QUEUES", false},
	};
	struct table table;
	json_t *port;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (json_object_get(result, "ports"), i, port) {
		const char *how = show_text(port, "spread_how");

		if (!how[0] || strcmp(how, "-") == 0)
			continue;
		table_cell(&table, "%zu", i);
		table_cell(&table, "%s", how);
	}
	if (table.cells_n > 0) {
		fputc('\n', show->out);
		table_print(&table, show->out);
	}
	table_free(&table);
}

static void show_workers(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"WORKER", true}, {"CORE", true},         {"NODE", true},   {"PACKETS", true},
		{"BURSTS", true}, {"EMPTY BURSTS", true}, {"SLEEPS", true}, {"LONGEST GAP", true},
	};
	struct table table;
	json_t *worker;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (json_object_get(result, "workers"), i, worker) {
		table_cell(&table, "%zu", i);
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(worker, "core"));
		node_cell(&table, worker);
		table_cell(&table, "%" JSON_INTEGER_FORMAT,
			   numbers_sum(json_object_get(worker, "packets")));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(worker, "bursts"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(worker, "empty_bursts"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(worker, "sleeps"));
		table_cell(&table, "%.3f ms",
			   (double)show_number(worker, "burst_gap_max_ns") / 1000000);
	}
	if (table.cells_n > 0)
		fputc('\n', show->out);
	table_print(&table, show->out);
	table_free(&table);
}

void show_dataplane(const struct show *show, const json_t *result)
{
	fprintf(show->out, "path    %s (%s)\n", show_text(result, "path"),
		show_text(result, "reason"));
	fprintf(show->out, "        %s\n\n", show_text(result, "description"));
	show_ports(show, result);
	show_spread(show, result);
	show_workers(show, result);
}

void show_version(const struct show *show, const json_t *result)
{
	char time[64];

	fprintf(show->out, "sluicectl  %s\n", SLUICE_VERSION);
	fprintf(show->out, "sluiced    %s (%s)\n", show_text(result, "version"),
		show_text(result, "build"));
	fprintf(show->out, "config     %s\n", show_text(result, "config_path"));
	fprintf(show->out, "running    since %s\n",
		show_time(show_number(result, "started_us"), time));
	fprintf(show->out, "fast path  %s: %s\n", show_text(result, "path"),
		show_text(result, "description"));
}
