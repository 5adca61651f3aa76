/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The methods of the control protocol about where flows go, and stay: schedulers, drains, dry
 * runs, what is remembered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rpc_rows.h"

#define B1(rest) "{\"service\":\"web\",\"backend\":\"b1\"" rest "}"
#define DRY      ",\"dry_run\":true"
#define PREVIEW  "\"preview\":[{\"service\":\"web\",\"slots\":"
#define PREVIEW_REST                                                         \
	",\"slots_moved\":154,\"flows_touched\":12,\"flows_cut\":5,"         \
	"\"moved_without_transition\":0.75,\"moved_with_transition\":0.125," \
	"\"transition_s\":300}]}"

static void test_drain(void **state)
{
	static const struct row rows[] = {
		{"drain", CALL("backend.drain", B1("")), DONE("1"), true},
		{"drain with a timeout", CALL("backend.drain", B1(",\"timeout_s\":604800")),
		 DONE("1"), true},
		{"a timeout beyond a week", CALL("backend.drain", B1(",\"timeout_s\":604801")),
		 ERROR(-32001, "timeout_s: 604801 is not in 0-604800"), false},
		{"a timeout below 0", CALL("backend.drain", B1(",\"timeout_s\":-1")),
		 ERROR(-32001, "timeout_s: -1 is not in 0-604800"), false},
		{"drain: no such backend",
		 CALL("backend.drain", "{\"service\":\"web\",\"backend\":\"x\"}"),
		 ERROR(-32002, "service \\\"web\\\" has no backend \\\"x\\\""), false},
		{"undrain", CALL("backend.undrain", B1("")), DONE("1"), true},
		{"undrain an enabled one", CALL("backend.undrain", B1("")), DONE("1"), true},
		{"disable it", CALL("backend.disable", B1("")), DONE("1"), true},
		{"undrain a disabled one", CALL("backend.undrain", B1("")),
		 ERROR(-32004, "backend \\\"b1\\\" is disabled by now, not draining: enable it"),
		 false},
		{"undrain: no such service",
		 CALL("backend.undrain", "{\"service\":\"x\",\"backend\":\"b1\"}"),
		 ERROR(-32002, "no service \\\"x\\\""), false},
		{"undrain: no such backend",
		 CALL("backend.undrain", "{\"service\":\"web\",\"backend\":\"x\"}"),
		 ERROR(-32002, "service \\\"web\\\" has no backend \\\"x\\\""), false},
	};

	run_rows(rows, 2);
	assert_int_equal(model_find(fake.model, "web")->backends[0].admin, BACKEND_DRAINING);
	assert_int_equal(model_find(fake.model, "web")->backends[0].drain_timeout_s, 604800);
	run_rows(rows + 2, 4);
	assert_int_equal(model_find(fake.model, "web")->backends[0].admin, BACKEND_ENABLED);
	run_rows(rows + 6, sizeof(rows) / sizeof(rows[0]) - 6);
	assert_int_equal(model_find(fake.model, "web")->backends[0].admin, BACKEND_DISABLED);
}

static void test_drain_shown(void **state)
{
	fake.drain = (struct daemon_drain){.state = DRAIN_RUNNING,
					   .quiet_s = 4,
					   .started_us = 1700000000000000,
					   .deadline_us = 1700000600000000};
	check("enabled", ask(CALL("backends.list", "{\"service\":\"web\"}")),
	      "\"weight\":100,\"weight_now\":50,\"state\":\"enabled\",\"drain\":null,\"flows\":3,");
	free(ask(CALL("backend.drain", B1(""))));
	check("running", ask(CALL("backends.list", "{\"service\":\"web\"}")),
	      "\"state\":\"draining\",\"drain\":{\"state\":\"running\",\"quiet_s\":4,"
	      "\"started_us\":1700000000000000,\"deadline_us\":1700000600000000,\"flows_cut\":0}");
	fake.drain.deadline_us = 0;
	fake.drain.state = DRAIN_DONE;
	check("done", ask(CALL("backends.list", "{\"service\":\"web\"}")),
	      "\"drain\":{\"state\":\"done\",\"quiet_s\":4,\"started_us\":1700000000000000,"
	      "\"deadline_us\":null,\"flows_cut\":0}");
	fake.drain.state = DRAIN_TIMED_OUT;
	fake.drain.flows_cut = 9;
	check("timed out", ask(CALL("backends.list", "{\"service\":\"web\"}")),
	      "\"drain\":{\"state\":\"timed_out\",\"quiet_s\":4,\"started_us\":1700000000000000,"
	      "\"deadline_us\":null,\"flows_cut\":9}");
	check("counted", ask(CALL("services.list", "{}")),
	      "\"backends_enabled\":1,\"backends_draining\":1,");
}

