/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/config: what a file is refused for, with the exact text. A row is a file (or a part
 * of a good one) and what is said of it; "$" stands for the file's path.
 */
#include "config_fixture.h"

#define SEED      "seed = \"000102030405060708090a0b0c0d0e0f\";\n"
#define DATAPLANE "dataplane = { ports = ( { device = \"d0\"; interface = \"i0\"; } ); };\n"

struct row {
	const char *name, *text, *error;
};

static void rows_refused(const struct row *rows, size_t rows_n, const char *before,
			 const char *after)
{
	for (size_t i = 0; i < rows_n; i++) {
		char *text;

		print_message("# row: %s\n", rows[i].name);
		assert_true(asprintf(&text, "%s%s%s", before, rows[i].text, after) >= 0);
		config_refused(text, rows[i].error);
		free(text);
	}
}

static void test_syntax(void **state)
{
	static const struct row rows[] = {
		{"two values", SEED "outer = { ttl = 1 2; };\n",
		 "$:2: syntax error on this line, or before it: a missing ; or bracket?"},
		{"a missing bracket, found at the end", SEED "services = (\n\n\n",
		 "$:5: syntax error on this line, or before it: a missing ; or bracket?"},
		{"a string without end", SEED "\noutor = \"x;\nb = 1;\n",
		 "$:3: syntax error: no \" ends the string that begins here"},
		{"a comment without end", SEED "/* x;\nb = 1;\n",
		 "$:2: syntax error: no */ ends the comment that begins here"},
		{"a key twice", SEED "outer = { ttl = 1;\n  ttl = 2; };\n",
		 "$:3: duplicate setting name"},
		{"an array of two types", "dataplane = { cores = [ 1, \"a\" ]; };\n",
		 "$:1: mismatched element type in array"},
		{"an integer beyond 64 bits", SEED "\nx = [ 18446744073709551617 ];",
		 "$:3: 18446744073709551617 is beyond 64 bits"},
	};

	rows_refused(rows, COUNT(rows), "", "");
}

