/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks at run time, by service.add, service.set, backend.add and backend.set: the keys are
 * the file's, and what is set is in the model and in what would be written to a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "config_json.h"
#include "rpc_rows.h"

#define HEALTH(keys)     ADD("\"port\":80,\"protocol\":\"tcp\",\"health\":{" keys "}")
#define SET(rest)        CALL("service.set", "{\"service\":\"web\"," rest "}")
#define SET_HEALTH(keys) SET("\"health\":{" keys "}")
#define SET_B1(rest)     CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b1\"," rest "}")

static void test_refused(void **state)
{
	static const struct row rows[] = {
		{"no type", HEALTH("\"fall\":2"), ERROR(-32001, "health.type: missing"), false},
		{"a key that there isn't", HEALTH("\"type\":\"tcp\",\"fal\":2"),
		 ERROR(-32001, "health.fal: unknown key; did you mean \\\"fall\\\"?"), false},
		{"a key that no file could have", HEALTH("\"type\":\"tcp\",\"fall=2; rise\":2"),
		 ERROR(-32001, "health: unknown key \\\"fall=2; rise\\\""), false},
		{"out of bounds", HEALTH("\"type\":\"tcp\",\"fall\":0"),
		 ERROR(-32001, "health.fall: 0 is not in 1-100"), false},
		{"2^32 more than right", HEALTH("\"type\":\"tcp\",\"fall\":4294967298"),
		 ERROR(-32001, "health.fall: 4294967298 is not in 1-100"), false},
		{"a text for a number", HEALTH("\"type\":\"tcp\",\"fall\":\"2\""),
		 ERROR(-32001, "health.fall: expected an integer, not a string"), false},
		{"a group for a text", HEALTH("\"type\":{\"type\":\"tcp\"}"),
		 ERROR(-32001, "health.type: expected a string, not a group"), false},
		{"two faults", HEALTH("\"type\":\"tcp\",\"fall\":0,\"rise\":0"),
		 ERROR(-32001, "health.fall: 0 is not in 1-100;health.rise: 0 is not in 1-100"),
		 false},
		{"of another type", HEALTH("\"type\":\"tcp\",\"path\":\"/\""),
		 ERROR(-32001, "health.path: is for http and https, and this check's type is tcp"),
		 false},
		{"not right beside the rest",
		 HEALTH("\"type\":\"tcp\",\"interval_ms\":500,\"timeout_ms\":600"),
		 ERROR(-32004, "health.timeout_ms: 600 is more than interval_ms, which is 500"),
		 false},
		{"not right beside the service", HEALTH("\"type\":\"icmp\",\"via\":\"vip\""),
		 ERROR(-32004, "health.via: \\\"vip\\\" is for tcp"), false},
		{"no group", ADD("\"port\":80,\"protocol\":\"tcp\",\"health\":\"tcp\""),
		 ERROR(-32602, "service.add: parameter \\\"health\\\" must be an object"), false},
		{"all_down", ADD("\"port\":80,\"protocol\":\"tcp\",\"all_down\":\"some\""),
		 ERROR(-32001, "all_down: \\\"some\\\" is none of all, none"), false},
		{"a backend that differs from nothing",
		 ADD("\"port\":80,\"protocol\":\"tcp\",\"backends\":[{\"name\":\"b1\",\"address\":"
		     "\"10.0.0.1\",\"health\":{\"fall\":2}}]"),
		 ERROR(-32004,
		       "backends[0].health: the service has no health check to differ from"),
		 false},
		{"set of no service", CALL("service.set", "{\"service\":\"x\",\"transition_s\":0}"),
		 ERROR(-32002, "no service \\\"x\\\""), false},
		{"nothing to set", CALL("service.set", "{\"service\":\"web\",\"dry_run\":true}"),
		 ERROR(-32602, "service.set: nothing to set"), false},
		{"nothing to set of a backend",
		 CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b1\"}"),
		 ERROR(-32602, "backend.set: nothing to set is given"), false},
		{"set of a service without checks", SET_HEALTH("\"fall\":2"),
		 ERROR(-32001, "health.type: missing"), false},
		{"set of a backend of a service without checks", SET_B1("\"health\":{\"fall\":2}"),
		 ERROR(-32004, "backends[0].health: the service has no health check to differ"),
		 false},
		{"a backend added to a service without checks",
		 CALL("backend.add",
		      "{\"service\":\"web\",\"name\":\"b9\",\"address\":\"10.0.0.19\","
		      "\"health\":{\"check\":\"off\"}}"),
		 ERROR(-32004, "backends[2].health: the service has no health check"), false},
		{"the vip of a service", SET("\"vip\":\"192.0.2.9\""),
		 ERROR(-32602, "service.set: unknown parameter \\\"vip\\\""), false},
	};

	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static const struct service_conf *web(void)
{
	return model_find(fake.model, "web");
}

