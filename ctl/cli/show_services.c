/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `show services`. Called through the table in commands.c.
 */
#include "show.h"

#include "table.h"

#include <string.h>

/* In the form that `service add` reads: "[2001:db8::1]:80/tcp". */
static void endpoint_cell(struct table *table, const json_t *service)
{
	const char *vip = show_text(service, "vip");
	bool v6 = strchr(vip, ':');
	json_int_t port = show_number(service, "port");
	char port_text[24] = "all";

	if (port != 0)
		snprintf(port_text, sizeof(port_text), "%" JSON_INTEGER_FORMAT, port);
	table_cell(table, "%s%s%s:%s/%s", v6 ? "[" : "", vip, v6 ? "]" : "", port_text,
		   show_text(service, "protocol"));
}

/* "maglev", "maglev by source" */
static void scheduler_cell(struct table *table, const json_t *service)
{
	bool source = strcmp(show_text(service, "hash"), "source") == 0;

	table_cell(table, "%s%s", show_text(service, "scheduler"), source ? " by source" : "");
}

void show_services(const struct show *show, const json_t *result)
{
	static const struct column columns[] = {
		{"SERVICE", false},    {"VIP:PORT/PROTO", false}, {"SCHEDULER", false},
		{"ENCAP", false},      {"SLOTS", true},           {"SLOTS FROM", false},
		{"BACKENDS", true},    {"ENABLED", true},         {"DRAINING", true},
		{"TRANSITION", false},
	};
	struct table table;
	json_t *service;
	size_t i;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.color = show->color;
	json_array_foreach (json_object_get(result, "services"), i, service) {
		table_cell(&table, "%s", show_text(service, "name"));
		endpoint_cell(&table, service);
		scheduler_cell(&table, service);
		table_cell(&table, "%s", show_text(service, "encap"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(service, "slots"));
		table_cell(&table, "%s", show_text(service, "slots_from"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT, show_number(service, "backends"));
		table_cell(&table, "%" JSON_INTEGER_FORMAT,
			   show_number(service, "backends_enabled"));
		if (show_number(service, "backends_enabled") == 0)
			table_paint(&table, PAINT_BAD);
		table_cell(&table, "%" JSON_INTEGER_FORMAT,
			   show_number(service, "backends_draining"));
		table_cell(&table, "%s", show_text(service, "transition"));
	}
	if (table.cells_n == 0)
		fputs("no services\n", show->out);
	table_print(&table, show->out);
	table_free(&table);
}
