// SPDX-License-Identifier: Apache-2.0
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
#include <event2/event.h>

#include "log.h"
#include "publisher.h"
#include "sluice/service.h"
#include "sluice/wire.h"

enum {
	ARENA_BYTES = ARENA_CHUNK_BYTES,
	ROWS = 16,
};

/* ---- the fast path ---- */

static uint8_t *memory;
static struct service_counters service_rows[ROWS];
static struct backend_counters backend_rows[ROWS];
static unsigned int published, quiesced;

static struct arena_head *head(void)
{
	return (struct arena_head *)memory;
}

static void fake_publish(uint32_t offset)
{
	head()->current = offset;
	published++;
}

static void fake_quiesce(void)
{
	quiesced++;
}

static int fake_port_read(uint32_t port, struct fast_path_port_info *info)
{
	memset(info, 0, sizeof(*info));
	snprintf(info->interface, sizeof(info->interface), "lo");
	return 0;
}

static int fake_services_read(uint32_t first, uint32_t n, struct service_counters *rows)
{
	memcpy(rows, &service_rows[first], n * sizeof(*rows));
	return 0;
}

static int fake_backends_read(uint32_t first, uint32_t n, struct backend_counters *rows)
{
	memcpy(rows, &backend_rows[first], n * sizeof(*rows));
	return 0;
}

static const struct fast_path fake = {
	.abi = FAST_PATH_ABI,
	.name = "fake",
	.publish = fake_publish,
	.quiesce = fake_quiesce,
	.port_read = fake_port_read,
	.services_read = fake_services_read,
	.backends_read = fake_backends_read,
};

/* ---- fixture ---- */

struct fixture {
	struct event_base *base;
	struct path path;
	struct publisher *publisher;
	struct settings settings;
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_parse(text, &a), 0);
	return a;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char error[MODEL_ERROR_MAX];

	log_set_level(FAST_PATH_LOG_ERROR);
	memory = aligned_alloc(64, ARENA_BYTES);
	memset(memory, 0, ARENA_BYTES);
	memset(service_rows, 0, sizeof(service_rows));
	memset(backend_rows, 0, sizeof(backend_rows));
	published = quiesced = 0;
	f->base = event_base_new();
	f->path.module = &fake;
	f->path.ports_n = 1;
	f->path.started.arena = (struct arena *)memory;
	f->path.started.arena_bytes = ARENA_BYTES;
	f->settings = (struct settings){
		.seed = {{1, 2}},
		.ports_n = 1,
		.services_max = ROWS,
		.backends_max = ROWS,
		.gue_port = 6080,
		.outer_ttl = 64,
	};
	assert_int_equal(publisher_new(f->base, &f->path, &f->settings, &f->publisher, error), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	publisher_free(f->publisher);
	event_base_free(f->base);
	free(memory);
	free(f);
	return 0;
}

/* `m` with a service NAME on VIP:80 and backends 192.0.2.1 ...; `m` is freed. */
static struct model *with_service(struct model *m, const char *name, const char *vip, uint32_t n)
{
	struct service_conf *spec = calloc(1, sizeof(*spec) + n * sizeof(spec->backends[0]));
	struct model_error error;
	struct model *next;

	snprintf(spec->name, sizeof(spec->name), "%s", name);
	spec->vip = addr(vip);
	spec->port = 80;
	spec->proto = PROTO_TCP;
	spec->backends_n = n;
	for (uint32_t i = 0; i < n; i++) {
		char text[IP_TEXT_MAX];

		snprintf(text, sizeof(text), "192.0.2.%u", i + 1);
		snprintf(spec->backends[i].name, sizeof(spec->backends[i].name), "b%u", i + 1);
		spec->backends[i].addr = addr(text);
		spec->backends[i].weight = 100;
	}
	next = model_service_add(m, spec, &error);
	if (!next)
		fail_msg("%s", error.text);
	model_free(m);
	free(spec);
	return next;
}

