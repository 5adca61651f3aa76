/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/model: every way to refuse a change, with its exact text; the old model stays as it
 * was. A row is a service, or a backend, that differs from a good one in one thing.
 */
#include "model_fixture.h"

#include "maglev.h"

/* What may be wrong with a service, as a change to a good one: 198.51.100.20:80, two backends. */
static void spec_name_empty(struct service_conf *s)
{
	s->name[0] = '\0';
}
static void spec_name_blank(struct service_conf *s)
{
	strcpy(s->name, "a b");
}
static void spec_name_newline(struct service_conf *s)
{
	strcpy(s->name, "a\nb");
}
static void spec_name_taken(struct service_conf *s)
{
	strcpy(s->name, "web4");
}
static void spec_no_vip(struct service_conf *s)
{
	s->vip = (struct ip_addr){0};
}
static void spec_any(struct service_conf *s)
{
	s->vip = addr("0.0.0.0");
}
static void spec_any6(struct service_conf *s)
{
	s->vip = addr("::");
}
static void spec_loopback(struct service_conf *s)
{
	s->vip = addr("127.1.2.3");
}
static void spec_loopback6(struct service_conf *s)
{
	s->vip = addr("::1");
}
static void spec_multicast(struct service_conf *s)
{
	s->vip = addr("239.1.2.3");
}
static void spec_multicast6(struct service_conf *s)
{
	s->vip = addr("ff02::1");
}
static void spec_broadcast(struct service_conf *s)
{
	s->vip = addr("255.255.255.255");
}
static void spec_link_local(struct service_conf *s)
{
	s->vip = addr("fe80::1");
}
static void spec_mapped(struct service_conf *s)
{
	s->vip = addr("::ffff:10.0.0.1");
}
static void spec_taken(struct service_conf *s)
{
	s->vip = addr("198.51.100.10");
}
static void spec_taken6(struct service_conf *s)
{
	s->vip = addr("2001:db8::10");
}
static void spec_vip_backend(struct service_conf *s)
{
	s->vip = addr("10.0.0.2");
}
static void spec_vip_own(struct service_conf *s)
{
	s->vip = s->backends[1].addr;
}
static void spec_proto(struct service_conf *s)
{
	s->proto = PROTO_ICMP;
}
static void spec_encap(struct service_conf *s)
{
	s->encap = 3;
}
static void spec_slots_even(struct service_conf *s)
{
	s->slots = 1000;
}
static void spec_slots_few(struct service_conf *s)
{
	s->slots = 5;
}
static void spec_scheduler(struct service_conf *s)
{
	s->scheduler = 5;
}
static void spec_transition(struct service_conf *s)
{
	s->transition_s = 86401;
}
static void spec_slow_start(struct service_conf *s)
{
	s->slow_start_s = 86401;
}
static void spec_mss(struct service_conf *s)
{
	s->mss = 2;
}
static void spec_mss_udp(struct service_conf *s)
{
	s->proto = PROTO_UDP;
	s->mss = MODEL_MSS_AUTO;
}
static void spec_no_backend(struct service_conf *s)
{
	s->no_backend = 2;
}
static void spec_hash(struct service_conf *s)
{
	s->scheduler = SCHEDULER_RANDOM;
	s->hash_source = true;
}
static void spec_drain(struct service_conf *s)
{
	s->backends[1].drain_timeout_s = 604801;
}
static void spec_weight(struct service_conf *s)
{
	s->backends[1].weight = 65536;
}
static void spec_admin(struct service_conf *s)
{
	s->backends[1].admin = 3;
}
static void spec_backend_name(struct service_conf *s)
{
	strcpy(s->backends[0].name, "b/1");
}
static void spec_backend_addr(struct service_conf *s)
{
	s->backends[0].addr = addr("127.0.0.1");
}
static void spec_backend_vip(struct service_conf *s)
{
	s->backends[1].addr = addr("198.51.100.10");
}
static void spec_two_names(struct service_conf *s)
{
	strcpy(s->backends[1].name, "b1");
}
static void spec_two_addrs(struct service_conf *s)
{
	s->backends[1].addr = s->backends[0].addr;
}

