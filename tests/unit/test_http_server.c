/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server on real sockets: what is answered, in which form, and what clients that send too
 * much, too slowly, or don't read can do: nothing to others. Server and clients share one thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http_server.h"
#include "log.h"

enum { PATIENCE_MS = 20000, LONG_PIECES = 200, LONG_PIECE_BYTES = 40000, MAX = 4 };

static struct {
	struct event_base *base;
	struct http_server *server;
	uint16_t port;
	int pieces, ends; /* of the page /long */
} room;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void step(void)
{
	struct timespec pause = {.tv_nsec = 200000};

	event_base_loop(room.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	nanosleep(&pause, NULL);
}

/* A page of many pieces, each third of them nothing, as one that still reads its figures. */
static int long_piece(void *ctx, struct evbuffer *out)
{
	static char bytes[LONG_PIECE_BYTES];

	memset(bytes, 'x', sizeof(bytes));
	if (room.pieces % 3 != 0)
		evbuffer_add(out, bytes, sizeof(bytes));
	return ++room.pieces < LONG_PIECES;
}

static void long_end(void *ctx)
{
	room.ends++;
}

/* One that reads its figures for long. */
static int thinking_piece(void *ctx, struct evbuffer *out)
{
	return ++room.pieces < LONG_PIECES ? 1 : 0;
}

static int broken_piece(void *ctx, struct evbuffer *out)
{
	return -EIO;
}

static bool is_kept(const char *path);

static void route(void *ctx, const struct http_request *request, struct http_page *page)
{
	page->type = "text/plain";
	if (strcmp(request->path, "/long") == 0) {
		room.pieces = 0;
		page->piece = long_piece;
		page->end = long_end;
	} else if (strcmp(request->path, "/thinking") == 0) {
		room.pieces = 0;
		page->piece = thinking_piece;
	} else if (strcmp(request->path, "/broken") == 0) {
		page->piece = broken_piece;
		page->end = long_end;
	} else if (strcmp(request->path, "/hello") == 0 || is_kept(request->path)) {
		http_page_text(page, 200, "text/plain", "hello\n");
	} else {
		http_page_text(page, 404, "text/plain", "none\n");
	}
}

static void serve(const struct http_server_config *config)
{
	const struct ip_addr loopback = {.family = IP_V4, .bytes = {127, 0, 0, 1}};
	char error[HTTP_ERROR_MAX];

	room.server = http_server_new(room.base, config, route, NULL);
	assert_non_null(room.server);
	for (room.port = 20000; room.port < 20200; room.port++)
		if (http_server_listen(room.server, &loopback, room.port, error) == 0)
			return;
	fail_msg("%s", error);
}

static int setup(void **state)
{
	memset(&room, 0, sizeof(room));
	room.base = event_base_new();
	log_set_level(FAST_PATH_LOG_ERROR);
	return room.base ? 0 : -1;
}

static int teardown(void **state)
{
	http_server_free(room.server);
	event_base_free(room.base);
	return 0;
}

static int client_connect(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(room.port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All up to the connection's end, or until `want` has come. */
static size_t receive(int fd, char *text, size_t room_bytes, const char *want, bool *ended)
{
	int64_t end_ms = now_ms() + PATIENCE_MS;
	size_t bytes = 0;

	*ended = false;
	text[0] = 0;
	while (now_ms() < end_ms && bytes + 1 < room_bytes) {
		ssize_t got = recv(fd, text + bytes, room_bytes - 1 - bytes, 0);

		if (got > 0) {
			bytes += (size_t)got;
			text[bytes] = 0;
		}
		*ended = got == 0 || (got < 0 && errno != EAGAIN);
		if (*ended || (want && strstr(text, want)))
			return bytes;
		if (got < 0)
			step();
	}
	return bytes;
}

static void expect(int fd, const char *want)
{
	static char text[8192];
	bool ended;

	receive(fd, text, sizeof(text), want, &ended);
	if (!strstr(text, want))
		fail_msg("want \"%s\", got \"%s\"", want, text);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void expect_service(void)
{
	int fd = client_connect();

	send_text(fd, GET("/hello"));
	expect(fd, "6\r\nhello\n\r\n0\r\n\r\n");
	close(fd);
}

static const struct {
	const char *name, *request;
	bool closes;
	const char *begins, *has;
} rows[] = {
	{"a page", GET("/hello"), false, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
	 "Transfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n0\r\n\r\n"},
	{"none", GET("/x"), false, "HTTP/1.1 404 Not Found\r\n",
	 "\r\n\r\n5\r\nnone\n\r\n0\r\n\r\n"},
	{"HEAD", "HEAD /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true,
	 "HTTP/1.1 200 OK\r\n", "Connection: close\r\n\r\n"},
	{"HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", true, "HTTP/1.1 200 OK\r\n",
	 "Connection: close\r\n\r\nhello\n"},
	{"POST with content", "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
	 true, "HTTP/1.1 405 Method Not Allowed\r\n", "Allow: GET, HEAD\r\n"},
	{"nonsense", "\x16\x03\x01\n\n", true, "HTTP/1.1 400 Bad Request\r\n", "400 Bad Request\n"},
	{"two at once, and the end",
	 GET("/x") "GET /hello HTTP/1.1\r\nHost: a\r\n"
		   "Connection: close\r\n\r\n",
	 true, "HTTP/1.1 404 Not Found\r\n", "6\r\nhello\n\r\n0\r\n\r\n"},
	{"it breaks", GET("/broken"), true, "", ""},
};

static void test_answers(void **state)
{
	const struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
	static char text[16384];

	serve(&config);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = client_connect();
		bool ended;

		print_message("# row: %s\n", rows[i].name);
		send_text(fd, rows[i].request);
		receive(fd, text, sizeof(text), rows[i].closes ? NULL : rows[i].has, &ended);
		assert_int_equal(ended, rows[i].closes);
		assert_int_equal(strncmp(text, rows[i].begins, strlen(rows[i].begins)), 0);
		assert_non_null(strstr(text, rows[i].has));
		if (strncmp(rows[i].request, "HEAD", 4) == 0)
			assert_null(strstr(text, "hello"));
		close(fd);
		expect_service();
	}
}

/* In pieces, byte by byte, and several on one connection. */
static void test_slow_request(void **state)
{
	const struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
	static const char request[] = GET("/hello");
	int fd;

	serve(&config);
	fd = client_connect();
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(request) - 1; i++) {
			assert_int_equal(send(fd, &request[i], 1, 0), 1);
			step();
		}
		expect(fd, "hello\n\r\n0\r\n\r\n");
	}
	close(fd);
}

static void test_long_head(void **state)
{
	const struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
	static char text[HTTP_HEAD_MAX_BYTES + 4096];
	int fd;

	serve(&config);
	fd = client_connect();
	send_text(fd, "GET /hello HTTP/1.1\r\nHost: a\r\nX: ");
	memset(text, 'x', sizeof(text) - 1);
	send_text(fd, text);
	expect(fd, "HTTP/1.1 431 ");
	close(fd);
	expect_service();
}

/* Every byte of a long page comes, and it is made no faster than it is read. */
static void test_long_page(void **state)
{
	const struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
	size_t bytes = 0, xs = 0;
	char *text = malloc(16 << 20);
	int fd;
	bool ended;

	assert_non_null(text);
	serve(&config);
	fd = client_connect();
	send_text(fd, "GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	for (int i = 0; i < 1000; i++)
		step();
	/* What the kernel's buffers hold, and a piece or two. */
	assert_true(room.pieces > 0 && room.pieces < LONG_PIECES);
	assert_int_equal(room.ends, 0);
	expect_service();
	bytes = receive(fd, text, 16 << 20, NULL, &ended);
	assert_true(ended);
	for (size_t i = 0; i < bytes; i++)
		xs += text[i] == 'x';
	/* "text/plain" has one, "no-store, nosniff" and the chunks' lengths none. */
	assert_in_range(xs, (LONG_PIECES * 2 / 3) * LONG_PIECE_BYTES,
			(LONG_PIECES * 2 / 3 + 1) * LONG_PIECE_BYTES + 2);
	assert_int_equal(memcmp(text + bytes - 5, "0\r\n\r\n", 5), 0);
	assert_int_equal(room.ends, 1);
	/* One that goes in the middle. */
	close(fd);
	fd = client_connect();
	send_text(fd, GET("/long"));
	expect(fd, "HTTP/1.1 200 OK");
	close(fd);
	for (int i = 0; i < 2000 && room.ends == 1; i++)
		step();
	assert_int_equal(room.ends, 2);
	free(text);
}

/* Between two pieces, be they of nothing, all else has a turn. */
static void test_pieces_of_nothing(void **state)
{
	const struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
	int fd;

	serve(&config);
	fd = client_connect();
	send_text(fd, GET("/thinking"));
	for (int i = 0; i < PATIENCE_MS && room.pieces < LONG_PIECES; i++) {
		int before = room.pieces;

		step();
		assert_in_range(room.pieces, before, before + 2);
	}
	assert_int_equal(room.pieces, LONG_PIECES);
	expect(fd, "HTTP/1.1 200 OK");
	close(fd);
}

static bool is_kept(const char *path)
{
	return strcmp(path, "/kept") == 0;
}

/* From another address of this host: 127.0.0.`last`. */
static int client_connect_from(int last)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(room.port)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = htonl(0x7f000000u | (uint32_t)last);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 20; i++)
		step();
	return fd;
}

