/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluicectl without a daemon: VIP:PORT/PROTO, durations, command lines and what requests they
 * make, usage errors; and that the docs know every command's method.
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
#include "duration.h"
#include "endpoint.h"

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
		{"backend disable web b1 --dry-run", "backend.disable",
		 "{\"service\":\"web\",\"backend\":\"b1\",\"dry_run\":true}"},
		{"backend set --dry-run web b1 weight 9", "backend.set",
		 "{\"dry_run\":true,\"service\":\"web\",\"backend\":\"b1\",\"weight\":9}"},
		{"backend set web b1 weight --dry-run 9", NULL,
		 "weight: \"--dry-run\" is no number"},
		{"backend drain web b1", "backend.drain",
		 "{\"service\":\"web\",\"backend\":\"b1\"}"},
		{"backend drain web b1 --wait", "backend.drain",
		 "{\"service\":\"web\",\"backend\":\"b1\"}"},
		{"backend drain web --timeout 10m b1 --wait", "backend.drain",
		 "{\"service\":\"web\",\"timeout_s\":600,\"backend\":\"b1\"}"},
		{"backend drain web b1 --timeout=90 --wait", "backend.drain",
		 "{\"service\":\"web\",\"backend\":\"b1\",\"timeout_s\":90}"},
		{"backend drain web b1 --dry-run --timeout 1h", "backend.drain",
		 "{\"service\":\"web\",\"backend\":\"b1\",\"dry_run\":true,\"timeout_s\":3600}"},
		{"backend undrain web b1", "backend.undrain",
		 "{\"service\":\"web\",\"backend\":\"b1\"}"},
		{"host drain 10.0.0.11 --timeout 30m --wait", "host.drain",
		 "{\"address\":\"10.0.0.11\",\"timeout_s\":1800}"},
		{"host enable 2001:db8::11 --dry-run", "host.enable",
		 "{\"address\":\"2001:db8::11\",\"dry_run\":true}"},
		{"host disable web", NULL, "ADDRESS: \"web\" is no address"},
		{"host drain", NULL, "\"ADDRESS\" is missing"},
		{"show hosts", "hosts.list", "{}"},
		{"show hosts 10.0.0.11", "hosts.list", "{\"address\":\"10.0.0.11\"}"},
		{"backend set web b1 on-down keep start service", "backend.set",
		 "{\"service\":\"web\",\"backend\":\"b1\",\"on_down\":\"keep\",\"start\":"
		 "\"service\"}"},
		{"service set web on-down keep start down unresolved 10s", "service.set",
		 "{\"service\":\"web\",\"on_down\":\"keep\",\"start\":\"down\",\"unresolved_s\":"
		 "10}"},
		{"service set web no-backend reject mss auto", "service.set",
		 "{\"service\":\"web\",\"no_backend\":\"reject\",\"mss\":\"auto\"}"},
		{"service set web mss 1400", "service.set",
		 "{\"service\":\"web\",\"mss\":\"1400\"}"},
		{"service remove web --dry-run", "service.remove",
		 "{\"service\":\"web\",\"dry_run\":true}"},
		{"service add dns 10.0.0.1:53/udp transition 0 scheduler rr", "service.add",
		 "{\"name\":\"dns\",\"vip\":\"10.0.0.1\",\"port\":53,\"protocol\":\"udp\","
		 "\"transition_s\":0,\"scheduler\":\"rr\"}"},
		{"service add web 10.0.0.1:80/tcp hash source slow-start 2m encap gue slots 7",
		 "service.add",
		 "{\"name\":\"web\",\"vip\":\"10.0.0.1\",\"port\":80,\"protocol\":\"tcp\","
		 "\"hash\":\"source\",\"slow_start_s\":120,\"encap\":\"gue\",\"slots\":7}"},
		{"service add web 10.0.0.1:80/tcp health type=http path=/a?b=c fall=2 verify=false "
		 "encap gue all-down none",
		 "service.add",
		 "{\"name\":\"web\",\"vip\":\"10.0.0.1\",\"port\":80,\"protocol\":\"tcp\","
		 "\"health\":{\"type\":\"http\",\"path\":\"/a?b=c\",\"fall\":2,\"verify\":false},"
		 "\"encap\":\"gue\",\"all_down\":\"none\"}"},
		{"service set web health type=exec program=/bin/x args=-p args=80 rise=",
		 "service.set",
		 "{\"service\":\"web\",\"health\":{\"type\":\"exec\",\"program\":\"/bin/x\","
		 "\"args\":[\"-p\",\"80\"],\"rise\":null}}"},
		{"service set web transition 0 --dry-run", "service.set",
		 "{\"service\":\"web\",\"transition_s\":0,\"dry_run\":true}"},
		{"backend set web b1 health check=off port= weight 7", "backend.set",
		 "{\"service\":\"web\",\"backend\":\"b1\",\"health\":{\"check\":\"off\","
		 "\"port\":null},\"weight\":7}"},
		{"backend add web b1 10.0.0.11 health jitter_percent=0", "backend.add",
		 "{\"service\":\"web\",\"name\":\"b1\",\"address\":\"10.0.0.11\","
		 "\"health\":{\"jitter_percent\":0}}"},
		{"service set web", NULL, "nothing to set is given"},
		{"service set web --dry-run", NULL, "nothing to set is given"},
		{"service set web health", NULL, "\"health\" lacks its value"},
		{"service set web health http", NULL, "health: \"http\" is no KEY=VALUE"},
		{"service set web health type=http fal=2", NULL,
		 "health: there is no key \"fal\"; did you mean \"fall\"?"},
		{"service set web health fall=two", NULL, "health: fall: \"two\" is no number"},
		{"service set web health fall=2x", NULL, "health: fall: \"2x\" is no number"},
		{"service set web health fall=2 fall=3", NULL, "health: fall is given twice"},
		{"service set web health verify=no", NULL,
		 "health: verify: \"no\" is neither true nor false"},
		{"service set web health host=\xff", NULL, "health: host: \"\xff\" is not UTF-8"},
		{"service set web health fall=2 http", NULL, "\"http\" is one argument too many"},
		{"backend set web b1 health type=tcp", NULL, "health: there is no key \"type\""},
		{"show flows", "flows.list", "{}"},
		{"show flows --backend b1 --service=web --limit 5", "flows.list",
		 "{\"backend\":\"b1\",\"service\":\"web\",\"limit\":5}"},
		{"show transitions", "transitions.list", "{}"},
		{"show memory", "memory.show", "{}"},
		{"show flows web", NULL, "\"web\" is one argument too many"},
		{"show flows --limit", NULL, "\"--limit\" lacks its value"},
		{"show flows --limit=many", NULL, "--limit: \"many\" is no number"},
		{"show flows --limit 1 --limit 2", NULL, "\"--limit\" is given twice"},
		{"show flows --limits 1", NULL,
		 "\"--limits\" is no option of this command; did you mean \"--limit\"?"},
		{"backend enable web b1 --wait", NULL, "\"--wait\" is no option of this command"},
		{"backend drain web b1 --timeout 10d", NULL,
		 "--timeout: \"10d\" is no time such as 90, 90s, 10m, 1h"},
		{"backend drain web b1 --timeout -1", NULL, "--timeout: \"-1\" is no time"},
		{"backend drain web b1 --timeout=", NULL, "--timeout: \"\" is no time"},
		{"backend drain web b1 --wait=1", NULL, "\"--wait\" takes no value"},
		{"backend drain web b1 --wait --dry-run", NULL,
		 "with --dry-run there is nothing to --wait for"},
		{"backend drain web --wait", NULL, "\"BACKEND\" is missing"},
		{"service add dns 10.0.0.1:53/udp transition soon", NULL,
		 "transition: \"soon\" is no time"},
		{"", NULL, "no command"},
		{"restart", NULL, "no command \"restart\""},
		{"show", NULL,
		 "show what? one of: services, backends, hosts, counters, flows, transitions, "
		 "memory, "
		 "capture, generation, dataplane"},
		{"show rules", NULL, "show what? one of: services"},
		{"show servces", NULL, "did you mean \"show services\"? one of: services"},
		{"shwo services", NULL, "did you mean \"show services\"?"},
		{"versoin", NULL, "did you mean \"version\"?"},
		{"service add web 10.0.0.1:80/tcp encap geu", NULL,
		 "encap: \"geu\" is none of: ipip gue gue0; did you mean \"gue\"?"},
		{"service add web 10.0.0.1:80/tcp enacp gue", NULL,
		 "\"enacp\" is one argument too many; did you mean \"encap\"?"},
		{"backend add web b1 10.0.0", NULL, "ADDRESS: \"10.0.0\" is no address such as"},
		{"show counters --all web", "counters.list", "{\"service\":\"web\"}"},
		{"show backends -x", NULL, "\"-x\" is no option of this command"},
		{"service", NULL, "service what? one of: add, set, remove"},
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
		{"backend set web b1", NULL, "nothing to set is given"},
		{"backend set web", NULL, "\"BACKEND\" is missing"},
		{"backend set web b1 weight", NULL, "\"weight\" lacks its value"},
		{"backend set web b1 weight 1x", NULL, "weight: \"1x\" is no number"},
		{"backend set web b1 weight 99999999999999999999", NULL, "is no number"},
		{"backend set web b1 50", NULL, "\"50\" is one argument too many"},
		{"backend add web b1", NULL, "\"ADDRESS\" is missing"},
		{"backend enable web \xff", NULL, "BACKEND: the argument is not UTF-8"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[192], error[COMMAND_ERROR_MAX], *words[WORDS_MAX], *text;
		const struct command *command;
		struct command_line parsed = {.params = NULL};
		int n, rc = -EINVAL;

		print_message("# row: %s\n", rows[i].line);
		snprintf(line, sizeof(line), "%s", rows[i].line);
		n = split(line, words);
		command = command_find(n, words, error);
		if (command)
			rc = command_parse(command, n - command_words(command),
					   words + command_words(command), &parsed, error);
		if (!rows[i].method) {
			assert_int_equal(rc, -EINVAL);
			assert_null(parsed.params);
			assert_null(parsed.own);
			if (!strstr(error, rows[i].want))
				fail_msg("%s: %s", rows[i].line, error);
			continue;
		}
		if (rc != 0)
			fail_msg("%s: %s", rows[i].line, error);
		assert_string_equal(command->method, rows[i].method);
		text = json_dumps(parsed.params, JSON_COMPACT);
		assert_string_equal(text, rows[i].want);
		assert_int_equal(command_flag(&parsed, "wait"),
				 strstr(rows[i].line, "--wait") != NULL);
		free(text);
		command_line_free(&parsed);
	}
}

