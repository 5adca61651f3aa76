/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of HTTP requests: what is served, what is refused and how, and bytes at random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "host_names.h"
#include "http_request.h"
#include "model.h"

#define HOST "Host: a\r\n"

static const struct {
	const char *name, *head;
	int status;
	const char *path, *accept;
	bool is_head, old, keeps;
} rows[] = {
	{"the least", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 200, "/", "", false, false, true},
	{"with a query", "GET /metrics?a=b HTTP/1.1\r\n" HOST "\r\n", 200, "/metrics", "", false,
	 false, true},
	{"bare line breaks", "GET /x HTTP/1.1\nHost: a\n\n", 200, "/x", "", false, false, true},
	{"HEAD", "HEAD /x HTTP/1.1\r\n" HOST "\r\n", 200, "/x", "", true, false, true},
	{"1.0 without a host", "GET /x HTTP/1.0\r\n\r\n", 200, "/x", "", false, true, false},
	{"Accept, in any case, trimmed",
	 "GET /x HTTP/1.1\r\n" HOST "aCCept: \t text/plain \r\n\r\n", 200, "/x", "text/plain",
	 false, false, true},
	{"close", "GET /x HTTP/1.1\r\n" HOST "Connection: foo, Close\r\n\r\n", 200, "/x", "", false,
	 false, false},
	{"no content, said so", "GET /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, "/x",
	 "", false, false, true},
	{"POST", "POST /x HTTP/1.1\r\n" HOST "\r\n", 405, "", "", false, false, false},
	{"a method in small letters", "get /x HTTP/1.1\r\n" HOST "\r\n", 405, "", "", false, false,
	 false},
	{"content", "GET /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 413, "/x", "", false,
	 false, false},
	{"chunked content", "GET /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 413,
	 "/x", "", false, false, false},
	{"no host", "GET /x HTTP/1.1\r\n\r\n", 400, "/x", "", false, false, false},
	{"two hosts", "GET /x HTTP/1.1\r\n" HOST HOST "\r\n", 400, "/x", "", false, false, false},
	{"no version", "GET /x\r\n" HOST "\r\n", 400, "", "", false, false, false},
	{"HTTP/2", "GET /x HTTP/2.0\r\n" HOST "\r\n", 505, "", "", false, false, false},
	{"a blank in the path", "GET /x y HTTP/1.1\r\n" HOST "\r\n", 400, "", "", false, false,
	 false},
	{"an address for a path", "GET http://a/x HTTP/1.1\r\n" HOST "\r\n", 400, "", "", false,
	 false, false},
	{"a control character in the path", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400, "", "",
	 false, false, false},
	{"a blank before the colon", "GET /x HTTP/1.1\r\nHost : a\r\n\r\n", 400, "/x", "", false,
	 false, false},
	{"a header without a colon", "GET /x HTTP/1.1\r\n" HOST "foo\r\n\r\n", 400, "/x", "", false,
	 false, false},
	{"a header that goes on", "GET /x HTTP/1.1\r\n" HOST " foo: a\r\n\r\n", 400, "/x", "",
	 false, false, false},
	{"nothing", "\r\n\r\n", 400, "", "", false, false, false},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t bytes = strlen(rows[i].head);
		struct http_request request;

		print_message("# row: %s\n", rows[i].name);
		if (rows[i].head[0] != '\r')
			assert_int_equal(http_head_length(rows[i].head, bytes), bytes);
		assert_int_equal(http_request_parse(rows[i].head, bytes, &request), rows[i].status);
		assert_string_equal(request.path, rows[i].path);
		assert_string_equal(request.accept, rows[i].accept);
		assert_int_equal(request.head, rows[i].is_head);
		assert_int_equal(request.old, rows[i].old);
		assert_int_equal(request.keeps, rows[i].keeps);
	}
}

/* Of the node's own names {own} is the whole and {first} the first part. */
static const struct {
	const char *host;
	bool known;
} hosts[] = {
	{"", true},
	{"127.0.0.1", true},
	{"198.51.100.7:9107", true},
	{"[::1]:9107", true},
	{"[2001:db8::7]", true},
	{"localhost:9107", true},
	{"LocalHost", true},
	{"localhost.", true},
	{"lb.example.com", true}, /* of http.hosts */
	{"LB.example.com.:80", true},
	{"{own}", true},
	{"{own}:9107", true},
	{"{first}", true},
	{"evil.example.net", false},
	{"lb.example.com.evil.example.net", false},
	{"localhost.evil.example.net", false},
	{"127.0.0.1.evil.example.net", false},
	{"{own}.evil.example.net", false},
	{"[evil.example.net]", false},
	{"[::1", false},
	{":9107", false},
	{"2130706433", false}, /* a browser writes it as 127.0.0.1 */
	{"lb.example.com evil", false},
};

