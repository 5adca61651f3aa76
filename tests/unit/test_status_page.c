/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /api/status of a daemon that is none: what is told, what is asked for, names and texts that need
 * escapes, services that go while it is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <jansson.h>

#include "fake_daemon.h"
#include "log.h"
#include "page_files.h"
#include "status_page.h"

static struct fake_daemon fake;
static struct daemon_api api;
static struct event_base *base;
static struct worker_load *load;

static int setup(void **state)
{
	memset(&fake, 0, sizeof(fake));
	fake_init(&fake);
	api = fake_api(&fake);
	base = event_base_new();
	load = worker_load_new(base, &api);
	log_set_level(FAST_PATH_LOG_ERROR);
	return base && load ? 0 : -1;
}

static int teardown(void **state)
{
	worker_load_free(load);
	event_base_free(base);
	model_free(fake.model);
	return 0;
}

/* The whole answer; `between` is called between its first two pieces. NULL: it broke. */
static json_t *ask(const char *query, const char *why, int status, void (*between)(void))
{
	struct evbuffer *out = evbuffer_new();
	struct http_page page = {.status = 200};
	json_error_t error;
	json_t *answer = NULL;
	int more;

	status_page(&page, &api, load, why, query);
	assert_int_equal(page.status, status);
	do {
		more = page.piece(page.ctx, out);
		if (between)
			between();
		between = NULL;
	} while (more > 0);
	page.end(page.ctx);
	evbuffer_add(out, "", 1);
	if (more == 0 && status == 200) {
		answer = json_loads((const char *)evbuffer_pullup(out, -1), 0, &error);
		if (!answer)
			fail_msg("%s: %s", error.text, (const char *)evbuffer_pullup(out, -1));
	}
	evbuffer_free(out);
	return answer;
}

/* What stands at "node.packets.dropped", "services.rows.0.name" ..., as JSON. */
static void expect(json_t *answer, const char *place, const char *want)
{
	char path[128], *rest = NULL, *got;
	json_t *at = answer;

	snprintf(path, sizeof(path), "%s", place);
	for (char *word = strtok_r(path, ".", &rest); word; word = strtok_r(NULL, ".", &rest))
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(word))
				       : json_object_get(at, word);
	got = at ? json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("nothing");
	if (strcmp(got, want) != 0)
		fail_msg("%s: want %s, got %s", place, want, got);
	free(got);
}

static const struct {
	const char *query, *place, *want;
} rows[] = {
	{"", "node.version", "\"0.1.0\""},
	{"", "node.description", "\"DPDK, with a byte that is no UTF-8: ?\""},
	{"", "node.not_ready", "\"a \\\"quoted\\\" <why>\""},
	{"", "node.generation.number", "7"},
	{"", "node.transitions", "1"},
	{"", "node.drops.bad_tables", "0"},
	{"", "node.ports.0.interface", "\"eth0\""},
	{"", "node.backends.enabled", "2"},
	{"", "node.backends.down", "1"},
	{"", "services.total", "2"},
	{"", "services.rows.0.name", "\"web\""},
	{"", "services.rows.0.vip", "\"198.51.100.10\""},
	{"", "services.rows.0.packets", "1080"},
	{"", "services.rows.0.bytes", "10000000000"},
	{"", "services.rows.0.transition", "\"active\""},
	{"", "services.rows.1.vip", "\"2001:db8::10\""},
	{"", "service", "null"},
	{"", "backends", "[]"},
	{"limit=1", "services.rows.1", "nothing"},
	{"limit=1", "services.matching", "2"},
	{"limit=1&offset=1", "services.rows.0.name", "\"dns6\""},
	{"offset=5", "services.rows", "[]"},
	{"search=WE", "services.rows.0.name", "\"web\""},
	{"search=WE", "services.matching", "1"},
	{"search=WE", "services.total", "2"},
	{"search=2001%3Adb8", "services.rows.0.name", "\"dns6\""},
	{"search=none", "services.rows", "[]"},
	{"service=web", "service.name", "\"web\""},
	{"service=web&limit=0", "service.packets", "1080"},
	{"service=web", "backends.0.name", "\"b1\""},
	{"service=web", "backends.0.admin", "\"enabled\""},
	{"service=web", "backends.0.health", "\"up\""},
	{"service=web", "backends.0.weight_now", "50"},
	{"service=web", "backends.0.resolved", "true"},
	{"service=web", "backends.1.resolved", "false"},
	{"service=web", "backends.1.health", "\"down\""},
	{"service=web", "backends.1.reason", "\"tcp connect timed out after 500 ms, 3 of 3\""},
	{"service=dns6", "backends", "[]"},
	{"service=%22%3Cb%3E", "service", "null"},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *answer = ask(rows[i].query, "a \"quoted\" <why>", 200, NULL);

		print_message("# row: %s: %s\n", rows[i].query, rows[i].place);
		expect(answer, rows[i].place, rows[i].want);
		json_decref(answer);
	}
}

