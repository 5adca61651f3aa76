/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sluicectl makes of the daemon's results: tables and lines for people.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "commands.h"

/* What a function prints. */
static char *printed(show_function *function, bool all, const char *result_text)
{
	char *text = NULL;
	size_t text_bytes;
	FILE *out = open_memstream(&text, &text_bytes);
	const struct show show = {.out = out, .all = all};
	json_t *result = json_loads(result_text, 0, NULL);

	assert_non_null(out);
	assert_non_null(result);
	function(&show, result);
	fclose(out);
	json_decref(result);
	return text;
}

static void test_show(void **state)
{
	static const struct {
		const char *name;
		show_function *function;
		bool all;
		const char *result, *want;
	} rows[] = {
		{"services", show_services, false,
		 "{\"services\":[{\"name\":\"web\",\"vip\":\"10.0.0.1\",\"port\":80,\"protocol\":"
		 "\"tcp\","
		 "\"encap\":\"gue\",\"scheduler\":\"maglev\",\"hash\":\"source\",\"slots\":307,"
		 "\"slots_from\":\"kept\","
		 "\"backends\":3,\"backends_enabled\":2,\"backends_draining\":1,\"transition\":"
		 "\"active\"},"
		 "{\"name\":\"a-long-name\",\"vip\":\"::1\",\"port\":0,\"protocol\":\"udp\","
		 "\"encap\":\"ipip\",\"scheduler\":\"rr\",\"hash\":\"flow\",\"slots\":65537,"
		 "\"slots_from\":\"scheduler\","
		 "\"backends\":0,\"backends_enabled\":0,\"backends_draining\":0,\"transition\":"
		 "\"none\"}]}",
		 "SERVICE      VIP:PORT/PROTO   SCHEDULER         ENCAP  SLOTS  SLOTS FROM  "
		 "BACKENDS  "
		 "ENABLED  DRAINING  TRANSITION\n"
		 "web          10.0.0.1:80/tcp  maglev by source  gue      307  kept               "
		 "3  "
		 "      2         1  active\n"
		 "a-long-name  [::1]:all/udp    rr                ipip   65537  scheduler          "
		 "0  "
		 "      0         0  none\n"},
		{"no services", show_services, false, "{\"services\":[]}", "no services\n"},
		{"no backends", show_backends, false, "{\"backends\":[]}", "no backends\n"},
		{"backends", show_backends, false,
		 "{\"backends\":[{\"service\":\"web\",\"name\":\"b1\",\"address\":\"10.0.0.11\","
		 "\"weight\":100,"
		 "\"weight_now\":30,\"state\":\"enabled\",\"drain\":null,\"flows\":4,\"slots\":1,"
		 "\"health\":{\"state\":\"up\",\"reason\":\"http status 200\"},"
		 "\"slots_total\":3,\"packets\":5,\"bytes\":9000,"
		 "\"next_hop\":"
		 "{\"state\":\"resolved\",\"interface\":\"eth0\",\"mac\":\"02:00:00:00:00:11\","
		 "\"vlan\":7}},"
		 "{\"service\":\"web\",\"name\":\"b2\",\"address\":\"10.0.0.12\",\"weight\":0,"
		 "\"state\":\"disabled\",\"drain\":{\"state\":\"timed_out\",\"flows_cut\":12},"
		 "\"slots\":0,\"slots_total\":3,\"packets\":0,\"bytes\":0,\"next_hop\":"
		 "{\"state\":\"no_route\",\"text\":\"the kernel has no route to "
		 "it\",\"vlan\":null}}]}",
		 "SERVICE  BACKEND  ADDRESS    STATE              HEALTH  SINCE     WEIGHT  SHARE  "
		 "FLOWS  PACKETS  BYTES  NEXT HOP                       REASON\n"
		 "web      b1       10.0.0.11  enabled            up          -  30 of 100  33.3%  "
		 "    4        5   9000  eth0 02:00:00:00:00:11 vlan 7  http status 200\n"
		 "web      b2       10.0.0.12  disabled (12 cut)  -           -          0   0.0%  "
		 "    0        0      0  the kernel has no route to it  -\n"},
		{"backends that drain, and of a daemon that doesn't know", show_backends, false,
		 "{\"backends\":[{\"name\":\"b1\",\"weight\":9,\"weight_now\":0,\"state\":"
		 "\"draining\","
		 "\"drain\":{\"state\":\"running\"},\"next_hop\":{\"text\":\"x\"}},"
		 "{\"name\":\"b2\",\"weight\":9,\"weight_now\":0,\"state\":\"draining\",\"drain\":"
		 "{\"state\":\"done\"},\"next_hop\":{\"text\":\"x\"}}]}",
		 "SERVICE  BACKEND  ADDRESS  STATE     HEALTH  SINCE  WEIGHT  SHARE  FLOWS  "
		 "PACKETS  "
		 "BYTES  NEXT HOP  REASON\n"
		 "-        b1       -        draining  -           -       9      -      0        "
		 "0  "
		 "    0  x         -\n"
		 "-        b2       -        drained   -           -       9      -      0        "
		 "0  "
		 "    0  x         -\n"},
		{"flows", show_flows, false,
		 "{\"matching\":3,\"flows\":[{\"hash\":\"00000000000000ff\",\"service\":\"web\","
		 "\"backend\":\"b1\",\"state\":\"tcp_once\",\"idle_s\":65,\"worker\":1},"
		 "{\"hash\":\"1\",\"service\":\"web\",\"backend\":null,\"state\":\"udp\",\"idle_"
		 "s\":0,"
		 "\"worker\":0}]}",
		 "FLOW HASH         SERVICE  BACKEND  STATE      IDLE  WORKER\n"
		 "00000000000000ff  web      b1       tcp_once  1m05s       1\n"
		 "1                 web      -        udp          0s       0\n"
		 "2 of 3 (--limit N shows more)\n"},
		{"no flows", show_flows, false, "{\"matching\":0,\"flows\":[]}",
		 "no remembered flows (others are where the lookup table says)\n"},
		{"flows, but with limit 0", show_flows, false, "{\"matching\":9,\"flows\":[]}",
		 "0 of 9 (--limit N shows more)\n"},
		{"transitions", show_transitions, false,
		 "{\"transitions\":[{\"service\":\"web\",\"state\":\"active\",\"started_us\":"
		 "1700000000000000,\"ends_in_s\":299,\"slots\":509,\"changed_slots\":40,"
		 "\"previous_slots\":30},{\"service\":\"dns\",\"state\":\"settling\",\"started_"
		 "us\":"
		 "1700000000000000,\"ends_in_s\":null,\"slots\":7,\"changed_slots\":1,"
		 "\"previous_slots\":0}]}",
		 "SERVICE  STATE     SINCE                           ENDS IN  SLOTS  CHANGED SLOTS "
		 " "
		 "WITH PREVIOUS\n"
		 "web      active    2023-11-14 22:13:20.000000 UTC    4m59s    509             40 "
		 " "
		 "           30\n"
		 "dns      settling  2023-11-14 22:13:20.000000 UTC        -      7              1 "
		 " "
		 "            0\n"},
		{"no transitions", show_transitions, false, "{\"transitions\":[]}",
		 "no transition is under way: the lookup tables tell where each flow goes\n"},
		{"a dry run", show_change, false,
		 "{\"preview\":[{\"service\":\"web\",\"slots\":509,\"slots_moved\":127,"
		 "\"flows_touched\":12,\"flows_cut\":0,\"moved_without_transition\":0.249509,"
		 "\"moved_with_transition\":0.0,\"transition_s\":300}]}",
		 "dry run: nothing has changed, but\n"
		 "  service web: 127 of 509 slots (25.0%) would move\n"
		 "  remembered flows: 12 touched, of which 0 would break\n"
		 "  other flows under way: 25.0 % would go elsewhere without a transition, 0.0 % "
		 "with "
		 "the one of 300 s\n"},
		{"a dry run of a service's end", show_change, false,
		 "{\"preview\":[{\"service\":\"web\",\"slots\":0,\"slots_moved\":509,"
		 "\"flows_touched\":12,\"flows_cut\":12}]}",
		 "dry run: nothing has changed, but\n  service web would be gone, with all it has\n"
		 "  remembered flows: 12 touched, of which 12 would break\n"},
		{"a dry run of nothing", show_change, false, "{\"preview\":[]}",
		 "dry run: nothing would change\n"},
		{"counters: rows of 0 hidden", show_counters, false,
		 "{\"services\":[{\"service\":\"web\",\"packets\":{\"forward\":12,\"fragment\":0}}]"
		 ","
		 "\"vips\":[{\"vip\":\"10.0.0.1\",\"packets\":{\"echo_reply\":1}}],"
		 "\"no_vip\":{\"packets\":{\"a_new_one\":2}}}",
		 "SERVICE OR VIP  VERDICT     PACKETS  MEANING\n"
		 "web             forward          12  sent to a backend of its service\n"
		 "10.0.0.1        echo_reply        1  an echo request to a vip, answered\n"
		 "(neither)       a_new_one         2  -\n"},
		{"counters: all", show_counters, true,
		 "{\"services\":[{\"service\":\"web\",\"packets\":{\"no_backend\":0}}]}",
		 "SERVICE OR VIP  VERDICT     PACKETS  MEANING\n"
		 "web             no_backend        0  its service has no backend that takes "
		 "flows\n"},
		{"counters: lost at a port", show_counters, false,
		 "{\"services\":[],\"ports\":[{\"interface\":\"eth1\",\"dropped\":{\"down\":3,"
		 "\"full\":0,"
		 "\"odd\":4}}]}",
		 "no packets yet (--all shows the rows that are 0)\n\n"
		 "PORT  LOST AS  PACKETS  MEANING\n"
		 "eth1  down           3  xdp: the port was down\n"
		 "eth1  odd            4  -\n"},
		{"counters: none", show_counters, false, "{\"services\":[]}",
		 "no packets yet (--all shows the rows that are 0)\n"},
		{"generation", show_generation, false,
		 "{\"generation\":12,\"published_us\":1700000000000456,\"took_us\":412,"
		 "\"arena_used_bytes\":1048576,\"arena_bytes\":4194304}",
		 "generation  12\npublished   2023-11-14 22:13:20.000456 UTC\ntook        0.412 "
		 "ms\n"
		 "arena       1.0 of 4.0 MiB in use (25.0%)\n"},
		{"generation: an empty result", show_generation, false, "{}",
		 "generation  0\npublished   -\ntook        0.000 ms\narena       0.0 of 0.0 MiB "
		 "in use (0.0%)\n"},
		{"a change", show_change, false, "{\"generation\":13,\"took_us\":1500}",
		 "done: generation 13, published in 1.500 ms\n"},
		{"dataplane", show_dataplane, false,
		 "{\"path\":\"xdp\",\"reason\":\"why\",\"description\":\"what\",\"ports\":[{"
		 "\"interface\":\"e\x1b[0m\","
		 "\"driver\":\"veth\",\"mac\":\"m\",\"up\":false,\"state\":\"waiting\",\"numa_"
		 "node\":null,"
		 "\"queues\":2,\"spread_how\":\"RSS\",\"rx_packets\":1,\"mode\":\"generic\","
		 "\"dropped\":{\"no_xdp\":3,\"down\":4}}],\"workers\":[{"
		 "\"core\":3,\"numa_node\":1,"
		 "\"packets\":{\"forward\":4,\"not_ip\":5},\"burst_gap_max_ns\":1500000}]}",
		 "path    xdp (why)\n        what\n\n"
		 "PORT  INTERFACE  DRIVER  MAC  STATE    NODE  QUEUES  RX PACKETS  TX PACKETS  RX "
		 "MISSED  "
		 "TO KERNEL  FROM KERNEL  DROPPED  MODE\n"
		 "   0  e?[0m      veth    m    waiting     -       2           1           0      "
		 "    0  "
		 "        0            0        7  generic\n\n"
		 "PORT  HOW PACKETS COME TO ITS QUEUES\n"
		 "   0  RSS\n\n"
		 "WORKER  CORE  NODE  PACKETS  BURSTS  EMPTY BURSTS  SLEEPS  LONGEST GAP\n"
		 "     0     3     1        9       0             0       0     1.500 ms\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char result[1024], *text;
		size_t n = 0;

		/* JSON has no raw control characters; the kernel's interface names may. */
		for (const char *c = rows[i].result; *c; c++)
			n += (size_t)snprintf(result + n, sizeof(result) - n,
					      *c == 0x1b ? "\\u001b" : "%c", *c);
		text = printed(rows[i].function, rows[i].all, result);
		print_message("# row: %s\n", rows[i].name);
		assert_string_equal(text, rows[i].want);
		free(text);
	}
}

/* All counters of the flow table, one a line, and how full it is. */
static void test_show_memory(void **state)
{
	char *text = printed(show_memory, false,
			     "{\"lookups\":1099511627776,\"entries\":10,\"capacity\":40}");
	static const char *const wants[] = {
		"25.0% of the flow table is in use\n\nCOUNTER                      COUNT  "
		"MEANING\n",
		"\nlookups              1099511627776  packets that looked for their flow; ",
		"\nuntracked                        0  packets whose flow should be remembered, ",
		"\nentries                         10  flows remembered now\n",
		"\ncapacity                        40  flows that there is room for\n",
	};

	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		if (!strstr(text, wants[i]))
			fail_msg("want %s\nin %s", wants[i], text);
	}
	free(text);
}

