/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of every kind (but via = "vip", which takes a network: tests/net/health.sh) against
 * servers in this process, on loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "health_world.h"
#include "named_rows.h"

static const struct {
	const char *name;
	enum health_type type;
	bool closed; /* nobody listens there */
	const char *answer;
	const char *path, *body, *send, *expect, *program, *args; /* NULL: the default */
	enum health_method method;
	enum health_state state;
	const char *reason, *request; /* parts; `request` NULL: any */
} rows[] = {
	{.name = "tcp", .type = HEALTH_TCP, .state = HEALTH_UP, .reason = "tcp connect"},
	{.name = "tcp refused",
	 .type = HEALTH_TCP,
	 .closed = true,
	 .state = HEALTH_DOWN,
	 .reason = "tcp connect: Connection refused, 2 of 2"},
	{.name = "http",
	 .type = HEALTH_HTTP,
	 .answer = HTTP("200 OK", "hello"),
	 .state = HEALTH_UP,
	 .reason = "http status 200",
	 .request = "GET / HTTP/1.1\r\n"},
	{.name = "http: path and query",
	 .type = HEALTH_HTTP,
	 .answer = HTTP("204 No", ""),
	 .path = "/a/../b?c=%20",
	 .state = HEALTH_UP,
	 .reason = "http status 204",
	 .request = "GET /a/../b?c=%20 HTTP/1.1\r\n"},
	{.name = "http: host",
	 .type = HEALTH_HTTP,
	 .answer = HTTP("200 OK", ""),
	 .state = HEALTH_UP,
	 .reason = "200",
	 .request = "Host: www.test\r\n"},
	{.name = "http: HEAD",
	 .type = HEALTH_HTTP,
	 .method = HEALTH_HEAD,
	 .answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
	 .state = HEALTH_UP,
	 .reason = "http status 200",
	 .request = "HEAD / HTTP/1.1\r\n"},
	{.name = "http: OPTIONS",
	 .type = HEALTH_HTTP,
	 .method = HEALTH_OPTIONS,
	 .answer = HTTP("200 OK", ""),
	 .state = HEALTH_UP,
	 .reason = "http status 200",
	 .request = "OPTIONS / HTTP/1.1\r\n"},
	{.name = "http: a redirection is followed by nobody",
	 .type = HEALTH_HTTP,
	 .answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
		   "Content-Length: 0\r\n\r\n",
	 .state = HEALTH_UP,
	 .reason = "http status 302"},
	{.name = "http: 500",
	 .type = HEALTH_HTTP,
	 .answer = HTTP("500 Oh", "hello"),
	 .state = HEALTH_DOWN,
	 .reason = "http status 500, not 200-399, 2 of 2"},
	{.name = "http: body",
	 .type = HEALTH_HTTP,
	 .answer = HTTP("200 OK", "all is fine here"),
	 .body = "is fine",
	 .state = HEALTH_UP,
	 .reason = "http status 200"},
	{.name = "http: another body",
	 .type = HEALTH_HTTP,
	 .answer = HTTP("200 OK", "all is lost"),
	 .body = "is fine",
	 .state = HEALTH_DOWN,
	 .reason = "http status 200, but health.body is not in 11 bytes"},
	{.name = "http: no answer",
	 .type = HEALTH_HTTP,
	 .state = HEALTH_DOWN,
	 .reason = "http timed out after "},
	{.name = "http: no http",
	 .type = HEALTH_HTTP,
	 .answer = "SSH-2.0-OpenSSH_9.2\r\n\r\n",
	 .state = HEALTH_DOWN,
	 .reason = "http: "},
	{.name = "https: no TLS",
	 .type = HEALTH_HTTPS,
	 .answer = HTTP("200 OK", ""),
	 .state = HEALTH_DOWN,
	 .reason = "https: "},
	{.name = "udp",
	 .type = HEALTH_UDP,
	 .send = "hex:70696e67",
	 .answer = "pong",
	 .state = HEALTH_UP,
	 .reason = "udp answer",
	 .request = "ping"},
	{.name = "udp: expected",
	 .type = HEALTH_UDP,
	 .send = "ping",
	 .expect = "on",
	 .answer = "pong",
	 .state = HEALTH_UP,
	 .reason = "udp answer"},
	{.name = "udp: another answer",
	 .type = HEALTH_UDP,
	 .send = "ping",
	 .expect = "pang",
	 .answer = "pong",
	 .state = HEALTH_DOWN,
	 .reason = "udp: only unexpected answers within "},
	{.name = "udp: no answer",
	 .type = HEALTH_UDP,
	 .send = "ping",
	 .state = HEALTH_DOWN,
	 .reason = "udp: no answer within "},
	{.name = "udp refused",
	 .type = HEALTH_UDP,
	 .closed = true,
	 .send = "ping",
	 .state = HEALTH_DOWN,
	 .reason = "udp: Connection refused"},
	{.name = "icmp", .type = HEALTH_ICMP, .state = HEALTH_UP, .reason = "icmp echo answered"},
	{.name = "exec",
	 .type = HEALTH_EXEC,
	 .program = "/bin/true",
	 .state = HEALTH_UP,
	 .reason = "exec exit status 0"},
	{.name = "exec: status",
	 .type = HEALTH_EXEC,
	 .program = "/bin/false",
	 .state = HEALTH_DOWN,
	 .reason = "exec exit status 1, 2 of 2"},
	{.name = "exec: as somebody else",
	 .type = HEALTH_EXEC,
	 .program = "/usr/bin/test",
	 .args = "-w\0/etc/passwd",
	 .state = HEALTH_DOWN,
	 .reason = "exec exit status 1"},
	{.name = "exec: killed",
	 .type = HEALTH_EXEC,
	 .program = "/bin/sleep",
	 .args = "60",
	 .state = HEALTH_DOWN,
	 .reason = "exec timed out after "},
	{.name = "exec: no such program says nothing of the backend",
	 .type = HEALTH_EXEC,
	 .program = "/nowhere/check",
	 .state = HEALTH_UNKNOWN,
	 .reason = "not checked: exec: /nowhere/check can't be run as nobody: No such file"},
};

