/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/model: each change's success, what two models share, and how long 10,000 services
 * take. What is refused: test_model_refused.c.
 */
#include "model_fixture.h"

#include <errno.h>
#include <time.h>

static void test_service_add(void **state)
{
	struct model *m = two_services();
	const struct service_conf *web4 = model_find(m, "web4"), *web6 = model_find(m, "web6");

	assert_int_equal(m->services_n, 2);
	assert_int_equal(m->backends_n, 3);
	assert_ptr_equal(m->services[0], web4);
	assert_ptr_equal(m->services[1], web6);
	assert_int_equal(web4->slots, 509);  /* 3 backends, 100 slots each */
	assert_int_equal(web6->slots, 1021); /* planned for 10 */
	assert_int_equal(web4->backends_n, 3);
	assert_string_equal(service_conf_find(web4, "b2")->name, "b2");
	assert_null(service_conf_find(web4, "b4"));
	assert_null(model_find(m, "web"));
	/* The same vip and port, but UDP; the same vip and protocol, but all ports. */
	add(&m, service("all", "198.51.100.10", 0, "10.0.0.1", 1));
	assert_ptr_equal(model_find(m, "web4"), web4);
	assert_int_equal(model_find(m, "all")->port, 0);
	model_free(m);
}

static void test_service_remove(void **state)
{
	struct model *m = two_services();
	struct service_conf *web6 = model_find(m, "web6");
	struct model_error error = {0};
	struct model *next = model_service_remove(m, "web4", &error);

	assert_non_null(next);
	assert_int_equal(next->services_n, 1);
	assert_int_equal(next->backends_n, 0);
	assert_null(model_find(next, "web4"));
	assert_ptr_equal(model_find(next, "web6"), web6);
	assert_int_equal(web6->refs, 2);
	refused(model_service_remove(next, "web4", &error), &error, MODEL_NOT_FOUND,
		"there is no service \"web4\"");
	model_free(next);
	assert_int_equal(web6->refs, 1);
	/* Name, vip and what was a backend's address are free again. */
	step(&m, model_service_remove(m, "web4", &error));
	add(&m, service("web4", "10.0.0.2", 80, "198.51.100.10", 1));
	step(&m, model_service_remove(m, "web4", &error));
	step(&m, model_service_remove(m, "web6", &error));
	assert_int_equal(m->services_n, 0);
	model_free(m);
}

static void test_backend_changes(void **state)
{
	struct model *m = two_services();
	struct service_conf *web4 = model_find(m, "web4"), *web6 = model_find(m, "web6");
	struct model_error error = {0};
	struct backend_conf b4 = backend("b4", "2001:db8:1::4");
	struct model *next = model_backend_add(m, "web4", &b4, &error);

	assert_non_null(next);
	assert_ptr_not_equal(model_find(next, "web4"), web4);
	assert_ptr_equal(model_find(next, "web6"), web6);
	assert_int_equal(next->backends_n, 4);
	assert_int_equal(web4->backends_n, 3); /* the old model's */
	assert_int_equal(model_find(next, "web4")->slots, 509);
	assert_memory_equal(&model_find(next, "web4")->backends[3], &b4, sizeof(b4));
	step(&m, next);

	step(&m, model_backend_weight(m, "web4", "b4", 0, &error));
	step(&m, model_backend_admin(m, "web4", "b2", BACKEND_DRAINING, &error));
	web4 = model_find(m, "web4");
	assert_int_equal(service_conf_find(web4, "b4")->weight, 0);
	assert_int_equal(service_conf_find(web4, "b2")->admin, BACKEND_DRAINING);
	assert_int_equal(service_conf_find(web4, "b1")->weight, MODEL_WEIGHT_DEFAULT);
	assert_int_equal(service_conf_find(web4, "b1")->admin, BACKEND_ENABLED);

	/* What changes nothing shares everything. */
	step(&m, model_backend_weight(m, "web4", "b4", 0, &error));
	step(&m, model_backend_admin(m, "web4", "b2", BACKEND_DRAINING, &error));
	assert_ptr_equal(model_find(m, "web4"), web4);

	/* Another timeout is a change; what is disabled has none. */
	step(&m, model_backend_drain(m, "web4", "b2", 600, &error));
	assert_ptr_not_equal(model_find(m, "web4"), web4);
	web4 = model_find(m, "web4");
	step(&m, model_backend_drain(m, "web4", "b2", 600, &error));
	assert_ptr_equal(model_find(m, "web4"), web4);
	step(&m, model_backend_weight(m, "web4", "b2", 5, &error));
	assert_int_equal(service_conf_find(model_find(m, "web4"), "b2")->admin, BACKEND_DRAINING);
	assert_int_equal(service_conf_find(model_find(m, "web4"), "b2")->drain_timeout_s, 600);
	step(&m, model_backend_admin(m, "web4", "b2", BACKEND_DISABLED, &error));
	assert_int_equal(service_conf_find(model_find(m, "web4"), "b2")->drain_timeout_s, 0);

	step(&m, model_backend_remove(m, "web4", "b2", &error));
	web4 = model_find(m, "web4");
	assert_int_equal(web4->backends_n, 3);
	assert_int_equal(m->backends_n, 3);
	assert_string_equal(web4->backends[0].name, "b1");
	assert_string_equal(web4->backends[1].name, "b3");
	assert_string_equal(web4->backends[2].name, "b4");
	step(&m, model_backend_remove(m, "web4", "b4", &error));
	step(&m, model_backend_remove(m, "web4", "b1", &error));
	step(&m, model_backend_remove(m, "web4", "b3", &error));
	assert_int_equal(model_find(m, "web4")->backends_n, 0);
	model_free(m);
}

