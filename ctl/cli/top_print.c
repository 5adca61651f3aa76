/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `top --once`. Called by top.c.
 */
#include "top_print.h"

#include "model.h"
#include "show.h"
#include "table.h"

static bool is_drop(unsigned int verdict, const struct top_rates *rates)
{
	return verdict_action((enum verdict)verdict) == ACTION_DROP &&
	       rates->verdicts_s[verdict] > 0;
}

static void print_sums(const struct top_rates *rates, FILE *out)
{
	const struct memory_counters *memory = &rates->sample->memory;
	char a[TOP_RATE_TEXT_MAX], b[TOP_RATE_TEXT_MAX], c[TOP_RATE_TEXT_MAX], share[32];

	fprintf(out, "path        %s, over %.1f s\n", rates->sample->path, rates->interval_s);
	fprintf(out, "packets     %s/s in, %s/s sent to backends, %s/s to the kernel\n",
		top_rate_text(rates->packets_s, a),
		top_rate_text(rates->actions_s[ACTION_FORWARD], b),
		top_rate_text(rates->actions_s[ACTION_PASS], c));
	fprintf(out, "flow table  %llu of %llu (%s), %s/s look-ups, %s/s new, %s/s without room\n",
		(unsigned long long)memory->entries, (unsigned long long)memory->capacity,
		show_share((json_int_t)memory->entries, (json_int_t)memory->capacity, share),
		top_rate_text(rates->lookups_s, a), top_rate_text(rates->inserts_s, b),
		top_rate_text(rates->untracked_s, c));
	fprintf(out, "dropped     %s/s", top_rate_text(rates->actions_s[ACTION_DROP], a));
	for (unsigned int i = 0; i < VERDICT_COUNT; i++) {
		if (is_drop(i, rates))
			fprintf(out, ", %s %s/s", verdict_words[i],
				top_rate_text(rates->verdicts_s[i], a));
	}
	fputs("\n\n", out);
}

static void print_workers(const struct top_rates *rates, FILE *out)
{
	static const struct column columns[] = {
		{"CORE", true},
		{"PACKETS/s", true},
		{"LOAD", true},
	};
	char text[TOP_RATE_TEXT_MAX];
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (uint32_t i = 0; i < rates->sample->workers_n; i++) {
		double load = rates->worker_load[i];

		table_cell(&table, "%u", rates->sample->workers[i].core);
		table_cell(&table, "%s", top_rate_text(rates->worker_packets_s[i], text));
		if (load < 0)
			table_cell(&table, "-");
		else
			table_cell(&table, "%.0f%%", 100 * load);
	}
	table_print(&table, out);
	table_free(&table);
}

static void print_rows(const struct top_list *list, FILE *out)
{
	static const struct column columns[] = {
		{"SERVICE", false}, {"BACKEND", false}, {"PACKETS/s", true}, {"BITS/s", true},
		{"DROPS/s", true},  {"UP", true},       {"STATE", false},
	};
	char text[TOP_RATE_TEXT_MAX];
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < list->n; i++) {
		const struct top_rate *rate = list->rows[i];
		const struct top_row *row = rate->row;
		bool backend = row->backend[0];

		table_cell(&table, "%s", row->service);
		table_cell(&table, "%s", backend ? row->backend : "-");
		table_cell(&table, "%s", top_rate_text(rate->packets_s, text));
		table_cell(&table, "%s", top_rate_text(rate->bits_s, text));
		table_cell(&table, "%s", backend ? "-" : top_rate_text(rate->dropped_s, text));
		if (backend)
			table_cell(&table, "-");
		else
			table_cell(&table, "%u/%u", row->backends_up, row->backends);
		table_cell(&table, "%s", backend ? row->state : "-");
	}
	if (list->n == 0)
		fputs("nothing to show\n", out);
	table_print(&table, out);
	table_free(&table);
}

void top_print(const struct top_rates *rates, const struct top_list *list, FILE *out)
{
	print_sums(rates, out);
	print_workers(rates, out);
	fputc('\n', out);
	print_rows(list, out);
}

static json_t *row_json(const struct top_rate *rate)
{
	const struct top_row *row = rate->row;
	json_t *object = json_pack("{s:s, s:f, s:f, s:I, s:I}", "service", row->service,
				   "packets_s", rate->packets_s, "bits_s", rate->bits_s, "packets",
				   (json_int_t)row->packets, "bytes", (json_int_t)row->bytes);

	if (row->backend[0]) {
		json_object_set_new(object, "backend", json_string(row->backend));
		json_object_set_new(object, "state", json_string(row->state));
	} else {
		json_object_set_new(object, "dropped_s", json_real(rate->dropped_s));
		json_object_set_new(object, "backends", json_integer(row->backends));
		json_object_set_new(object, "backends_up", json_integer(row->backends_up));
	}
	return object;
}

static json_t *workers_json(const struct top_rates *rates)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < rates->sample->workers_n; i++) {
		double load = rates->worker_load[i];

		json_array_append_new(list,
				      json_pack("{s:i, s:f, s:o}", "core",
						(int)rates->sample->workers[i].core, "packets_s",
						rates->worker_packets_s[i], "load",
						load < 0 ? json_null() : json_real(load)));
	}
	return list;
}

json_t *top_json(const struct top_rates *rates, const struct top_list *list)
{
	const struct memory_counters *memory = &rates->sample->memory;
	json_t *rows = json_array(), *drops = json_object();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(rows, row_json(list->rows[i]));
	for (unsigned int i = 0; i < VERDICT_COUNT; i++) {
		if (is_drop(i, rates))
			json_object_set_new(drops, verdict_words[i],
					    json_real(rates->verdicts_s[i]));
	}
	return json_pack("{s:f, s:s, s:{s:f, s:f, s:f, s:f, s:f}, s:{s:I, s:I, s:f, s:f, s:f}, "
			 "s:o, s:o, s:o}",
			 "interval_s", rates->interval_s, "path", rates->sample->path, "sums",
			 "packets_s", rates->packets_s, "sent_s", rates->actions_s[ACTION_FORWARD],
			 "bits_s", rates->bits_s, "to_kernel_s", rates->actions_s[ACTION_PASS],
			 "dropped_s", rates->actions_s[ACTION_DROP], "flows", "entries",
			 (json_int_t)memory->entries, "capacity", (json_int_t)memory->capacity,
			 "lookups_s", rates->lookups_s, "inserts_s", rates->inserts_s,
			 "untracked_s", rates->untracked_s, "drops_s", drops, "workers",
			 workers_json(rates), "rows", rows);
}