static void test_settings(void **state)
{
	static const struct row rows[] = {
		{"empty", "",
		 "$: seed: missing; make one with: openssl rand -hex 16\n"
		 "$: dataplane: missing; as in: dataplane = { ports = ( { "
		 "interface = \"eth0\"; } ); };"},
		{"no seed", DATAPLANE, "$: seed: missing; make one with: openssl rand -hex 16"},
		{"seed: short", "seed = \"00\";\n" DATAPLANE,
		 "$:1: seed: expected 32 hex digits, not 2 characters; make one with: openssl "
		 "rand -hex 16"},
		{"seed: a g", "seed = \"000102030405060708090a0b0c0d0e0g\";\n" DATAPLANE,
		 "$:1: seed: expected 32 hex digits, and character 32 is none; make one with: "
		 "openssl rand -hex 16"},
		{"seed: wrong type", "seed = 12;\n" DATAPLANE,
		 "$:1: seed: expected a string, not an integer"},
		{"unknown key", SEED DATAPLANE "sevices = ();",
		 "$:3: sevices: unknown key; did you mean \"services\"?"},
		{"unknown key, like none", SEED DATAPLANE "\nzzz = true;",
		 "$:4: zzz: unknown key; there are seed, dataplane, flows, outer, icmp, "
		 "unserved, control, security, health, http, log, services"},
		{"a group that is none", SEED DATAPLANE "outer = 1;",
		 "$:3: outer: expected a group { }, not an integer"},
		{"ttl 0", SEED DATAPLANE "outer = { ttl = 0; };",
		 "$:3: outer.ttl: 0 is not in 1-255"},
		{"ttl: a boolean", SEED DATAPLANE "outer = {\n ttl = true; };",
		 "$:4: outer.ttl: expected an integer, not a boolean"},
		{"ttl: a float", SEED DATAPLANE "outer = { ttl = 64.5; };",
		 "$:3: outer.ttl: expected an integer, not a number with a fraction"},
		{"gue_port: 64 bits, 80 in the lower 32",
		 SEED DATAPLANE "outer = { gue_port = 4294967376; };",
		 "$:3: outer.gue_port: 4294967376 is not in 1-65535"},
		{"gue_port: the same in hex", SEED DATAPLANE "outer = { gue_port = 0x100000050; };",
		 "$:3: outer.gue_port: 4294967376 is not in 1-65535"},
		{"gue_port: negative", SEED DATAPLANE "outer = { gue_port = -1; };",
		 "$:3: outer.gue_port: -1 is not in 1-65535"},
		{"source_v4: of IPv6", SEED DATAPLANE "outer = { source_v4 = \"2001:db8::1\"; };",
		 "$:3: outer.source_v4: \"2001:db8::1\" is no IPv4 address"},
		{"source_v6: multicast", SEED DATAPLANE "outer = { source_v6 = \"ff02::1\"; };",
		 "$:3: outer.source_v6: ff02::1 is a multicast address"},
		{"prefix: host bits",
		 SEED DATAPLANE "outer = { ipip_source_v4 = \"100.64.0.1/16\"; };",
		 "$:3: outer.ipip_source_v4: \"100.64.0.1/16\" has bits set behind its length"},
		{"prefix: too short",
		 SEED DATAPLANE "outer = { ipip_source_v4 = \"64.0.0.0/7\"; };",
		 "$:3: outer.ipip_source_v4: /7 is not in /8-/32"},
		{"prefix: v6 too short",
		 SEED DATAPLANE "outer = { ipip_source_v6 = \"2001::/16\"; };",
		 "$:3: outer.ipip_source_v6: /16 is not in /32-/128"},
		{"prefix: an address",
		 SEED DATAPLANE "outer = { ipip_source_v6 = \"2001:db8::1\"; };",
		 "$:3: outer.ipip_source_v6: \"2001:db8::1\" is no IPv6 prefix such as "
		 "2001:db8:ff::/64"},
		{"prefix: loopback",
		 SEED DATAPLANE "outer = { ipip_source_v4 = \"127.0.0.0/8\"; };",
		 "$:3: outer.ipip_source_v4: \"127.0.0.0/8\" is a loopback address: give one "
		 "that other hosts reach"},
		{"flows: 0", SEED DATAPLANE "flows = { tcp_syn_s = 0; };",
		 "$:3: flows.tcp_syn_s: 0 is not in 1-65535"},
		{"flows: 65536", SEED DATAPLANE "flows = {\n udp_s = 65536; };",
		 "$:4: flows.udp_s: 65536 is not in 1-65535"},
		{"flows: unknown", SEED DATAPLANE "flows = { tcp_established = 1; };",
		 "$:3: flows.tcp_established: unknown key; did you mean \"tcp_established_s\"?"},
		{"flows: a fault in each",
		 SEED DATAPLANE "flows = { tcp_established_s = \"1h\";\n tcp_closing_s = -1; };",
		 "$:3: flows.tcp_established_s: expected an integer, not a string\n"
		 "$:4: flows.tcp_closing_s: -1 is not in 1-65535"},
		{"socket: relative", SEED DATAPLANE "control = { socket = \"sock\"; };",
		 "$:3: control.socket: \"sock\" does not begin with a /: give the whole path"},
		{"socket: a folder", SEED DATAPLANE "control = { socket = \"/run/sluice/\"; };",
		 "$:3: control.socket: \"/run/sluice/\" is a folder: give the path of a file"},
		{"state: a folder", SEED DATAPLANE "control = { state = \"/\"; };",
		 "$:3: control.state: \"/\" is a folder: give the path of a file"},
		{"group: too long",
		 SEED DATAPLANE "control = { group = \"aaaaaaaabbbbbbbbccccccccdddddddd\"; };",
		 "$:3: control.group: \"aaaaaaaabbbbbbbbccccccccdddddddd...\" is longer than 31 "
		 "characters"},
		{"read_group: without a socket",
		 SEED DATAPLANE "control = { read_group = \"g\"; };",
		 "$:3: control.read_group: without read_socket there is nothing to give to a "
		 "group"},
		{"read_socket: the control socket",
		 SEED DATAPLANE "control = { socket = \"/s\"; read_socket = \"/s\"; };",
		 "$:3: control.read_socket: \"/s\" is the control socket's path"},
		{"security: unknown", SEED DATAPLANE "security = { users = \"a\"; };",
		 "$:3: security.users: unknown key; did you mean \"user\"?"},
		{"group: a newline in it", SEED DATAPLANE "control = { group = \"a\\nb\"; };",
		 "$:3: control.group: \"a?b\" has a control character in it"},
	};

	rows_refused(rows, COUNT(rows), "", "");
}

