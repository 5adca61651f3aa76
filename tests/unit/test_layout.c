/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl/tables/layout.[ch]: what it lays out, service_find() and service_find_vip() find, and
 * nothing else, compared with a list that is searched from end to end. Tables of named rows; a
 * failure names its row.
 */
#include "layout.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "layout_world.h"
#include "maglev.h"

static void test_find(void **state)
{
	static const struct {
		const char *name, *v4, *v6;
		uint32_t services_n, ports;
		bool all_ports;
		uint32_t samples_max;
	} rows[] = {
		{"none", "10.0.0.1", NULL, 0, 1, false, 1},
		{"one v4", "10.0.0.1", NULL, 1, 1, false, 1},
		{"one v6", NULL, "2001:db8::1", 1, 1, false, 1},
		{"one v4, all ports", "10.0.0.1", NULL, 1, 1, true, 1},
		{"one v6, all ports", NULL, "2001:db8::1", 1, 1, true, 1},
		{"40 ports of a v4 vip", "10.0.0.1", NULL, 40, 40, false, 100},
		{"40 ports of a v6 vip", NULL, "2001:db8::1", 40, 40, false, 100},
		{"1000 ports of a v4 vip, and all", "10.0.0.1", NULL, 1000, 1000, true, 1000},
		{"1000 ports of a v6 vip, and all", NULL, "2001:db8::1", 1000, 1000, true, 1000},
		{"100, mixed", "10.%u.%u.1", "2001:db8::%x", 100, 4, false, 100},
		{"100, mixed, and all ports", "10.%u.%u.1", "2001:db8::%x", 100, 4, true, 100},
		{"subnet n, host n", NULL, "2001:db8:0:%x::%x", 500, 2, true, 500},
		{"10,000, mixed", "10.%u.%u.1", "2001:db8::%x", 10000, 4, true, 1000},
		{"10,000 v4 vips", "10.%u.%u.1", NULL, 10000, 1, false, 1000},
		{"10,000 v6 vips", NULL, "2001:db8::%x", 10000, 1, false, 1000},
		{"past 2^16", "10.%u.%u.1", "2001:db8::%x", 70000, 8, false, 300},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct world w = world_new(32 * MIB, rows[i].services_n);
		struct laid_generation *laid;
		const struct generation *g;
		struct ip_addr absent = addr_from("192.0.2.1");

		world_add_services(&w, rows[i].v4, rows[i].v6, rows[i].services_n, rows[i].ports,
				   rows[i].all_ports);
		laid = lay(row, &w);
		g = arena_at(w.arena, laid_generation_offset(laid), sizeof(*g));
		row_assert(row, g == laid_generation_header(laid));
		row_assert(row, g->number == 7 && g->outer_ttl == TTL);
		row_assert(row, be16_to(g->gue_port) == GUE_PORT);
		row_assert(row, memcmp(&g->key, &key, sizeof(key)) == 0);
		row_assert(row, g->flags == (rows[i].all_ports ? GENERATION_ALL_PORTS : 0));
		check_flow(row, &w, g, &absent, 80, PROTO_TCP);
		check_flows(row, &w, g, rows[i].samples_max);
		laid_generation_free(laid);
		world_free(row, &w);
	}
}

/* addr[1] of an address with the upper half addr[0] and the fold of 2001:db8::1. */
static struct ip_addr addr_of_same_fold(uint64_t upper)
{
	struct ip_addr addr = addr_from("2001:db8::1");
	uint64_t words[2], wanted;

	memcpy(words, addr.bytes, sizeof(words));
	wanted = (words[0] ^ words[0] >> 32) * 0x9e3779b97f4a7c15ULL ^ words[1];
	words[1] = wanted ^ (words[0] ^ upper ^ (words[0] ^ upper) >> 32) * 0x9e3779b97f4a7c15ULL;
	words[0] ^= upper;
	memcpy(addr.bytes, words, sizeof(words));
	return addr;
}

