/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The publisher against a fast path that is nothing but memory: what packets would see after each
 * change, that unchanged services keep their tables, and that a change that fails changes nothing.
 * Backends are addresses without a route, or of this host, so no packet leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "world_packets.h"

/* `m` with a service NAME on VIP:80 and backends 192.0.2.1 ...; `m` is freed. */
static struct model *with_service(struct model *m, const char *name, const char *vip, uint32_t n)
{
	return world_with(m, world_spec(name, vip, n));
}

/* ---- tests ---- */

static void test_apply(void **state)
{
	struct fixture *f = *state;
	struct model_error error;
	struct model *m = with_service(model_new(&f->settings), "web", "198.51.100.1", 2);
	const struct service *s;

	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	assert_int_equal(path.published, 1);
	assert_int_equal(path.quiesced, 1);
	s = world_service("198.51.100.1");
	assert_non_null(s);
	assert_int_equal(world_slots_of(s, 1) + world_slots_of(s, 2), s->slots);
	assert_true(world_slots_of(s, 1) > s->slots / 3);
	assert_null(world_service("198.51.100.2"));
}

static void test_unchanged_keeps_tables(void **state)
{
	struct fixture *f = *state;
	struct model_error error;
	struct model *m = with_service(model_new(&f->settings), "web", "198.51.100.1", 2);
	uint32_t web, api;

	m = with_service(m, "api", "198.51.100.2", 2);
	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	web = world_service("198.51.100.1")->slots_off;
	api = world_service("198.51.100.2")->slots_off;
	m = model_backend_weight(publisher_model(f->publisher), "api", "b1", 0, &error);
	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	assert_int_equal(world_service("198.51.100.1")->slots_off, web);
	assert_int_not_equal(world_service("198.51.100.2")->slots_off, api);
	assert_int_equal(world_slots_of(world_service("198.51.100.2"), 1), 0);
}

static void test_disabled_gets_nothing(void **state)
{
	struct fixture *f = *state;
	struct model_error error;
	struct model *m = with_service(model_new(&f->settings), "web", "198.51.100.1", 1);

	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	m = model_backend_admin(publisher_model(f->publisher), "web", "b1", BACKEND_DISABLED,
				&error);
	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	assert_int_equal(world_slots_of(world_service("198.51.100.1"), 0),
			 world_service("198.51.100.1")->slots);
}

/* 1 MiB of arena has no room for a table of 1,048,573 slots. */
static void test_failure_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct model *m = with_service(model_new(&f->settings), "web", "198.51.100.1", 2);
	struct service_conf spec = {
		.name = "big", .port = 80, .proto = PROTO_TCP, .slots = 1048573};
	struct daemon_generation before, after;
	struct model_error error;

	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	publisher_generation(f->publisher, &before);
	spec.vip = addr("198.51.100.9");
	m = model_service_add(publisher_model(f->publisher), &spec, &error);
	assert_non_null(m);
	assert_int_not_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	assert_non_null(strstr(error.text, "big"));
	assert_non_null(strstr(error.text, "tables_mb"));
	publisher_generation(f->publisher, &after);
	assert_int_equal(after.number, before.number);
	assert_int_equal(after.arena_used_bytes, before.arena_used_bytes);
	assert_int_equal(publisher_model(f->publisher)->services_n, 1);
	assert_non_null(world_service("198.51.100.1"));
}

/* A service that takes over another's row starts to count from 0. */
static void test_counters_start_at_zero(void **state)
{
	struct fixture *f = *state;
	struct service_counters counters;
	struct model_error error;
	struct model *m;

	for (int round = 0; round < 3 * WORLD_ROWS; round++) {
		char vip[32];
		uint32_t row;

		snprintf(vip, sizeof(vip), "198.51.100.%d", 1 + round);
		m = with_service(model_new(&f->settings), "web", vip, 1);
		assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
		m = (struct model *)publisher_model(f->publisher);
		assert_int_equal(
			publisher_service_counters(f->publisher, m->services[0], &counters), 0);
		assert_int_equal(counters.packets[VERDICT_forward], 0);
		row = world_service(vip)->id;
		path.services[row].packets[VERDICT_forward] += 7;
		assert_int_equal(
			publisher_service_counters(f->publisher, m->services[0], &counters), 0);
		assert_int_equal(counters.packets[VERDICT_forward], 7);
	}
}

/* A service and a backend that are called something else are the same: tables, rows, counts. */
static void test_renamed(void **state)
{
	struct fixture *f = *state;
	struct service_counters counters;
	struct backend_counters backends[3];
	struct model *m = with_service(model_new(&f->settings), "web", "198.51.100.1", 3);
	struct service before, after;
	struct model_error error;

	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	before = *world_service("198.51.100.1");
	path.services[before.id].packets[VERDICT_forward] += 7;
	for (uint16_t i = 0; i < 3; i++)
		path.backends[world_backend(&before, i)->counter].packets += 5;
	m = with_service(model_new(&f->settings), "www", "198.51.100.1", 3);
	memcpy(m->services[0]->backends[1].name, "other", sizeof("other"));
	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	after = *world_service("198.51.100.1");
	after.backends_off = before.backends_off; /* entries are always written again */
	assert_memory_equal(&after, &before, sizeof(before));
	m = (struct model *)publisher_model(f->publisher);
	assert_string_equal(m->services[0]->name, "www");
	assert_int_equal(publisher_service_counters(f->publisher, m->services[0], &counters), 0);
	assert_int_equal(counters.packets[VERDICT_forward], 7);
	assert_int_equal(publisher_backend_counters(f->publisher, m->services[0], backends), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(backends[i].packets, 5);
}

static void test_many_changes_leak_nothing(void **state)
{
	struct fixture *f = *state;
	struct daemon_generation first, last;
	struct model_error error;
	struct model *m = with_service(model_new(&f->settings), "web", "198.51.100.1", 3);

	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	publisher_generation(f->publisher, &first);
	for (uint32_t i = 0; i < 1000; i++) {
		m = model_backend_weight(publisher_model(f->publisher), "web", "b2", i, &error);
		assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	}
	publisher_generation(f->publisher, &last);
	assert_int_equal(last.number, first.number + 1000);
	world_wait(f, 302); /* the transition ends and settles */
	publisher_generation(f->publisher, &last);
	assert_int_equal(last.arena_used_bytes, first.arena_used_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_apply, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_unchanged_keeps_tables, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_disabled_gets_nothing, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_failure_changes_nothing, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_counters_start_at_zero, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_renamed, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_many_changes_leak_nothing, world_setup,
						world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
