/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of the model, told as events: one for each thing that differs, and how many more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "events.h"
#include "log.h"
#include "model_events.h"

static const struct {
	const char *name;
	struct model_change change;
	enum event_kind kind;
	const char *text;
} rows[] = {
	{"a setting",
	 {.kind = MODEL_CHANGE_SETTING,
	  .key = "dataplane.cores",
	  .before = "[ 1 ]",
	  .after = "[ 2 ]"},
	 EVENT_CONFIG,
	 "dataplane.cores: [ 1 ] -> [ 2 ]: takes effect at a restart"},
	{"a secret",
	 {.kind = MODEL_CHANGE_SETTING, .key = "seed"},
	 EVENT_CONFIG,
	 "seed: changed: takes effect at a restart"},
	{"a service added",
	 {.kind = MODEL_CHANGE_SERVICE_ADDED,
	  .service = "web",
	  .after = "198.51.100.10:80/tcp, 0 backends"},
	 EVENT_SERVICE,
	 "added (198.51.100.10:80/tcp, 0 backends)"},
	{"a service removed",
	 {.kind = MODEL_CHANGE_SERVICE_REMOVED, .service = "web", .before = "x"},
	 EVENT_SERVICE,
	 "removed (x)"},
	{"a service's key",
	 {.kind = MODEL_CHANGE_SERVICE,
	  .service = "web",
	  .key = "encap",
	  .before = "ipip",
	  .after = "gue"},
	 EVENT_SERVICE,
	 "encap ipip -> gue"},
	{"a backend's key",
	 {.kind = MODEL_CHANGE_BACKEND,
	  .service = "web",
	  .backend = "b1",
	  .key = "weight",
	  .before = "100",
	  .after = "50"},
	 EVENT_BACKEND,
	 "weight 100 -> 50"},
	{"a key that had no value",
	 {.kind = MODEL_CHANGE_BACKEND,
	  .service = "web",
	  .backend = "b1",
	  .key = "via",
	  .after = "vip"},
	 EVENT_BACKEND,
	 "via none -> vip"},
	{"a backend added",
	 {.kind = MODEL_CHANGE_BACKEND_ADDED,
	  .service = "web",
	  .backend = "b1",
	  .after = "10.0.0.1, weight 1"},
	 EVENT_BACKEND,
	 "added (10.0.0.1, weight 1)"},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct model_change change = rows[i].change;
		const struct model_diff diff = {.changes = &change, .n = 1};
		const struct event_entry *e;
		uint64_t id = events_next();

		print_message("# row: %s\n", rows[i].name);
		model_events_tell(&diff, "config: x");
		assert_int_equal(events_next(), id + 1);
		e = events_get(id);
		assert_int_equal(e->kind, rows[i].kind);
		assert_string_equal(e->who, "config");
		assert_string_equal(e->service, change.service);
		assert_string_equal(e->backend, change.backend);
		assert_string_equal(e->text, rows[i].text);
	}
}

static void test_many(void **state)
{
	enum { N = MODEL_EVENTS_MAX + 744 };
	struct model_change *changes = calloc(N, sizeof(*changes));
	const struct model_diff diff = {.changes = changes, .n = N};
	uint64_t id = events_next();

	assert_non_null(changes);
	for (int i = 0; i < N; i++)
		changes[i] = rows[5].change;
	model_events_tell(&diff, "config");
	assert_int_equal(events_next(), id + MODEL_EVENTS_MAX + 1);
	assert_string_equal(events_get(events_next() - 1)->text,
			    "744 more services, backends and keys of them changed");
	free(changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_many),
	};

	log_set_level(FAST_PATH_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
