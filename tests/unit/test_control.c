/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control server's clients: those that say nothing, too much, or don't read, reach nobody but
 * themselves.
 */
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control_room.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum {
	SILENT_N = 100,
};

/* libevent's calls come here. */
static bool epoll_fails;

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (!epoll_fails)
		return (int)syscall(SYS_epoll_ctl, epoll, op, fd, event);
	errno = ENOMEM;
	return -1;
}

static void step_for(int64_t ms)
{
	for (int64_t end = now_ms() + ms; now_ms() < end;)
		step();
}

/* Until that many requests have been handled, and a little longer, for more to come. */
static void step_until_requests(uint64_t n)
{
	for (int64_t end = now_ms() + PATIENCE_MS;
	     control_stats(room.control).requests < n && now_ms() < end;)
		step();
	step_for(30);
}

static void test_lines(void **state)
{
	const struct control_config c = config();
	int fd;

	serve(&c);
	fd = client_connect();
	send_text(fd, SHOW "\n");
	expect_line(fd, "{\"jsonrpc\":\"2.0\",\"result\":{\"generation\":7,");
	send_text(fd, "\n\r\n" SHOW "\r\n");
	expect_line(fd, "\"generation\":7");
	for (const char *byte = SHOW "\n"; *byte; byte++)
		assert_int_equal(client_send(fd, byte, 1), 1);
	expect_line(fd, "\"generation\":7");
	send_text(fd, "what?\n{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"no\"}\n" SHOW "\n");
	expect_line(fd, "\"code\":-32700");
	expect_line(fd, "\"code\":-32601");
	expect_line(fd, "\"generation\":7");
	close(fd);
	step_for(20);
	assert_int_equal(control_stats(room.control).clients, 0);
	assert_int_equal(control_stats(room.control).accepted, 1);
}

/*
 * The kernel has no memory to watch sockets for a while: of one that was accepted meanwhile, of one whose answer must
 * wait until it is read. Both are served afterwards.
 */
