/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints: what changes a decision changes them, and nothing else does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fingerprint.h"
#include "sluice/wire.h"

static struct service_conf *service_make(void)
{
	static const char *const addresses[] = {"10.0.0.11", "10.0.0.12", "2001:db8::13"};
	struct service_conf *s = service_conf_new(3);

	assert_non_null(s);
	strcpy(s->name, "web");
	ip_parse("198.51.100.10", &s->vip);
	s->port = 80;
	s->proto = PROTO_TCP;
	s->slots = 509;
	for (uint32_t i = 0; i < 3; i++) {
		snprintf(s->backends[i].name, MODEL_NAME_MAX, "b%u", i);
		ip_parse(addresses[i], &s->backends[i].addr);
		s->backends[i].weight = 100;
	}
	return s;
}

static void swap_backends(struct service_conf *s)
{
	struct backend_conf first = s->backends[0];

	s->backends[0] = s->backends[2];
	s->backends[2] = first;
}

static void rename_all(struct service_conf *s)
{
	strcpy(s->name, "other");
	strcpy(s->backends[0].name, "x");
	s->encap = ENCAP_GUE;
	s->transition_s = 7;
}

static void set_vip(struct service_conf *s)
{
	ip_parse("198.51.100.11", &s->vip);
}
static void set_vip6(struct service_conf *s)
{
	ip_parse("2001:db8::1", &s->vip);
}
static void set_port(struct service_conf *s)
{
	s->port = 81;
}
static void set_proto(struct service_conf *s)
{
	s->proto = PROTO_UDP;
}
static void set_slots(struct service_conf *s)
{
	s->slots = 1021;
}
static void set_scheduler(struct service_conf *s)
{
	s->scheduler = SCHEDULER_RR;
}
static void set_hash(struct service_conf *s)
{
	s->hash_source = true;
}
static void set_weight(struct service_conf *s)
{
	s->backends[1].weight = 99;
}
static void set_admin(struct service_conf *s)
{
	s->backends[1].admin = BACKEND_DRAINING;
}
static void set_addr(struct service_conf *s)
{
	ip_parse("10.0.0.14", &s->backends[0].addr);
}
static void drop_backend(struct service_conf *s)
{
	s->backends_n = 2;
}

static void swap_weights(struct service_conf *s)
{
	s->backends[0].weight = 1;
	s->backends[1].weight = 199;
}

static const struct {
	const char *name;
	void (*change)(struct service_conf *s);
	bool same;
} rows[] = {
	{"order of backends", swap_backends, true},
	{"names, encapsulation, transition", rename_all, true},
	{"vip", set_vip, false},
	{"vip of the other family", set_vip6, false},
	{"port", set_port, false},
	{"protocol", set_proto, false},
	{"slots", set_slots, false},
	{"scheduler", set_scheduler, false},
	{"hash", set_hash, false},
	{"weight", set_weight, false},
	{"weights with the same sum", swap_weights, false},
	{"state", set_admin, false},
	{"address", set_addr, false},
	{"a backend less", drop_backend, false},
};

static void test_service(void **state)
{
	struct service_conf *was = service_make();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct service_conf *now = service_make();

		rows[i].change(now);
		if ((fingerprint_service(now) == fingerprint_service(was)) != rows[i].same)
			fail_msg("%s", rows[i].name);
		service_conf_unref(now);
	}
	service_conf_unref(was);
}

/* The value is pinned: nodes of different builds must agree on it. */
static void test_seed(void **state)
{
	const struct flow_key seed = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	struct flow_key other = seed;

	other.k[1] ^= 1ULL << 63;
	assert_int_not_equal(fingerprint_seed(&seed), fingerprint_seed(&other));
	assert_int_equal(fingerprint_seed(&seed), 0x392e00ca8b4f409e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