static bool is_open(int fd)
{
	char byte;

	for (int i = 0; i < 20; i++)
		step();
	return recv(fd, &byte, 1, MSG_PEEK) != 0;
}

#define CONFIG(...)                                                                       \
	{                                                                                 \
		.connections_max = MAX, .address_max = 3, .kept_max = 2, .kept = is_kept, \
		.request_s = 30, .write_s = 10, __VA_ARGS__                               \
	}

/* Idle connections, of one address or of many, keep nobody out: the longest idle one goes. */
static void test_idle_give_way(void **state)
{
	const struct http_server_config config = CONFIG();
	int fds[MAX + 1];

	serve(&config);
	for (int i = 0; i < 3; i++)
		fds[i] = client_connect_from(2);
	send_text(fds[0], GET("/hello")); /* and is idle anew: the youngest */
	expect(fds[0], "hello\n\r\n0\r\n\r\n");
	fds[3] = client_connect_from(2); /* beyond its address's share */
	assert_true(is_open(fds[0]) && !is_open(fds[1]) && is_open(fds[2]) && is_open(fds[3]));
	close(fds[1]);
	fds[1] = client_connect_from(3); /* the last place of all */
	fds[4] = client_connect_from(4); /* takes one of the address that has the most */
	assert_true(is_open(fds[0]) && is_open(fds[1]) && !is_open(fds[2]) && is_open(fds[3]));
	send_text(fds[4], GET("/hello"));
	expect(fds[4], "hello");
	for (int i = 0; i <= MAX; i++)
		close(fds[i]);
	expect_service();
}

