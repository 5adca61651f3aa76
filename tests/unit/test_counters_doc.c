// SPDX-License-Identifier: Apache-2.0
/*
 * docs/counters.md has one row for every verdict, with its action and text, and no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sluice/verdict.h"

static const char *const action_names[] = {
	[ACTION_FORWARD] = "forward", [ACTION_ECHO] = "echo", [ACTION_TOO_BIG] = "too_big",
	[ACTION_PASS] = "pass",	      [ACTION_DROP] = "drop",
};

static const struct {
	const char *name, *text;
	enum action action;
} verdicts[] = {
#define X(name, action, text) {#name, text, ACTION_##action},
	SLUICE_VERDICTS(X)
#undef X
};

static void test_rows(void **state)
{
	FILE *file = fopen(SOURCE_ROOT "/docs/counters.md", "r");
	char line[512], want[512];
	size_t rows = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "| `", 3) != 0)
			continue;
		assert_true(rows < VERDICT_COUNT);
		snprintf(want, sizeof(want), "| `%s` | %s | %s |\n", verdicts[rows].name,
			 action_names[verdicts[rows].action], verdicts[rows].text);
		assert_string_equal(line, want);
		assert_int_equal(verdict_action((enum verdict)rows), verdicts[rows].action);
		rows++;
	}
	fclose(file);
	assert_int_equal(rows, VERDICT_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