static void test_service_add_refused(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct service_conf *s);
		enum model_error_kind kind;
		const char *text;
	} rows[] = {
		{"name: empty", spec_name_empty, MODEL_INVALID,
		 "name: \"\" is no name: 1-63 letters, digits, . _ - :"},
		{"name: blank", spec_name_blank, MODEL_INVALID,
		 "name: \"a b\" is no name: 1-63 letters, digits, . _ - :"},
		{"name: newline", spec_name_newline, MODEL_INVALID,
		 "name: \"a?b\" is no name: 1-63 letters, digits, . _ - :"},
		{"name: taken", spec_name_taken, MODEL_EXISTS,
		 "name: \"web4\" is the name of another service: give it one of its own"},
		{"vip: none", spec_no_vip, MODEL_INVALID, "vip: none is no address"},
		{"vip: 0.0.0.0", spec_any, MODEL_INVALID,
		 "vip: 0.0.0.0 is the unspecified address"},
		{"vip: ::", spec_any6, MODEL_INVALID, "vip: :: is the unspecified address"},
		{"vip: loopback", spec_loopback, MODEL_INVALID,
		 "vip: 127.1.2.3 is a loopback address: give one that other hosts reach"},
		{"vip: loopback v6", spec_loopback6, MODEL_INVALID,
		 "vip: ::1 is a loopback address: give one that other hosts reach"},
		{"vip: multicast", spec_multicast, MODEL_INVALID,
		 "vip: 239.1.2.3 is a multicast address"},
		{"vip: multicast v6", spec_multicast6, MODEL_INVALID,
		 "vip: ff02::1 is a multicast address"},
		{"vip: broadcast", spec_broadcast, MODEL_INVALID,
		 "vip: 255.255.255.255 is the broadcast address"},
		{"vip: link-local", spec_link_local, MODEL_INVALID,
		 "vip: fe80::1 is a link-local address, which no router forwards to"},
		{"vip: mapped", spec_mapped, MODEL_INVALID,
		 "vip: ::ffff:10.0.0.1 is an IPv4 address mapped into IPv6: write it as IPv4"},
		{"vip: taken", spec_taken, MODEL_EXISTS,
		 "vip: 198.51.100.10:80/tcp is served by service \"web4\": add the backends "
		 "there, or give another address or port"},
		{"vip: taken v6", spec_taken6, MODEL_EXISTS,
		 "vip: [2001:db8::10]:80/tcp is served by service \"web6\": add the backends "
		 "there, or give another address or port"},
		{"vip: another's backend", spec_vip_backend, MODEL_CONFLICT,
		 "vip: 10.0.0.2 is the address of backend \"b2\" of service \"web4\": a vip is "
		 "an address of its own"},
		{"vip: own backend", spec_vip_own, MODEL_CONFLICT,
		 "backends[1].address: 10.0.1.2 is the vip of service \"new\": give the "
		 "backend's own address"},
		{"protocol", spec_proto, MODEL_INVALID, "protocol: 1 is neither tcp nor udp"},
		{"encap", spec_encap, MODEL_INVALID, "encap: 3 is none of ipip, gue, gue0"},
		{"slots: no prime", spec_slots_even, MODEL_INVALID,
		 "slots: 1000 is no prime in 7-4194301; the nearest above is 1009"},
		{"slots: prime but too few", spec_slots_few, MODEL_INVALID,
		 "slots: 5 is no prime in 7-4194301; the nearest above is 7"},
		{"scheduler", spec_scheduler, MODEL_INVALID,
		 "scheduler: 5 is none of maglev, rr, wrr, random, least-conn"},
		{"hash", spec_hash, MODEL_INVALID,
		 "hash: \"source\" needs the scheduler maglev; random takes no hash"},
		{"transition_s", spec_transition, MODEL_INVALID,
		 "transition_s: 86401 is not in 0-86400"},
		{"slow_start_s", spec_slow_start, MODEL_INVALID,
		 "slow_start_s: 86401 is not in 0-86400"},
		{"mss", spec_mss, MODEL_INVALID, "mss: 2 is not in 88-65535"},
		{"mss of udp", spec_mss_udp, MODEL_CONFLICT,
		 "mss: is TCP's; the service is udp: leave it out"},
		{"no_backend", spec_no_backend, MODEL_INVALID,
		 "no_backend: 2 is none of drop, reject"},
		{"backend: drain_timeout_s", spec_drain, MODEL_INVALID,
		 "backends[1].drain_timeout_s: 604801 is not in 0-604800"},
		{"backend: weight", spec_weight, MODEL_INVALID,
		 "backends[1].weight: 65536 is not in 0-65535"},
		{"backend: state", spec_admin, MODEL_INVALID,
		 "backends[1].state: 3 is none of enabled, draining, disabled"},
		{"backend: name", spec_backend_name, MODEL_INVALID,
		 "backends[0].name: \"b/1\" is no name: 1-63 letters, digits, . _ - :"},
		{"backend: address", spec_backend_addr, MODEL_INVALID,
		 "backends[0].address: 127.0.0.1 is a loopback address: give one that other "
		 "hosts reach"},
		{"backend: a vip", spec_backend_vip, MODEL_CONFLICT,
		 "backends[1].address: 198.51.100.10 is the vip of service \"web4\": give the "
		 "backend's own address"},
		{"backend: two with one name", spec_two_names, MODEL_EXISTS,
		 "backends[1].name: \"b1\" is the name of another backend of this service: give "
		 "it one of its own"},
		{"backend: two with one address", spec_two_addrs, MODEL_CONFLICT,
		 "backends[1].address: 10.0.1.1 is the address of backend \"b1\" of this "
		 "service: one is enough, its weight is its share"},
	};
	struct model *m = two_services();

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct service_conf *s = service("new", "198.51.100.20", 80, "10.0.1.1", 2);
		struct model_error error = {0};

		print_message("# row: %s\n", rows[i].name);
		rows[i].change(s);
		refused(model_service_add(m, s, &error), &error, rows[i].kind, rows[i].text);
		service_conf_unref(s);
	}
	assert_int_equal(m->services_n, 2);
	assert_int_equal(model_find(m, "web4")->refs, 1);
	model_free(m);
}