static void test_refused(void **state)
{
	static const char *const queries[] = {
		"limit=1001",
		"limit=-1",
		"limit=",
		"limit=1x",
		"offset=99999999999999",
		"color=red",
		"no-value",
		"search=0123456789012345678901234567890123456789012345678901234567890123",
	};

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		print_message("# row: %s\n", queries[i]);
		assert_null(ask(queries[i], "", 400, NULL));
	}
}

static void remove_web(void)
{
	struct model_error error;
	struct model *next = model_service_remove(fake.model, "web", &error);

	assert_non_null(next);
	model_free(fake.model);
	fake.model = next;
}

/* The model that was read is gone by the time that the rows are written. */
static void test_change_between(void **state)
{
	json_t *answer = ask("service=web", "", 200, remove_web);

	expect(answer, "node.not_ready", "null");
	expect(answer, "services.rows.0.packets", "1080");
	expect(answer, "backends.1.name", "\"b2\"");
	expect(answer, "backends.1.reason", "\"\"");
	json_decref(answer);
}

/* What the answer took is its last word, so that the page can ask less often for what takes long. */
static void test_spent(void **state)
{
	json_t *answer = ask("", "", 200, NULL);
	const json_t *spent = json_object_get(answer, "spent_us");

	assert_true(json_is_integer(spent));
	assert_in_range(json_integer_value(spent), 0, 10000000);
	json_decref(answer);
}

static void test_reading_fails(void **state)
{
	fake.read_rc = -ERANGE;
	assert_null(ask("", "", 200, NULL));
}

/* What the page is made of asks nobody else, and needs no script or style within its HTML. */
static void test_files(void **state)
{
	size_t n = 0;

	for (; page_files[n].name; n++) {
		const char *text = page_files[n].text;

		assert_true(strlen(text) > 100);
		for (const char *at = text; (at = strstr(at, "://")); at++)
			assert_int_equal(strncmp(at, "://www.w3.org/2000/svg", 22), 0);
		assert_null(strstr(text, "innerHTML"));
		assert_null(strstr(text, "style="));
	}
	assert_int_equal(n, 10);
}

/* A drain's state is told in the words that the control socket has. */
static void test_drain_words(void **state)
{
	static const struct {
		enum daemon_drain_state state;
		const char *word;
	} words[] = {{DRAIN_RUNNING, "\"running\""},
		     {DRAIN_DONE, "\"done\""},
		     {DRAIN_TIMED_OUT, "\"timed_out\""}};
	struct model_error error;
	struct model *next = model_backend_drain(fake.model, "web", "b1", 0, &error);

	assert_non_null(next);
	model_free(fake.model);
	fake.model = next;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		json_t *answer;

		fake.drain.state = words[i].state;
		answer = ask("service=web", NULL, 200, NULL);
		expect(answer, "backends.0.drain", words[i].word);
		json_decref(answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_between, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reading_fails, setup, teardown),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
