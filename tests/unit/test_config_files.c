/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/config: files that are right and what is made of them, includes, files that can't be
 * read, many faults, and size.
 */
#include "config_fixture.h"

#include <sys/stat.h>
#include <time.h>

#include "sluice/wire.h"

#define SEED  "seed = \"000102030405060708090A0b0c0d0e0f\";\n"
#define PORT  "ports = ( { device = \"d0\"; interface = \"i0\"; } ); "
#define SMALL SEED "dataplane = { " PORT "};\n"

static struct ip_addr addr(const char *text)
{
	struct ip_addr out;

	assert_int_equal(ip_parse(text, &out), 0);
	return out;
}

static void test_defaults(void **state)
{
	struct model *m = config_accepted(SMALL);
	const struct settings *s = &m->settings;
	const uint8_t seed[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

	assert_int_equal(m->services_n, 0);
	assert_memory_equal(&s->seed, seed, sizeof(seed));
	assert_int_equal(s->mode, PATH_AUTO);
	assert_int_equal(s->ports_n, 1);
	assert_string_equal(s->ports[0].device, "d0");
	assert_string_equal(s->ports[0].tap, "");
	assert_string_equal(s->ports[0].interface, "i0");
	assert_int_equal(s->cores_n, 1);
	assert_int_equal(s->cores[0], 1);
	assert_int_equal(s->idle_max_us, 50);
	assert_int_equal(s->hugepages, FAST_PATH_HUGEPAGES_AUTO);
	assert_int_equal(s->memory_mb, 512);
	assert_string_equal(s->eal_args, "");
	assert_int_equal(s->attach, FAST_PATH_ATTACH_AUTO);
	assert_string_equal(s->pin_dir, "/sys/fs/bpf/sluice");
	assert_int_equal(s->tables_mb, 64);
	assert_int_equal(s->services_max, 1024);
	assert_int_equal(s->backends_max, 16384);
	assert_int_equal(s->flows_max, 1048576);
	assert_int_equal(s->idle_s[MEMORY_SYN], 10);
	assert_int_equal(s->idle_s[MEMORY_TCP_ONCE], 3600);
	assert_int_equal(s->idle_s[MEMORY_TCP], 3600);
	assert_int_equal(s->idle_s[MEMORY_CLOSING], 15);
	assert_int_equal(s->idle_s[MEMORY_UDP_ONCE], 60);
	assert_int_equal(s->idle_s[MEMORY_UDP], 60);
	assert_int_equal(s->gue_port, 6080);
	assert_int_equal(s->outer_ttl, 64);
	assert_int_equal(s->source_v4.family, IP_NONE);
	assert_int_equal(s->source_v6.family, IP_NONE);
	assert_int_equal(s->ipip_source_v4.addr.family, IP_NONE);
	assert_int_equal(s->ipip_source_v6.addr.family, IP_NONE);
	assert_string_equal(s->socket_path, "/run/sluice/control.sock");
	assert_string_equal(s->socket_group, "sluice");
	assert_string_equal(s->read_socket_path, "");
	assert_string_equal(s->read_socket_group, "");
	assert_string_equal(s->user, "");
	model_free(m);
}

static void test_all_given(void **state)
{
	static const char text[] = SEED
		"dataplane = { mode = \"dpdk\"; cores = [ 2, 0x3, 1023 ]; idle = \"busy\";\n"
		"  ports = ( { device = \"net_af_xdp0,iface=l0\"; tap = \"tap0\"; },\n"
		"            { device = \"0000:03:00.0\"; interface = \"eth15characters\"; } );\n"
		"  idle_max_us = 10000; hugepages = \"off\"; memory_mb = 64L;\n"
		"  eal_args = \"-d x\";\n"
		"  xdp_attach = \"generic\"; pin_dir = \"/p\"; tables_mb = 2048;\n"
		"  services_max = 65536; backends_max = 1048576;\n"
		"  flows_max = 67108864; };\n"
		"flows = { tcp_syn_s = 1; tcp_established_s = 65535; tcp_closing_s = 2; udp_s = 3; "
		"};\n"
		"outer = { gue_port = 65535; ttl = 255; source_v4 = \"192.0.2.1\";\n"
		"  source_v6 = \"2001:db8::1\"; ipip_source_v4 = \"100.0.0.0/8\";\n"
		"  ipip_source_v6 = \"2001:db8::7/128\"; };\n"
		"control = { socket = \"/s\"; group = \"g\"; read_socket = \"/r\";\n"
		"  read_group = \"h\"; };\n"
		"security = { user = \"u\"; };\n";
	struct model *m = config_accepted(text);
	const struct settings *s = &m->settings;
	struct ip_addr source = addr("2001:db8::1");

	assert_int_equal(s->mode, PATH_DPDK);
	assert_int_equal(s->cores_n, 3);
	assert_int_equal(s->cores[1], 3);
	assert_int_equal(s->cores[2], 1023);
	assert_int_equal(s->ports_n, 2);
	assert_string_equal(s->ports[0].device, "net_af_xdp0,iface=l0");
	assert_string_equal(s->ports[0].tap, "tap0");
	assert_string_equal(s->ports[1].interface, "eth15characters");
	assert_int_equal(s->idle_max_us, 0);
	assert_int_equal(s->hugepages, FAST_PATH_HUGEPAGES_OFF);
	assert_int_equal(s->memory_mb, 64);
	assert_string_equal(s->eal_args, "-d x");
	assert_int_equal(s->attach, FAST_PATH_ATTACH_GENERIC);
	assert_string_equal(s->pin_dir, "/p");
	assert_int_equal(s->tables_mb, 2048);
	assert_int_equal(s->services_max, 65536);
	assert_int_equal(s->backends_max, 1048576);
	assert_int_equal(s->flows_max, 67108864);
	assert_int_equal(s->idle_s[MEMORY_NONE], 0);
	assert_int_equal(s->idle_s[MEMORY_SYN], 1);
	assert_int_equal(s->idle_s[MEMORY_TCP_ONCE], 65535);
	assert_int_equal(s->idle_s[MEMORY_TCP], 65535);
	assert_int_equal(s->idle_s[MEMORY_CLOSING], 2);
	assert_int_equal(s->idle_s[MEMORY_UDP_ONCE], 3);
	assert_int_equal(s->idle_s[MEMORY_UDP], 3);
	assert_int_equal(s->gue_port, 65535);
	assert_int_equal(s->outer_ttl, 255);
	assert_int_equal(s->source_v4.family, IP_V4);
	assert_true(ip_equal(&s->source_v6, &source));
	assert_int_equal(s->ipip_source_v4.bits, 8);
	assert_int_equal(s->ipip_source_v6.bits, 128);
	assert_string_equal(s->socket_path, "/s");
	assert_string_equal(s->socket_group, "g");
	assert_string_equal(s->read_socket_path, "/r");
	assert_string_equal(s->read_socket_group, "h");
	assert_string_equal(s->user, "u");
	model_free(m);
}

static void test_services_given(void **state)
{
	static const char text[] = SMALL
		"services = ( { name = \"a\"; vip = \"198.51.100.10\"; port = \"all\";\n"
		"  protocol = \"udp\"; encap = \"gue0\"; slots = 65537; hash = \"source\";\n"
		"  transition_s = 86400; slow_start_s = 86400; backends = (\n"
		"  { name = \"b1\"; address = \"2001:db8::1\"; weight = 0; },\n"
		"  { name = \"b2\"; address = \"10.0.0.1\"; state = \"draining\"; } ); },\n"
		"  { name = \"b\"; vip = \"198.51.100.10\"; port = 65535; protocol = \"tcp\"; },\n"
		"  { name = \"c\"; vip = \"198.51.100.10\"; port = 53; protocol = \"udp\";\n"
		"    hash = \"flow\"; scheduler = \"least-conn\"; transition_s = 0; } );";
	struct model *m = config_accepted(text);
	const struct service_conf *c = model_find(m, "c");
	const struct service_conf *a = model_find(m, "a"), *b = model_find(m, "b");
	struct ip_addr b1 = addr("2001:db8::1");

	assert_ptr_equal(m->services[0], a);
	assert_ptr_equal(m->services[1], b);
	assert_int_equal(a->refs, 1);
	assert_int_equal(a->port, 0);
	assert_int_equal(a->proto, PROTO_UDP);
	assert_int_equal(a->encap, ENCAP_GUE_VARIANT0);
	assert_int_equal(a->slots, 65537);
	assert_int_equal(a->scheduler, SCHEDULER_MAGLEV);
	assert_true(a->hash_source);
	assert_int_equal(a->transition_s, 86400);
	assert_int_equal(a->slow_start_s, 86400);
	assert_int_equal(a->backends_n, 2);
	assert_true(ip_equal(&a->backends[0].addr, &b1));
	assert_int_equal(a->backends[0].weight, 0);
	assert_int_equal(a->backends[0].admin, BACKEND_ENABLED);
	assert_string_equal(a->backends[1].name, "b2");
	assert_int_equal(a->backends[1].weight, 100);
	assert_int_equal(a->backends[1].admin, BACKEND_DRAINING);
	assert_int_equal(b->port, 65535);
	assert_int_equal(b->encap, ENCAP_IPIP);
	assert_int_equal(b->scheduler, SCHEDULER_MAGLEV);
	assert_false(b->hash_source);
	assert_int_equal(b->transition_s, 300);
	assert_int_equal(b->slow_start_s, 0);
	assert_int_equal(b->backends_n, 0);
	assert_int_equal(c->scheduler, SCHEDULER_LEAST_CONN);
	assert_false(c->hash_source);
	assert_int_equal(c->transition_s, 0);
	assert_int_equal(m->backends_n, 2);
	model_free(m);
}

/* Relative to the main file's folder, wherever the test runs; lines are those of each file. */
static void test_include(void **state)
{
	static const char text[] = SMALL "services = (\n  @include \"sub/web.conf\"\n);";
	struct model *m;
	char sub[128];

	snprintf(sub, sizeof(sub), "%s/sub", folder);
	assert_int_equal(mkdir(sub, 0700), 0);
	file_write("sub/web.conf", "# comment \" /*\n{ name = \"web\"; vip = \"198.51.100.10\";\n"
				   "@include \"sub/port.conf\"\nprotocol = \"tcp\"; }");
	file_write("sub/port.conf", "// @include \"none\"\nport = 80;");
	m = config_accepted(text);
	assert_int_equal(model_find(m, "web")->port, 80);
	model_free(m);

	file_write("sub/port.conf", "\nport = 70000;");
	assert_null(config_load(config_path, config_error));
	snprintf(sub, sizeof(sub), "%s/sub/port.conf:2: services[0].port: 70000 is not in 1-65535",
		 folder);
	assert_string_equal(config_error, sub);
	file_write("sub/port.conf", "port = 80;");
	config_refused(SMALL "services = (\n  @include \"sub/web.conf\"\n);\nouter = 1;",
		       "$:6: outer: expected a group { }, not an integer");
}

static void test_unreadable(void **state)
{
	char want[256];

	assert_null(config_load("/nonexistent/sluice.conf", config_error));
	assert_string_equal(config_error, "/nonexistent/sluice.conf: cannot be read: "
					  "No such file or directory; name it with --config, or "
					  "make it: conf/sluice.conf has every key");
	assert_null(config_load(folder, config_error));
	snprintf(want, sizeof(want), "%s: cannot be read: Is a directory", folder);
	assert_string_equal(config_error, want);
	config_refused(SMALL "\n @include \"/nonexistent\"",
		       "$:4: @include \"/nonexistent\" cannot be read: No such file or directory");
	config_refused(SMALL "@include \"/tmp\"",
		       "$:3: @include \"/tmp\" cannot be read: Is a directory");
	config_refused(SMALL "@include /tmp",
		       "$:3: syntax error on this line, or before it: a missing ; or bracket?");
	file_write("loop.conf", "\n@include \"loop.conf\"");
	file_write("sluice.conf", "@include \"loop.conf\"");
	assert_null(config_load(config_path, config_error));
	snprintf(want, sizeof(want),
		 "%s/loop.conf:2: @include \"%s/loop.conf\": more than 10 files deep, or 256 in "
		 "all",
		 folder, folder);
	assert_string_equal(config_error, want);
	file_write_bytes("sluice.conf", SMALL "\0x", sizeof(SMALL "\0x"));
	assert_null(config_load(config_path, config_error));
	error_is("$:3: a zero byte: this is no text");
}

static void test_many_faults(void **state)
{
	char text[4096] = SMALL "services = (", want[8192] = "";

	for (int i = 0; i < 23; i++)
		strcat(text, i ? ",\n1" : "1");
	strcat(text, ");");
	for (int i = 0; i < 20; i++)
		sprintf(want + strlen(want),
			"$:%d: services[%d]: expected a group { }, not an integer\n", i + 3, i);
	strcat(want, "and 3 more");
	config_refused(text, want);
}

/* Everything as long as it can be fits in the text. */
static void test_long_faults(void **state)
{
	size_t room = 1 << 20;
	char *text = calloc(1, room);

	assert_non_null(text);
	for (int i = 0; i < 21; i++) {
		memset(text + strlen(text), 'a' + i, 3000);
		strcat(text, " = 1;\n");
	}
	file_write("sluice.conf", text);
	assert_null(config_load(config_path, config_error));
	assert_true(strlen(config_error) < CONFIG_ERROR_MAX);
	assert_non_null(strstr(config_error, "\nand 3 more"));
	free(text);
}

static void test_10000_services(void **state)
{
	struct timespec begun, ended;
	struct model *m;
	int64_t took_ms;
	FILE *file = fopen(config_path, "w");

	assert_non_null(file);
	fputs(SEED "dataplane = { services_max = 65536; backends_max = 1048576; " PORT "};\n"
		   "services = (\n",
	      file);
	for (int i = 0; i < 10000; i++) {
		fprintf(file,
			"%s{ name = \"s%d\"; vip = \"198.18.%d.%d\"; port = 80; protocol = "
			"\"tcp\"; backends = (",
			i ? ",\n" : "", i, i / 256, i % 256);
		for (int j = 0; j < 10; j++)
			fprintf(file, "%s{ name = \"b%d\"; address = \"10.0.%d.%d\"; }",
				j ? ",\n" : "\n", j, i % 256, j);
		fputs("\n); }", file);
	}
	fputs(");\n", file);
	assert_int_equal(fclose(file), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
	m = config_load(config_path, config_error);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
	if (!m)
		fail_msg("%s", config_error);
	took_ms = (ended.tv_sec - begun.tv_sec) * 1000 + (ended.tv_nsec - begun.tv_nsec) / 1000000;
	print_message("# 10000 services of 10 backends: %lld ms\n", (long long)took_ms);
	assert_int_equal(m->backends_n, 100000);
	assert_true(took_ms < 10000);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),       cmocka_unit_test(test_all_given),
		cmocka_unit_test(test_services_given), cmocka_unit_test(test_include),
		cmocka_unit_test(test_unreadable),     cmocka_unit_test(test_many_faults),
		cmocka_unit_test(test_long_faults),    cmocka_unit_test(test_10000_services),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
