/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow.explain: what it refuses, and how it tells what the daemon found out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rpc_rows.h"

#define V4         "\"source\":\"192.0.2.1\",\"destination\":\"198.51.100.10\""
#define PORTS      ",\"source_port\":4000,\"destination_port\":80"
#define TCP4(rest) CALL("flow.explain", "{\"protocol\":\"tcp\"," V4 PORTS rest "}")

static void test_questions(void **state)
{
	static const struct row rows[] = {
		{"tcp", TCP4(""), "\"verdict\":\"forward\"", false},
		{"as long as can be", TCP4(",\"bytes\":65535"), "\"bytes\":65535", false},
		{"as short as can be", TCP4(",\"bytes\":40"), "\"bytes\":40", false},
		{"too short for TCP", TCP4(",\"bytes\":39"),
		 ERROR(-32001, "bytes: 39 is not in 40-65535"), false},
		{"too long for IP", TCP4(",\"bytes\":65536"),
		 ERROR(-32001, "bytes: 65536 is not in 40-65535"), false},
		{"an echo request", CALL("flow.explain", "{\"protocol\":\"icmp\"," V4 "}"),
		 "\"verdict\":\"echo_reply\",\"action\":\"answer\"", false},
		{"an echo request with ports",
		 CALL("flow.explain", "{\"protocol\":\"icmp\"," V4 PORTS "}"),
		 ERROR(-32001, "source_port: an echo request has no ports"), false},
		{"a quic initial in fewer bytes than it has",
		 CALL("flow.explain",
		      "{\"protocol\":\"udp\",\"opens\":true,\"bytes\":1227," V4 PORTS "}"),
		 ERROR(-32001, "bytes: 1227 is not in 1228-65535"), false},
		{"an echo request that opens",
		 CALL("flow.explain", "{\"protocol\":\"icmp\",\"opens\":true," V4 "}"),
		 ERROR(-32001, "opens: an echo request opens no flow"), false},
		{"tcp without ports", CALL("flow.explain", "{\"protocol\":\"tcp\"," V4 "}"),
		 ERROR(-32602, "flow.explain: parameter \\\"source_port\\\" is missing"), false},
		{"another protocol", CALL("flow.explain", "{\"protocol\":\"sctp\"," V4 PORTS "}"),
		 ERROR(-32001,
		       "protocol: \\\"sctp\\\" is none of tcp, udp, icmp (an echo request)"),
		 false},
		{"a name for an address",
		 CALL("flow.explain", "{\"protocol\":\"udp\",\"source\":\"localhost\","
				      "\"destination\":\"::1\"" PORTS "}"),
		 ERROR(-32001, "source: \\\"localhost\\\" is no IPv4 or IPv6 address"), false},
		{"two families",
		 CALL("flow.explain", "{\"protocol\":\"udp\",\"source\":\"192.0.2.1\","
				      "\"destination\":\"::1\"" PORTS "}"),
		 ERROR(-32001, "source and destination: one is IPv4, the other IPv6"), false},
		{"a port beyond",
		 CALL("flow.explain", "{\"protocol\":\"tcp\"," V4 ",\"source_port\":65536,"
				      "\"destination_port\":80}"),
		 ERROR(-32001, "source_port: 65536 is not in 0-65535"), false},
	};

	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
	fake.read_rc = -ENOMEM;
	check("no memory", ask(TCP4("")),
	      ERROR(-32000, "the packet's way can't be told: Cannot allocate memory"));
}

static void test_answers(void **state)
{
	static const struct row rows[] = {
		{"the slot", TCP4(""),
		 "\"hash\":\"0123456789abcdef\",\"slot\":{\"slot\":12,\"slots\":509,\"changed\":"
		 "true,"
		 "\"current\":\"b2\",\"previous\":\"b1\"}",
		 false},
		{"what is remembered", TCP4(""),
		 "\"flow_table\":{\"result\":\"hit\",\"state\":\"tcp\",\"idle_s\":4,\"backend\":"
		 "\"b1\"},\"backend\":\"b1\",\"candidates\":null",
		 false},
		{"why", TCP4(""), "\"why\":\"the flow is remembered, and stays with b1\"", false},
		{"what a new connection would get", TCP4(""),
		 "\"otherwise\":{\"opens\":true,\"verdict\":\"forward\",\"backend\":\"b2\"}",
		 false},
		{"a new connection: it isn't remembered", TCP4(",\"opens\":true"),
		 "\"why\":\"a new flow goes to b2, its slot's current backend\"", false},
		{"outer headers", TCP4(""),
		 "\"encapsulation\":{\"encap\":\"gue\",\"source\":\"198.51.100.10\",\"source_"
		 "port\":"
		 "50000,\"destination\":\"10.0.0.11\",\"destination_port\":6080,\"ttl\":64,"
		 "\"bytes\":"
		 "68}",
		 false},
		{"the next hop", TCP4(""),
		 "\"next_hop\":{\"state\":\"resolved\",\"interface\":\"eth0\",\"port\":0,\"via\":"
		 "\"10.0.0.11\",\"mac\":\"02:00:00:00:00:11\",\"source_mac\":\"02:00:00:00:00:01\","
		 "\"vlan\":null,\"mtu_bytes\":1600}",
		 false},
		{"too big", TCP4(",\"bytes\":1573"), "\"answer_mtu_bytes\":1572", false},
		{"why it is too big", TCP4(",\"bytes\":1573"),
		 "1573 bytes and outer headers of 28 don't fit the way's MTU of 1600: answered "
		 "with "
		 "the MTU that fits",
		 false},
		{"the worker, by the port asked for", TCP4(",\"port\":1"),
		 "\"worker\":{\"index\":0,\"how\":\"port 1: there is one worker\"}", false},
		{"no service on that port",
		 CALL("flow.explain",
		      "{\"protocol\":\"udp\"," V4 ",\"source_port\":1,\"destination_port\":81}"),
		 "\"why\":\"198.51.100.10 is a vip, but has no service on udp port 81: the "
		 "kernel's\"",
		 false},
	};

	run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_questions),
		TEST(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