/* What a file would have of the checks of web. */
static void assert_health(const char *want)
{
	json_t *tree = config_json_service(web());
	char *text = json_dumps(json_object_get(tree, "health"), JSON_COMPACT | JSON_ENCODE_ANY);

	assert_string_equal(text ? text : "none", want);
	free(text);
	json_decref(tree);
}

#define REST(interval, fall)                                                           \
	"\"via\":\"node\",\"port\":0,\"interval_ms\":" interval ",\"timeout_ms\":300," \
	"\"fast_interval_ms\":0,\"rise\":2,\"fall\":" fall ",\"jitter_percent\":10,"   \
	"\"flap_count\":4,\"flap_window_s\":600,\"flap_hold_s\":10"

/* One after the other, on web; b1 and b2 are its backends. */
static void test_set(void **state)
{
	static const struct {
		struct row row;
		const char *health; /* of web, then */
	} rows[] = {
		{{"a check", SET_HEALTH("\"type\":\"tcp\",\"interval_ms\":400,\"timeout_ms\":300"),
		  DONE("1"), true},
		 "{\"type\":\"tcp\"," REST("400", "3") "}"},
		{{"a key; the others stay", SET_HEALTH("\"fall\":7"), DONE("1"), true},
		 "{\"type\":\"tcp\"," REST("400", "7") "}"},
		{{"not a key of tcp", SET_HEALTH("\"path\":\"/\""),
		  ERROR(-32001, "health.path: is for http and https"), false},
		 "{\"type\":\"tcp\"," REST("400", "7") "}"},
		{{"a key's default", SET_HEALTH("\"fall\":null,\"interval_ms\":500"), DONE("1"),
		  true},
		 "{\"type\":\"tcp\"," REST("500", "3") "}"},
		{{"another type", SET_HEALTH("\"type\":\"https\",\"path\":\"/a\",\"verify\":false"),
		  DONE("1"), true},
		 "{\"type\":\"https\"," REST("500",
					     "3") ",\"method\":\"GET\",\"path\":\"/a\","
						  "\"status\":\"200-399\",\"verify\":false}"},
		{{"what means nothing to it goes", SET_HEALTH("\"type\":\"http\""), DONE("1"),
		  true},
		 "{\"type\":\"http\"," REST("500", "3") ",\"method\":\"GET\",\"path\":\"/a\","
							"\"status\":\"200-399\"}"},
		{{"something else", SET("\"transition_s\":7,\"all_down\":\"none\""), DONE("1"),
		  true},
		 "{\"type\":\"http\"," REST("500", "3") ",\"method\":\"GET\",\"path\":\"/a\","
							"\"status\":\"200-399\"}"},
		{{"a backend's own", SET_B1("\"health\":{\"fall\":9,\"jitter_percent\":0}"),
		  DONE("1"), true},
		 NULL},
		{{"... is in the way of none", SET_HEALTH("\"type\":\"none\""),
		  ERROR(-32004, "backends[0].health: the service has no health check"), false},
		 NULL},
		{{"... and goes", SET_B1("\"health\":{\"fall\":null,\"jitter_percent\":null}"),
		  DONE("1"), true},
		 NULL},
		{{"none", SET_HEALTH("\"type\":\"none\""), DONE("1"), true}, "none"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run_rows(&rows[i].row, 1);
		if (rows[i].health)
			assert_health(rows[i].health);
	}
	assert_int_equal(web()->transition_s, 7);
	assert_int_equal(web()->all_down, ALL_DOWN_NONE);
	assert_int_equal(web()->encap, ENCAP_GUE);
	assert_int_equal(web()->backends_n, 2);
}

static void test_backends(void **state)
{
	static const struct row rows[] = {
		{"checks", SET_HEALTH("\"type\":\"tcp\""), DONE("1"), true},
		{"a backend with its own",
		 CALL("backend.add",
		      "{\"service\":\"web\",\"name\":\"b3\",\"address\":\"10.0.0.13\","
		      "\"health\":{\"port\":8081,\"fall\":1}}"),
		 DONE("1"), true},
		{"not checked", SET_B1("\"weight\":7,\"health\":{\"check\":\"off\"}"), DONE("1"),
		 true},
		{"a port alone",
		 CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b3\",\"health\":{\"port\":"
				     "8082}}"),
		 DONE("1"), true},
		{"not beside what the service has",
		 CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b3\",\"health\":"
				     "{\"timeout_ms\":3000}}"),
		 ERROR(-32004,
		       "backends[2].health.timeout_ms: 3000 is more than interval_ms, which is "
		       "2000"),
		 false},
		{"weight alone", SET_B1("\"weight\":8"), DONE("1"), true},
	};
	const struct backend_conf *b1, *b3;

	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
	b1 = service_conf_find(web(), "b1");
	b3 = service_conf_find(web(), "b3");
	assert_int_equal(b1->weight, 8);
	assert_true(b1->health.off);
	assert_int_equal(b3->weight, MODEL_WEIGHT_DEFAULT);
	assert_int_equal(b3->health.timing.port, 8082);
	assert_int_equal(b3->health.timing.fall, 1);
	assert_int_equal(b3->health.timing.interval_ms, 0);
}

