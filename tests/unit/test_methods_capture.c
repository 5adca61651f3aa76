/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.*: what they refuse, what reaches the daemon, and what is told of a capture.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rpc_rows.h"

#define START(rest) CALL("capture.start", "{\"service\":\"web\"" rest "}")
#define COUNTS(state_) \
	"\"state\":\"" state_ "\",\"packets\":2,\"frames\":3,\"bytes\":0,\"missed\":5"

static void test_start(void **state)
{
	static const struct row refused[] = {
		{"no such service", CALL("capture.start", "{\"service\":\"x\"}"),
		 ERROR(-32002, "no service \\\"x\\\""), false},
		{"no such backend", START(",\"backend\":\"b9\""),
		 ERROR(-32002, "service \\\"web\\\" has no backend \\\"b9\\\""), false},
		{"no such verdict", START(",\"verdict\":\"lost\""),
		 ERROR(-32001, "verdict: no verdict is called \\\"lost\\\": \\\"show counters "
			       "--all\\\" lists them"),
		 false},
		{"no packets", START(",\"packets\":0"),
		 ERROR(-32001, "packets: 0 is not in 1-10000000"), false},
		{"too long", START(",\"seconds\":3601"),
		 ERROR(-32001, "seconds: 3601 is not in 1-3600"), false},
		{"too much", START(",\"megabytes\":16385"),
		 ERROR(-32001, "megabytes: 16385 is not in 1-16384"), false},
		{"not even Ethernet", START(",\"snap_bytes\":13"),
		 ERROR(-32001, "snap_bytes: 13 is not in 14-2048"), false},
		{"longer than is copied", START(",\"snap_bytes\":2049"),
		 ERROR(-32001, "snap_bytes: 2049 is not in 14-2048"), false},
	};
	const struct service_conf *web = model_find(fake.model, "web");

	run_rows(refused, sizeof(refused) / sizeof(refused[0]));
	assert_int_equal(fake.capture.id, 0);
	check("plain", ask(START("")), "\"result\":{\"capture\":4}");
	assert_ptr_equal(fake.capture_request.service, web);
	assert_null(fake.capture_request.backend);
	assert_int_equal(fake.capture_request.verdict, VERDICT_COUNT);
	assert_int_equal(fake.capture_request.packets_max, 10000);
	assert_int_equal(fake.capture_request.seconds, 60);
	assert_int_equal(fake.capture_request.bytes_max, 256ULL << 20);
	assert_int_equal(fake.capture_request.snap_bytes, 2048);
	check("all that can be said",
	      ask(START(",\"backend\":\"b2\",\"verdict\":\"too_big\",\"packets\":7,\"seconds\":8,"
			"\"megabytes\":16384,\"snap_bytes\":14")),
	      "\"result\":{\"capture\":4}");
	assert_ptr_equal(fake.capture_request.backend, &web->backends[1]);
	assert_int_equal(fake.capture_request.verdict, VERDICT_too_big);
	assert_int_equal(fake.capture_request.packets_max, 7);
	assert_int_equal(fake.capture_request.seconds, 8);
	assert_int_equal(fake.capture_request.bytes_max, 16384ULL << 20);
	assert_int_equal(fake.capture_request.snap_bytes, 14);
	fake.capture_rc = -EBUSY;
	check("busy", ask(START("")),
	      ERROR(-32004, "a capture of service \\\"web\\\" is under way, and there is one at a "
			    "time: wait for its end, or end its sluicectl"));
	fake.capture_rc = -ENOMEM;
	check("no memory", ask(START("")),
	      ERROR(-32000, "the capture can't begin: Cannot allocate memory"));
}

static void test_read(void **state)
{
	check("none yet", ask(CALL("capture.show", "{}")),
	      "{\"captures\":0,\"packets\":0,\"missed\":0,\"latest\":null}");
	check("not begun", ask(CALL("capture.read", "{\"capture\":4}")),
	      ERROR(-32002,
		    "no such capture: it has been read to its end, or nobody asked for 3 s"));
	free(ask(START("")));
	check("another's", ask(CALL("capture.read", "{\"capture\":3}")),
	      ERROR(-32002, "no such capture: "));
	check("some", ask(CALL("capture.read", "{\"capture\":4}")),
	      "{\"service\":\"web\"," COUNTS("on") ",\"last\":false,\"data\":\"/wBwY2Fw\"}");
	check("stop another's", ask(CALL("capture.stop", "{\"capture\":3}")),
	      ERROR(-32002, "no such capture: "));
	check("stop", ask(CALL("capture.stop", "{\"capture\":4}")), "\"result\":{}");
	check("the rest", ask(CALL("capture.read", "{\"capture\":4}")),
	      COUNTS("stopped") ",\"last\":true,");
	check("shown", ask(CALL("capture.show", "{}")),
	      "{\"captures\":1,\"packets\":0,\"missed\":0,\"latest\":{\"service\":\"web\"," COUNTS(
		      "stopped") "}}");
}

/* Packets are private: those who may only look don't see them. */
static void test_rights(void **state)
{
	const struct rpc_method *method;

	for (size_t i = 0; (method = rpc_method_at(i)); i++)
		if (strncmp(method->name, "capture.", 8) == 0)
			assert_int_equal(method->changes,
					 strcmp(method->name, "capture.show") != 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_start),
		TEST(test_read),
		TEST(test_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