static void test_same_fold(void **state)
{
	static const struct {
		const char *name;
		uint32_t vips, others;
		int rc;
	} rows[] = {
		{"two", 2, 0, 0},
		{"two among many", 2, 1000, 0},
		{"as many as there are probes", 8, 0, 0},
		{"as many as there are probes, among others", 8, 10, 0},
		{"one more", 9, 0, -ENOSPC},
		{"one more, among others", 9, 1000, -ENOSPC},
	};
	uint64_t reference[2], words[2];

	memcpy(reference, addr_of_same_fold(0).bytes, sizeof(reference));
	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct world w = world_new(MIB, rows[i].vips + rows[i].others);
		struct laid_generation *laid = NULL;
		char error[LAYOUT_ERROR_MAX];
		struct layout_spec spec;

		for (uint32_t k = 0; k < rows[i].vips; k++) {
			struct ip_addr addr = addr_of_same_fold((uint64_t)k << 48);

			memcpy(words, addr.bytes, sizeof(words));
			row_assert(row, service_fold(words) == service_fold(reference));
			world_add_vip(&w, &addr);
			world_add_service(&w, &addr, 80, PROTO_TCP);
		}
		world_add_services(&w, "10.%u.%u.1", NULL, rows[i].others, 4, false);
		spec = world_spec(&w);
		row_assert(row, laid_generation_new(w.space, &spec, &laid, error) == rows[i].rc);
		if (rows[i].rc == 0)
			check_flows(row, &w, laid_generation_header(laid), UINT32_MAX);
		else
			row_assert(row, strstr(error, "port 80 protocol 6") != NULL);
		laid_generation_free(laid);
		world_free(row, &w);
	}
}

