/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.follow over a real socket: what comes, in which order, to whom; a client that doesn't
 * read; the gap that it is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control_room.h"
#include "events.h"
#include "log.h"

#define FOLLOW(params) \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\",\"params\":" params "}\n"
#define EVENT(rest) "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"id\":" rest

static int quiet_setup(void **state)
{
	struct control_config c;

	log_set_level(FAST_PATH_LOG_ERROR);
	setup(state);
	c = config();
	serve(&c);
	return 0;
}

static int follower(const char *request)
{
	int fd = client_connect();

	send_text(fd, request);
	expect_line(fd, "\"result\":{\"last\":");
	return fd;
}

static void happen(const char *service, int number)
{
	events_add(EVENT_SERVICE, "config", service, NULL, "number %d.", number);
}

/* In their order, and only to those who follow; a request in between is answered. */
static void test_order(void **state)
{
	int web = follower(FOLLOW("{\"service\":\"web\"}")), all = follower(FOLLOW("{}"));
	int other = client_connect();
	char line[1024];

	happen("web", 1);
	happen("dns", 2);
	happen("web", 3);
	expect_line(web, "number 1.");
	expect_line(web, "number 3.");
	expect_line(all, "\"service\":\"web\",\"backend\":null,\"text\":\"number 1.\"}}");
	expect_line(all, "number 2.");
	send_text(all, SHOW "\n");
	expect_line(all, "number 3.");
	expect_line(all, "\"generation\":");
	happen("dns", 4);
	expect_line(all, "number 4.");
	send_text(other, SHOW "\n");
	expect_line(other, "\"generation\":");
	/* An event that none of the clients' requests woke anybody for. */
	happen("web", 5);
	read_line(web, line, sizeof(line));
	assert_non_null(strstr(line, "number 5."));
	close(web);
	close(all);
	close(other);
	happen("web", 6);
	expect_service();
}

/* From an event on that has been. */
static void test_since(void **state)
{
	char request[128], want[64];
	uint64_t id = events_next();
	int fd;

	happen("a", 1);
	happen("b", 2);
	snprintf(request, sizeof(request), FOLLOW("{\"since\":%llu}"), (unsigned long long)id);
	fd = follower(request);
	snprintf(want, sizeof(want), EVENT("%llu,"), (unsigned long long)id + 1);
	expect_line(fd, want);
	happen("c", 3);
	expect_line(fd, "number 3.");
	/* Another takes the first one's place. */
	send_text(fd, FOLLOW("{\"kind\":\"drain\"}"));
	expect_line(fd, "\"result\":");
	happen("d", 4);
	events_add(EVENT_DRAIN, "daemon", "d", "b1", "drained");
	expect_line(fd, "\"kind\":\"drain\"");
	close(fd);
}

/* Who doesn't read is told of the gap, once, where it is; what comes behind it is whole. */
static void test_slow(void **state)
{
	enum { N = 5 * EVENTS_MAX };
	int fd = follower(FOLLOW("{}")), last = -1, gaps = 0;
	long long lost = 0;
	char line[1024];

	for (int i = 0; i < N; i++) {
		happen("web", i);
		if (i % 64 == 0)
			step();
	}
	while (last != N - 1) {
		const char *text, *gap;

		read_line(fd, line, sizeof(line));
		gap = strstr(line, "\"method\":\"events.lost\",\"params\":{\"lost\":");
		text = strstr(line, "\"text\":\"number ");
		if (gap) {
			lost = atoll(strrchr(line, ':') + 1);
			gaps++;
			assert_true(lost > 0);
			last += (int)lost;
			continue;
		}
		if (!text)
			fail_msg("\"%s\" behind number %d", line, last);
		assert_int_equal(atoi(text + strlen("\"text\":\"number ")), last + 1);
		last++;
	}
	assert_int_equal(gaps, 1);
	assert_true(lost < N);
	expect_service();
	close(fd);
}

/* Who shuts down its sending side has what was asked for, and the end. */
static void test_end(void **state)
{
	int fd = follower(FOLLOW("{}"));

	shutdown(fd, SHUT_WR);
	expect_end(fd);
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, quiet_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_since),
		TEST(test_slow),
		TEST(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