static void test_dataplane(void **state)
{
	static const struct row rows[] = {
		{"no ports", "",
		 "$:2: dataplane.ports: missing; as in: ports = ( { interface = "
		 "\"eth0\"; } );"},
		{"ports: empty", "ports = ();",
		 "$:3: dataplane.ports: 0 elements; 1 to 16 are possible"},
		{"ports: a group", "ports = { };",
		 "$:3: dataplane.ports: expected a list of groups ( { }, ... ), not a group { }"},
		{"ports: of integers", "ports = ( 1 );",
		 "$:3: dataplane.ports[0]: expected a group { }, not an integer"},
		{"port: unknown key", "ports = (\n{ iface = \"a\"; } );",
		 "$:4: dataplane.ports[0].iface: unknown key; did you mean \"interface\"?"},
		{"port: interface too long", "ports = ( { interface = \"abcdefghijklmnop\"; } );",
		 "$:3: dataplane.ports[0].interface: \"abcdefghijklmnop...\" is longer than 15 "
		 "characters"},
		{"port: no name of an interface", "ports = ( { interface = \"a/b\"; } );",
		 "$:3: dataplane.ports[0].interface: \"a/b\" is no name of a network interface"},
		{"port: macs: a string", "ports = ( { interface = \"a\"; macs = \"x\"; } );",
		 "$:3: dataplane.ports[0].macs: expected an array of MAC addresses, not a string"},
		{"port: macs: none", "ports = ( { interface = \"a\"; macs = []; } );",
		 "$:3: dataplane.ports[0].macs: 0 elements; 1 to 8 are possible"},
		{"port: macs: no MAC",
		 "ports = ( { interface = \"a\"; macs = [ \"00:00:5e:00:01\" ]; } );",
		 "$:3: dataplane.ports[0].macs[0]: \"00:00:5e:00:01\" is no MAC address, as in "
		 "\"00:00:5e:00:01:0a\""},
		{"port: macs: multicast",
		 "ports = ( { interface = \"a\"; macs = [ \"00:00:5e:00:01:0a\",\n"
		 "\"01:00:5e:00:00:01\" ]; } );",
		 "$:4: dataplane.ports[0].macs[1]: 01:00:5e:00:00:01 is a multicast address, or "
		 "none: no host has it"},
		{"port: macs: twice",
		 "ports = ( { interface = \"a\"; macs = [ \"02:00:00:00:00:0a\", "
		 "\"02:00:00:00:00:0A\" ]; } );",
		 "$:3: dataplane.ports[0].macs[1]: 02:00:00:00:00:0A is there twice"},
		{"mode: none of them", "ports = ( { device = \"d\"; } ); mode = \"fast\";",
		 "$:3: dataplane.mode: \"fast\" is none of auto, dpdk, xdp"},
		{"dpdk without a device",
		 "mode = \"dpdk\"; ports = ( { device = \"d\"; },\n{ interface = \"i\"; } );",
		 "$:4: dataplane.ports[1].device: missing; mode is \"dpdk\": a PCI address of "
		 "dpdk-devbind.py --status, or a vdev"},
		{"xdp without an interface", "mode = \"xdp\"; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.ports[0].interface: missing; mode is \"xdp\": one that ip link "
		 "lists"},
		{"auto: neither kind on all ports",
		 "\nports = ( { device = \"d\"; }, { interface = \"i\"; } );",
		 "$:4: dataplane.ports: every port needs a device (for dpdk), or every port an "
		 "interface (for xdp)"},
		{"one device on two ports",
		 "ports = ( { device = \"d\"; },\n{ device = \"d\"; } );",
		 "$:4: dataplane.ports[1].device: \"d\" is ports[0]'s"},
		{"one interface on two ports",
		 "ports = ( { interface = \"i\"; },\n{ interface = \"i\"; } );",
		 "$:4: dataplane.ports[1].interface: \"i\" is ports[0]'s"},
		{"one tap on two ports",
		 "ports = ( { device = \"d\"; tap = \"t\"; }, { device = \"e\"; tap = \"t\"; } );",
		 "$:3: dataplane.ports[1].tap: \"t\" is ports[0]'s"},
		{"a tap of another's default name",
		 "ports = ( { device = \"d\"; tap = \"sluice1\"; }, { device = \"e\"; } );",
		 "$:3: dataplane.ports[1].tap: \"sluice1\" is ports[0]'s"},
		{"cores: an integer", "cores = 1; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.cores: expected an array of integers, not an integer"},
		{"cores: none", "cores = []; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.cores: 0 elements; 1 to 128 are possible"},
		{"cores: twice", "cores = [ 3,\n 3 ]; ports = ( { device = \"d\"; } );",
		 "$:4: dataplane.cores[1]: core 3 is there twice"},
		{"cores: 1024", "cores = [ 1024 ]; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.cores[0]: 1024 is not in 0-1023"},
		{"cores: of strings", "cores = [ \"a\" ]; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.cores[0]: expected an integer, not a string"},
		{"idle_max_us", "idle_max_us = 10001; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.idle_max_us: 10001 is not in 1-10000"},
		{"services_max", "services_max = 65537; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.services_max: 65537 is not in 2-65536"},
		{"flows_max: too few", "flows_max = 1023; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.flows_max: 1023 is not in 1024-67108864"},
		{"flows_max: too many", "flows_max = 67108865; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.flows_max: 67108865 is not in 1024-67108864"},
		{"tables_mb", "tables_mb = 3; ports = ( { device = \"d\"; } );",
		 "$:3: dataplane.tables_mb: 3 is not in 4-2048"},
	};

	rows_refused(rows, COUNT(rows), SEED "dataplane = {\n", "\n};\n");
}

