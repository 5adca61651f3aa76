/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of events: what is kept of one, and what is forgotten. The log's lines go to a file.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "events.h"
#include "log.h"

static const struct {
	const char *name;
	enum event_kind kind;
	const char *who, *service, *backend, *text;
	const char *kept_who, *kept_text, *logged;
} rows[] = {
	{"of a backend", EVENT_BACKEND, "cli uid 0 (root) pid 9: backend.set {\"a\":1}", "web",
	 "b1", "weight 100 -> 50", "cli uid 0 (root) pid 9", "weight 100 -> 50",
	 "info: service web: backend b1: weight 100 -> 50 (cli uid 0 (root) pid 9: backend.set "
	 "{\"a\":1})\n"},
	{"of a service", EVENT_TRANSITION, "config", "web", NULL, "over", "config", "over",
	 "info: service web: over (config)\n"},
	{"of nobody in particular", EVENT_DAEMON, "daemon", "", "", "ready", "daemon", "ready",
	 "info: ready\n"},
	{"control characters", EVENT_CONFIG, "a\nb", NULL, NULL, "one\ntwo\x7f\x1b[0m", "a b",
	 "one two  [0m", "info: one two  [0m (a b)\n"},
};

/* What `add` made the log say, with the level, without the time. */
static void logged(void (*add)(size_t row), size_t row, char *line, size_t line_bytes)
{
	FILE *file = tmpfile();
	char text[4098];
	int saved = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(file);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	add(row);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(text, 1, sizeof(text) - 2, file);
	text[n] = 0;
	fclose(file);
	assert_true(n > 13);
	text[13 + strcspn(text + 13, "\n") + 1] = 0;
	snprintf(line, line_bytes, "%s", text + 13);
}

static void add_row(size_t row)
{
	events_add(rows[row].kind, rows[row].who, rows[row].service, rows[row].backend, "%s",
		   rows[row].text);
}

static void test_kept(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t id = events_next(), count = events_count(rows[i].kind);
		int64_t before_us = (int64_t)time(NULL) * 1000000;
		const struct event_entry *e;
		char line[4096];

		print_message("# row: %s\n", rows[i].name);
		logged(add_row, i, line, sizeof(line));
		assert_string_equal(line, rows[i].logged);
		e = events_get(id);
		assert_non_null(e);
		assert_int_equal(e->id, id);
		assert_int_equal(events_next(), id + 1);
		assert_int_equal(events_count(rows[i].kind), count + 1);
		assert_in_range(e->when_us, before_us, before_us + 10000000);
		assert_int_equal(e->kind, rows[i].kind);
		assert_string_equal(e->who, rows[i].kept_who);
		assert_string_equal(e->service, rows[i].service ? rows[i].service : "");
		assert_string_equal(e->backend, rows[i].backend ? rows[i].backend : "");
		assert_string_equal(e->text, rows[i].kept_text);
	}
}

static void add_warning(size_t row)
{
	(void)row;
	events_warn(EVENT_DRAIN, "daemon", "web", "b1", "timed out after %d s", 5);
}

static void test_warning(void **state)
{
	char line[4096];

	logged(add_warning, 0, line, sizeof(line));
	assert_string_equal(line, "warning: service web: backend b1: timed out after 5 s\n");
	assert_string_equal(events_get(events_next() - 1)->text, "timed out after 5 s");
}

/* Longer than there is room for: cut, with its 0. */
static void test_long(void **state)
{
	char text[2 * EVENT_TEXT_MAX];
	const struct event_entry *e;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	events_add(EVENT_DAEMON, text, text, text, "%s", text);
	e = events_get(events_next() - 1);
	assert_int_equal(strlen(e->text), EVENT_TEXT_MAX - 1);
	assert_int_equal(strlen(e->who), EVENT_WHO_MAX - 1);
	assert_int_equal(strlen(e->service), EVENT_NAME_MAX - 1);
	assert_int_equal(strlen(e->backend), EVENT_NAME_MAX - 1);
}

static void test_forgets(void **state)
{
	uint64_t start = events_next();

	log_set_level(FAST_PATH_LOG_ERROR);
	assert_int_equal(events_first(), 1);
	for (uint64_t i = 0; i < 2 * EVENTS_MAX + 7; i++)
		events_add(EVENT_DAEMON, "daemon", NULL, NULL, "number %d", (int)i);
	log_set_level(FAST_PATH_LOG_INFO);
	assert_int_equal(events_next(), start + 2 * EVENTS_MAX + 7);
	assert_int_equal(events_first(), events_next() - EVENTS_MAX);
	assert_null(events_get(0));
	assert_null(events_get(events_first() - 1));
	assert_null(events_get(events_next()));
	for (uint64_t id = events_first(); id < events_next(); id++) {
		char want[32];

		snprintf(want, sizeof(want), "number %d", (int)(id - start));
		assert_int_equal(events_get(id)->id, id);
		assert_string_equal(events_get(id)->text, want);
	}
}

