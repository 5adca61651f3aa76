/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/counters.md has one row for every verdict, with its action and text, then one for every
 * reason of loss at a port, then one for every counter of the flow table, and no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sluice/memory_counters.h"
#include "sluice/module.h"
#include "sluice/verdict.h"

static const char *const action_names[] = {
	[ACTION_FORWARD] = "forward", [ACTION_ECHO] = "echo", [ACTION_TOO_BIG] = "too_big",
	[ACTION_REJECT] = "reject",   [ACTION_PASS] = "pass", [ACTION_DROP] = "drop",
};

static const struct {
	const char *name, *text;
	enum action action;
} verdicts[] = {
#define X(name, action, text) {#name, text, ACTION_##action},
	SLUICE_VERDICTS(X)
#undef X
};

static const struct {
	const char *name, *meaning;
} memory_rows[] = {
#define X(member, meaning) {#member, meaning},
	SLUICE_MEMORY_COUNTERS(X)
#undef X
};

static const struct {
	const char *name, *meaning;
} drop_rows[] = {
#define X(id, word, text) {word, text},
	FAST_PATH_DROPS(X)
#undef X
};

enum { DROP_ROWS = FAST_PATH_DROP_N };

enum { MEMORY_ROWS = sizeof(memory_rows) / sizeof(memory_rows[0]) };

static void verdict_row(size_t row, char *want, size_t want_bytes)
{
	assert_int_equal(verdict_action((enum verdict)row), verdicts[row].action);
	snprintf(want, want_bytes, "| `%s` | %s | %s |\n", verdicts[row].name,
		 action_names[verdicts[row].action], verdicts[row].text);
}

static void memory_row(size_t row, char *want, size_t want_bytes)
{
	snprintf(want, want_bytes, "| `%s` | %s |\n", memory_rows[row].name,
		 memory_rows[row].meaning);
}

static void drop_row(size_t row, char *want, size_t want_bytes)
{
	snprintf(want, want_bytes, "| `%s` | %s |\n", drop_rows[row].name, drop_rows[row].meaning);
}

static void test_rows(void **state)
{
	FILE *file = fopen(SOURCE_ROOT "/docs/counters.md", "r");
	char line[512], want[512];
	size_t rows = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "| `", 3) != 0)
			continue;
		assert_true(rows < VERDICT_COUNT + DROP_ROWS + MEMORY_ROWS);
		if (rows < VERDICT_COUNT)
			verdict_row(rows, want, sizeof(want));
		else if (rows < VERDICT_COUNT + DROP_ROWS)
			drop_row(rows - VERDICT_COUNT, want, sizeof(want));
		else
			memory_row(rows - VERDICT_COUNT - DROP_ROWS, want, sizeof(want));
		assert_string_equal(line, want);
		rows++;
	}
	fclose(file);
	assert_int_equal(rows, VERDICT_COUNT + DROP_ROWS + MEMORY_ROWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