/* Hundreds that come and say nothing. */
static void test_idle_flood(void **state)
{
	const struct http_server_config config = CONFIG();
	int fds[200];

	serve(&config);
	for (int i = 0; i < 200; i++)
		fds[i] = client_connect_from(2 + i % 100);
	expect_service();
	for (int i = 0; i < 200; i++)
		close(fds[i]);
}

/* Where all are busy, what must always be had is, and all else is told so. */
static void test_kept_places(void **state)
{
	const struct http_server_config config = CONFIG();
	int fds[MAX], small = 4096, silent[3], asks;

	serve(&config);
	for (int i = 0; i < MAX; i++) {
		fds[i] = client_connect_from(2 + i);
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		send_text(fds[i], GET("/long"));
		for (int k = 0; k < 50; k++)
			step();
		assert_int_equal(room.ends, 0);
	}
	asks = client_connect_from(9);
	send_text(asks, GET("/kept"));
	expect(asks, "HTTP/1.1 200 OK");
	close(asks);
	asks = client_connect_from(9);
	send_text(asks, GET("/hello"));
	expect(asks, "HTTP/1.1 503 ");
	close(asks);
	for (int i = 0; i < 3; i++) /* who hold those places */
		silent[i] = client_connect_from(10 + i);
	asks = client_connect_from(9);
	send_text(asks, GET("/kept"));
	expect(asks, "HTTP/1.1 200 OK");
	close(asks);
	for (int i = 0; i < 3; i++)
		close(silent[i]);
	for (int i = 0; i < MAX; i++)
		close(fds[i]);
}

/* Who sends nothing, or a byte now and then, has request_s; who doesn't read, write_s. */
static void test_deadlines(void **state)
{
	const struct http_server_config config = {.connections_max = MAX,
						  .address_max = MAX,
						  .kept_max = 1,
						  .request_s = 1,
						  .write_s = 1};
	int silent, slow, deaf, small = 4096;
	int64_t start_ms;
	char text[512];
	bool silent_ended = false, slow_ended = false;

	serve(&config);
	silent = client_connect();
	slow = client_connect();
	deaf = client_connect();
	setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	send_text(deaf, GET("/long"));
	start_ms = now_ms();
	while (now_ms() < start_ms + PATIENCE_MS &&
	       !(silent_ended && slow_ended && room.ends == 1)) {
		silent_ended = silent_ended || recv(silent, text, 1, 0) == 0;
		slow_ended = slow_ended || recv(slow, text, 1, 0) == 0 ||
			     (send(slow, "G", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
		step();
	}
	assert_true(silent_ended && slow_ended);
	assert_int_equal(room.ends, 1);
	assert_in_range(now_ms() - start_ms, 900, PATIENCE_MS - 1);
	close(silent);
	close(slow);
	close(deaf);
	expect_service();
}

static void test_address_taken(void **state)
{
	const struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
	const struct ip_addr loopback = {.family = IP_V4, .bytes = {127, 0, 0, 1}};
	const struct ip_addr nowhere = {.family = IP_V6, .bytes = {0x20, 1, 0xd, 0xb8}};
	char error[HTTP_ERROR_MAX], want[64];

	serve(&config);
	assert_int_equal(http_server_listen(room.server, &loopback, room.port, error), -EADDRINUSE);
	snprintf(want, sizeof(want), "127.0.0.1 port %u: Address already in use", room.port);
	assert_string_equal(error, want);
	assert_int_equal(http_server_listen(room.server, &nowhere, room.port, error),
			 -EADDRNOTAVAIL);
	expect_service();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_answers),       TEST(test_slow_request),      TEST(test_long_head),
		TEST(test_long_page),     TEST(test_deadlines),         TEST(test_idle_give_way),
		TEST(test_address_taken), TEST(test_pieces_of_nothing), TEST(test_idle_flood),
		TEST(test_kept_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