/* One good service but for a key at a time; its lines are 3 to 7. */
#define SERVICE(key)                                                                         \
	"services = ( { name = \"web4\"; vip = \"198.51.100.10\"; protocol = \"tcp\";\n" key \
	"\n} );"
#define BACKENDS(list)                                                         \
	"services = ( { name = \"web4\"; vip = \"198.51.100.10\"; port = 80; " \
	"protocol = \"tcp\";\nbackends = (\n" list "\n); } );"

static void test_services(void **state)
{
	static const struct row rows[] = {
		{"a group", "services = { };",
		 "$:3: services: expected a list of groups ( { }, ... ), not a group { }"},
		{"of integers", "services = ( 1 );",
		 "$:3: services[0]: expected a group { }, not an integer"},
		{"nothing in it", "services = ( { } );",
		 "$:3: services[0].name: missing; as in: name = \"web\";\n$:3: services[0].vip: "
		 "missing; as in: vip = \"198.51.100.10\";\n"
		 "$:3: services[0].port: missing; 1 to 65535, or \"all\"\n$:3: "
		 "services[0].protocol: missing; \"tcp\" or \"udp\""},
		{"unknown key", SERVICE("port = 80; prot = \"udp\";"),
		 "$:4: services[0].prot: unknown key; did you mean \"protocol\"?"},
		{"port 70000", SERVICE("port = 70000;"),
		 "$:4: services[0].port: 70000 is not in 1-65535"},
		{"port -1", SERVICE("port = -1;"), "$:4: services[0].port: -1 is not in 1-65535"},
		{"port: 64 bits, 0 in the lower 32", SERVICE("port = 4294967296;"),
		 "$:4: services[0].port: 4294967296 is not in 1-65535"},
		{"port: a string", SERVICE("port = \"http\";"),
		 "$:4: services[0].port: expected an integer or \"all\", not \"http\""},
		{"port: a boolean", SERVICE("port = true;"),
		 "$:4: services[0].port: expected an integer or \"all\", not a boolean"},
		{"slots: no prime", SERVICE("port = 1; slots = 65536;"),
		 "$:4: services[0].slots: 65536 is no prime in 7-4194301; the nearest above is "
		 "65537"},
		{"slots: too many", SERVICE("port = 1; slots = 4194302;"),
		 "$:4: services[0].slots: 4194302 is not in 0-4194301"},
		{"encap: none of them", SERVICE("port = 1; encap = \"gre\";"),
		 "$:4: services[0].encap: \"gre\" is none of ipip, gue, gue0"},
		{"scheduler: none of them", SERVICE("port = 1; scheduler = \"lc\";"),
		 "$:4: services[0].scheduler: \"lc\" is none of maglev, rr, wrr, random, "
		 "least-conn"},
		{"hash: none of them", SERVICE("port = 1; hash = \"ip\";"),
		 "$:4: services[0].hash: \"ip\" is none of flow, source"},
		{"hash: of a scheduler without",
		 SERVICE("port = 1; scheduler = \"least-conn\";\n"
			 "hash = \"source\";"),
		 "$:5: services[0].hash: \"source\" needs the scheduler maglev; least-conn takes "
		 "no hash"},
		{"transition_s: too long", SERVICE("port = 1; transition_s = 86401;"),
		 "$:4: services[0].transition_s: 86401 is not in 0-86400"},
		{"transition_s: a string", SERVICE("port = 1; transition_s = \"5m\";"),
		 "$:4: services[0].transition_s: expected an integer, not a string"},
		{"slow_start_s: negative", SERVICE("port = 1; slow_start_s = -1;"),
		 "$:4: services[0].slow_start_s: -1 is not in 0-86400"},
		{"mss: too small", SERVICE("port = 1; mss = 87;"),
		 "$:4: services[0].mss: 87 is not in 88-65535"},
		{"mss: a word", SERVICE("port = 1; mss = \"small\";"),
		 "$:4: services[0].mss: \"small\" is none of 88-65535, \"auto\", \"off\""},
		{"no_backend: none of them", SERVICE("port = 1; no_backend = \"kernel\";"),
		 "$:4: services[0].no_backend: \"kernel\" is none of drop, reject"},
		{"protocol: none of them",
		 "services = ( { name = \"a\"; port = 1;\n"
		 "vip = \"198.51.100.10\"; protocol = \"sctp\"; } );",
		 "$:4: services[0].protocol: \"sctp\" is none of tcp, udp"},
		{"vip: no address",
		 "services = ( { name = \"a\"; port = 1; protocol = \"tcp\";\n"
		 "vip = \"198.51.100.256\"; } );",
		 "$:4: services[0].vip: \"198.51.100.256\" is no IP address"},
		{"vip: multicast",
		 "services = ( { name = \"a\"; port = 1; protocol = \"tcp\";\n"
		 "vip = \"224.0.0.1\"; } );",
		 "$:4: services[0].vip: 224.0.0.1 is a multicast address"},
		{"name: a blank in it",
		 "services = ( { vip = \"198.51.100.10\"; port = 1;\n"
		 "protocol = \"tcp\"; name = \"a b\"; } );",
		 "$:4: services[0].name: \"a b\" is no name: 1-63 letters, digits, . _ - :"},
		{"backends: a string", SERVICE("port = 1; backends = \"b1\";"),
		 "$:4: services[0].backends: expected a list of groups ( { }, ... ), not a "
		 "string"},
		{"backend: nothing in it", BACKENDS("{ }"),
		 "$:5: services[0].backends[0].name: missing; as in: name = \"b1\";\n"
		 "$:5: services[0].backends[0].address: missing; as in: address = "
		 "\"10.0.0.11\";"},
		{"backend: unknown key", BACKENDS("{ name = \"a\"; adress = \"10.0.0.1\"; }"),
		 "$:5: services[0].backends[0].adress: unknown key; did you mean \"address\"?\n"
		 "$:5: services[0].backends[0].address: missing; as in: address = "
		 "\"10.0.0.11\";"},
		{"backend: no address", BACKENDS("{ name = \"a\"; address = \"b1.example\"; }"),
		 "$:5: services[0].backends[0].address: \"b1.example\" is no IP address"},
		{"backend: weight",
		 BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; },\n"
			  "{ name = \"b\"; address = \"10.0.0.2\"; weight = 65536; }"),
		 "$:6: services[0].backends[1].weight: 65536 is not in 0-65535"},
		{"backend: state",
		 BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; state = \"up\"; }"),
		 "$:5: services[0].backends[0].state: \"up\" is none of enabled, draining, "
		 "disabled"},
		{"two backends with one name",
		 BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; },\n"
			  "{ name = \"a\"; address = \"10.0.0.2\"; }"),
		 "$:6: services[0].backends[1].name: \"a\" is the name of another backend of "
		 "this service: give it one of its own"},
		{"two backends with one address",
		 BACKENDS("{ name = \"a\"; address = \"10.0.0.1\"; },\n"
			  "{ name = \"b\"; address = \"10.0.0.1\"; }"),
		 "$:6: services[0].backends[1].address: 10.0.0.1 is the address of backend \"a\" "
		 "of this service: one is enough, its weight is its share"},
		{"a vip that is a backend",
		 BACKENDS("{ name = \"a\"; address = \"198.51.100.10\"; }"),
		 "$:5: services[0].backends[0].address: 198.51.100.10 is the vip of service "
		 "\"web4\": give the backend's own address"},
	};

	rows_refused(rows, COUNT(rows), SEED DATAPLANE, "");
}