static void test_hosts(void **state)
{
	static struct settings settings = {.http_hosts_n = 1, .http_hosts = {"lb.example.com"}};
	static struct settings any = {.http_hosts_n = 1, .http_hosts = {"*"}};
	char own[200] = "", first[200];

	(void)gethostname(own, sizeof(own) - 1);
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(own, "."), own);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const char *rest = strchr(hosts[i].host, '}');
		char host[512];

		snprintf(host, sizeof(host), "%s%s",
			 strncmp(hosts[i].host, "{own}", 5) == 0 ? own
			 : rest                                  ? first
								 : hosts[i].host,
			 rest ? rest + 1 : "");
		print_message("# row: %s\n", host);
		assert_int_equal(host_known(&settings, host), hosts[i].known);
		assert_true(host_known(&any, host));
	}
}

static void test_host_read(void **state)
{
	static const char head[] = "GET /x HTTP/1.1\r\nhOst: \t lb.example.com:9107 \r\n\r\n";
	char long_head[HTTP_HOST_MAX + 64];
	struct http_request request;

	assert_int_equal(http_request_parse(head, sizeof(head) - 1, &request), 200);
	assert_string_equal(request.host, "lb.example.com:9107");
	for (int length = HTTP_HOST_MAX - 2; length < HTTP_HOST_MAX + 2; length++) {
		int n = snprintf(long_head, sizeof(long_head),
				 "GET /x HTTP/1.1\r\nHost: %0*d\r\n\r\n", length, 0);

		assert_int_equal(http_request_parse(long_head, (size_t)n, &request),
				 length < HTTP_HOST_MAX ? 200 : 400);
	}
}

/* A head is found only when its blank line is there, wherever it is cut. */
static void test_head_length(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET";

	for (size_t i = 0; i < sizeof(head) - 1; i++)
		assert_int_equal(http_head_length(head, i), i < 27 ? 0 : 27);
	assert_int_equal(http_head_length("a\n\nb", 4), 3);
}

static void test_long_path(void **state)
{
	char head[HTTP_PATH_MAX + 64];
	struct http_request request;

	for (int length = HTTP_PATH_MAX - 2; length < HTTP_PATH_MAX + 2; length++) {
		int n = snprintf(head, sizeof(head), "GET /%0*d HTTP/1.1\r\n" HOST "\r\n",
				 length - 1, 0);

		assert_int_equal(http_request_parse(head, (size_t)n, &request),
				 length < HTTP_PATH_MAX ? 200 : 414);
	}
}

/* Whatever comes is answered with one of the statuses, and nothing is read beyond it (the memory is
 * as long as the text, for the sanitizers to see). */
static void test_random(void **state)
{
	static const char pieces[][16] = {"GET ",  "HEAD ", "/",    "x?y", " HTTP/1.1",  "HTTP/1.0",
					  "\r\n",  "\n",    ":",    " ",   "Host",       "Accept",
					  "close", ",",     "\xff", "\t",  "Connection", "0"};
	uint32_t random = 12345;

	for (int i = 0; i < 200000; i++) {
		char text[256];
		size_t bytes = 0;
		struct http_request request;
		char *copy;
		int status;

		for (int n = 0; n < 12; n++) {
			const char *piece;

			random = random * 1664525 + 1013904223;
			piece = pieces[(random >> 16) % 18];
			memcpy(text + bytes, piece, strlen(piece));
			bytes += strlen(piece);
		}
		copy = malloc(bytes);
		assert_non_null(copy);
		memcpy(copy, text, bytes);
		http_head_length(copy, bytes);
		status = http_request_parse(copy, bytes, &request);
		assert_true(status == 200 || status == 400 || status == 405 || status == 413 ||
			    status == 414 || status == 505);
		assert_true(status == 200 || !request.keeps);
		assert_true(status != 200 || request.path[0] == '/');
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),      cmocka_unit_test(test_head_length),
		cmocka_unit_test(test_long_path), cmocka_unit_test(test_random),
		cmocka_unit_test(test_hosts),     cmocka_unit_test(test_host_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
