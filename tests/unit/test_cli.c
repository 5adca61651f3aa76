/* SPDX-License-Identifier: Apache-2.0
 *
 * sluicectl without a daemon: VIP:PORT/PROTO, command lines and what requests they make, usage
 * errors, tables; and that the completion and docs know every command.
 */
#include <setjmp.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "commands.h"
#include "endpoint.h"
#include "table.h"

static void test_endpoint(void **state)
{
	static const struct {
		const char *name, *text;
		const char *vip, *proto; /* NULL: refused, for a reason that holds `wrong` */
		uint16_t port;
		const char *wrong;
	} rows[] = {
		{"v4", "10.0.0.1:80/tcp", "10.0.0.1", "tcp", 80, NULL},
		{"v6", "[2001:db8::1]:53/udp", "2001:db8::1", "udp", 53, NULL},
		{"all ports: *", "10.0.0.1:*/tcp", "10.0.0.1", "tcp", 0, NULL},
		{"all ports: all", "[::1]:all/tcp", "::1", "tcp", 0, NULL},
		{"all ports: 0", "10.0.0.1:0/tcp", "10.0.0.1", "tcp", 0, NULL},
		{"port 65535", "10.0.0.1:65535/tcp", "10.0.0.1", "tcp", 65535, NULL},
		{"longest v6", "[1111:2222:3333:4444:5555:6666:123.123.123.123]:1/udp",
		 "1111:2222:3333:4444:5555:6666:123.123.123.123", "udp", 1, NULL},
		{"a protocol for the daemon to refuse", "10.0.0.1:80/sctp", "10.0.0.1", "sctp", 80,
		 NULL},
		{"empty", "", NULL, NULL, 0, "the protocol is missing"},
		{"no protocol", "10.0.0.1:80", NULL, NULL, 0, "the protocol is missing"},
		{"empty protocol", "10.0.0.1:80/", NULL, NULL, 0, "the protocol is missing"},
		{"long protocol", "10.0.0.1:80/protocol", NULL, NULL, 0, "neither tcp nor udp"},
		{"no port", "10.0.0.1/tcp", NULL, NULL, 0, "the port is missing"},
		{"empty port", "10.0.0.1:/tcp", NULL, NULL, 0, "the port is not in 1-65535"},
		{"port 65536", "10.0.0.1:65536/tcp", NULL, NULL, 0, "the port is not in 1-65535"},
		{"port 70000", "10.0.0.1:70000/tcp", NULL, NULL, 0, "the port is not in 1-65535"},
		{"port of many digits", "10.0.0.1:4294967376/tcp", NULL, NULL, 0, "not in 1-65535"},
		{"port -1", "10.0.0.1:-1/tcp", NULL, NULL, 0, "the port is not in 1-65535"},
		{"no vip", ":80/tcp", NULL, NULL, 0, "no IPv4 address"},
		{"a name", "localhost:80/tcp", NULL, NULL, 0, "no IPv4 address"},
		{"v4 of three parts", "10.0.1:80/tcp", NULL, NULL, 0, "no IPv4 address"},
		{"v6 without brackets", "2001:db8::1:80/tcp", NULL, NULL, 0, "into brackets"},
		{"v6 without a port", "[2001:db8::1]/tcp", NULL, NULL, 0, "the port is missing"},
		{"v6, no colon", "[2001:db8::1]80/tcp", NULL, NULL, 0, "the port is missing"},
		{"v6, bracket open", "[2001:db8::1:80/tcp", NULL, NULL, 0, "the port is missing"},
		{"v4 in brackets", "[10.0.0.1]:80/tcp", NULL, NULL, 0, "no IPv6 address"},
		{"empty brackets", "[]:80/tcp", NULL, NULL, 0, "no IPv6 address"},
		{"bracket behind the slash", "[::1/]:80", NULL, NULL, 0, "the port is missing"},
		{"too long for any address",
		 "11111111111111111111111111111111111111111111111:1/tcp", NULL, NULL, 0,
		 "no IPv4 address"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint e = {.port = 9};
		const char *wrong = endpoint_parse(rows[i].text, &e);

		print_message("# row: %s\n", rows[i].name);
		if (rows[i].vip) {
			if (wrong)
				fail_msg("%s: %s", rows[i].name, wrong);
			assert_string_equal(e.vip, rows[i].vip);
			assert_string_equal(e.proto, rows[i].proto);
			assert_int_equal(e.port, rows[i].port);
		} else {
			if (!wrong || !strstr(wrong, rows[i].wrong))
				fail_msg("%s: %s", rows[i].name, wrong ? wrong : "taken");
			assert_int_equal(e.port, 9);
		}
	}
}

enum { WORDS_MAX = 16 };

/* Splits at blanks. Returns the words' number. */
static int split(char *line, char *words[WORDS_MAX])
{
	char *rest = NULL;
	int n = 0;

	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_in_range(n, 0, WORDS_MAX - 1);
		words[n++] = word;
	}
	return n;
}

