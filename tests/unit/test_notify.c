/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service manager is told, at a socket of the test's in its place; and when the watchdog's
 * sign is given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "notify.h"
#include "watchdog.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
	int fd;
	char path[64];
	uint64_t polls[3];
	int workers_n;
} manager;

/* `name` is a path, or @ and a name in the abstract namespace. */
static void manager_listen(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memcpy(addr.sun_path, name, strlen(name));
	if (name[0] == '@')
		addr.sun_path[0] = 0;
	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(manager.fd >= 0);
	assert_int_equal(bind(manager.fd, (struct sockaddr *)&addr,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static int setup(void **state)
{
	memset(&manager, 0, sizeof(manager));
	snprintf(manager.path, sizeof(manager.path), "/tmp/sluice-notify-%d", (int)getpid());
	manager_listen(manager.path);
	return 0;
}

static int teardown(void **state)
{
	notify_close();
	close(manager.fd);
	unlink(manager.path);
	return 0;
}

/* The next datagram; "" if there is none. */
static const char *told(void)
{
	static char text[1024];
	ssize_t n = recv(manager.fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static void expect(const char *want)
{
	assert_string_equal(told(), want);
}

static void test_messages(void **state)
{
	const char *text;

	notify_open();
	notify_ready("%s, %u services", "dpdk", 3);
	expect("READY=1\nSTATUS=dpdk, 3 services");
	notify_status("%s", "generation 4");
	expect("STATUS=generation 4");
	notify_reloading();
	text = told();
	assert_memory_equal(text, "RELOADING=1\nMONOTONIC_USEC=", 27);
	assert_true(strtoull(text + 27, NULL, 10) > 0);
	notify_stopping();
	expect("STOPPING=1\nSTATUS=ending");
	notify_alive();
	expect("WATCHDOG=1");
	expect("");
}

/* Programs that are run later get none of it. */
static void test_environment(void **state)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	notify_open();
	assert_int_equal(notify_watchdog_us(), 30000000);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	notify_open();
	assert_int_equal(notify_watchdog_us(), 0);
	notify_ready("x");
	expect("");
}

static void test_other_process(void **state)
{
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_open();
	assert_int_equal(notify_watchdog_us(), 0);
}

static void test_abstract(void **state)
{
	char name[64];

	close(manager.fd);
	snprintf(name, sizeof(name), "@sluice-notify-%d", (int)getpid());
	manager_listen(name);
	notify_open();
	notify_alive();
	expect("WATCHDOG=1");
}

static void test_nobody(void **state)
{
	static const char *const names[] = {"", "relative", "/nonexistent/notify", NULL};

	for (size_t i = 0; i == 0 || names[i - 1]; i++) {
		if (names[i])
			setenv("NOTIFY_SOCKET", names[i], 1);
		else
			unsetenv("NOTIFY_SOCKET");
		setenv("WATCHDOG_USEC", "30000000", 1);
		notify_open();
		notify_ready("x");
		assert_int_equal(notify_watchdog_us(), 0);
	}
	expect("");
}

/* ---- the watchdog ---- */

static int workers_read(struct worker_counters *rows, uint32_t max)
{
	assert_true((uint32_t)manager.workers_n <= max);
	for (int i = 0; i < manager.workers_n; i++)
		rows[i] = (struct worker_counters){.core = (uint16_t)i,
						   .bursts = manager.polls[i] / 3,
						   .empty_bursts = manager.polls[i] / 3,
						   .sleeps = manager.polls[i] -
							     manager.polls[i] / 3 * 2};
	return manager.workers_n;
}

static const struct fast_path path = {.workers_read = workers_read};

static void test_workers(void **state)
{
	static const struct {
		const char *name;
		uint64_t polls[3];
		bool alive;
	} rows[] = {
		{"the first look", {9, 5, 0}, true},
		{"both go on; the third is no thread", {10, 6, 0}, true},
		{"one stands still", {11, 6, 0}, false},
		{"still", {12, 6, 0}, false},
		{"it goes on", {13, 7, 0}, true},
		{"all stand still", {13, 7, 0}, false},
		{"a count that wrapped is progress", {1, 8, 0}, true},
	};
	struct event_base *base = event_base_new();
	struct watchdog *watchdog;

	setenv("WATCHDOG_USEC", "30000000", 1);
	notify_open();
	assert_int_equal(watchdog_new(base, &path, &watchdog), 0);
	assert_non_null(watchdog);
	expect("WATCHDOG=1");
	manager.workers_n = 3;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("# row: %s\n", rows[i].name);
		memcpy(manager.polls, rows[i].polls, sizeof(manager.polls));
		assert_int_equal(watchdog_look(watchdog), rows[i].alive);
	}
	watchdog_free(watchdog);
	event_base_free(base);
}

/* The loop turns: signs come, until the bound of three. A worker stands still: none do. */
static void test_loop(void **state)
{
	static const struct timeval while_s = {.tv_usec = 100000}, patience_s = {.tv_sec = 10};
	struct event_base *base = event_base_new();
	struct watchdog *watchdog;
	struct timespec from, to;
	int n = 0;

	setenv("WATCHDOG_USEC", "30000", 1);
	notify_open();
	assert_int_equal(watchdog_new(base, &path, &watchdog), 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	event_base_loopexit(base, &patience_s);
	while (n < 3 && !event_base_got_exit(base)) {
		event_base_loop(base, EVLOOP_ONCE);
		n += strcmp(told(), "WATCHDOG=1") == 0;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_int_equal(n, 3);
	/* 10 ms each, and the first at the start. */
	assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 >= 15);
	while (*told())
		;
	manager.workers_n = 1;
	manager.polls[0] = 7;
	watchdog_look(watchdog);
	event_base_loopexit(base, &while_s);
	event_base_dispatch(base);
	expect("");
	watchdog_free(watchdog);
	event_base_free(base);
}

static void test_not_wanted(void **state)
{
	struct watchdog *watchdog = (void *)1;

	notify_open();
	assert_int_equal(watchdog_new(NULL, &path, &watchdog), 0);
	assert_null(watchdog);
	watchdog_free(watchdog);
	expect("");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_messages), TEST(test_environment), TEST(test_other_process),
		TEST(test_abstract), TEST(test_nobody),      TEST(test_workers),
		TEST(test_loop),     TEST(test_not_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
