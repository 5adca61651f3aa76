/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: levels, lines that are said again and again, and journald's protocol.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "log_repeat.h"

enum { SECOND_US = 1000000 };

static bool passes(struct log_repeats *r, const char *line, int64_t at_s)
{
	return log_repeat_passes(r, FAST_PATH_LOG_WARNING, line, at_s * SECOND_US);
}

static void test_repeats(void **state)
{
	struct log_repeats r = {0};
	struct log_repeat over;

	for (int i = 0; i < LOG_REPEATS; i++)
		assert_true(passes(&r, "a", 100));
	for (int i = 0; i < 17; i++)
		assert_false(passes(&r, "a", 101));
	assert_true(passes(&r, "b", 101));
	assert_false(log_repeat_over(&r, 109 * SECOND_US, false, &over));
	assert_true(log_repeat_over(&r, 110 * SECOND_US, false, &over));
	assert_string_equal(over.text, "a");
	assert_int_equal(over.left_out, 17);
	assert_int_equal(over.level, FAST_PATH_LOG_WARNING);
	assert_false(log_repeat_over(&r, 110 * SECOND_US, true, &over));
	for (int i = 0; i < LOG_REPEATS; i++)
		assert_true(passes(&r, "a", 111));
	assert_false(passes(&r, "a", 111));
	assert_true(log_repeat_over(&r, 111 * SECOND_US, true, &over));
	assert_int_equal(over.left_out, 1);
}

/* One that comes now and then is always written. */
static void test_seldom(void **state)
{
	struct log_repeats r = {0};

	for (int i = 0; i < 100; i++)
		assert_true(passes(&r, "a", 100 + 3 * i));
}

/* More different lines than are kept in mind: nothing is lost. */
static void test_many(void **state)
{
	struct log_repeats r = {0};
	struct log_repeat over;
	uint32_t written = 0, told = 0;
	char line[16];

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 3 * LOG_REPEAT_LINES; i++) {
			snprintf(line, sizeof(line), "line %d", i);
			written += passes(&r, line, 100);
		}
	}
	while (log_repeat_over(&r, 100 * SECOND_US, true, &over))
		told += over.left_out;
	assert_int_equal(written + told, 20 * 3 * LOG_REPEAT_LINES);
}

/* What `write` says to journald. */
static char *journal_hears(int server, void (*write)(void))
{
	static char datagram[4096];
	ssize_t n;

	write();
	n = recv(server, datagram, sizeof(datagram) - 1, MSG_DONTWAIT);
	datagram[n > 0 ? n : 0] = 0;
	return datagram;
}

static void say_warning(void)
{
	log_warning("it\nis %d", 5);
}

static void say_debug(void)
{
	log_debug("nobody wants to know");
}