static void test_epoll_fails(void **state)
{
	const struct control_config c = config();
	char buffer[4096];
	int fds[2], bytes = 1;

	serve(&c);
	fds[0] = client_connect();
	step_for(20);
	epoll_fails = true;
	fds[1] = client_connect();
	for (int i = 0; i < 2; i++) {
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
		send_text(fds[i], SHOW "\n");
	}
	step_for(100);
	assert_true(control_stats(room.control).accepted >= 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(recv(fds[i], buffer, sizeof(buffer), MSG_DONTWAIT), -1);
	epoll_fails = false;
	for (int i = 0; i < 2; i++) {
		expect_line(fds[i], "\"generation\":7");
		close(fds[i]);
	}
}

/* The kernel says who asks; a notification is carried out, and not answered. */
static void test_notification(void **state)
{
	const struct control_config c = config();
	const struct passwd *user = getpwuid(getuid());
	char want[128];
	int fd;

	serve(&c);
	fd = client_connect();
	send_text(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"backend.disable\",\"params\":"
		      "{\"service\":\"web\",\"backend\":\"b1\"}}\n" SHOW "\n");
	expect_line(fd, "\"result\":{\"generation\":8,");
	assert_non_null(user);
	snprintf(want, sizeof(want), "cli uid %u (%s) pid %d: backend.disable {",
		 (unsigned int)getuid(), user->pw_name, (int)getpid());
	assert_memory_equal(room.fake.who, want, strlen(want));
	close(fd);
}

static void test_many_in_one_write(void **state)
{
	enum { N = 1000 };
	const struct control_config c = config();
	char *text = malloc(N * 80), want[32];
	size_t n_bytes = 0;
	int fd, other;

	serve(&c);
	assert_non_null(text);
	for (int i = 0; i < N; i++)
		n_bytes += (size_t)sprintf(
			text + n_bytes,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"generation.show\"}\n", i);
	fd = client_connect();
	other = client_connect();
	step_for(20);
	assert_int_equal(send(fd, text, n_bytes, MSG_NOSIGNAL), n_bytes);
	assert_int_equal(send(other, SHOW "\n", sizeof(SHOW), MSG_NOSIGNAL), sizeof(SHOW));
	for (int64_t end = now_ms() + PATIENCE_MS;
	     recv(other, want, 1, MSG_PEEK) < 0 && now_ms() < end;)
		step();
	/* Who asks a thousand things at once has not kept the other waiting. */
	assert_in_range(control_stats(room.control).requests, 1, 32);
	expect_line(other, "\"generation\":7");
	for (int i = 0; i < N; i++) {
		snprintf(want, sizeof(want), "\"id\":%d}", i);
		expect_line(fd, want);
	}
	assert_int_equal(control_stats(room.control).requests, N + 1);
	close(fd);
	close(other);
	free(text);
}

static void test_silent_clients(void **state)
{
	const struct control_config c = config();
	int fds[SILENT_N];

	serve(&c);
	for (int i = 0; i < SILENT_N; i++)
		fds[i] = client_connect();
	expect_service();
	assert_int_equal(control_stats(room.control).accepted, SILENT_N + 1);
	for (int i = 0; i < SILENT_N; i++) {
		send_text(fds[i], SHOW "\n");
		expect_line(fds[i], "\"generation\":7");
		close(fds[i]);
	}
}

#define SET_WEIGHT                                                              \
	"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"backend.set\",\"params\":{" \
	"\"service\":\"web\",\"backend\":\"b1\",\"weight\":7}}\n"

/* Clients that wait for an answer keep their places. */
static void test_too_many_clients(void **state)
{
	struct control_config c = config();
	int fds[3], fd;

	c.clients_max = 3;
	room.fake.slow = true;
	serve(&c);
	for (int i = 0; i < 3; i++) {
		fds[i] = client_connect();
		send_text(fds[i], SET_WEIGHT);
	}
	step_for(20);
	fd = client_connect();
	expect_line(fd, "{\"code\":-32006,\"message\":\"3 clients are connected already");
	expect_end(fd);
	close(fd);
	assert_int_equal(control_stats(room.control).refused, 1);
	assert_int_equal(control_stats(room.control).evicted, 0);
	fake_flush(&room.fake, 0);
	for (int i = 0; i < 3; i++) {
		expect_line(fds[i], "\"result\"");
		close(fds[i]);
	}
	step_for(20);
	expect_service();
}

/* The full number of silent clients keeps no client out: the one silent for longest goes. */
static void test_silent_give_way(void **state)
{
	struct control_config c = config();
	int fds[4], follower;

	c.clients_max = 4;
	serve(&c);
	follower = client_connect();
	send_text(follower, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\"}\n");
	expect_line(follower, "\"result\"");
	for (int i = 0; i < 3; i++) {
		fds[i] = client_connect();
		step_for(5);
	}
	send_text(fds[0], SHOW "\n"); /* now it is not the one that was silent the longest */
	expect_line(fds[0], "\"generation\":7");
	fds[3] = client_connect();
	send_text(fds[3], SHOW "\n");
	expect_line(fds[3], "\"generation\":7");
	expect_line(fds[1], "{\"code\":-32006,\"message\":\"closed to make room for others");
	expect_end(fds[1]);
	assert_int_equal(control_stats(room.control).evicted, 1);
	assert_int_equal(control_stats(room.control).refused, 0);
	for (int i = 0; i < 4; i++) { /* the others were not touched */
		if (i == 1)
			continue;
		send_text(fds[i], SHOW "\n");
		expect_line(fds[i], "\"generation\":7");
	}
	send_text(follower, SHOW "\n");
	expect_line(follower, "\"generation\":7");
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	close(follower);
}

/* 128 that follow events, which is as good as silent, by one user: another gets in. */
static void test_followers(void **state)
{
	const struct control_config c = config();
	int fds[CONTROL_CLIENTS_MAX];

	serve(&c);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = client_connect();
		send_text(fds[i], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.follow\"}\n");
		expect_line(fds[i], "\"result\"");
	}
	assert_int_equal(control_stats(room.control).clients, CONTROL_CLIENTS_MAX);
	for (int i = 0; i < 3; i++)
		expect_service();
	assert_in_range(control_stats(room.control).evicted, 1, 3);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
}