static void test_commands(void **state)
{
	static const struct {
		const char *line;
		const char *method; /* NULL: a usage error, whose text holds `want` */
		const char *want;   /* the parameters */
	} rows[] = {
		{"show services", "services.list", "{}"},
		{"show backends", "backends.list", "{}"},
		{"show backends web", "backends.list", "{\"service\":\"web\"}"},
		{"show counters web", "counters.list", "{\"service\":\"web\"}"},
		{"show generation", "generation.show", "{}"},
		{"show dataplane", "dataplane.show", "{}"},
		{"version", "version", "{}"},
		{"service add web 10.0.0.1:80/tcp", "service.add",
		 "{\"name\":\"web\",\"vip\":\"10.0.0.1\",\"port\":80,\"protocol\":\"tcp\"}"},
		{"service add web [::1]:*/udp encap gue slots 307", "service.add",
		 "{\"name\":\"web\",\"vip\":\"::1\",\"port\":0,\"protocol\":\"udp\",\"encap\":"
		 "\"gue\","
		 "\"slots\":307}"},
		{"service add web 10.0.0.1:80/tcp slots 307 encap gue", "service.add",
		 "{\"name\":\"web\",\"vip\":\"10.0.0.1\",\"port\":80,\"protocol\":\"tcp\","
		 "\"slots\":307,"
		 "\"encap\":\"gue\"}"},
		{"service remove web", "service.remove", "{\"service\":\"web\"}"},
		{"backend add web b1 10.0.0.11", "backend.add",
		 "{\"service\":\"web\",\"name\":\"b1\",\"address\":\"10.0.0.11\"}"},
		{"backend add web b1 2001:db8::1 weight 5", "backend.add",
		 "{\"service\":\"web\",\"name\":\"b1\",\"address\":\"2001:db8::1\",\"weight\":5}"},
		{"backend remove web b1", "backend.remove",
		 "{\"service\":\"web\",\"backend\":\"b1\"}"},
		{"backend set web b1 weight 0", "backend.set",
		 "{\"service\":\"web\",\"backend\":\"b1\",\"weight\":0}"},
		{"backend set web b1 weight -1", "backend.set",
		 "{\"service\":\"web\",\"backend\":\"b1\",\"weight\":-1}"},
		{"backend set weight weight weight 7", "backend.set",
		 "{\"service\":\"weight\",\"backend\":\"weight\",\"weight\":7}"},
		{"backend enable web b1", "backend.enable",
		 "{\"service\":\"web\",\"backend\":\"b1\"}"},
		{"backend disable web b1", "backend.disable",
		 "{\"service\":\"web\",\"backend\":\"b1\"}"},
		{"", NULL, "no command"},
		{"restart", NULL, "no command \"restart\""},
		{"show", NULL,
		 "show what? one of: services, backends, counters, generation, dataplane"},
		{"show flows", NULL, "show what? one of: services"},
		{"service", NULL, "service what? one of: add, remove"},
		{"show services web", NULL, "\"web\" is one argument too many"},
		{"show backends web b1", NULL, "\"b1\" is one argument too many"},
		{"version 1", NULL, "\"1\" is one argument too many"},
		{"service add", NULL, "\"NAME\" is missing"},
		{"service add web", NULL, "\"VIP:PORT/PROTO\" is missing"},
		{"service add web 10.0.0.1:80", NULL, "\"10.0.0.1:80\": the protocol is missing"},
		{"service add web 10.0.0.1:80/tcp encap", NULL, "\"encap\" lacks its value"},
		{"service add web 10.0.0.1:80/tcp slots many", NULL,
		 "slots: \"many\" is no number"},
		{"service add web 10.0.0.1:80/tcp slots 1 slots 2", NULL,
		 "\"slots\" is given twice"},
		{"service add web 10.0.0.1:80/tcp weight 2", NULL,
		 "\"weight\" is one argument too many"},
		{"backend set web b1", NULL, "\"weight\" is missing"},
		{"backend set web", NULL, "\"BACKEND\" is missing"},
		{"backend set web b1 weight", NULL, "\"weight\" lacks its value"},
		{"backend set web b1 weight 1x", NULL, "weight: \"1x\" is no number"},
		{"backend set web b1 weight 99999999999999999999", NULL, "is no number"},
		{"backend set web b1 50", NULL, "\"50\" is one argument too many"},
		{"backend add web b1", NULL, "\"ADDRESS\" is missing"},
		{"backend enable web \xff", NULL, "BACKEND: the argument is not UTF-8"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128], error[COMMAND_ERROR_MAX], *words[WORDS_MAX], *text;
		const struct command *command;
		json_t *params = NULL;
		int n, rc = -EINVAL;

		print_message("# row: %s\n", rows[i].line);
		snprintf(line, sizeof(line), "%s", rows[i].line);
		n = split(line, words);
		command = command_find(n, words, error);
		if (command)
			rc = command_parse(command, n - command_words(command),
					   words + command_words(command), &params, error);
		if (!rows[i].method) {
			assert_int_equal(rc, -EINVAL);
			assert_null(params);
			if (!strstr(error, rows[i].want))
				fail_msg("%s: %s", rows[i].line, error);
			continue;
		}
		if (rc != 0)
			fail_msg("%s: %s", rows[i].line, error);
		assert_string_equal(command->method, rows[i].method);
		text = json_dumps(params, JSON_COMPACT);
		assert_string_equal(text, rows[i].want);
		free(text);
		json_decref(params);
	}
}

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
		 "\"encap\":\"gue\",\"slots\":307,\"backends\":3,\"backends_enabled\":2},"
		 "{\"name\":\"a-long-name\",\"vip\":\"::1\",\"port\":0,\"protocol\":\"udp\","
		 "\"encap\":\"ipip\",\"slots\":65537,\"backends\":0,\"backends_enabled\":0}]}",
		 "SERVICE      VIP:PORT/PROTO   ENCAP  SLOTS  BACKENDS  ENABLED\n"
		 "web          10.0.0.1:80/tcp  gue      307         3        2\n"
		 "a-long-name  [::1]:all/udp    ipip   65537         0        0\n"},
		{"no services", show_services, false, "{\"services\":[]}", "no services\n"},
		{"no backends", show_backends, false, "{\"backends\":[]}", "no backends\n"},
		{"backends", show_backends, false,
		 "{\"backends\":[{\"service\":\"web\",\"name\":\"b1\",\"address\":\"10.0.0.11\","
		 "\"weight\":100,"
		 "\"state\":\"enabled\",\"slots\":1,\"slots_total\":3,\"packets\":5,\"bytes\":9000,"
		 "\"next_hop\":"
		 "{\"state\":\"resolved\",\"interface\":\"eth0\",\"mac\":\"02:00:00:00:00:11\","
		 "\"vlan\":7}},"
		 "{\"service\":\"web\",\"name\":\"b2\",\"address\":\"10.0.0.12\",\"weight\":0,"
		 "\"state\":\"disabled\",\"slots\":0,\"slots_total\":3,\"packets\":0,\"bytes\":0,"
		 "\"next_hop\":"
		 "{\"state\":\"no_route\",\"text\":\"the kernel has no route to "
		 "it\",\"vlan\":null}}]}",
		 "SERVICE  BACKEND  ADDRESS    STATE     WEIGHT  SHARE  PACKETS  BYTES  NEXT HOP\n"
		 "web      b1       10.0.0.11  enabled      100  33.3%        5   9000  "
		 "eth0 02:00:00:00:00:11 vlan 7\n"
		 "web      b2       10.0.0.12  disabled       0   0.0%        0      0  "
		 "the kernel has no route to it\n"},
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
		 "\"driver\":\"veth\",\"mac\":\"m\",\"up\":false,\"rx_packets\":1}],\"workers\":[{"
		 "\"core\":3,"
		 "\"packets\":{\"forward\":4,\"not_ip\":5},\"burst_gap_max_ns\":1500000}]}",
		 "path    xdp (why)\n        what\n\n"
		 "PORT  INTERFACE  DRIVER  MAC  LINK  RX PACKETS  TX PACKETS  RX MISSED  TO KERNEL "
		 " FROM KERNEL\n"
		 "   0  e?[0m      veth    m    down           1           0          0          0 "
		 "           0\n\n"
		 "WORKER  CORE  PACKETS  BURSTS  EMPTY BURSTS  SLEEPS  LONGEST GAP\n"
		 "     0     3        9       0             0       0     1.500 ms\n"},
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