#define TWO(a, b) \
	"services = (\n{ name = \"a\"; port = 80; protocol = \"tcp\"; " a " },\n{ " b " } );"

static void test_services_together(void **state)
{
	static const struct row rows[] = {
		{"one vip, port and protocol",
		 TWO("vip = \"198.51.100.10\";",
		     "name = \"b\"; port = 80; protocol = \"tcp\"; vip = \"198.51.100.10\";"),
		 "$:5: services[1].vip: 198.51.100.10:80/tcp is served by service \"a\": add "
		 "the backends there, or give another address or port"},
		{"one vip, all ports and protocol",
		 "services = ( { name = \"a\"; port = \"all\"; protocol = \"udp\"; vip = "
		 "\"2001:db8::1\"; },\n{ name = \"b\"; port = 0; protocol = \"udp\"; vip = "
		 "\"2001:db8:0::1\"; } );",
		 "$:4: services[1].vip: [2001:db8::1]:all/udp is served by service \"a\": add "
		 "the backends there, or give another address or port"},
		{"one name",
		 TWO("vip = \"198.51.100.10\";",
		     "port = 81; protocol = \"tcp\"; vip = \"198.51.100.10\"; name = \"a\";"),
		 "$:5: services[1].name: \"a\" is the name of another service: give it one of "
		 "its own"},
		{"a vip that is another's backend, before it",
		 TWO("vip = \"198.51.100.10\"; backends = ( { name = \"b1\"; address = "
		     "\"198.51.100.11\"; } );",
		     "name = \"b\"; port = 80; protocol = \"tcp\"; vip = \"198.51.100.11\";"),
		 "$:4: services[0].backends[0].address: 198.51.100.11 is the vip of service "
		 "\"b\": give the backend's own address"},
		{"a fault in one, and one in the next",
		 TWO("vip = \"198.51.100.10\"; slots = 9;",
		     "name = \"b\"; port = 99999; "
		     "protocol = \"tcp\"; vip = \"198.51.100.11\";"),
		 "$:5: services[1].port: 99999 is not in 1-65535\n"
		 "$:4: services[0].slots: 9 is no prime in 7-4194301; the nearest above is 11"},
		{"a fault in the second: the third keeps its number",
		 "services = ( "
		 "{ name = \"a\"; port = 1; protocol = \"tcp\"; vip = \"1.1.1.1\"; },\n"
		 "{ name = \"b\"; port = 1; protocol = \"tcp\"; vip = \"1.1.1\"; },\n"
		 "{ name = \"a\"; port = 1; protocol = \"tcp\"; vip = \"1.1.1.2\"; } );",
		 "$:4: services[1].vip: \"1.1.1\" is no IP address\n"
		 "$:5: services[2].name: \"a\" is the name of another service: give it one of "
		 "its own"},
	};
	static const char limits[] = SEED
		"dataplane = { services_max = 2; backends_max = 2; "
		"ports = ( { device = \"d\"; } ); };\n"
		"services = ( { name = \"a\"; port = 1; protocol = \"tcp\"; vip = \"1.1.1.1\"; "
		"backends = ( { name = \"a\"; address = \"1.0.0.1\"; }, { name = \"b\"; address = "
		"\"1.0.0.2\"; } ); } );";

	rows_refused(rows, COUNT(rows), SEED DATAPLANE, "");
	config_refused(limits,
		       "$:3: services: 1 services on 1 vips need 3 rows of counters, with one for "
		       "the rest; dataplane.services_max is 2\n"
		       "$:3: services: 2 backends need 3 rows of counters, with one for the rest; "
		       "dataplane.backends_max is 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_dataplane),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_services_together),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