/* A line of exactly 1 MiB is served, one of a byte more is not, nor one of 2 MiB. */
static void test_long_lines(void **state)
{
	static const struct {
		const char *name;
		size_t line_bytes;
		bool fits, ended;
	} rows[] = {
		{"1 MiB", CONTROL_LINE_MAX_BYTES, true, true},
		{"1 MiB and a byte", CONTROL_LINE_MAX_BYTES + 1, false, true},
		{"1 MiB and a byte, no line break yet", CONTROL_LINE_MAX_BYTES + 1, false, false},
		{"2 MiB", 2 << 20, false, true},
		{"2 MiB without a line break", 2 << 20, false, false},
	};
	const struct control_config c = config();
	char *text = malloc((2 << 20) + 1);
	uint64_t long_lines = 0;

	serve(&c);
	assert_non_null(text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = client_connect();

		print_message("# row: %s\n", rows[i].name);
		memset(text, ' ', rows[i].line_bytes);
		memcpy(text, SHOW, strlen(SHOW));
		text[rows[i].line_bytes] = '\n';
		/* All of it is taken, so that no client is stopped before it reads the answer. */
		assert_int_equal(client_send(fd, text, rows[i].line_bytes + rows[i].ended),
				 rows[i].line_bytes + rows[i].ended);
		if (rows[i].fits) {
			expect_line(fd, "\"generation\":7");
		} else {
			expect_line(fd, "{\"code\":-32600,\"message\":\"a line is longer than "
					"1048576 bytes");
			expect_end(fd);
			long_lines++;
		}
		assert_int_equal(control_stats(room.control).long_lines, long_lines);
		expect_service();
		close(fd);
	}
	for (int64_t end = now_ms() + PATIENCE_MS;
	     control_stats(room.control).clients > 0 && now_ms() < end;)
		step();
	assert_int_equal(control_stats(room.control).clients, 0);
	free(text);
}