/* Every function that shows a result takes one that lacks everything. */
static void test_show_nothing(void **state)
{
	for (const struct command *c = commands; c->words; c++) {
		static const char *const results[] = {
			"{}",
			"[]",
			"{\"services\":{},\"backends\":[1],\"ports\":[null],\"workers\":[[]]}",
		};

		for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
			char *text = printed(c->show, true, results[i]);

			assert_true(strlen(text) > 0);
			free(text);
		}
	}
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_non_null(text);
	assert_in_range(fread(text, 1, (1 << 16) - 1, file), 1, (1 << 16) - 2);
	fclose(file);
	return text;
}

static void test_documents(void **state)
{
	char *completion = read_file(SOURCE_ROOT "/conf/sluicectl.bash");
	char *docs = read_file(SOURCE_ROOT "/docs/control.md");

	for (const struct command *c = commands; c->words; c++) {
		char words[64], *rest = NULL, heading[64];

		snprintf(words, sizeof(words), "%s", c->words);
		for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
			if (!strstr(completion, w))
				fail_msg("conf/sluicectl.bash does not know \"%s\"", w);
		}
		snprintf(heading, sizeof(heading), "\n### %s\n", c->method);
		if (!strstr(docs, heading))
			fail_msg("docs/control.md has no section for %s", c->method);
	}
	free(completion);
	free(docs);
}

static void test_client_errors(void **state)
{
	static const struct {
		const char *path;
		int rc;
		const char *want;
	} rows[] = {
		{"/nonexistent/control.sock", -ENOENT, "start it (systemctl start sluiced)"},
		{"/dev/null", -ECONNREFUSED, "nobody answers on /dev/null"},
		{"/a/path/of/more/than/one/hundred/and/seven/bytes/which/is/all/that/fits/into/the/"
		 "address/of/a/unix/socket.sock",
		 -ENAMETOOLONG, "too long"},
	};
	json_t *params = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char error[CLIENT_ERROR_MAX];
		json_t *result = NULL;
		int rc = client_request(rows[i].path, "version", params, 1000, &result, error);

		print_message("# row: %s\n", rows[i].path);
		assert_int_equal(rc, rows[i].rc);
		assert_null(result);
		if (!strstr(error, rows[i].want))
			fail_msg("%s", error);
	}
	json_decref(params);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoint),  cmocka_unit_test(test_commands),
		cmocka_unit_test(test_show),      cmocka_unit_test(test_show_nothing),
		cmocka_unit_test(test_documents), cmocka_unit_test(test_client_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
