/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks in the config file: what is read, what is refused and where, and the way back.
 */
#include "config_fixture.h"

#include "config_json.h"
#include "config_print.h"

#define HEAD                                             \
	"seed = \"000102030405060708090a0b0c0d0e0f\";\n" \
	"dataplane = { ports = ( { device = \"d0\"; interface = \"i0\"; } ); };\n"
#define SERVICE(port, protocol, health, backend)                                    \
	HEAD "services = ( { name = \"web\"; vip = \"198.51.100.10\"; port = " port \
	     "; protocol = \"" protocol "\";\nhealth = { " health " };\n"           \
	     "backends = ( { name = \"b1\"; address = \"10.0.0.1\"; " backend " } ); } );\n"
#define TCP(health) SERVICE("80", "tcp", health, "")

static const struct {
	const char *name, *file, *error;
} refused[] = {
	{"no type", TCP("interval_ms = 1000;"), "$:4: services[0].health.type: missing"},
	{"no such type", TCP("type = \"ping\";"),
	 "$:4: services[0].health.type: \"ping\" is none of none, tcp, http, https, udp, icmp, "
	 "exec"},
	{"an interval of 5 ms", TCP("type = \"tcp\"; interval_ms = 5;"),
	 "$:4: services[0].health.interval_ms: 5 is not in 10-3600000"},
	{"a timeout above the interval",
	 TCP("type = \"tcp\"; interval_ms = 500;\ntimeout_ms = 600;"),
	 "$:5: services[0].health.timeout_ms: 600 is more than interval_ms, which is 500"},
	{"the default timeout, above the interval", TCP("type = \"tcp\"; interval_ms = 500;"),
	 "$:3: services[0].health.timeout_ms: 1000 is more than interval_ms, which is 500"},
	{"a fast interval that is slow", TCP("type = \"tcp\"; fast_interval_ms = 2001;"),
	 "$:4: services[0].health.fast_interval_ms: 2001 is more than interval_ms, which is 2000"},
	{"a key of another type", TCP("type = \"tcp\"; path = \"/\";"),
	 "$:4: services[0].health.path: is for http and https, and this check's type is tcp"},
	{"verify with http", TCP("type = \"http\"; verify = false;"),
	 "$:4: services[0].health.verify: is for https, and this check's type is http"},
	{"a boolean that is none", TCP("type = \"https\"; verify = 1;"),
	 "$:4: services[0].health.verify: expected true or false, not an integer"},
	{"a path without /", TCP("type = \"http\"; path = \"x\";"),
	 "$:4: services[0].health.path: \"x\" does not begin with a /: give the whole path"},
	{"a path with a space", TCP("type = \"http\";\npath = \"/health check\";"),
	 "$:5: services[0].health.path: \"/health check\" has a space in it: write %20"},
	{"a path with a fragment", TCP("type = \"http\"; path = \"/a#b\";"),
	 "$:4: services[0].health.path: \"/a#b\" has a # in it, behind which nothing is asked for: "
	 "write %23"},
	{"a path with a letter that isn't ASCII", TCP("type = \"https\"; path = \"/\xc3\xbc\";"),
	 "$:4: services[0].health.path: \"/\?\?\" has a byte that is no printable ASCII: write it "
	 "as % "
	 "and two hex digits"},
	{"a path with half an escape", TCP("type = \"http\"; path = \"/100%\";"),
	 "$:4: services[0].health.path: \"/100%\" has a % without two hex digits behind it: write "
	 "%25"},
	{"a host with a space", TCP("type = \"http\"; host = \"my host\";"),
	 "$:4: services[0].health.host: \"my host\" is no host, nor a host with a port: letters, "
	 "digits, - . _ and \":80\"; other letters as punycode (xn--...)"},
	{"a host that is a URL", TCP("type = \"http\"; host = \"http://example.com/\";"),
	 "$:4: services[0].health.host: \"http://example.com/\" is no host, nor a host with a "
	 "port: "
	 "letters, digits, - . _ and \":80\"; other letters as punycode (xn--...)"},
	{"a host's port", TCP("type = \"http\"; host = \"example.com:65536\";"),
	 "$:4: services[0].health.host: \"example.com:65536\" is no host, nor a host with a port: "
	 "letters, digits, - . _ and \":80\"; other letters as punycode (xn--...)"},
	{"a host that is a port alone", TCP("type = \"http\"; host = \":80\";"),
	 "$:4: services[0].health.host: \":80\" does not begin with a host's name"},
	{"a host with another address in brackets", TCP("type = \"http\"; host = \"[10.0.0.1]\";"),
	 "$:4: services[0].health.host: \"[10.0.0.1]\" is no IPv6 address in brackets"},
	{"a server name with a port", TCP("type = \"https\"; sni = \"example.com:443\";"),
	 "$:4: services[0].health.sni: \"example.com:443\" is no host: letters, digits, - . _ "
	 "alone; "
	 "other letters as punycode (xn--...)"},
	{"a server name in letters that aren't ASCII",
	 TCP("type = \"https\"; sni = \"b\xc3\xbc.de\";"),
	 "$:4: services[0].health.sni: \"b\?\?.de\" is no host: letters, digits, - . _ alone; "
	 "other "
	 "letters as punycode (xn--...)"},
	{"a program that is a folder", TCP("type = \"exec\"; program = \"/usr/bin/\";"),
	 "$:4: services[0].health.program: \"/usr/bin/\" is a folder: give the path of a file"},
	{"a body in Latin-1", TCP("type = \"http\"; body = \"gr\xfc\xdf\";"),
	 "$:4: services[0].health.body: no UTF-8: byte 0xfc, 2 bytes into it; save it as UTF-8"},
	{"a body with a control character of Latin-1",
	 TCP("type = \"http\"; body = \"a\xc2\x9b\";"),
	 "$:4: services[0].health.body: \"a\?\?\" has a control character in it"},
	{"statuses", TCP("type = \"http\"; status = \"200-\";"),
	 "$:4: services[0].health.status: \"200-\" is no list of at most 8 HTTP statuses, such as "
	 "\"200-299,401\""},
	{"a status", TCP("type = \"http\"; status = 99;"),
	 "$:4: services[0].health.status: 99 is not in 100-599"},
	{"HEAD with a body", TCP("type = \"http\"; method = \"HEAD\"; body = \"x\";"),
	 "$:4: services[0].health.body: the answer to HEAD has no body; use GET"},
	{"udp without a question", SERVICE("53", "udp", "type = \"udp\";", ""),
	 "$:3: services[0].health.send: missing; a udp check needs something that the server "
	 "answers"},
	{"half a byte", SERVICE("53", "udp", "type = \"udp\"; send = \"hex:abc\";", ""),
	 "$:4: services[0].health.send: expected a text, or \"hex:\" with an even number of hex "
	 "digits, of at most 256 bytes"},
	{"exec without a program", TCP("type = \"exec\";"),
	 "$:3: services[0].health.program: missing; an exec check needs the absolute path of a "
	 "program"},
	{"exec, switched off",
	 "health = { exec_user = \"\"; };\n" TCP("type = \"exec\"; program = \"/bin/true\";"),
	 "$:5: services[0].health.type: \"exec\" is switched off: health.exec_user is \"\""},
	{"icmp by way of the vip", TCP("type = \"icmp\"; via = \"vip\";"),
	 "$:4: services[0].health.via: \"vip\" is for tcp, http, https and udp, not for icmp"},
	{"tcp by way of a vip of udp", SERVICE("53", "udp", "type = \"tcp\"; via = \"vip\";", ""),
	 "$:4: services[0].health.via: \"vip\" goes the service's own way, which is udp; a tcp "
	 "check can't"},
	{"another port by way of the vip", TCP("type = \"tcp\"; via = \"vip\"; port = 81;"),
	 "$:4: services[0].health.port: 81 is not the service's port, 80, which via = \"vip\" goes "
	 "to"},
	{"all ports: which?", SERVICE("\"all\"", "tcp", "type = \"tcp\";", ""),
	 "$:3: services[0].health.port: missing; the service serves all ports, so which to check?"},
	{"flapping", TCP("type = \"tcp\"; flap_count = 17;"),
	 "$:4: services[0].health.flap_count: 17 is not in 0-16"},
	{"a backend of a service without a check",
	 SERVICE("80", "tcp", "type = \"none\";", "health = { fall = 2; };"),
	 "$:5: services[0].backends[0].health: the service has no health check to differ from"},
	{"a backend's timeout",
	 SERVICE("80", "tcp", "type = \"tcp\";", "health = { interval_ms = 600; };"),
	 "$:5: services[0].backends[0].health.timeout_ms: 1000 is more than interval_ms, which is "
	 "600"},
	{"a key that a backend can't have",
	 SERVICE("80", "tcp", "type = \"http\";", "health = { path = \"/\"; };"),
	 "$:5: services[0].backends[0].health.path: unknown key; there are check, port, "
	 "interval_ms, timeout_ms, fast_interval_ms, rise, fall, jitter_percent"},
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < COUNT(refused); i++) {
		print_message("# row: %s\n", refused[i].name);
		config_refused(refused[i].file, refused[i].error);
	}
}