/* In color: titles, and what is wrong or under way. Widths are those of the text. */
static void test_color(void **state)
{
	static const char result_text[] =
		"{\"backends\":[{\"service\":\"web\",\"name\":\"b1\",\"state\":\"enabled\","
		"\"health\":{\"state\":\"down\"},\"next_hop\":{\"state\":\"resolved\"}},"
		"{\"service\":\"web\",\"name\":\"b2\",\"state\":\"disabled\","
		"\"health\":{\"state\":\"down\"},"
		"\"next_hop\":{\"state\":\"no_route\",\"text\":\"no route\"}}]}";
	char *plain = printed(show_backends, false, result_text), *text = NULL;
	json_t *result = json_loads(result_text, 0, NULL);
	size_t text_bytes;
	FILE *out = open_memstream(&text, &text_bytes);

	show_backends(&(struct show){.out = out, .color = true}, result);
	fclose(out);
	assert_null(strchr(plain, '\033'));
	assert_memory_equal(text, "\033[1mSERVICE", 11);
	assert_non_null(strstr(text, "  enabled   "));
	assert_non_null(strstr(text, "\033[31mdown\033[0m  "));
	assert_non_null(strstr(text, "\033[31mdisabled\033[0m  "));
	assert_non_null(strstr(text, "\033[31mno route\033[0m  "));
	assert_non_null(strstr(text, "\033[31mdown\033[0m"));
	/* Without its escapes it is the plain text. */
	for (char *c; (c = strchr(text, '\033'));)
		memmove(c, strchr(c, 'm') + 1, strlen(strchr(c, 'm') + 1) + 1);
	assert_string_equal(text, plain);
	json_decref(result);
	free(text);
	free(plain);
}

/* Every function that shows a result takes one that lacks everything. */
static void test_show_nothing(void **state)
{
	static const char *const results[] = {
		"{}",
		"[]",
		"{\"services\":{},\"backends\":[1],\"ports\":[null],\"workers\":[[]],"
		"\"flows\":[3],\"transitions\":[\"a\"],\"preview\":[null]}",
	};
	const struct command *c;

	for (size_t row = 0; (c = command_at(row)); row++) {
		for (size_t i = 0; c->show && i < sizeof(results) / sizeof(results[0]); i++) {
			char *text = printed(c->show, true, results[i]);

			assert_true(strlen(text) > 0);
			free(text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_show_memory),
		cmocka_unit_test(test_color),
		cmocka_unit_test(test_show_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