static void test_backend_add_refused(void **state)
{
	static const struct {
		const char *name, *service, *backend, *address;
		uint32_t weight;
		enum model_error_kind kind;
		const char *text;
	} rows[] = {
		{"no such service", "web9", "b4", "10.0.0.4", 1, MODEL_NOT_FOUND,
		 "there is no service \"web9\""},
		{"bad name", "web4", "", "10.0.0.4", 1, MODEL_INVALID,
		 "name: \"\" is no name: 1-63 letters, digits, . _ - :"},
		{"bad address", "web4", "b4", "224.0.0.1", 1, MODEL_INVALID,
		 "address: 224.0.0.1 is a multicast address"},
		{"bad weight", "web4", "b4", "10.0.0.4", 70000, MODEL_INVALID,
		 "weight: 70000 is not in 0-65535"},
		{"name taken", "web4", "b3", "10.0.0.4", 1, MODEL_EXISTS,
		 "name: service \"web4\" has a backend \"b3\" already: give another name, or "
		 "change that one"},
		{"address taken", "web4", "b4", "10.0.0.3", 1, MODEL_CONFLICT,
		 "address: 10.0.0.3 is the address of backend \"b3\" of this service: one is "
		 "enough, its weight is its share"},
		{"own vip", "web4", "b4", "198.51.100.10", 1, MODEL_CONFLICT,
		 "address: 198.51.100.10 is the vip of service \"web4\": give the backend's own "
		 "address"},
		{"another's vip", "web4", "b4", "2001:db8::10", 1, MODEL_CONFLICT,
		 "address: 2001:db8::10 is the vip of service \"web6\": give the backend's own "
		 "address"},
	};
	struct model *m = two_services();

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct backend_conf b = backend(rows[i].backend, rows[i].address);
		struct model_error error = {0};

		print_message("# row: %s\n", rows[i].name);
		b.weight = rows[i].weight;
		refused(model_backend_add(m, rows[i].service, &b, &error), &error, rows[i].kind,
			rows[i].text);
	}
	model_free(m);
}