static void test_duration(void **state)
{
	static const struct {
		const char *text;
		bool taken;
		uint32_t seconds;
	} rows[] = {
		{"90", true, 90},
		{"90s", true, 90},
		{"10m", true, 600},
		{"1h", true, 3600},
		{"0", true, 0},
		{"007m", true, 420},
		{"4294967295", true, UINT32_MAX},
		{"1193046h", true, 4294965600},
		{"4294967296", false, 0},
		{"1193047h", false, 0},
		{"71582789m", false, 0},
		{"99999999999999999999999", false, 0},
		{"", false, 0},
		{"s", false, 0},
		{"-1", false, 0},
		{"+1", false, 0},
		{" 1", false, 0},
		{"1 ", false, 0},
		{"1.5h", false, 0},
		{"1d", false, 0},
		{"1ms", false, 0},
		{"1h30m", false, 0},
		{"10M", false, 0},
	};
	static const struct {
		int64_t seconds;
		const char *text;
	} formats[] = {
		{-5, "0s"},          {0, "0s"},
		{59, "59s"},         {60, "1m00s"},
		{596, "9m56s"},      {3599, "59m59s"},
		{3600, "1h00m"},     {3960, "1h06m"},
		{604800, "168h00m"}, {INT64_MAX, "2562047788015215h30m"},
	};
	char text[DURATION_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t seconds = 77;

		print_message("# row: %s\n", rows[i].text);
		assert_int_equal(duration_parse(rows[i].text, &seconds), rows[i].taken);
		assert_int_equal(seconds, rows[i].taken ? rows[i].seconds : 77);
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		assert_string_equal(duration_format(formats[i].seconds, text), formats[i].text);
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
	char *docs = read_file(SOURCE_ROOT "/docs/control.md");
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++) {
		char heading[64];

		print_message("# row: %s\n", c->words);
		snprintf(heading, sizeof(heading), "\n### %s\n", c->method ? c->method : "");
		if (c->method && !strstr(docs, heading))
			fail_msg("docs/control.md has no section for %s", c->method);
	}
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
		cmocka_unit_test(test_endpoint),      cmocka_unit_test(test_commands),
		cmocka_unit_test(test_duration),      cmocka_unit_test(test_documents),
		cmocka_unit_test(test_client_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
