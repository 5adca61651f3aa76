/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.list: which events a call gets, and where the next one goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "events.h"
#include "log.h"
#include "rpc_rows.h"

/* What the rows ask of; their ids follow `base`. */
static uint64_t base;

static void fill(void)
{
	log_set_level(FAST_PATH_LOG_ERROR);
	base = events_next() - 1;
	events_add(EVENT_SERVICE, "config: x.conf", "web", NULL, "added");
	events_add(EVENT_BACKEND, "cli uid 0 (root) pid 7: backend.set {}", "web", "b1",
		   "weight %d -> %d", 1, 2);
	events_add(EVENT_BACKEND, "cli uid 0 (root) pid 7", "dns", "b1", "disabled");
	events_add(EVENT_DRAIN, "daemon", "web", "b2", "drained");
}

/* The answer to events.list, of the events behind `base`; ids are told from there on. */
static json_t *list(const char *params)
{
	char line[512], *text;
	json_t *answer, *result;

	snprintf(line, sizeof(line), CALL("events.list", "{\"since\":%llu%s}"),
		 (unsigned long long)base, params);
	text = ask(line);
	answer = json_loads(text, 0, NULL);
	assert_non_null(answer);
	result = json_object_get(answer, "result");
	if (!result)
		fail_msg("%s", text);
	json_incref(result);
	json_decref(answer);
	free(text);
	return result;
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static void test_filters(void **state)
{
	static const struct {
		const char *name, *params, *ids;
		unsigned int last;
	} rows[] = {
		{"all", "", "1234", 4},
		{"of a service", ",\"service\":\"web\"", "124", 4},
		{"of a backend", ",\"backend\":\"b1\"", "23", 4},
		{"of both", ",\"service\":\"web\",\"backend\":\"b1\"", "2", 4},
		{"of a kind", ",\"kind\":\"drain\"", "4", 4},
		{"of a kind that has none", ",\"kind\":\"health\"", "", 4},
		{"the first two behind since", ",\"limit\":2", "12", 2},
		{"the first of a service", ",\"limit\":2,\"service\":\"web\"", "12", 2},
		{"none", ",\"limit\":0", "", 0},
		{"of the last hour", ",\"since_s\":3600", "1234", 4},
	};

	fill();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *result = list(rows[i].params), *event;
		char ids[16] = "";
		size_t j;

		print_message("# row: %s\n", rows[i].name);
		json_array_foreach (json_object_get(result, "events"), j, event)
			ids[j] = (char)('0' + number(event, "id") - base);
		assert_string_equal(ids, rows[i].ids);
		assert_int_equal(number(result, "last"), base + rows[i].last);
		assert_int_equal(number(result, "lost"), 0);
		json_decref(result);
	}
}

static void test_shape(void **state)
{
	json_t *result;
	char *text;

	fill();
	result = list(",\"kind\":\"backend\",\"limit\":1");
	json_object_del(json_array_get(json_object_get(result, "events"), 0), "when_us");
	json_object_del(json_array_get(json_object_get(result, "events"), 0), "id");
	text = json_dumps(json_object_get(result, "events"), JSON_COMPACT);
	assert_string_equal(text, "[{\"kind\":\"backend\",\"who\":\"cli uid 0 (root) pid 7\","
				  "\"service\":\"web\",\"backend\":\"b1\",\"text\":"
				  "\"weight 1 -> 2\"}]");
	free(text);
	json_decref(result);
	result = list(",\"limit\":1");
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(result, "events"), 0), "backend")));
	json_decref(result);
}

/* Without a beginning: the latest, in their order. */
static void test_latest(void **state)
{
	char want[64];

	fill();
	snprintf(want, sizeof(want), "\"last\":%llu,\"lost\":0,\"events\":[{\"id\":%llu,",
		 (unsigned long long)base + 4, (unsigned long long)base + 3);
	check("the latest two", ask(CALL("events.list", "{\"limit\":2}")), want);
	snprintf(want, sizeof(want), "\"events\":[{\"id\":%llu,", (unsigned long long)base + 2);
	check("the latest two of b1", ask(CALL("events.list", "{\"limit\":2,\"backend\":\"b1\"}")),
	      want);
}

static void test_refused(void **state)
{
	static const struct row rows[] = {
		{"a kind that is none", CALL("events.list", "{\"kind\":\"nexthop\"}"),
		 ERROR(-32001, "kind: \\\"nexthop\\\" is none of: daemon config service backend "
			       "health next-hop transition drain generation"),
		 false},
		{"since below 0", CALL("events.list", "{\"since\":-1}"),
		 ERROR(-32001, "since: -1 is not in 0-"), false},
		{"since a later one than there is", CALL("events.list", "{\"since\":1000000}"),
		 ERROR(-32001, "since: 1000000 is not in 0-"), false},
		{"since_s below 0", CALL("events.list", "{\"since_s\":-1}"),
		 ERROR(-32001, "since_s: -1 is not in 0-1073741824"), false},
		{"limit", CALL("events.list", "{\"limit\":4097}"),
		 ERROR(-32001, "limit: 4097 is not in 0-4096"), false},
		{"a service without a name", CALL("events.list", "{\"service\":\"\"}"),
		 ERROR(-32001, "service: \\\"\\\" is no name"), false},
		{"follow: a kind that is none", CALL("events.follow", "{\"kind\":\"x\"}"),
		 ERROR(-32000, "events can be followed on a connection only"), false},
	};

	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Who comes back too late is told how many it missed. */
static void test_lost(void **state)
{
	json_t *result;

	fill();
	for (int i = 0; i < EVENTS_MAX; i++)
		events_add(EVENT_DAEMON, "daemon", NULL, NULL, "again");
	result = list(",\"limit\":1");
	assert_int_equal(number(result, "lost"), 4);
	assert_int_equal(number(result, "last"), base + 5);
	json_decref(result);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_filters), TEST(test_shape), TEST(test_latest),
		TEST(test_refused), TEST(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