static void count_call(void *ctx)
{
	++*(int *)ctx;
}

static void test_listeners(void **state)
{
	int a_calls = 0, b_calls = 0;
	struct events_listener a = {.added = count_call, .ctx = &a_calls};
	struct events_listener b = {.added = count_call, .ctx = &b_calls};

	events_listen(&a);
	events_add(EVENT_DAEMON, "daemon", NULL, NULL, "one");
	events_listen(&b);
	events_add(EVENT_DAEMON, "daemon", NULL, NULL, "two");
	events_unlisten(&a);
	events_add(EVENT_DAEMON, "daemon", NULL, NULL, "three");
	events_unlisten(&b);
	events_add(EVENT_DAEMON, "daemon", NULL, NULL, "four");
	assert_int_equal(a_calls, 2);
	assert_int_equal(b_calls, 2);
}

static void test_kinds(void **state)
{
	for (int i = 0; i < EVENT_N_KINDS; i++)
		assert_int_equal(enum_parse(event_kind_words, event_kind_name(i)), i);
	assert_int_equal(enum_parse(event_kind_words, "nexthop"), -EINVAL);
	assert_int_equal(enum_parse(event_kind_words, ""), -EINVAL);
}

static void add_many(size_t n)
{
	for (size_t i = 0; i < n; i++)
		events_add(EVENT_SERVICE, "config", NULL, NULL, "number %zu of many", i);
}

/* Thousands at once take the place of few others; the log has all of them. */
static void test_share(void **state)
{
	enum { MAX = 10, N = EVENTS_MAX + 1000 };
	uint64_t id, count;
	char line[512];

	events_add(EVENT_BACKEND, "cli", "web", "b1", "of long ago");
	id = events_next();
	count = events_count(EVENT_SERVICE);
	events_share_begin(MAX);
	logged(add_many, N, line, sizeof(line));
	events_share_end("config");
	assert_string_equal(line, "info: number 0 of many (config)\n");
	assert_int_equal(events_count(EVENT_SERVICE), count + N);
	assert_int_equal(events_next(), id + MAX + 1);
	assert_string_equal(events_get(id - 1)->text, "of long ago");
	assert_string_equal(events_get(id + MAX - 1)->text, "number 9 of many");
	assert_string_equal(events_get(id + MAX)->text, "5086 more events: the log has them");
	events_add(EVENT_SERVICE, "config", NULL, NULL, "behind it");
	assert_string_equal(events_get(id + MAX + 1)->text, "behind it");
	/* Few: nothing is told of the rest. */
	events_share_begin(MAX);
	events_add(EVENT_SERVICE, "config", NULL, NULL, "one");
	events_share_end("config");
	assert_int_equal(events_next(), id + MAX + 3);
}

static void add_flaps(size_t n)
{
	for (size_t i = 0; i < n; i++)
		events_add(EVENT_HEALTH, "health", "web", "b1", "up -> down, number %zu", i);
}

/* Backends that flap by thousands push out nothing that somebody did; the log has all of them. */
static void test_unasked(void **state)
{
	char line[512];
	uint64_t id, flaps = events_count(EVENT_HEALTH);

	events_add(EVENT_BACKEND, "cli", "web", "b1", "by somebody");
	id = events_next();
	logged(add_flaps, EVENTS_MAX + 1000, line, sizeof(line));
	assert_int_equal(events_count(EVENT_HEALTH), flaps + EVENTS_MAX + 1000);
	assert_string_equal(events_get(id - 1)->text, "by somebody");
	assert_in_range(events_next(), id, id + EVENTS_UNASKED_MAX + 1);
	assert_string_equal(events_get(events_next() - 1)->text,
			    "512 events within a minute came by themselves: of further ones the "
			    "log tells alone");
	/* What somebody asks for is kept, of whatever kind. */
	events_add(EVENT_TRANSITION, "cli uid 0 (root)", "web", NULL, "asked for");
	assert_string_equal(events_get(events_next() - 1)->text, "asked for");
}

/* A share within another is part of it. */
static void test_share_nested(void **state)
{
	uint64_t id = events_next();

	events_share_begin(2);
	events_share_begin(100);
	for (int i = 0; i < 5; i++)
		events_add(EVENT_SERVICE, "config", NULL, NULL, "number %d", i);
	events_share_end("config");
	events_add(EVENT_SERVICE, "config", NULL, NULL, "one more");
	events_share_end("config");
	assert_int_equal(events_next(), id + 3);
	assert_string_equal(events_get(id + 2)->text, "4 more events: the log has them");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),    cmocka_unit_test(test_warning),
		cmocka_unit_test(test_long),    cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_share),   cmocka_unit_test(test_share_nested),
		cmocka_unit_test(test_unasked), cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_kinds),
	};

	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
