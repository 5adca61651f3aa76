/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The methods of the control protocol (methods*.c): what they change, read and refuse; and
 * docs/control.md, which tells of every method, parameter and error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rpc_rows.h"

static void test_changes(void **state)
{
	static const struct row rows[] = {
		{"set a weight",
		 CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b1\",\"weight\":0}"),
		 DONE("1"), true},
		{"weight 65536",
		 CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b1\",\"weight\":65536}"),
		 ERROR(-32001, "weight: 65536 is not in 0-65535"), false},
		{"weight -1",
		 CALL("backend.set", "{\"service\":\"web\",\"backend\":\"b1\",\"weight\":-1}"),
		 ERROR(-32001, "weight: -1 is not in 0-65535"), false},
		{"weight 2^32",
		 CALL("backend.set",
		      "{\"service\":\"web\",\"backend\":\"b1\",\"weight\":4294967296}"),
		 ERROR(-32001, "weight: 4294967296 is not in 0-65535"), false},
		{"no such service",
		 CALL("backend.set", "{\"service\":\"x\",\"backend\":\"b1\",\"weight\":1}"),
		 ERROR(-32002, ""), false},
		{"no such backend",
		 CALL("backend.enable", "{\"service\":\"web\",\"backend\":\"x\"}"),
		 ERROR(-32002, ""), false},
		{"disable", CALL("backend.disable", "{\"service\":\"web\",\"backend\":\"b1\"}"),
		 DONE("1"), true},
		{"enable", CALL("backend.enable", "{\"service\":\"web\",\"backend\":\"b1\"}"),
		 DONE("1"), true},
		{"a host drains",
		 CALL("host.drain", "{\"address\":\"10.0.0.11\",\"timeout_s\":60}"), DONE("1"),
		 true},
		{"a host drains no more", CALL("host.undrain", "{\"address\":\"10.0.0.11\"}"),
		 DONE("1"), true},
		{"a host that there isn't", CALL("host.disable", "{\"address\":\"10.0.0.99\"}"),
		 ERROR(-32002, "no service has a backend with the address 10.0.0.99"), false},
		{"a host that is none", CALL("host.enable", "{\"address\":\"b1\"}"),
		 ERROR(-32001, "address: \\\"b1\\\" is no IPv4 or IPv6 address"), false},
		{"a host's timeout",
		 CALL("host.drain", "{\"address\":\"10.0.0.11\",\"timeout_s\":604801}"),
		 ERROR(-32001, "timeout_s: 604801 is not in 0-604800"), false},
		{"add a backend",
		 CALL("backend.add", "{\"service\":\"web\",\"name\":\"b3\",\"address\":"
				     "\"10.0.0.13\",\"weight\":5,\"state\":\"disabled\"}"),
		 DONE("1"), true},
		{"add it again",
		 CALL("backend.add", "{\"service\":\"web\",\"name\":\"b3\",\"address\":"
				     "\"10.0.0.14\"}"),
		 ERROR(-32003, ""), false},
		{"a backend at a vip",
		 CALL("backend.add", "{\"service\":\"web\",\"name\":\"b4\",\"address\":"
				     "\"198.51.100.10\"}"),
		 ERROR(-32004, ""), false},
		{"a backend with no address",
		 CALL("backend.add", "{\"service\":\"web\",\"name\":\"b4\","
				     "\"address\":\"10.0.0\"}"),
		 ERROR(-32001, "address: \\\"10.0.0\\\" is no IP address"), false},
		{"a backend in no state",
		 CALL("backend.add", "{\"service\":\"web\",\"name\":\"b4\","
				     "\"address\":\"10.0.0.14\",\"state\":\"on\"}"),
		 ERROR(-32001, "state: \\\"on\\\" is none of enabled, draining, disabled"), false},
		{"a name with a blank",
		 CALL("backend.add", "{\"service\":\"web\",\"name\":\"b 4\","
				     "\"address\":\"10.0.0.14\"}"),
		 ERROR(-32001, ""), false},
		{"a name of 64 letters",
		 CALL("backend.add",
		      "{\"service\":\"web\",\"name\":"
		      "\"0123456789012345678901234567890123456789012345678901234567890123\","
		      "\"address\":\"10.0.0.14\"}"),
		 ERROR(-32001, "name: "), false},
		{"remove a backend",
		 CALL("backend.remove", "{\"service\":\"web\",\"backend\":\"b3\"}"), DONE("1"),
		 true},
		{"remove it again",
		 CALL("backend.remove", "{\"service\":\"web\",\"backend\":\"b3\"}"),
		 ERROR(-32002, ""), false},
		{"add a service: port 70000", ADD("\"port\":70000,\"protocol\":\"tcp\""),
		 ERROR(-32001, "port: 70000 is not in 1-65535"), false},
		{"add a service: protocol", ADD("\"port\":70,\"protocol\":\"sctp\""),
		 ERROR(-32001, "protocol: \\\"sctp\\\" is none of tcp, udp"), false},
		{"add a service: encap",
		 ADD("\"port\":70,\"protocol\":\"tcp\",\"encap\":\"vxlan\""),
		 ERROR(-32001, "encap: \\\"vxlan\\\" is none of ipip, gue, gue0"), false},
		{"add a service: scheduler",
		 ADD("\"port\":70,\"protocol\":\"tcp\",\"scheduler\":\"lc\""),
		 ERROR(-32001,
		       "scheduler: \\\"lc\\\" is none of maglev, rr, wrr, random, least-conn"),
		 false},
		{"add a service: hash", ADD("\"port\":70,\"protocol\":\"tcp\",\"hash\":\"ip\""),
		 ERROR(-32001, "hash: \\\"ip\\\" is none of flow, source"), false},
		{"add a service: hash without a scheduler that hashes",
		 ADD("\"port\":70,\"protocol\":\"tcp\",\"scheduler\":\"rr\",\"hash\":\"source\""),
		 ERROR(-32001, "hash: \\\"source\\\" needs the scheduler maglev; rr takes no hash"),
		 false},
		{"add a service: transition_s",
		 ADD("\"port\":70,\"protocol\":\"tcp\",\"transition_s\":86401"),
		 ERROR(-32001, "transition_s: 86401 is not in 0-86400"), false},
		{"add a service: slow_start_s",
		 ADD("\"port\":70,\"protocol\":\"tcp\",\"slow_start_s\":-1"),
		 ERROR(-32001, "slow_start_s: -1 is not in 0-86400"), false},
		{"add a service: mss", ADD("\"port\":70,\"protocol\":\"tcp\",\"mss\":\"70000\""),
		 ERROR(-32001, "mss: \\\"70000\\\" is none of 88-65535, \\\"auto\\\", \\\"off\\\""),
		 false},
		{"add a service: mss of udp",
		 ADD("\"port\":70,\"protocol\":\"udp\",\"mss\":\"auto\""),
		 ERROR(-32004, "mss: is TCP's; the service is udp: leave it out"), false},
		{"add a service: no_backend",
		 ADD("\"port\":70,\"protocol\":\"tcp\",\"no_backend\":\"icmp\""),
		 ERROR(-32001, "no_backend: \\\"icmp\\\" is none of drop, reject"), false},
		{"add a service: slots", ADD("\"port\":70,\"protocol\":\"tcp\",\"slots\":4"),
		 ERROR(-32001, ""), false},
		{"add a service: backend",
		 ADD("\"port\":70,\"protocol\":\"tcp\",\"backends\":"
		     "[{\"name\":\"b1\",\"address\":\"10.0.0.1\"},{\"name\":\"b2\",\"address\":"
		     "\"x\"}]"),
		 ERROR(-32001, "backends[1].address: \\\"x\\\" is no IP address"), false},
		{"add a service",
		 ADD("\"port\":0,\"protocol\":\"udp\",\"encap\":\"gue0\",\"slots\":101,"
		     "\"backends\":[{\"name\":\"b1\",\"address\":\"2001:db8::1\"}]"),
		 DONE("1"), true},
		{"add it again", ADD("\"port\":1,\"protocol\":\"udp\""), ERROR(-32003, ""), false},
		{"its vip, port and protocol are taken",
		 CALL("service.add", "{\"name\":\"other\",\"vip\":"
				     "\"198.51.100.10\",\"port\":80,\"protocol\":\"tcp\"}"),
		 ERROR(-32003, ""), false},
		{"remove a service", CALL("service.remove", "{\"service\":\"new\"}"), DONE("1"),
		 true},
		{"remove it again", CALL("service.remove", "{\"service\":\"new\"}"),
		 ERROR(-32002, ""), false},
	};

	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_change_reaches_model(void **state)
{
	const struct service_conf *s;
	const struct backend_conf *b;

	free(ask(
		ADD("\"port\":0,\"protocol\":\"udp\",\"encap\":\"gue0\",\"slots\":101,\"backends\":"
		    "[{\"name\":\"b1\",\"address\":\"2001:db8::1\",\"weight\":7,\"state\":"
		    "\"disabled\"},"
		    "{\"name\":\"b2\",\"address\":\"10.0.0.9\"}]")));
	s = model_find(fake.model, "new");
	assert_non_null(s);
	assert_int_equal(s->port, 0);
	assert_int_equal(s->proto, 17);
	assert_int_equal(s->encap, ENCAP_GUE_VARIANT0);
	assert_int_equal(s->slots, 101);
	assert_int_equal(s->scheduler, SCHEDULER_MAGLEV);
	assert_false(s->hash_source);
	assert_int_equal(s->transition_s, 300);
	assert_int_equal(s->slow_start_s, 0);
	assert_int_equal(s->backends_n, 2);
	b = service_conf_find(s, "b1");
	assert_int_equal(b->weight, 7);
	assert_int_equal(b->admin, BACKEND_DISABLED);
	b = service_conf_find(s, "b2");
	assert_int_equal(b->weight, MODEL_WEIGHT_DEFAULT);
	assert_int_equal(b->admin, BACKEND_ENABLED);
	assert_int_equal(b->addr.family, IP_V4);
	assert_string_equal(
		fake.who,
		"cli uid 1000 pid 4711: service.add {\"name\":\"new\",\"vip\":\"192.0.2.1\","
		"\"port\":0,\"protocol\":\"udp\",\"encap\":\"gue0\",\"slots\":101,\"backends\":["
		"{\"name\":\"b1\",\"address\":\"2001:db8::1\",\"weight\":7,\"state\":\"disabled\"},"
		"{\"name\":\"b2\",\"address\":\"10.0.0.9\"}]}");
}