static void test_backend_set_refused(void **state)
{
	struct model *m = two_services();
	struct model_error error = {0};

	refused(model_backend_weight(m, "web4", "b1", 65536, &error), &error, MODEL_INVALID,
		"weight: 65536 is not in 0-65535");
	refused(model_backend_weight(m, "web9", "b1", 1, &error), &error, MODEL_NOT_FOUND,
		"there is no service \"web9\"");
	refused(model_backend_weight(m, "web6", "b1", 1, &error), &error, MODEL_NOT_FOUND,
		"service \"web6\" has no backend \"b1\"");
	refused(model_backend_admin(m, "web9", "b1", BACKEND_ENABLED, &error), &error,
		MODEL_NOT_FOUND, "there is no service \"web9\"");
	refused(model_backend_admin(m, "web4", "b9", BACKEND_ENABLED, &error), &error,
		MODEL_NOT_FOUND, "service \"web4\" has no backend \"b9\"");
	refused(model_backend_admin(m, "web4", "b1", 3, &error), &error, MODEL_INVALID,
		"state: 3 is none of enabled, draining, disabled");
	refused(model_backend_drain(m, "web4", "b1", 604801, &error), &error, MODEL_INVALID,
		"timeout_s: 604801 is not in 0-604800");
	refused(model_backend_drain(m, "web9", "b1", 0, &error), &error, MODEL_NOT_FOUND,
		"there is no service \"web9\"");
	refused(model_backend_drain(m, "web4", "b9", 0, &error), &error, MODEL_NOT_FOUND,
		"service \"web4\" has no backend \"b9\"");
	refused(model_backend_remove(m, "web9", "b1", &error), &error, MODEL_NOT_FOUND,
		"there is no service \"web9\"");
	refused(model_backend_remove(m, "web4", "b9", &error), &error, MODEL_NOT_FOUND,
		"service \"web4\" has no backend \"b9\"");
	model_free(m);
}

static struct model *add_error(struct model *m, struct service_conf *s, struct model_error *error)
{
	struct model *next = model_service_add(m, s, error);

	service_conf_unref(s);
	return next;
}

static void test_limits(void **state)
{
	struct model *m = model_new(&settings);
	struct backend_conf more = backend("b15", "10.0.9.1");
	struct model_error error = {0};
	struct service_conf *slim;

	/* 16 rows: one for the rest, one of the vip, 14 services on it. */
	for (uint16_t port = 1; port <= 14; port++) {
		char name[8];

		snprintf(name, sizeof(name), "s%u", port);
		add(&m, service(name, "198.51.100.10", port, "10.0.0.1", 1));
	}
	refused(add_error(m, service("s15", "198.51.100.10", 15, NULL, 0), &error), &error,
		MODEL_FULL,
		"15 services on 1 vips need 17 rows of counters, with one for the rest; "
		"dataplane.services_max is 16");
	step(&m, model_service_remove(m, "s14", &error));
	refused(add_error(m, service("s14", "198.51.100.11", 80, NULL, 0), &error), &error,
		MODEL_FULL,
		"14 services on 2 vips need 17 rows of counters, with one for the rest; "
		"dataplane.services_max is 16");
	refused(add_error(m, service("s14", "198.51.100.10", 80, "10.0.0.1", 3), &error), &error,
		MODEL_FULL,
		"16 backends need 17 rows of counters, with one for the rest; "
		"dataplane.backends_max is 16");
	add(&m, service("s14", "198.51.100.10", 80, "10.0.0.1", 2));
	refused(model_backend_add(m, "s1", &more, &error), &error, MODEL_FULL,
		"there are 15 backends; dataplane.backends_max is 16, and one row of counters is "
		"taken");
	model_free(m);

	m = model_new(&settings);
	slim = service("slim", "198.51.100.10", 80, "10.0.0.1", 7);
	slim->slots = 7;
	add(&m, slim);
	refused(model_backend_add(m, "slim", &more, &error), &error, MODEL_FULL,
		"service \"slim\" has 7 backends on 7 slots, and can have no more");
	slim = service("slim2", "198.51.100.10", 81, "10.0.0.1", 8);
	slim->slots = 7;
	refused(add_error(m, slim, &error), &error, MODEL_INVALID,
		"slots: 7 are too few for 8 backends");
	model_free(m);
}

static void test_backends_per_service(void **state)
{
	struct settings large = {.services_max = 65536, .backends_max = 1048576};
	struct model *m = model_new(&large);
	struct backend_conf more = backend("more", "10.250.0.1");
	struct model_error error = {0};

	add(&m, service("most", "198.51.100.10", 80, "10.0.0.1", BACKENDS_PER_SERVICE_MAX));
	assert_int_equal(model_find(m, "most")->slots, MAGLEV_SLOTS_MAX);
	refused(model_backend_add(m, "most", &more, &error), &error, MODEL_FULL,
		"service \"most\" has 32767 backends on 4194301 slots, and can have no more");
	refused(add_error(m, service("over", "198.51.100.11", 80, "10.0.0.1", 32768), &error),
		&error, MODEL_FULL,
		"backends: 32768 are more than the 32767 that a service can "
		"have");
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service_add_refused),
		cmocka_unit_test(test_backend_add_refused),
		cmocka_unit_test(test_backend_set_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_backends_per_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