static const struct service *seen(const char *vip)
{
	const struct arena *arena = (const struct arena *)memory;
	const struct generation *g = arena_at(arena, head()->current, sizeof(*g));
	struct ip_addr a = addr(vip);
	struct flow flow = {0};
	uint32_t word;

	memcpy(&word, a.bytes, sizeof(word));
	flow.addrs[0] = (uint64_t)word << 32;
	flow.last = flow_last(1234, be16_from(80), PROTO_TCP, FLOW_BYTES_V4);
	return service_find(arena, g, &flow);
}

static uint32_t slots_of(const struct service *s, uint16_t index)
{
	const uint16_t *slots = arena_at((const struct arena *)memory, s->slots_off, 2);
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->slots; i++)
		n += (slots[i] & SLOT_INDEX) == index;
	return n;
}

/* ---- tests ---- */

static void test_apply(void **state)
{
	struct fixture *f = *state;
	struct model_error error;
	struct model *m = with_service(model_new(&f->settings), "web", "198.51.100.1", 2);
	const struct service *s;

	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	assert_int_equal(published, 1);
	assert_int_equal(quiesced, 1);
	s = seen("198.51.100.1");
	assert_non_null(s);
	assert_int_equal(slots_of(s, 0) + slots_of(s, 1), s->slots);
	assert_true(slots_of(s, 0) > s->slots / 3);
	assert_null(seen("198.51.100.2"));
}

static void test_unchanged_keeps_tables(void **state)
{
	struct fixture *f = *state;
	struct model_error error;
	struct model *m = with_service(model_new(&f->settings), "web", "198.51.100.1", 2);
	uint32_t web, api;

	m = with_service(m, "api", "198.51.100.2", 2);
	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	web = seen("198.51.100.1")->slots_off;
	api = seen("198.51.100.2")->slots_off;
	m = model_backend_weight(publisher_model(f->publisher), "api", "b1", 0, &error);
	assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
	assert_int_equal(seen("198.51.100.1")->slots_off, web);
	assert_int_not_equal(seen("198.51.100.2")->slots_off, api);
	assert_int_equal(slots_of(seen("198.51.100.2"), 0), 0);
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
	assert_int_equal(slots_of(seen("198.51.100.1"), SLOT_NONE),
			 seen("198.51.100.1")->slots);
}

/* 1 MiB of arena has no room for a table of 1,048,573 slots. */
static void test_failure_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct model *m = with_service(model_new(&f->settings), "web", "198.51.100.1", 2);
	struct service_conf spec = {.name = "big", .port = 80, .proto = PROTO_TCP, .slots = 1048573};
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
	assert_non_null(seen("198.51.100.1"));
}

/* A service that takes over another's row starts to count from 0. */
static void test_counters_start_at_zero(void **state)
{
	struct fixture *f = *state;
	struct service_counters counters;
	struct model_error error;
	struct model *m;

	for (int round = 0; round < 3 * ROWS; round++) {
		char name[16];
		uint32_t row;

		snprintf(name, sizeof(name), "s%d", round);
		m = with_service(model_new(&f->settings), name, "198.51.100.1", 1);
		assert_int_equal(publisher_apply(f->publisher, m, "test", &error), 0);
		m = (struct model *)publisher_model(f->publisher);
		assert_int_equal(publisher_service_counters(f->publisher, m->services[0], &counters),
				 0);
		assert_int_equal(counters.packets[VERDICT_forward], 0);
		row = seen("198.51.100.1")->id;
		service_rows[row].packets[VERDICT_forward] += 7;
		assert_int_equal(publisher_service_counters(f->publisher, m->services[0], &counters),
				 0);
		assert_int_equal(counters.packets[VERDICT_forward], 7);
	}
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
	assert_int_equal(last.arena_used_bytes, first.arena_used_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_apply, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unchanged_keeps_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disabled_gets_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counters_start_at_zero, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_changes_leak_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