static void test_apply_fails(void **state)
{
	static const char line[] =
		CALL("backend.disable", "{\"service\":\"web\",\"backend\":\"b1\"}");

	fake.apply_rc = -EINVAL;
	check("refused", ask(line), ERROR(-32005, "no room in the arena"));
	fake.apply_rc = -EIO;
	check("failed", ask(line), ERROR(-32000, "no room in the arena"));
	assert_int_equal(service_conf_find(model_find(fake.model, "web"), "b1")->admin,
			 BACKEND_ENABLED);
}

static void test_reads(void **state)
{
	static const struct row rows[] = {
		{"services.list", CALL("services.list", "{}"),
		 "{\"services\":[{\"name\":\"web\",\"vip\":\"198.51.100.10\",\"port\":80,"
		 "\"protocol\":\"tcp\","
		 "\"encap\":\"gue\",\"scheduler\":\"maglev\",\"hash\":\"flow\",\"transition_s\":0,"
		 "\"slow_start_s\":0,\"slots\":",
		 false},
		{"services.list: slots", CALL("services.list", "{}"),
		 ",\"slots_from\":\"chosen\",\"backends\":2,", false},
		{"services.list: backends", CALL("services.list", "{}"),
		 "\"backends\":2,\"backends_enabled\":2,\"backends_draining\":0,\"transition\":"
		 "\"active\"},{\"name\":\"dns6\",\"vip\":\"2001:db8::10\"",
		 false},
		{"services.list: no transition", CALL("services.list", "{}"),
		 "\"backends\":0,\"backends_enabled\":0,\"backends_draining\":0,\"transition\":"
		 "\"none\"}]}",
		 false},
		{"transitions.list", CALL("transitions.list", "{}"),
		 "{\"transitions\":[{\"service\":\"web\",\"state\":\"active\",\"started_us\":"
		 "1700000000000000,\"ends_in_s\":299,\"slots\":251,\"changed_slots\":40,"
		 "\"previous_slots\":30}]}",
		 false},
		{"memory.show", CALL("memory.show", "{}"),
		 "{\"lookups\":1099511627776,\"hits\":2,\"inserts\":3,\"evicted_half_open\":4,"
		 "\"evicted_established\":5,\"expired\":6,\"forgotten\":7,\"untracked\":8,"
		 "\"entries\":9,\"capacity\":10}",
		 false},
		{"backends.list: resolved", CALL("backends.list", "{\"service\":\"web\"}"),
		 "\"packets\":7,\"bytes\":5000000000,\"next_hop\":{\"state\":\"resolved\",\"text\":"
		 "\"resolved\","
		 "\"interface\":\"eth0\",\"port\":0,\"via\":\"10.0.0.11\",\"mac\":\"02:00:00:00:00:"
		 "11\","
		 "\"vlan\":5,\"mtu_bytes\":1400,\"first_mtu_bytes\":1600},"
		 "\"health\":{\"check\":\"none\",\"state\":\"up\",\"since_us\":1700000000000000,"
		 "\"checked_us\":1700000000000000,\"reason\":\"tcp connect\"},\"down\":null}",
		 false},
		{"backends.list: down", CALL("backends.list", "{}"),
		 "\"state\":\"down\",\"since_us\":1700000000000001,\"checked_us\":1700000000000001,"
		 "\"reason\":\"tcp connect timed out after 500 ms, 3 of 3\"}",
		 false},
		{"backends.list: no port of ours", CALL("backends.list", "{}"),
		 "\"next_hop\":{\"state\":\"no_port\",\"text\":\"its interface is no port of the "
		 "fast path\","
		 "\"interface\":\"eth1\",\"port\":null",
		 false},
		{"backends.list: none", CALL("backends.list", "{\"service\":\"dns6\"}"),
		 "\"result\":{\"backends\":[]}", false},
		{"backends.list: no such service", CALL("backends.list", "{\"service\":\"x\"}"),
		 ERROR(-32002, "no service \\\"x\\\""), false},
		{"counters.list: service", CALL("counters.list", "{}"),
		 "{\"service\":\"web\",\"packets\":{\"forward\":1080,\"icmp_forward\":0,", false},
		{"counters.list: vip", CALL("counters.list", "{}"),
		 "\"vips\":[{\"vip\":\"198.51.100.10\",\"packets\":{\"forward\":0,\"icmp_forward\":"
		 "0,"
		 "\"echo_reply\":4,",
		 false},
		{"counters.list: no vip", CALL("counters.list", "{}"), "\"not_ip\":1099511627776,",
		 false},
		{"counters.list: one", CALL("counters.list", "{\"service\":\"dns6\"}"),
		 "\"result\":{\"services\":[{\"service\":\"dns6\",\"packets\":{\"forward\":1053,",
		 false},
		{"counters.list: no such service", CALL("counters.list", "{\"service\":\"x\"}"),
		 ERROR(-32002, "no service \\\"x\\\""), false},
		{"traffic.list", CALL("traffic.list", "{}"),
		 "\"services_total\":2,\"services\":[{\"service\":\"web\",\"packets\":1080,"
		 "\"bytes\":10000000000,\"dropped\":0,\"backends\":2,\"backends_enabled\":2,"
		 "\"backends_up\":1},"
		 "{\"service\":\"dns6\",\"packets\":1053,\"bytes\":0,",
		 false},
		{"traffic.list: each", CALL("traffic.list", "{\"each\":true,\"service\":\"web\"}"),
		 "\"each\":[{\"name\":\"b1\",\"state\":\"enabled\",\"health\":\"up\",\"packets\":7,"
		 "\"bytes\":5000000000},{\"name\":\"b2\"",
		 false},
		{"traffic.list: a page", CALL("traffic.list", "{\"from\":1,\"limit\":1}"),
		 "\"services_total\":2,\"services\":[{\"service\":\"dns6\",", false},
		{"traffic.list: past the last", CALL("traffic.list", "{\"from\":2}"),
		 "\"services_total\":2,\"services\":[]}", false},
		{"traffic.list: no page", CALL("traffic.list", "{\"limit\":0}"),
		 ERROR(-32001, "limit: 0 is not in 1-10000"), false},
		{"traffic.list: no such service", CALL("traffic.list", "{\"service\":\"x\"}"),
		 ERROR(-32002, "no service \\\"x\\\""), false},
		{"hosts.list", CALL("hosts.list", "{}"),
		 "{\"hosts\":[{\"address\":\"10.0.0.11\",\"backends\":1,\"enabled\":1,"
		 "\"draining\":0,\"disabled\":0,\"drained\":0,\"timed_out\":0,\"down\":0,"
		 "\"flows\":3,\"flows_cut\":0,\"quiet_s\":null,\"deadline_us\":null,"
		 "\"packets\":7,\"bytes\":5000000000},{\"address\":\"10.0.0.12\"",
		 false},
		{"hosts.list: one", CALL("hosts.list", "{\"address\":\"10.0.0.12\"}"),
		 "{\"hosts\":[{\"address\":\"10.0.0.12\",\"backends\":1,", false},
		{"hosts.list: none", CALL("hosts.list", "{\"address\":\"10.0.0.99\"}"),
		 "{\"hosts\":[]}", false},
		{"generation.show", CALL("generation.show", "{}"),
		 "{\"generation\":7,\"published_us\":1700000000123456,\"took_us\":412,"
		 "\"arena_used_bytes\":4096,\"arena_bytes\":1048576}",
		 false},
		{"dataplane.show: bytes that are no UTF-8", CALL("dataplane.show", "{}"),
		 "\"description\":\"DPDK, with a byte that is no UTF-8: ?\"", false},
		{"dataplane.show: ports", CALL("dataplane.show", "{}"),
		 "\"ports\":[{\"interface\":\"eth0\",\"driver\":\"net_tap\",\"mac\":\"02:00:00:00:"
		 "00:01\","
		 "\"state\":\"up\",\"up\":true,\"numa_node\":null,\"queues\":0,"
		 "\"spread\":\"unknown\",\"spread_how\":\"\",\"rx_packets\":12,\"tx_packets\":0,"
		 "\"rx_missed\":0,\"to_kernel\":0,"
		 "\"from_kernel\":0,\"mode\":\"\",\"dropped\":{\"no_xdp\":0,\"too_long\":0,"
		 "\"down\":0,"
		 "\"full\":0,\"failed\":0,\"kernel_control\":0,\"kernel_node\":0,\"kernel_vip\":0,"
		 "\"tap\":0,"
		 "\"from_kernel\":0}}]",
		 false},
		{"dataplane.show: workers", CALL("dataplane.show", "{}"),
		 "\"sleeps\":0,\"burst_gap_max_ns\":0,\"burst_gap_recent_ns\":0}]", false},
		{"node", CALL("node.show", "{}"),
		 "\"seed_fingerprint\":\"c63d7fdc00ac801d\",\"pin_dir\"", false},
		{"version", CALL("version", "{}"), "\"version\":\"0.1.0\",\"build\":\"gcc 12\"",
		 false},
		{"methods.list", CALL("methods.list", "{}"),
		 "{\"name\":\"backend.enable\",\"help\":\"lets a backend take "
		 "flows\",\"changes\":true,"
		 "\"parameters\":[{\"name\":\"service\",\"type\":\"string\",\"required\":true,",
		 false},
	};

	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_reads_fail(void **state)
{
	fake.read_rc = -ERANGE;
	check("backends.list", ask(CALL("backends.list", "{}")),
	      ERROR(-32000, "service web: the backends' counters can't be read: "));
	check("counters.list", ask(CALL("counters.list", "{}")),
	      ERROR(-32000, "the counters can't be read: "));
	check("traffic.list", ask(CALL("traffic.list", "{}")),
	      ERROR(-32000, "service web: the counters can't be read: "));
}

/* A vip of two services is told once. */
static void test_vips_once(void **state)
{
	char *answer;

	fake_add(&fake, "web2", "198.51.100.10", 443, 6, ENCAP_IPIP, 0);
	answer = ask(CALL("counters.list", "{}"));
	assert_non_null(answer);
	assert_non_null(strstr(answer, "{\"vip\":\"198.51.100.10\""));
	assert_null(strstr(strstr(answer, "{\"vip\":\"198.51.100.10\"") + 1,
			   "{\"vip\":\"198.51.100.10\""));
	free(answer);
}

static char *read_docs(void)
{
	FILE *file = fopen(SOURCE_ROOT "/docs/control.md", "r");
	char *text = calloc(1, 1 << 18);

	assert_non_null(file);
	assert_non_null(text);
	assert_in_range(fread(text, 1, (1 << 18) - 1, file), 1, (1 << 18) - 2);
	fclose(file);
	return text;
}

static void test_docs(void **state)
{
	static const struct {
		int code;
		const char *when;
	} errors[] = {
#define X(id, code, when) {code, when},
		RPC_ERRORS(X)
#undef X
	};
	const struct rpc_method *method;
	char *docs = read_docs(), want[256];

	for (size_t i = 0; (method = rpc_method_at(i)); i++) {
		char *section, *end;

		snprintf(want, sizeof(want), "\n### %s\n", method->name);
		section = strstr(docs, want);
		if (!section)
			fail_msg("docs/control.md has no section \"### %s\"", method->name);
		end = strstr(section + 2, "\n### ");
		for (const struct rpc_param *param = method->params; param->name; param++) {
			char *row;

			snprintf(want, sizeof(want), "\n| `%s` | %s | %s | %s |\n", param->name,
				 rpc_type_name(param->type), param->required ? "yes" : "no",
				 param->help);
			row = strstr(section, want);
			if (!row || (end && row > end))
				fail_msg("docs/control.md: \"### %s\" lacks the row%s",
					 method->name, want);
		}
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		snprintf(want, sizeof(want), "\n| %d | %s |", errors[i].code, errors[i].when);
		if (!strstr(docs, want))
			fail_msg("docs/control.md lacks the error%s", want);
	}
	free(docs);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_changes), TEST(test_change_reaches_model), TEST(test_apply_fails),
		TEST(test_reads),   TEST(test_reads_fail),           TEST(test_vips_once),
		TEST(test_docs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