static void test_read(void **state)
{
	struct model *m = config_accepted(
		SERVICE("80", "tcp",
			"type = \"https\"; via = \"vip\"; interval_ms = 300; timeout_ms = 200;"
			" rise = 4; status = \"200, 301-302\"; host = \"a.test\"; verify = false;",
			"health = { fall = 7; jitter_percent = 0; };"));
	const struct service_conf *s = m->services[0];
	struct health_timing t = health_timing_of(&s->health, &s->backends[0].health, s->port);

	assert_int_equal(s->health.type, HEALTH_HTTPS);
	assert_int_equal(s->health.via, HEALTH_VIA_VIP);
	assert_false(s->health.verify);
	assert_int_equal(s->all_down, ALL_DOWN_ALL);
	assert_true(health_status_expected(&s->health, 200));
	assert_false(health_status_expected(&s->health, 201));
	assert_true(health_status_expected(&s->health, 302));
	assert_int_equal(t.interval_ms, 300);
	assert_int_equal(t.fast_interval_ms, 300); /* not longer than the interval */
	assert_int_equal(t.timeout_ms, 200);
	assert_int_equal(t.rise, 4);
	assert_int_equal(t.fall, 7);
	assert_int_equal(t.jitter_percent, 0);
	assert_int_equal(t.port, 80);
	model_free(m);
}