static void test_journal(void **state)
{
	char folder[] = "/tmp/sluice-log-XXXXXX";
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_non_null(mkdtemp(folder));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", folder);
	assert_int_equal(log_open_journal("/tmp/sluice-no-such-socket"), -ENOENT);
	assert_int_equal(bind(server, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(log_open_journal(addr.sun_path), 0);
	assert_string_equal(journal_hears(server, say_warning),
			    "PRIORITY=4\nSYSLOG_IDENTIFIER=sluiced\nSYSLOG_FACILITY=3\n"
			    "MESSAGE=it is 5\n");
	assert_string_equal(journal_hears(server, say_debug), "");
	log_set_level(FAST_PATH_LOG_DEBUG);
	assert_non_null(strstr(journal_hears(server, say_debug), "PRIORITY=7\n"));
	log_set_level(FAST_PATH_LOG_ERROR);
	assert_string_equal(journal_hears(server, say_warning), "");
	log_open(LOG_TO_STDERR);
	close(server);
	unlink(addr.sun_path);
	rmdir(folder);
}

/* In a child, with a /dev of its own: 0, or the line that something else than expected was seen in. */
static int syslog_hears(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int server = socket(AF_UNIX, SOCK_DGRAM, 0);
	char want[64], *heard;

	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/dev", "tmpfs", 0, NULL) != 0 ||
	    bind(server, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		return __LINE__;
	log_set_level(FAST_PATH_LOG_INFO);
	log_open(LOG_TO_SYSLOG);
	heard = journal_hears(server, say_warning);
	/* The facility daemon (3) and the level warning (4). */
	snprintf(want, sizeof(want), "sluiced[%d]: it is 5", getpid());
	if (strncmp(heard, "<28>", 4) != 0 || !strstr(heard, want))
		return __LINE__;
	return journal_hears(server, say_debug)[0] ? __LINE__ : 0;
}

static void test_syslog(void **state)
{
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	child = fork();
	if (child == 0)
		_exit(syslog_hears());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- a reader that reads nothing ---- */

enum {
	STALL_LINES = 200000,
	STALL_MAX_MS = 5000, /* blocked, it would take for ever */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static const char *last_break(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	return at;
}

/* In a child whose standard error is a pipe that is full: 0, or the line that shows what was wrong. */
static int stalled_run(int from, int to)
{
	static char text[16 << 20];
	int64_t began_ms = now_ms();
	struct log_stats before;
	uint64_t told = 0;
	size_t have = 0;

	alarm(30);
	if (dup2(to, STDERR_FILENO) < 0)
		return __LINE__;
	log_set_level(FAST_PATH_LOG_INFO);
	log_open(LOG_TO_STDERR);
	if (log_start() != 0)
		return __LINE__;
	for (int i = 0; i < STALL_LINES; i++)
		log_info("line %d", i);
	if (now_ms() - began_ms > STALL_MAX_MS)
		return __LINE__;
	before = log_stats();
	if (before.lines < STALL_LINES || before.lost == 0 || before.lost >= STALL_LINES)
		return __LINE__;
	log_flush(true); /* doesn't wait for ever either */
	if (now_ms() - began_ms > STALL_MAX_MS + 2 * LOG_FLUSH_MAX_MS)
		return __LINE__;
	/* It reads again: what waited comes, and how many are missing. */
	while (!strstr(text, " lines were lost") || !strstr(text, "the last")) {
		ssize_t n = read(from, text + have, sizeof(text) - 1 - have);

		if (n <= 0)
			return __LINE__;
		have += (size_t)n;
		if (strstr(text, " lines were lost") && !strstr(text, "the last"))
			log_info("the last");
	}
	if (!strstr(text, "info: line 0\n") || log_stats().lost != before.lost)
		return __LINE__;
	for (const char *at = text; (at = strstr(at, " lines were lost")); at++)
		told += strtoull(strstr(last_break(text, at), "log: ") + 5, NULL, 10);
	return told == before.lost ? 0 : __LINE__;
}

static void test_stalled(void **state)
{
	int fds[2], status;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0)
		_exit(stalled_run(fds[0], fds[1]) % 256);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fds[0]);
	close(fds[1]);
}

static void say_with_fields(void)
{
	log_fields(FAST_PATH_LOG_INFO, "SLUICE_SERVICE=web\nSLUICE_WHO=health\n", "down");
}

/* Journald is started again at the same path: its new socket gets the lines. */
static void test_journal_again(void **state)
{
	char folder[] = "/tmp/sluice-log-XXXXXX";
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_DGRAM, 0);

	log_set_level(FAST_PATH_LOG_INFO);
	assert_non_null(mkdtemp(folder));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", folder);
	assert_int_equal(bind(server, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(log_open_journal(addr.sun_path), 0);
	assert_string_equal(journal_hears(server, say_with_fields),
			    "PRIORITY=6\nSYSLOG_IDENTIFIER=sluiced\nSYSLOG_FACILITY=3\n"
			    "SLUICE_SERVICE=web\nSLUICE_WHO=health\nMESSAGE=down\n");
	close(server);
	unlink(addr.sun_path);
	server = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(server, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_non_null(strstr(journal_hears(server, say_warning), "MESSAGE=it is 5\n"));
	log_open(LOG_TO_STDERR);
	close(server);
	unlink(addr.sun_path);
	rmdir(folder);
}

static void test_levels(void **state)
{
	assert_int_equal(enum_parse(log_level_words, "warning"), FAST_PATH_LOG_WARNING);
	assert_int_equal(enum_parse(log_level_words, "verbose"), -EINVAL);
	assert_string_equal(log_level_name(FAST_PATH_LOG_DEBUG), "debug");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeats),       cmocka_unit_test(test_seldom),
		cmocka_unit_test(test_many),          cmocka_unit_test(test_journal),
		cmocka_unit_test(test_journal_again), cmocka_unit_test(test_syslog),
		cmocka_unit_test(test_stalled),       cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