static void row_run(size_t i)
{
	struct health_conf conf = world_conf(rows[i].type);

	print_message("# row: %s\n", rows[i].name);
	world.answer = rows[i].answer;
	world.request[0] = '\0';
	world.down[0] = '\0';
	/* What is to be answered may take long where the machine has other things to do. */
	if (!strstr(rows[i].reason, "timed out") && !strstr(rows[i].reason, "within"))
		conf.timing.interval_ms = conf.timing.timeout_ms = PATIENCE_MS / 2;
	conf.method = (uint8_t)rows[i].method;
	if (rows[i].closed)
		conf.timing.port = world.closed_port;
	if (rows[i].type == HEALTH_EXEC)
		conf.timing.rise = 1;
	if (strstr(rows[i].name, "host"))
		strcpy(conf.host, "www.test");
	if (rows[i].path)
		strcpy(conf.path, rows[i].path);
	if (rows[i].body)
		strcpy(conf.body, rows[i].body);
	if (rows[i].send)
		assert_true(health_bytes_parse(rows[i].send, &conf.send));
	if (rows[i].expect)
		assert_true(health_bytes_parse(rows[i].expect, &conf.expect));
	if (rows[i].program)
		strcpy(conf.program, rows[i].program);
	if (rows[i].args) {
		/* One, or an option and one behind it. */
		size_t first = strlen(rows[i].args) + 1;

		conf.args_bytes =
			(uint16_t)(first +
				   (rows[i].args[0] == '-' ? strlen(rows[i].args + first) + 1 : 0));
		memcpy(conf.args, rows[i].args, conf.args_bytes);
	}
	world_follow(world_model(&conf, 1));
	world_becomes(0, rows[i].state, rows[i].reason);
	if (rows[i].request && !strstr(world.request, rows[i].request))
		fail_msg("asked for: %s", world.request);
	if (rows[i].state != HEALTH_UNKNOWN)
		assert_string_equal(world.down, rows[i].state == HEALTH_DOWN ? "b1- " : "b1+ ");
	/* Forgotten, so that the next row begins anew. */
	conf = (struct health_conf){.type = HEALTH_NO_CHECK};
	world_follow(world_model(&conf, 0));
	world.why[0][0] = '\0';
}

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		row_run(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kinds, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
