/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `explain`: flows as people write them, the requests they make, and what is shown of the answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "commands.h"
#include "flow_text.h"

static void test_refused(void **state)
{
	static const struct {
		const char *name, *text, *wrong;
	} rows[] = {
		{"nothing", "", "a flow is written as"},
		{"a protocol alone", "tcp", "a flow is written as"},
		{"one end", "tcp 192.0.2.1:1", "a flow is written as"},
		{"an arrow to nowhere", "tcp 192.0.2.1:1 ->", "a flow is written as"},
		{"a word too many", "tcp 192.0.2.1:1 -> 192.0.2.2:2 3", "a flow is written as"},
		{"a long protocol", "protocol 192.0.2.1:1 192.0.2.2:2", "a flow is written as"},
		{"no source port", "tcp 192.0.2.1 192.0.2.2:2", "a port is missing"},
		{"no destination port", "udp 192.0.2.1:1 192.0.2.2", "a port is missing"},
		{"an empty port", "tcp 192.0.2.1: 192.0.2.2:2", "a port is not in 0-65535"},
		{"port 65536", "tcp 192.0.2.1:65536 192.0.2.2:2", "a port is not in 0-65535"},
		{"port -1", "tcp 192.0.2.1:-1 192.0.2.2:2", "a port is not in 0-65535"},
		{"a name", "tcp localhost:1 192.0.2.2:2", "an address is neither"},
		{"no address", "tcp :1 192.0.2.2:2", "an address is neither"},
		{"v6 with a port, without brackets", "tcp 2001:db8::1:99999 [::1]:2",
		 "goes into brackets"},
		{"an open bracket", "tcp [2001:db8::1:1 [::1]:2", "is not closed"},
		{"behind the bracket", "tcp [2001:db8::1]x:1 [::1]:2", "is not closed"},
		{"an empty bracket", "tcp []:1 [::1]:2", "an address is neither"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_text flow = {.proto = "x"};
		const char *wrong = flow_text_parse(rows[i].text, &flow);

		print_message("# row: %s\n", rows[i].name);
		if (!wrong || !strstr(wrong, rows[i].wrong))
			fail_msg("%s: %s", rows[i].name, wrong ? wrong : "taken");
		assert_string_equal(flow.proto, "x");
	}
}

static void test_requests(void **state)
{
	static const struct {
		const char *name;
		const char *argv[8];
		const char *params; /* sorted */
	} rows[] = {
		{"one word",
		 {"tcp 192.0.2.1:40000 -> 198.51.100.10:443"},
		 "{\"destination\":\"198.51.100.10\",\"destination_port\":443,\"protocol\":\"tcp\","
		 "\"source\":\"192.0.2.1\",\"source_port\":40000}"},
		{"several words, and options",
		 {"--opens", "udp", "[2001:db8::1]:5", "->", "[::1]:53", "--bytes", "1300"},
		 "{\"bytes\":1300,\"destination\":\"::1\",\"destination_port\":53,\"opens\":true,"
		 "\"protocol\":\"udp\",\"source\":\"2001:db8::1\",\"source_port\":5}"},
		{"without the arrow",
		 {"tcp", "1.2.3.4:5", "6.7.8.9:10"},
		 "{\"destination\":\"6.7.8.9\",\"destination_port\":10,\"protocol\":\"tcp\","
		 "\"source\":\"1.2.3.4\",\"source_port\":5}"},
		{"an echo request",
		 {"icmp 192.0.2.1 -> 198.51.100.10"},
		 "{\"destination\":\"198.51.100.10\",\"protocol\":\"icmp\",\"source\":\"192.0.2."
		 "1\"}"},
		{"an echo request of IPv6, no brackets",
		 {"icmp6 2001:db8::1 2001:db8::10"},
		 "{\"destination\":\"2001:db8::10\",\"protocol\":\"icmp\",\"source\":\"2001:db8::"
		 "1\"}"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *argv[10] = {(char *)(uintptr_t) "explain"}, error[COMMAND_ERROR_MAX];
		struct command_line line;
		const struct command *c;
		char *params;
		int argc = 1;

		print_message("# row: %s\n", rows[i].name);
		for (int k = 0; k < 8 && rows[i].argv[k]; k++)
			argv[argc++] = (char *)(uintptr_t)rows[i].argv[k];
		c = command_find(argc, argv, error);
		assert_non_null(c);
		if (command_parse(c, argc - 1, argv + 1, &line, error) != 0)
			fail_msg("%s: %s", rows[i].name, error);
		params = json_dumps(line.params, JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(params, rows[i].params);
		free(params);
		command_line_free(&line);
	}
}

static void test_show(void **state)
{
	static const char result_text[] =
		"{\"packet\":{\"protocol\":\"tcp\",\"source\":\"2001:db8::1\",\"source_port\":5,"
		"\"destination\":\"2001:db8::10\",\"destination_port\":443,\"bytes\":60,\"opens\":"
		"true,\"may_fragment\":false},\"verdict\":\"forward\",\"action\":\"forward\","
		"\"why\":\"because\",\"generation\":1,\"service\":\"web\",\"vip\":true,\"hash\":"
		"\"00000000000000ff\",\"slot\":{\"slot\":3,\"slots\":509,\"changed\":true,"
		"\"current\":\"b2\",\"previous\":\"b1\"},\"flow_table\":{\"result\":\"hit\","
		"\"state\":\"tcp\",\"idle_s\":61,\"backend\":\"b1\"},\"backend\":\"b1\","
		"\"candidates\":null,\"otherwise\":{\"opens\":false,\"verdict\":\"forward\","
		"\"backend\":\"b2\"},\"encapsulation\":{\"encap\":\"gue\",\"source\":\"10.0.0.1\","
		"\"source_port\":50000,\"destination\":\"10.0.0.11\",\"destination_port\":6080,"
		"\"ttl\":64,\"bytes\":88},\"next_hop\":{\"state\":\"resolved\",\"interface\":"
		"\"eth0\",\"port\":0,\"via\":\"10.0.0.11\",\"mac\":\"02:00:00:00:00:11\","
		"\"source_mac\":\"02:00:00:00:00:01\",\"vlan\":7,\"mtu_bytes\":1600},"
		"\"answer_mtu_bytes\":null,\"worker\":{\"index\":null,\"how\":\"any\"}}";
	static const char want[] =
		"packet        tcp [2001:db8::1]:5 -> [2001:db8::10]:443, 60 bytes, opens\n"
		"service       web\n"
		"hash          00000000000000ff, slot 3 of 509\n"
		"slot          current b2, previous b1, changed\n"
		"flow table    hit: tcp, to b1, last packet 1m01s ago\n"
		"backend       b1\n"
		"encapsulation gue 10.0.0.1:50000 -> 10.0.0.11:6080, TTL 64, 88 bytes\n"
		"next hop      10.0.0.11, MAC 02:00:00:00:00:11, by eth0 (MAC 02:00:00:00:00:01), "
		"VLAN 7, MTU 1600\n"
		"worker        not known beforehand: any\n"
		"verdict       forward (forward)\n"
		"why           because\n"
		"otherwise     a packet of this flow that doesn't open it: forward, b2\n";
	char *text = NULL;
	size_t text_bytes;
	FILE *out = open_memstream(&text, &text_bytes);
	const struct show show = {.out = out};
	json_t *result = json_loads(result_text, 0, NULL);

	assert_non_null(result);
	show_explain(&show, result);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
	json_decref(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
