/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `sluicectl apply` reads: one command a line, or JSON; each change with its line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apply_run.h"
#include "named_rows.h"

/* want: the changes, compact and sorted; or, if it begins with no bracket, what the error has. */
static const struct {
	const char *name, *text, *want;
} rows[] = {
	{"a command", "backend set web b1 weight 50\n",
	 "[{\"line\":1,\"method\":\"backend.set\",\"params\":{\"backend\":\"b1\",\"service\":"
	 "\"web\","
	 "\"weight\":50}}]"},
	{"comments, blank lines, no last line break",
	 "# a comment\n\n  backend enable web b1 # behind\n\tbackend drain web b2 --timeout 10m",
	 "[{\"line\":3,\"method\":\"backend.enable\",\"params\":{\"backend\":\"b1\",\"service\":"
	 "\"web\"}},{\"line\":4,\"method\":\"backend.drain\",\"params\":{\"backend\":\"b2\","
	 "\"service\":\"web\",\"timeout_s\":600}}]"},
	{"quotes, carriage returns", "backend disable 'web' \"b1\"\r\n",
	 "[{\"line\":1,\"method\":\"backend.disable\",\"params\":{\"backend\":\"b1\",\"service\":"
	 "\"web\"}}]"},
	{"nothing", " \n# only a comment\n", "[]"},
	{"no such command", "backend enable web b1\nbackend sett web b1\n", "line 2: "},
	{"a wrong argument", "\n\nbackend set web b1 weight many\n", "line 3: "},
	{"one that changes nothing", "show services\n", "line 1: \"show services\" changes no"},
	{"a batch within a batch", "apply file\n", "line 1: \"apply\" changes no"},
	{"reload within a batch", "reload\n", "line 1: \"reload\" changes no"},
	{"--wait", "backend drain web b1 --wait\n", "line 1: options such as --wait"},
	{"--dry-run", "backend remove web b1 --dry-run\n", "line 1: options such as --wait"},
	{"an open quote", "backend disable 'web b1\n", "line 1: a quote is not closed"},
	{"JSON", "[{\"method\": \"backend.enable\", \"params\": {\"service\": \"web\"}}]",
	 "[{\"line\":1,\"method\":\"backend.enable\",\"params\":{\"service\":\"web\"}}]"},
	{"JSON of several lines, braces in texts",
	 "\n[\n {\"method\": \"}]\\\"{\",\n  \"params\": {}},\n\n\n {\"method\": \"x\"}]",
	 "[{\"line\":3,\"method\":\"}]\\\"{\",\"params\":{}},{\"line\":7,\"method\":\"x\"}]"},
	{"JSON with lines of its own", "[{\"method\": \"x\", \"line\": 12}]",
	 "[{\"line\":12,\"method\":\"x\"}]"},
	{"broken JSON", "[\n{\"method\": }]", "line 2: "},
	{"JSON that is no array", "{\"method\": \"x\"}", "an array of"},
	{"JSON of something else", "[1]", "element 0: an object"},
};

static void reads(void **state)
{
	for (size_t i = 0; i < ROWS(rows); i++) {
		char error[APPLY_ERROR_MAX] = "";
		json_t *changes = apply_read(rows[i].text, error);
		char *text = changes ? json_dumps(changes, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

		if (rows[i].want[0] == '[' ? !text || strcmp(text, rows[i].want) != 0
					   : text || !strstr(error, rows[i].want))
			fail_msg("row '%s': %s%s", rows[i].name, text ? text : "", error);
		free(text);
		json_decref(changes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