/* Every backend with an address, of all services, at once; of those alone what the change is for. */
static void test_host(void **state)
{
	static const struct {
		const char *name;
		enum host_change change;
		enum backend_admin was, is;
	} rows[] = {
		{"drain", HOST_DRAIN, BACKEND_ENABLED, BACKEND_DRAINING},
		{"drain again", HOST_DRAIN, BACKEND_DRAINING, BACKEND_DRAINING},
		{"drain what is disabled", HOST_DRAIN, BACKEND_DISABLED, BACKEND_DISABLED},
		{"undrain", HOST_UNDRAIN, BACKEND_DRAINING, BACKEND_ENABLED},
		{"undrain what is disabled", HOST_UNDRAIN, BACKEND_DISABLED, BACKEND_DISABLED},
		{"undrain what is enabled", HOST_UNDRAIN, BACKEND_ENABLED, BACKEND_ENABLED},
		{"disable", HOST_DISABLE, BACKEND_ENABLED, BACKEND_DISABLED},
		{"disable what drains", HOST_DISABLE, BACKEND_DRAINING, BACKEND_DISABLED},
		{"enable", HOST_ENABLE, BACKEND_DISABLED, BACKEND_ENABLED},
		{"enable what drains", HOST_ENABLE, BACKEND_DRAINING, BACKEND_ENABLED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct model *m = two_services(), *next;
		const struct ip_addr addr = model_find(m, "web4")->backends[1].addr;
		struct model_error error = {0};
		bool same = rows[i].was == rows[i].is && rows[i].change != HOST_DRAIN;

		print_message("# row: %s\n", rows[i].name);
		add(&m, service("other", "198.51.100.77", 80, "10.9.0.1", 3));
		add(&m, service("third", "198.51.100.78", 80, "10.9.0.1", 3));
		step(&m, model_backend_remove(m, "other", "b1", &error));
		m->services[2]->backends[1].addr = addr;
		if (rows[i].was == BACKEND_DRAINING) {
			step(&m, model_backend_drain(m, "web4", "b2", 60, &error));
			step(&m, model_backend_drain(m, "other", "b3", 60, &error));
		} else {
			step(&m, model_backend_admin(m, "web4", "b2", rows[i].was, &error));
			step(&m, model_backend_admin(m, "other", "b3", rows[i].was, &error));
		}
		next = model_host_change(m, &addr, rows[i].change, 30, &error);
		assert_non_null(next);
		assert_int_equal(model_find(next, "web4")->backends[1].admin, rows[i].is);
		assert_int_equal(model_find(next, "other")->backends[1].admin, rows[i].is);
		assert_int_equal(model_find(next, "other")->backends[1].drain_timeout_s,
				 rows[i].is == BACKEND_DRAINING ? 30 : 0);
		assert_int_equal(model_find(next, "web4")->backends[0].admin, BACKEND_ENABLED);
		assert_int_equal(model_find(next, "other")->backends[0].admin, BACKEND_ENABLED);
		assert_ptr_equal(model_find(next, "third"), model_find(m, "third"));
		if (same && rows[i].was != BACKEND_DRAINING)
			assert_true(model_same(m, next));
		model_free(next);
		model_free(m);
	}
}

static void test_host_unknown(void **state)
{
	const struct ip_addr addr = {.family = IP_V4, .bytes = {192, 0, 2, 1}};
	struct model *m = two_services();
	struct model_error error = {0};

	refused(model_host_change(m, &addr, HOST_DRAIN, 0, &error), &error, MODEL_NOT_FOUND,
		"no service has a backend with the address 192.0.2.1");
	model_free(m);
}

static void no_fault(void *ctx, const struct model_place *place, enum model_error_kind kind,
		     const char *text)
{
	fail_msg("services[%u].%s: %s", place->service, place->key ? place->key : "", text);
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct service_conf *numbered_service(uint32_t i)
{
	struct service_conf *s = service("", "198.18.0.0", (uint16_t)(i % 4 + 1), "10.0.0.1", 10);

	snprintf(s->name, sizeof(s->name), "service-%u", i);
	s->vip.bytes[2] = (uint8_t)(i / 4 / 256);
	s->vip.bytes[3] = (uint8_t)(i / 4 % 256);
	return s;
}

/* Bounds are ten times and more what it takes without sanitizers. */
static void test_10000_services(void **state)
{
	enum { SERVICES = 10000 };
	struct settings large = {.services_max = 65536, .backends_max = 1048576};
	struct service_conf **specs = calloc(SERVICES, sizeof(struct service_conf *));
	struct model_error error = {0};
	uint64_t begun_ns, built_ns, changed_ns;
	struct model *m;

	assert_non_null(specs);
	for (uint32_t i = 0; i < SERVICES; i++)
		specs[i] = numbered_service(i);
	begun_ns = clock_ns();
	m = model_build(&large, specs, SERVICES, no_fault, NULL);
	built_ns = clock_ns();
	assert_non_null(m);
	for (uint32_t i = 0; i < SERVICES; i++)
		service_conf_unref(specs[i]);
	assert_int_equal(m->backends_n, 10 * SERVICES);
	for (uint32_t i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "service-%u", i * 100);
		step(&m, model_backend_weight(m, name, "b5", i, &error));
	}
	changed_ns = clock_ns();
	assert_int_equal(model_find(m, "service-9900")->backends[4].weight, 99);
	assert_ptr_equal(model_find(m, "service-9999"), specs[9999]);
	assert_ptr_not_equal(model_find(m, "service-9900"), specs[9900]);
	print_message("# 10000 services of 10 backends: %llu us; a weight: %llu us\n",
		      (unsigned long long)(built_ns - begun_ns) / 1000,
		      (unsigned long long)(changed_ns - built_ns) / 100000);
	assert_true(built_ns - begun_ns < 2000000000u);
	assert_true(changed_ns - built_ns < 1000000000u);
	add(&m, numbered_service(SERVICES));
	model_free(m);
	free(specs);
}

static void test_names(void **state)
{
	struct service_conf *s = service("s", "2001:db8::1", 0, NULL, 0);
	char endpoint[ENDPOINT_TEXT_MAX], longest[MODEL_NAME_MAX];
	uint8_t value = 99;

	assert_string_equal(endpoint_format(s, endpoint), "[2001:db8::1]:all/tcp");
	service_conf_unref(s);
	assert_int_equal(enum_parse(encap_words, "gue0"), ENCAP_GUE_VARIANT0);
	assert_int_equal(enum_parse(encap_words, "gre"), -EINVAL);
	assert_string_equal(encap_name(ENCAP_GUE), "gue");
	assert_int_equal(proto_parse("udp", &value), 0);
	assert_string_equal(proto_name(value), "udp");
	assert_int_equal(proto_parse("TCP", &value), -EINVAL);
	assert_int_equal(value, PROTO_UDP);
	assert_string_equal(own_on_down_name(0), "service");
	assert_string_equal(own_on_down_name(1 + ON_DOWN_KEEP), "keep");
	assert_string_equal(verdict_name(VERDICT_COUNT - 1), "bad_tables");
	assert_string_equal(memory_state_name(MEMORY_TCP_ONCE), "tcp_once");
	assert_string_equal(memory_state_name(MEMORY_STATES), "unknown");
	memset(longest, 'a', sizeof(longest));
	assert_false(model_name_valid(longest));
	longest[MODEL_NAME_MAX - 1] = '\0';
	assert_true(model_name_valid(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service_add),     cmocka_unit_test(test_service_remove),
		cmocka_unit_test(test_backend_changes), cmocka_unit_test(test_host),
		cmocka_unit_test(test_host_unknown),    cmocka_unit_test(test_10000_services),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