/* Who is in the group of the socket is not to have programs run by it. */
static void test_programs(void **state)
{
	static const struct row rows[] = {
		{"by a member of the group",
		 SET_HEALTH("\"type\":\"exec\",\"program\":\"/bin/true\",\"args\":[\"-x\"]"),
		 ERROR(-32007, "health.program: only root can have programs run"), false},
		{"in a service that is added",
		 HEALTH("\"type\":\"exec\",\"program\":\"/bin/true\""),
		 ERROR(-32007, "health.program: only root"), false},
		{"in a batch",
		 CALL("config.apply",
		      "{\"changes\":[{\"method\":\"service.set\",\"params\":{\"service\":\"web\","
		      "\"health\":{\"type\":\"exec\",\"program\":\"/bin/true\"}}}]}"),
		 ERROR(-32007, "changes[0]: health.program: only root"), false},
	};
	static const struct row by_root = {
		"by root",
		SET_HEALTH("\"type\":\"exec\",\"program\":\"/bin/true\",\"args\":[\"-x\",\"a b\"]"),
		DONE("1"), true};
	static const struct row after[] = {
		{"its timing, by a member of the group", SET_HEALTH("\"fall\":9"), DONE("1"), true},
		{"its arguments", SET_HEALTH("\"args\":[\"-y\"]"),
		 ERROR(-32007, "health.program: only root"), false},
	};

	strcpy(fake.model->settings.exec_user, "nobody");
	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
	asker = 0;
	run_rows(&by_root, 1);
	asker = ASKER;
	run_rows(after, sizeof(after) / sizeof(after[0]));
	assert_health("{\"type\":\"exec\",\"via\":\"node\",\"port\":0,\"interval_ms\":2000,"
		      "\"timeout_ms\":1000,\"fast_interval_ms\":0,\"rise\":2,\"fall\":9,"
		      "\"jitter_percent\":10,\"flap_count\":4,\"flap_window_s\":600,"
		      "\"flap_hold_s\":10,\"program\":\"/bin/true\",\"args\":[\"-x\",\"a b\"]}");
}

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

enum {
#ifdef __SANITIZE_ADDRESS__
	/* Its realloc() copies what grows, each time: so the time is the square of the number. */
	TOOK_MAX_S = 60,
	ELEMENTS = 20000,
#else
	TOOK_MAX_S = 4, /* 0.1 s on a machine that has time */
	ELEMENTS = 200000,
#endif
};

/* A request as long as it may be is refused before anybody misses the control thread. */
static void check_long(const char *name, const char *begin, const char *format, int n,
		       const char *want)
{
	enum { LINE_BYTES = 1 << 20 };
	char *line = malloc(LINE_BYTES);
	int used = snprintf(line, LINE_BYTES, "%s", begin);
	double began_s, took_s;
	char *answer;

	for (int i = 0; i < n; i++)
		used += snprintf(line + used, (size_t)(LINE_BYTES - used), format, i);
	assert_in_range(used, 1, LINE_BYTES - 16);
	strcpy(line + used, *format == '0' ? "0]}}}" : "\"z\":1}}}");
	began_s = cpu_s();
	answer = ask(line);
	took_s = cpu_s() - began_s;
	check(name, answer, want);
	free(line);
	if (took_s > TOOK_MAX_S)
		fail_msg("%s: took %.1f s of a CPU", name, took_s);
}

static void test_long(void **state)
{
#define SET_BEGIN                                                              \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"service.set\",\"params\":" \
	"{\"service\":\"web\",\"health\":{\"type\":\"exec\","
	check_long("keys", SET_BEGIN, "\"k%d\":1,", 60000,
		   ERROR(-32001, "health: has 60002 keys, and no group takes more than 100"));
	check_long("elements", SET_BEGIN "\"args\":[", "0,", ELEMENTS,
		   ERROR(-32001, "health.args[0]: expected a string, not an integer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_programs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