static void test_twice(void **state)
{
	static const struct {
		const char *name, *a, *b;
		uint16_t port_a, port_b;
		uint8_t proto_a, proto_b;
		int rc;
	} rows[] = {
		{"v4", "10.0.0.1", "10.0.0.1", 80, 80, PROTO_TCP, PROTO_TCP, -EEXIST},
		{"v6", "2001:db8::1", "2001:db8::1", 80, 80, PROTO_TCP, PROTO_TCP, -EEXIST},
		{"port 0", "10.0.0.1", "10.0.0.1", 0, 0, PROTO_UDP, PROTO_UDP, -EEXIST},
		{"address", "10.0.0.1", "10.0.0.2", 80, 80, PROTO_TCP, PROTO_TCP, 0},
		{"v6 address", "2001:db8::1", "2001:db8::2", 80, 80, PROTO_TCP, PROTO_TCP, 0},
		{"port", "10.0.0.1", "10.0.0.1", 80, 81, PROTO_TCP, PROTO_TCP, 0},
		{"port's bytes swapped", "10.0.0.1", "10.0.0.1", 80, 20480, PROTO_TCP, PROTO_TCP,
		 0},
		{"protocol", "10.0.0.1", "10.0.0.1", 80, 80, PROTO_TCP, PROTO_UDP, 0},
		{"family", "0.0.0.1", "::1", 80, 80, PROTO_TCP, PROTO_TCP, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct world w = world_new(MIB, 2);
		struct ip_addr a = addr_from(rows[i].a), b = addr_from(rows[i].b);
		struct laid_generation *laid = NULL;
		char error[LAYOUT_ERROR_MAX];
		struct layout_spec spec;

		world_add_service(&w, &a, rows[i].port_a, rows[i].proto_a);
		world_add_service(&w, &b, rows[i].port_b, rows[i].proto_b);
		spec = world_spec(&w);
		row_assert(row, laid_generation_new(w.space, &spec, &laid, error) == rows[i].rc);
		if (rows[i].rc == 0)
			check_flows(row, &w, laid_generation_header(laid), UINT32_MAX);
		else
			row_assert(row, strstr(error, rows[i].a) != NULL);
		laid_generation_free(laid);
		world_add_vip(&w, &a);
		world_add_vip(&w, &a);
		spec = world_spec(&w);
		spec.services_n = 0;
		row_assert(row, laid_generation_new(w.space, &spec, &laid, error) == -EEXIST);
		world_free(row, &w);
	}
}

/* Parts that stay the same are shared, and live as long as a generation needs them. */
static void test_sharing(void **state)
{
	struct world w = world_new(MIB, 10);
	struct laid_generation *first, *second;
	struct arena_space_stats stats;
	uint32_t shared;

	world_add_services(&w, "10.%u.%u.1", "2001:db8::%x", 10, 2, false);
	first = lay("first", &w);
	stats = arena_space_stats(w.space);
	second = lay("second", &w);
	/* Services, vips6 and header of its own; slots and backends are the same. */
	assert_int_equal(arena_space_stats(w.space).spans, stats.spans + 3);
	check_flows("first", &w, laid_generation_header(first), UINT32_MAX);
	check_flows("second", &w, laid_generation_header(second), UINT32_MAX);
	shared = w.services[0].slots->offset;
	laid_generation_free(first);
	check_flows("second alone", &w, laid_generation_header(second), UINT32_MAX);
	world_unref_parts(&w);
	assert_int_equal(arena_space_reserve(w.space, shared, 1), -EEXIST);
	laid_generation_free(second);
	assert_int_equal(arena_space_reserve(w.space, shared, 1), 0);
	arena_space_release(w.space, shared);
	laid_generation_free(NULL);
	world_free("after both", &w);
}

static void test_full(void **state)
{
	static const struct {
		const char *name;
		uint32_t left_bytes; /* in one piece */
		int rc;
	} rows[] = {
		/* 100 + 50 entries: 512 * 32 bytes; vips6: 2 * 64 + 1; and the header. */
		{"nothing left", 0, -ENOMEM},          {"not the services", 16384 - 64, -ENOMEM},
		{"not the vips6", 16384, -ENOMEM},     {"not the header", 16384 + 2432, -ENOMEM},
		{"just enough", 16384 + 2432 + 64, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct world w = world_new(MIB, 100);
		struct laid_generation *laid = NULL;
		struct arena_space_stats before, after;
		char error[LAYOUT_ERROR_MAX];
		struct layout_spec spec;
		uint32_t taken;

		world_add_services(&w, "10.%u.%u.1", "2001:db8::%x", 100, 2, false);
		before = arena_space_stats(w.space);
		taken = arena_space_alloc(w.space,
					  (uint32_t)before.largest_free_bytes - rows[i].left_bytes);
		row_assert(row, taken != 0);
		before = arena_space_stats(w.space);
		row_assert(row, before.free_bytes == rows[i].left_bytes);
		spec = world_spec(&w);
		row_assert(row, laid_generation_new(w.space, &spec, &laid, error) == rows[i].rc);
		after = arena_space_stats(w.space);
		if (rows[i].rc < 0) {
			row_assert(row, strstr(error, "tables_mb") != NULL);
			row_assert(row, laid == NULL);
			row_assert(row, after.spans == before.spans);
			row_assert(row, after.largest_free_bytes == rows[i].left_bytes);
		} else {
			row_assert(row, after.free_bytes == 0);
			check_flows(row, &w, laid_generation_header(laid), UINT32_MAX);
		}
		laid_generation_free(laid);
		arena_space_release(w.space, taken);
		world_free(row, &w);
	}
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The planning size: 10,000 services of ten backends each, from nothing to a generation. */
static void test_start(void **state)
{
	enum { SERVICES = 10000, BACKENDS = 10, START_SLOTS = 1021 };
	struct world w = world_new(32 * MIB, SERVICES);
	struct backend backends[BACKENDS] = {{.counter = 1}};
	struct laid_generation *laid, *again;
	double start = now_ms(), filled, done, relaid;

	for (uint32_t i = 0; i < SERVICES; i++) {
		struct maglev_backend b[BACKENDS];
		uint16_t slots[START_SLOTS];

		for (uint32_t k = 0; k < BACKENDS; k++) {
			struct ip_addr addr = {IP_V4,
					       {10, (uint8_t)(i >> 8), (uint8_t)i, (uint8_t)k}};

			b[k] = (struct maglev_backend){maglev_identity(&key, &addr), 100,
						       (uint16_t)k};
		}
		assert_int_equal(maglev_build(slots, START_SLOTS, b, BACKENDS), 0);
		w.services[w.services_n++] = (struct layout_service){
			.vip = addr_numbered("10.%u.%u.1", i),
			.port = 443,
			.proto = PROTO_TCP,
			.id = i + 1,
			.slots = part_new(w.space, slots, sizeof(slots)),
			.backends = part_new(w.space, backends, sizeof(backends)),
		};
	}
	filled = now_ms();
	laid = lay("start", &w);
	done = now_ms();
	again = lay("once more", &w);
	relaid = now_ms();
	print_message("10,000 services: %.1f ms for slots and parts, %.1f ms to lay out, %.1f ms "
		      "again; %.1f MiB\n",
		      filled - start, done - filled, relaid - done,
		      (double)arena_space_stats(w.space).used_bytes / MIB);
	assert_true(arena_space_consistent(w.space));
	laid_generation_free(laid);
	laid_generation_free(again);
	world_free("start", &w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),  cmocka_unit_test(test_same_fold),
		cmocka_unit_test(test_twice), cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_full),  cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