/* Each method that has a dry run tells what would change, and changes nothing. */
static void test_dry_run(void **state)
{
	static const struct row rows[] = {
		{"set", CALL("backend.set", B1(",\"weight\":3" DRY)), PREVIEW "251" PREVIEW_REST,
		 false},
		{"disable", CALL("backend.disable", B1(DRY)), PREVIEW "251" PREVIEW_REST, false},
		{"drain", CALL("backend.drain", B1(",\"timeout_s\":9" DRY)),
		 PREVIEW "251" PREVIEW_REST, false},
		{"remove", CALL("backend.remove", B1(DRY)), PREVIEW "251" PREVIEW_REST, false},
		{"add",
		 CALL("backend.add", "{\"service\":\"web\",\"name\":\"b9\",\"address\":"
				     "\"10.0.0.9\",\"dry_run\":true}"),
		 PREVIEW "251" PREVIEW_REST, false},
		{"remove a service",
		 CALL("service.remove", "{\"service\":\"web\",\"dry_run\":true}"),
		 PREVIEW "0" PREVIEW_REST, false},
		{"enable: nothing to change", CALL("backend.enable", B1(DRY)),
		 "\"result\":{\"preview\":[]}", false},
		{"undrain: nothing to change", CALL("backend.undrain", B1(DRY)),
		 "\"result\":{\"preview\":[]}", false},
		{"what is refused is refused dry too",
		 CALL("backend.set", B1(",\"weight\":65536" DRY)),
		 ERROR(-32001, "weight: 65536 is not in 0-65535"), false},
		{"false: not dry", CALL("backend.set", B1(",\"weight\":3,\"dry_run\":false")),
		 DONE("1"), true},
		{"an integer for a boolean", CALL("backend.set", B1(",\"weight\":3,\"dry_run\":1")),
		 ERROR(-32602, "backend.set: parameter \\\"dry_run\\\" must be a boolean, not an "
			       "integer"),
		 false},
	};
	const struct service_conf *web = model_find(fake.model, "web");

	run_rows(rows, 9);
	assert_ptr_equal(model_find(fake.model, "web"), web);
	assert_string_equal(fake.who, "");
	run_rows(rows + 9, sizeof(rows) / sizeof(rows[0]) - 9);
	fake.read_rc = -ENOMEM;
	check("no memory", ask(CALL("backend.disable", B1(DRY))),
	      ERROR(-32000, "what would change can't be told: Cannot allocate memory"));
}

#define FLOW(last, backend)                                                           \
	"{\"hash\":\"0123456789ab" last "\",\"service\":\"web\",\"backend\":" backend \
	",\"state\":\"syn\",\"idle_s\":4,\"worker\":1}"

static void test_flows(void **state)
{
	static const struct row rows[] = {
		{"some", CALL("flows.list", "{}"),
		 "{\"flows\":[" FLOW("cdef", "\"b1\"") "," FLOW("cdf0", "null") ",", false},
		{"of a service that has none", CALL("flows.list", "{\"service\":\"dns6\"}"),
		 "{\"flows\":[],\"matching\":0}", false},
		{"of a backend", CALL("flows.list", B1("")), "],\"matching\":2}", false},
		{"one", CALL("flows.list", "{\"service\":\"web\",\"limit\":1}"),
		 "{\"flows\":[" FLOW("cdef", "\"b1\"") "],\"matching\":3}", false},
		{"none", CALL("flows.list", "{\"limit\":0}"), "{\"flows\":[],\"matching\":3}",
		 false},
		{"too many", CALL("flows.list", "{\"limit\":10001}"),
		 ERROR(-32001, "limit: 10001 is not in 0-10000"), false},
		{"a backend without its service", CALL("flows.list", "{\"backend\":\"b1\"}"),
		 ERROR(-32001,
		       "backend: backends of several services may be called \\\"b1\\\": name "
		       "the service too"),
		 false},
		{"no such service", CALL("flows.list", "{\"service\":\"x\"}"),
		 ERROR(-32002, "no service \\\"x\\\""), false},
		{"no such backend", CALL("flows.list", "{\"service\":\"web\",\"backend\":\"x\"}"),
		 ERROR(-32002, "service \\\"web\\\" has no backend \\\"x\\\""), false},
	};

	fake.flows = 3;
	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
	fake.flows = 25;
	check("20 if no limit is given", ask(CALL("flows.list", "{}")),
	      FLOW("ce02", "\"b1\"") "],\"matching\":25}");
	fake.read_rc = -ENOMEM;
	check("they can't be read", ask(CALL("flows.list", "{}")),
	      ERROR(-32000, "the remembered flows can't be read: Cannot allocate memory"));
	check("nor the counters", ask(CALL("memory.show", "{}")),
	      ERROR(-32000, "the counters of the flow table can't be read: "));
}

static void test_spreading_reaches_model(void **state)
{
	const struct service_conf *s;

	check("maglev by source",
	      ask(ADD("\"port\":1,\"protocol\":\"udp\",\"scheduler\":\"maglev\",\"hash\":"
		      "\"source\","
		      "\"transition_s\":0,\"slow_start_s\":30")),
	      DONE("1"));
	s = model_find(fake.model, "new");
	assert_non_null(s);
	assert_true(s->hash_source);
	assert_int_equal(s->transition_s, 0);
	assert_int_equal(s->slow_start_s, 30);
	free(ask(CALL("service.remove", "{\"service\":\"new\"}")));
	for (enum scheduler i = SCHEDULER_MAGLEV; i <= SCHEDULER_LEAST_CONN; i++) {
		char line[256];

		snprintf(line, sizeof(line),
			 CALL("service.add",
			      "{\"name\":\"new\",\"vip\":\"192.0.2.1\",\"port\":1,\"protocol\":"
			      "\"udp\",\"scheduler\":\"%s\"}"),
			 scheduler_name(i));
		free(ask(line));
		s = model_find(fake.model, "new");
		assert_non_null(s);
		assert_int_equal(s->scheduler, i);
		free(ask(CALL("service.remove", "{\"service\":\"new\"}")));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_drain),
		TEST(test_drain_shown),
		TEST(test_dry_run),
		TEST(test_flows),
		TEST(test_spreading_reaches_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
