/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control protocol, a line in and an answer out (rpc.c, rpc_params.c): what is no request, what
 * are no parameters, and lines of any bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rpc_rows.h"

static void test_requests(void **state)
{
	static const struct row rows[] = {
		{"not JSON", "hello", ERROR(-32700, "the line is not JSON: column "), false},
		{"cut short", "{\"jsonrpc\":\"2.0\",", ERROR(-32700, ""), false},
		{"cut short: id is null", "{\"id\":5", "\"id\":null}", false},
		{"two objects", "{} {}", ERROR(-32700, ""), false},
		{"a key twice", "{\"id\":1,\"id\":2}", ERROR(-32700, ""), false},
		{"no UTF-8", "{\"jsonrpc\":\"\xff\xfe\"}", ERROR(-32700, ""), false},
		{"cut UTF-8", "{\"jsonrpc\":\"\xe2\x82\"}", ERROR(-32700, ""), false},
		{"an escaped NUL", "{\"method\":\"a\\u0000b\"}", ERROR(-32700, ""), false},
		{"half a surrogate", "{\"method\":\"\\ud800\"}", ERROR(-32700, ""), false},
		{"an integer beyond 64 bits",
		 CALL("backend.set", "{\"weight\":99999999999999999999}"), ERROR(-32700, ""),
		 false},
		{"blank line", "", NULL, false},
		{"blank line with CR", " \t\r", NULL, false},
		{"batch", "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}]",
		 ERROR(-32600, "batches are not supported: send one request object a line"), false},
		{"empty batch", "[]", ERROR(-32600, "batches"), false},
		{"a number", "5", ERROR(-32600, "a request is an object, not an integer"), false},
		{"null", "null", ERROR(-32600, "a request is an object, not null"), false},
		{"empty object", "{}", ERROR(-32600, "the member \\\"jsonrpc\\\" must be"), false},
		{"version 1", "{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"version\"}",
		 ERROR(-32600, "the member \\\"jsonrpc\\\" must be \\\"2.0\\\"\"},\"id\":3}"),
		 false},
		{"no method", "{\"jsonrpc\":\"2.0\",\"id\":3}",
		 ERROR(-32600, "the member \\\"method\\\" must be a string\"},\"id\":3}"), false},
		{"no method, no id", "{\"jsonrpc\":\"2.0\"}", "\"id\":null}", false},
		{"method is a number", "{\"jsonrpc\":\"2.0\",\"method\":1,\"id\":3}",
		 ERROR(-32600, "the member \\\"method\\\""), false},
		{"id is an object", "{\"jsonrpc\":\"2.0\",\"method\":\"version\",\"id\":{}}",
		 ERROR(-32600,
		       "the member \\\"id\\\" must be a string or a number, not an object\"},"
		       "\"id\":null}"),
		 false},
		{"unknown member",
		 "{\"jsonrpc\":\"2.0\",\"method\":\"version\",\"id\":1,\"parms\":{}}",
		 ERROR(-32600, "unknown member \\\"parms\\\""), false},
		{"id is a string",
		 "{\"jsonrpc\":\"2.0\",\"method\":\"generation.show\",\"id\":\"\xc3\xa4\"}",
		 "\"id\":\"\xc3\xa4\"}", false},
		{"id is null", "{\"jsonrpc\":\"2.0\",\"method\":\"generation.show\",\"id\":null}",
		 "\"generation\":7", false},
		{"with a CR", "{\"jsonrpc\":\"2.0\",\"method\":\"generation.show\",\"id\":1}\r",
		 "\"generation\":7", false},
		{"params: empty array", CALL("generation.show", "[]"), "\"generation\":7", false},
		{"notification",
		 "{\"jsonrpc\":\"2.0\",\"method\":\"backend.disable\",\"params\":"
		 "{\"service\":\"web\",\"backend\":\"b2\"}}",
		 NULL, true},
		{"notification that is refused",
		 "{\"jsonrpc\":\"2.0\",\"method\":\"backend.disable\"}", NULL, false},
		{"notification of no method", "{\"jsonrpc\":\"2.0\",\"method\":\"nothing\"}", NULL,
		 false},
	};

	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_parameters(void **state)
{
	static const struct row rows[] = {
		{"unknown method, near", CALL("backend.st", "{}"),
		 ERROR(-32601, "no method \\\"backend.st\\\"; the nearest is \\\"backend.set\\\""),
		 false},
		{"unknown method, far", CALL("reboot the host", "{}"),
		 ERROR(-32601, "no method \\\"reboot the host\\\"; methods.list tells them"),
		 false},
		{"empty method", CALL("", "{}"), ERROR(-32601, "no method \\\"\\\""), false},
		{"missing", CALL("backend.enable", "{\"service\":\"web\"}"),
		 ERROR(-32602, "backend.enable: parameter \\\"backend\\\" is missing (a string)"),
		 false},
		{"missing, and no params at all",
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"backend.set\"}",
		 ERROR(-32602, "backend.set: parameter \\\"service\\\" is missing (a string)"),
		 false},
		{"extra",
		 CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b1\",\"weigth\":1}"),
		 ERROR(-32602,
		       "backend.set: unknown parameter \\\"weigth\\\"; it takes service, backend, "
		       "weight"),
		 false},
		{"extra, where none are taken", CALL("version", "{\"a\":1}"),
		 ERROR(-32602, "version: unknown parameter \\\"a\\\"; it takes no parameters"),
		 false},
		{"a string for an integer",
		 CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b1\",\"weight\":\"9\"}"),
		 ERROR(-32602,
		       "backend.set: parameter \\\"weight\\\" must be an integer, not a string"),
		 false},
		{"a fraction for an integer",
		 CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b1\",\"weight\":1.5}"),
		 ERROR(-32602, "backend.set: parameter \\\"weight\\\" must be an integer, not a "
			       "number with"),
		 false},
		{"null for a string", CALL("backends.list", "{\"service\":null}"),
		 ERROR(-32602,
		       "backends.list: parameter \\\"service\\\" must be a string, not null"),
		 false},
		{"by place", CALL("backends.list", "[\"web\"]"),
		 ERROR(-32602, "backends.list: parameters go by name: \\\"params\\\" must be an "
			       "object, not an "
			       "array"),
		 false},
		{"params is a string", CALL("version", "\"x\""), ERROR(-32602, "version: "), false},
		{"params is null", CALL("version", "null"), ERROR(-32602, "version: "), false},
		{"list element of the wrong type",
		 CALL("service.add",
		      "{\"name\":\"a\",\"vip\":\"192.0.2.1\",\"port\":1,\"protocol\":\"tcp\","
		      "\"backends\":[1]}"),
		 ERROR(-32602, "service.add: parameter \\\"backends[0]\\\" must be an object, not "
			       "an integer"),
		 false},
		{"list element without a name",
		 CALL("service.add",
		      "{\"name\":\"a\",\"vip\":\"192.0.2.1\",\"port\":1,\"protocol\":\"tcp\","
		      "\"backends\":[{\"name\":\"b\",\"address\":\"192.0.2.2\"},{\"address\":\"192."
		      "0.2.3\"}]}"),
		 ERROR(-32602,
		       "service.add: parameter \\\"backends[1].name\\\" is missing (a string)"),
		 false},
		{"list element with an extra member",
		 CALL("service.add",
		      "{\"name\":\"a\",\"vip\":\"192.0.2.1\",\"port\":1,\"protocol\":\"tcp\","
		      "\"backends\":[{\"name\":\"b\",\"address\":\"192.0.2.2\",\"port\":1}]}"),
		 ERROR(-32602, "service.add: unknown parameter \\\"backends[0].port\\\"; it takes "
			       "name, address"),
		 false},
		{"list of the wrong type",
		 CALL("service.add",
		      "{\"name\":\"a\",\"vip\":\"192.0.2.1\",\"port\":1,\"protocol\":\"tcp\","
		      "\"backends\":{}}"),
		 ERROR(-32602, "service.add: parameter \\\"backends\\\" must be an array of "
			       "objects, not an "
			       "object"),
		 false},
	};

	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_bytes(void **state)
{
	static const char nul[] = "{\"jsonrpc\":\"2.0\",\0\"id\":1,\"method\":\"version\"}";
	static const char in_string[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ver\0sion\"}";
	enum { DEPTH = 30000 };
	char *nested = malloc(2 * DEPTH + 1);

	check("a NUL", ask_bytes(nul, sizeof(nul) - 1), ERROR(-32700, ""));
	check("a NUL in a string", ask_bytes(in_string, sizeof(in_string) - 1), ERROR(-32700, ""));
	assert_non_null(nested);
	memset(nested, '[', DEPTH);
	memset(nested + DEPTH, ']', DEPTH);
	check("30,000 arrays in one another", ask_bytes(nested, 2 * DEPTH),
	      ERROR(-32700, "the line is not JSON: column 2049: maximum parsing depth"));
	for (size_t i = 0; i < DEPTH; i += 6)
		memcpy(nested + i, "{\"a\":{", 6);
	check("objects in one another, not closed", ask_bytes(nested, DEPTH), ERROR(-32700, ""));
	free(nested);
}

/* Every prefix of a good line, and the line with each byte changed: an answer, or none, but
 * never a change of the model and never a crash (the sanitizers look). */
static void test_mutations(void **state)
{
	static const char line[] =
		ADD("\"port\":80,\"protocol\":\"tcp\",\"backends\":"
		    "[{\"name\":\"b1\",\"address\":\"10.0.0.1\",\"weight\":-1}]");
	char copy[sizeof(line)];

	for (size_t n = 0; n < sizeof(line); n++)
		free(ask_bytes(line, n));
	for (size_t i = 0; i + 1 < sizeof(line); i++) {
		for (int byte = 0; byte < 256; byte++) {
			memcpy(copy, line, sizeof(line));
			copy[i] = (char)byte;
			free(ask_bytes(copy, sizeof(line) - 1));
		}
	}
	assert_true(fake.model->services_n <= 8);
	assert_non_null(model_find(fake.model, "web"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_requests),
		TEST(test_parameters),
		TEST(test_bytes),
		TEST(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