/* What is written of a model is read as the same again. */
static void test_way_back(void **state)
{
	static const char *const files[] = {
		TCP("type = \"tcp\"; port = 81; fall = 9;"),
		SERVICE("80", "tcp", "type = \"http\"; path = \"/a\"; body = \"x\"; status = 204;",
			"health = { check = \"off\"; };"),
		SERVICE("80", "tcp", "type = \"https\"; sni = \"a.test\"; verify = false;",
			"health = { port = 99; jitter_percent = 0; interval_ms = 9000; };"),
		SERVICE("53", "udp", "type = \"udp\"; send = \"hex:00ff\"; expect = \"hex:\";", ""),
		SERVICE("53", "udp", "type = \"udp\"; send = \"a \\\"b\\\"\"; expect = \"c\";", ""),
		TCP("type = \"icmp\";"),
		TCP("type = \"exec\"; program = \"/bin/x\"; args = [ \"-a\", \"b c\", \"\" ];"),
		TCP("type = \"none\";"),
	};

	for (size_t i = 0; i < COUNT(files); i++) {
		struct model *m = config_accepted(files[i]), *again;
		json_t *tree = config_json_model(m);
		char *text = config_print(tree);

		print_message("# row: %zu\n", i);
		again = config_accepted(text);
		assert_memory_equal(&m->services[0]->health, &again->services[0]->health,
				    sizeof(struct health_conf));
		assert_memory_equal(&m->services[0]->backends[0], &again->services[0]->backends[0],
				    sizeof(struct backend_conf));
		free(text);
		json_decref(tree);
		model_free(m);
		model_free(again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_way_back),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