/* Who goes on sending after being told of a long line is cut off, at the latest after linger_ms. */
static void test_endless_line(void **state)
{
	struct control_config c = config();
	char *text = calloc(1, 1 << 16);
	int64_t end = now_ms() + PATIENCE_MS;
	int fd;

	c.linger_ms = 100;
	serve(&c);
	assert_non_null(text);
	memset(text, 'x', 1 << 16);
	fd = client_connect();
	while (now_ms() < end) {
		if (send(fd, text, 1 << 16, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			break;
		step();
	}
	assert_true(now_ms() < end);
	assert_int_equal(control_stats(room.control).clients, 0);
	close(fd);
	free(text);
}

static void test_half_closed(void **state)
{
	const struct control_config c = config();
	int fd;

	serve(&c);
	fd = client_connect();
	send_text(fd, SHOW "\n" SHOW); /* the last line may lack its break */
	shutdown(fd, SHUT_WR);
	expect_line(fd, "\"generation\":7");
	expect_line(fd, "\"generation\":7");
	expect_end(fd);
	close(fd);

	fd = client_connect();
	send_text(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"met");
	shutdown(fd, SHUT_WR);
	expect_line(fd, "\"code\":-32700");
	expect_end(fd);
	close(fd);

	fd = client_connect();
	shutdown(fd, SHUT_WR);
	expect_end(fd);
	close(fd);

	fd = client_connect(); /* asks, and is gone before the answer */
	send_text(fd, SHOW "\n" SHOW "\n" SHOW "\n");
	close(fd);
	step_for(20);
	assert_int_equal(control_stats(room.control).clients, 0);
	expect_service();
}

#define VERSION "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}\n"

/* Requests whose answers fill 1 MiB each. */
static void make_answers_long(void)
{
	memset(room.fake.huge_path, 'p', 1 << 20);
}

static void test_reader_that_never_reads(void **state)
{
	struct control_config c = config();
	int64_t end = now_ms() + PATIENCE_MS;
	int fd;

	c.write_timeout_ms = 1000;
	serve(&c);
	make_answers_long();
	fd = client_connect();
	for (int i = 0; i < 50; i++)
		send_text(fd, VERSION);
	step_until_requests(4);
	/* 4 MiB, and the answer that went beyond; the socket itself holds less than one more. */
	assert_in_range(control_stats(room.control).requests, 4, 6);
	room.fake.huge_path[0] = 0;
	expect_service();
	while (control_stats(room.control).slow == 0 && now_ms() < end)
		step();
	assert_int_equal(control_stats(room.control).slow, 1);
	while (control_stats(room.control).clients > 0 && now_ms() < end)
		step();
	assert_int_equal(control_stats(room.control).clients, 0);
	close(fd);
}

/* Who reads late, but reads, gets everything. */
static void test_slow_reader(void **state)
{
	enum { N = 20 };
	const struct control_config c = config();
	char *buf = malloc(1 << 16);
	size_t lines = 0;
	bool ended = false;
	int fd;

	serve(&c);
	assert_non_null(buf);
	make_answers_long();
	fd = client_connect();
	for (int i = 0; i < N; i++)
		send_text(fd, VERSION);
	shutdown(fd, SHUT_WR);
	step_until_requests(4);
	assert_in_range(control_stats(room.control).requests, 4, 6);
	while (!ended) {
		size_t got = client_read(fd, buf, 1 << 16, &ended);

		assert_true(got > 0 || ended);
		for (size_t i = 0; i < got; i++)
			lines += buf[i] == '\n';
	}
	assert_int_equal(lines, N);
	assert_int_equal(control_stats(room.control).slow, 0);
	close(fd);
	free(buf);
}

/* Without file descriptors a client waits; the loop doesn't spin, and goes on afterwards. */
static void test_no_descriptors(void **state)
{
	const struct control_config c = config();
	struct rlimit before, none;
	int fd, turns = 0;

	serve(&c);
	step();
	fd = client_connect();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	send(fd, SHOW "\n", sizeof(SHOW), MSG_NOSIGNAL);
	for (int64_t end = now_ms() + 350; now_ms() < end; turns++)
		event_base_loop(room.base, EVLOOP_ONCE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_in_range(turns, 1, 20);
	assert_int_equal(control_stats(room.control).accepted, 0);
	expect_line(fd, "\"generation\":7");
	close(fd);
}

#define WEIGHT(id, weight)                                                          \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"backend.set\",\"params\":" \
	"{\"service\":\"web\",\"backend\":\"b1\",\"weight\":" weight "}}\n"
#define LIST                                                                            \
	"{\"jsonrpc\":\"2.0\",\"id\":\"list\",\"method\":\"backends.list\",\"params\":" \
	"{\"service\":\"web\"}}\n"

static void wait_for_changes(uint32_t n)
{
	for (int64_t end = now_ms() + PATIENCE_MS; room.fake.waiting_n < n && now_ms() < end;)
		step();
	assert_int_equal(room.fake.waiting_n, n);
}

static void expect_silence(int fd)
{
	char byte;

	for (int i = 0; i < 20; i++)
		step();
	assert_int_equal(recv(fd, &byte, 1, MSG_PEEK), -1);
}

/* Changes wait for their generation together; what reads waits for them; the order stays. */
static void test_changes_wait(void **state)
{
	const struct control_config c = config();
	int fd, other;

	serve(&c);
	room.fake.slow = true;
	fd = client_connect();
	other = client_connect();
	send_text(fd, WEIGHT("1", "5") WEIGHT("2", "70000") "nonsense\n" WEIGHT("3", "6") LIST);
	wait_for_changes(2);
	expect_silence(fd);
	send_text(other, LIST); /* of another client: what is in force */
	expect_line(other, "\"weight\":100");
	fake_flush(&room.fake, 0);
	expect_line(fd, "{\"generation\":8,\"took_us\":412},\"id\":1}");
	expect_line(fd, "70000 is not in 0-65535");
	expect_line(fd, "-32700");
	expect_line(fd, "{\"generation\":8,\"took_us\":412},\"id\":3}");
	expect_line(fd, "\"weight\":6");
	close(fd);
	close(other);
}

/* One generation of all fails: each is made by itself, in order. */
static void test_changes_alone(void **state)
{
	const struct control_config c = config();
	int fd;

	serve(&c);
	room.fake.slow = true;
	fd = client_connect();
	send_text(fd, WEIGHT("1", "5") WEIGHT("2", "6"));
	wait_for_changes(2);
	fake_flush(&room.fake, -EAGAIN);
	expect_line(fd, "{\"generation\":8,\"took_us\":412},\"id\":1}");
	expect_line(fd, "{\"generation\":9,\"took_us\":412},\"id\":2}");
	assert_int_equal(model_find(room.fake.model, "web")->backends[0].weight, 6);
	close(fd);
}

/* A client that is gone, and one that only sends: what they asked for is done. */
static void test_changes_of_the_gone(void **state)
{
	const struct control_config c = config();
	int fd, half;

	serve(&c);
	room.fake.slow = true;
	fd = client_connect();
	half = client_connect();
	send_text(fd, WEIGHT("1", "5"));
	wait_for_changes(1);
	close(fd);
	send_text(half, WEIGHT("2", "6"));
	shutdown(half, SHUT_WR);
	wait_for_changes(2);
	expect_silence(half);
	fake_flush(&room.fake, 0);
	expect_line(half, "\"id\":2}");
	expect_end(half);
	assert_int_equal(model_find(room.fake.model, "web")->backends[0].weight, 6);
	close(half);
}

/* What a client asks behind a reload finds it in force; others are answered meanwhile. */
static void test_reload_holds(void **state)
{
	const struct control_config c = config();
	int fd, other;

	serve(&c);
	room.fake.slow = true;
	fd = client_connect();
	other = client_connect();
	send_text(fd, "{\"jsonrpc\":\"2.0\",\"id\":\"r\",\"method\":\"config.reload\"}\n" WEIGHT(
			      "1", "5"));
	for (int64_t end = now_ms() + PATIENCE_MS; !room.fake.reload_done && now_ms() < end;)
		step();
	assert_non_null(room.fake.reload_done);
	send_text(other, LIST);
	expect_line(other, "\"weight\":100");
	expect_silence(fd);
	assert_int_equal(room.fake.waiting_n, 0);
	fake_reload_end(&room.fake);
	expect_line(fd, "{\"applied\":true,\"generation\":8,\"changes\":[],\"words\":[],"
			"\"lost\":[\"service web: b1\"],\"preview\":[]},\"id\":\"r\"}");
	wait_for_changes(1);
	fake_flush(&room.fake, 0);
	expect_line(fd, "{\"generation\":9,\"took_us\":412},\"id\":1}");

	/* The answer of one who is gone goes nowhere. */
	send_text(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"config.reload\"}\n");
	for (int64_t end = now_ms() + PATIENCE_MS; !room.fake.reload_done && now_ms() < end;)
		step();
	close(fd);
	step_for(20);
	fake_reload_end(&room.fake);
	send_text(other, LIST);
	expect_line(other, "\"weight\":5");
	close(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_notification),
		TEST(test_many_in_one_write),
		TEST(test_silent_clients),
		TEST(test_too_many_clients),
		TEST(test_silent_give_way),
		TEST(test_followers),
		TEST(test_long_lines),
		TEST(test_endless_line),
		TEST(test_half_closed),
		TEST(test_reader_that_never_reads),
		TEST(test_slow_reader),
		TEST(test_no_descriptors),
		TEST(test_epoll_fails),
		TEST(test_changes_wait),
		TEST(test_changes_alone),
		TEST(test_changes_of_the_gone),
		TEST(test_reload_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
