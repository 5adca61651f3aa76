/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/metrics.md has one row for every metric, with its name as it is scraped, type, labels and
 * meaning, in the order of the table, and no other; and names follow their types and units.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics_table.h"

#define END_COUNTER  "_total"
#define END_GAUGE    ""
#define END_INFO     "_info"
#define TYPE_COUNTER "counter"
#define TYPE_GAUGE   "gauge"
#define TYPE_INFO    "info"

static const struct {
	const char *name, *type, *unit, *labels, *help;
} metrics[] = {
#define X(scope, name, type, unit, labels, help) \
	{"sluice_" #name END_##type, TYPE_##type, unit, labels, help},
	METRICS_NODE(X)
#undef X
#define IS_LEVEL(member) \
	(offsetof(struct memory_counters, member) >= offsetof(struct memory_counters, entries))
#define X(member, help)                                                                           \
	{IS_LEVEL(member) ? "sluice_flow_table_" #member : "sluice_flow_table_" #member "_total", \
	 IS_LEVEL(member) ? "gauge" : "counter", "", "", help},
		METRICS_FLOW_TABLE(X)
#undef X
#define X(scope, name, type, unit, labels, help) \
	{"sluice_" #name END_##type, TYPE_##type, unit, labels, help},
			METRICS_DAEMON(X) METRICS_SCRAPE(X) METRICS_WORKER(X) METRICS_PORT(X)
				METRICS_VIP(X) METRICS_SERVICE(X) METRICS_BACKEND(X)
#undef X
};

enum { METRICS_N = sizeof(metrics) / sizeof(metrics[0]) };

static void row_text(size_t i, char *want, size_t want_bytes)
{
	snprintf(want, want_bytes, "| `%s` | %s | %s | %s |\n", metrics[i].name, metrics[i].type,
		 metrics[i].labels, metrics[i].help);
}

static void test_rows(void **state)
{
	FILE *file = fopen(SOURCE_ROOT "/docs/metrics.md", "r");
	char line[512], want[512];
	size_t rows = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "| `sluice_", 10) != 0)
			continue;
		assert_true(rows < METRICS_N);
		row_text(rows++, want, sizeof(want));
		assert_string_equal(line, want);
	}
	fclose(file);
	assert_int_equal(rows, METRICS_N);
}

/* OpenMetrics asks for a unit to be the name's last word; quotes would need to be escaped. */
static void test_names(void **state)
{
	for (size_t i = 0; i < METRICS_N; i++) {
		char ending[64];

		print_message("# row: %s\n", metrics[i].name);
		assert_null(strpbrk(metrics[i].help, "\"\\\n|"));
		if (!*metrics[i].unit)
			continue;
		snprintf(ending, sizeof(ending), "_%s%s", metrics[i].unit,
			 strcmp(metrics[i].type, "counter") == 0 ? "_total" : "");
		assert_true(strlen(metrics[i].name) > strlen(ending));
		assert_string_equal(metrics[i].name + strlen(metrics[i].name) - strlen(ending),
				    ending);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_names),
	};
	char row[512];

	/* To write the page anew: the rows alone. */
	for (size_t i = 0; argc > 1 && i < METRICS_N; i++) {
		row_text(i, row, sizeof(row));
		fputs(row, stdout);
	}
	return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
