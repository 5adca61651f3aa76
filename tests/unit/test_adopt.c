/* SPDX-License-Identifier: Apache-2.0 */
/*
 * laid_generation_adopt() (ctl/tables/layout.h): what one process laid out, another takes over,
 * and a damaged arena does no harm. Tables of named rows; a failure names its row.
 */
#include "layout.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layout_world.h"

/* What publish() does. */
static void publish(struct world *w, const struct laid_generation *laid)
{
	((struct arena_head *)w->arena)->current = laid_generation_offset(laid);
}

static void test_adopt(void **state)
{
	static const struct {
		const char *name, *v4, *v6;
		uint32_t services_n, ports;
	} rows[] = {
		{"none", "10.0.0.1", NULL, 0, 1},
		{"one v4", "10.0.0.1", NULL, 1, 1},
		{"one v6", NULL, "2001:db8::1", 1, 1},
		{"100, mixed", "10.%u.%u.1", "2001:db8::%x", 100, 4},
		{"10,000, mixed", "10.%u.%u.1", "2001:db8::%x", 10000, 4},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct world w = world_new(16 * MIB, rows[i].services_n);
		struct world next = w; /* the next process: the same arena, all else its own */
		struct laid_generation *laid, *adopted = NULL, *newer;
		char error[LAYOUT_ERROR_MAX];

		world_add_services(&w, rows[i].v4, rows[i].v6, rows[i].services_n, rows[i].ports,
				   true);
		laid = lay(row, &w);
		publish(&w, laid);

		next.space = arena_space_new(next.arena, next.arena_bytes);
		next.services = calloc(rows[i].services_n + 1, sizeof(*next.services));
		next.vips = calloc(rows[i].services_n + 1, sizeof(*next.vips));
		row_assert(row, next.space && next.services && next.vips);
		row_assert(row, laid_generation_adopt(next.space, &adopted, error) == 0);
		row_assert(row, laid_generation_offset(adopted) == laid_generation_offset(laid));
		row_assert(row, arena_space_consistent(next.space));
		row_assert(row, arena_space_stats(next.space).used_bytes ==
					arena_space_stats(w.space).used_bytes);

		/* It lays out its own; a packet still sees the first, whole. */
		world_add_services(&next, rows[i].v4, rows[i].v6, rows[i].services_n, rows[i].ports,
				   true);
		newer = lay(row, &next);
		check_flows(row, &w, laid_generation_header(adopted), 300);
		check_flows(row, &next, laid_generation_header(newer), 300);
		publish(&next, newer);
		laid_generation_free(adopted);
		check_flows(row, &next, laid_generation_header(newer), 300);
		laid_generation_free(newer);
		world_unref_parts(&next);
		space_assert_empty(row, next.space);
		arena_space_free(next.space);
		free(next.services);
		free(next.vips);
		laid_generation_free(laid);
		world_free(row, &w);
	}
}

/* Services may share parts; one that is in transition has a table of previous choices too. */
static void test_adopt_shared(void **state)
{
	struct world w = world_new(MIB, 3);
	struct ip_addr vip = addr_from("10.0.0.1");
	const uint16_t slots[] = {0, 3 | SLOT_CHANGED, SLOT_NONE};
	const uint16_t previous[] = {0, 9, SLOT_NONE};
	const uint16_t none[] = {SLOT_NONE, SLOT_NONE, SLOT_NONE};
	struct backend backends[10] = {{.counter = 1}};
	struct part *parts[4] = {part_new(w.space, slots, sizeof(slots)),
				 part_new(w.space, backends, sizeof(backends)),
				 part_new(w.space, none, sizeof(none)),
				 part_new(w.space, previous, sizeof(previous))};

	for (int with_previous = 0; with_previous <= 1; with_previous++) {
		const char *row = with_previous ? "with previous" : "shared";
		struct laid_generation *laid, *adopted;
		struct arena_space *space;
		char error[LAYOUT_ERROR_MAX];

		w.services_n = 0;
		for (uint16_t i = 0; i < 3; i++) {
			row_assert(row, parts[i] != NULL);
			w.services[w.services_n++] = (struct layout_service){
				.vip = vip,
				.port = (uint16_t)(80 + i),
				.proto = PROTO_TCP,
				.id = i + 1U,
				.slots = part_ref(parts[i == 2 ? 2 : 0]),
				.backends = i == 2 ? NULL : part_ref(parts[1]),
				.previous = with_previous && i == 1 ? part_ref(parts[3]) : NULL,
			};
		}
		laid = lay(row, &w);
		publish(&w, laid);
		space = arena_space_new(w.arena, w.arena_bytes);
		row_assert(row, laid_generation_adopt(space, &adopted, error) == 0);
		/* Header, services, slots, backends, the slots of none; the previous choices. */
		row_assert(row, arena_space_stats(space).spans == (with_previous ? 6 : 5));
		row_assert(row, arena_space_stats(space).used_bytes ==
					64 + 64 + 16 * 32 + 64 + 10 * 64 + 64 +
						(with_previous ? 64 : 0));
		laid_generation_free(adopted);
		space_assert_empty(row, space);
		arena_space_free(space);
		laid_generation_free(laid);
		world_unref_parts(&w);
	}
	for (int i = 0; i < 4; i++)
		part_unref(parts[i]);
	world_free("shared", &w);
}

#define IN_HEAD(field)       HEAD, offsetof(struct arena_head, field)
#define IN_GENERATION(field) GENERATION, offsetof(struct generation, field)
#define IN_SERVICE(field)    SERVICE, offsetof(struct service, field)

static void test_adopt_damaged(void **state)
{
	enum where { HEAD, GENERATION, SERVICE };
	static const struct {
		const char *name;
		enum where where;
		size_t field; /* a 32-bit word in there */
		uint32_t value;
		int rc;
	} rows[] = {
		{"untouched", IN_HEAD(layout), ARENA_LAYOUT, 0},
		{"another magic", IN_HEAD(magic), 1, -EPROTO},
		{"another layout", IN_HEAD(layout), 99, -EPROTO},
		{"the last one that means the same", IN_HEAD(layout), ARENA_LAYOUT_OLDEST, 0},
		{"the one before it", IN_HEAD(layout), ARENA_LAYOUT_OLDEST - 1, -EPROTO},
		{"another size", IN_HEAD(arena_bytes), 64, -EPROTO},
		{"not published", IN_HEAD(current), 0, -ENODATA},
		{"current: not aligned", IN_HEAD(current), 100, -EBADMSG},
		{"current: outside", IN_HEAD(current), MIB, -EBADMSG},
		{"mask: no power of two", IN_GENERATION(services_mask), 16, -EBADMSG},
		{"mask: too large", IN_GENERATION(services_mask), 0x7fffffff, -EBADMSG},
		{"mask: all ones", IN_GENERATION(services_mask), UINT32_MAX, -EBADMSG},
		{"services: none", IN_GENERATION(services_off), 0, -EBADMSG},
		{"services: not aligned", IN_GENERATION(services_off), 65, -EBADMSG},
		{"services: outside", IN_GENERATION(services_off), MIB - 64, -EBADMSG},
		{"vips6: none", IN_GENERATION(vips6_off), 0, -EBADMSG},
		{"vips6: outside", IN_GENERATION(vips6_off), 0xffffffc0, -EBADMSG},
		{"id: too large", IN_SERVICE(id), UINT32_MAX, -EBADMSG},
		{"slots: none", IN_SERVICE(slots_off), 0, -EBADMSG},
		{"slots: not aligned", IN_SERVICE(slots_off), 4098, -EBADMSG},
		{"slots: outside", IN_SERVICE(slots_off), MIB, -EBADMSG},
		{"slots: too many", IN_SERVICE(slots), UINT32_MAX, -EBADMSG},
		{"backends: none", IN_SERVICE(backends_off), 0, -EBADMSG},
		{"backends: outside", IN_SERVICE(backends_off), MIB, -EBADMSG},
		{"backends: none, but slots", IN_SERVICE(backends), 0, -EBADMSG},
		{"backends: too many", IN_SERVICE(backends), 0xffff, -EBADMSG},
		{"previous: outside", IN_SERVICE(previous_off), MIB, -EBADMSG},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct world w = world_new(MIB, 1);
		struct ip_addr vip = addr_from("2001:db8::1");
		struct flow f = flow_to(&vip, 80, PROTO_TCP);
		struct laid_generation *laid, *adopted = NULL;
		struct arena_space *space = arena_space_new(w.arena, w.arena_bytes);
		char error[LAYOUT_ERROR_MAX] = "";
		uint8_t *at;
		int rc;

		world_add_service(&w, &vip, 80, PROTO_TCP);
		laid = lay(row, &w);
		publish(&w, laid);
		at = (uint8_t *)w.arena;
		if (rows[i].where == GENERATION)
			at += laid_generation_offset(laid);
		else if (rows[i].where == SERVICE)
			at = (uint8_t *)service_find(w.arena, laid_generation_header(laid), &f);
		memcpy(at + rows[i].field, &rows[i].value, sizeof(rows[i].value));
		rc = laid_generation_adopt(space, &adopted, error);
		row_assert(row, rc == rows[i].rc);
		row_assert(row, (error[0] == '\0') == (rc == 0));
		laid_generation_free(adopted);
		space_assert_empty(row, space);
		arena_space_free(space);
		laid_generation_free(laid);
		world_free(row, &w);
	}
}

/* A service whose flows found their slot in another way before. */
static void test_adopt_way(void **state)
{
	static const struct {
		const char *name;
		uint32_t way_slots;
		uint16_t choice, flags;
		bool without_table;
		int rc;
	} rows[] = {
		{"by flow", 5, 9, SERVICE_WAY, false, 0},
		{"by source", 5, SLOT_NONE, SERVICE_WAY | SERVICE_WAY_SOURCE, false, 0},
		{"no backend of the service", 5, 10, SERVICE_WAY, false, -EBADMSG},
		{"no slots", 0, 9, SERVICE_WAY, false, -EBADMSG},
		{"too many slots", MIB, 9, SERVICE_WAY, false, -EBADMSG},
		{"more than there can be", UINT32_MAX, 9, SERVICE_WAY, false, -EBADMSG},
		{"no table", 5, 9, SERVICE_WAY, true, -EBADMSG},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *row = rows[i].name;
		struct world w = world_new(MIB, 1);
		struct ip_addr vip = addr_from("10.0.0.1");
		struct flow f = flow_to(&vip, 80, PROTO_TCP);
		const uint16_t slots[] = {0, 3 | SLOT_CHANGED, SLOT_NONE};
		struct {
			struct way way;
			uint16_t slots[5];
		} previous = {{.slots = rows[i].way_slots}, {0, 1, 2, rows[i].choice, 4}};
		struct backend backends[10] = {{.counter = 1}};
		struct laid_generation *laid, *adopted = NULL;
		struct arena_space *space = arena_space_new(w.arena, w.arena_bytes);
		char error[LAYOUT_ERROR_MAX] = "";
		struct service *s;
		int rc;

		w.services[w.services_n++] = (struct layout_service){
			.vip = vip,
			.port = 80,
			.proto = PROTO_TCP,
			.id = 1,
			.flags = rows[i].flags,
			.slots = part_new(w.space, slots, sizeof(slots)),
			.backends = part_new(w.space, backends, sizeof(backends)),
			.previous = part_new(w.space, &previous, sizeof(previous)),
		};
		laid = lay(row, &w);
		publish(&w, laid);
		s = (struct service *)service_find(w.arena, laid_generation_header(laid), &f);
		if (rows[i].without_table)
			s->previous_off = 0;
		rc = laid_generation_adopt(space, &adopted, error);
		row_assert(row, rc == rows[i].rc);
		row_assert(row, rc < 0 || arena_space_stats(space).used_bytes ==
						  arena_space_stats(w.space).used_bytes);
		laid_generation_free(adopted);
		space_assert_empty(row, space);
		arena_space_free(space);
		laid_generation_free(laid);
		world_free(row, &w);
	}
}

static void test_adopt_blank(void **state)
{
	struct world w = world_new(MIB, 0);
	struct laid_generation *laid;
	char error[LAYOUT_ERROR_MAX];

	memset(w.arena, 0, MIB);
	assert_int_equal(laid_generation_adopt(w.space, &laid, error), -ENODATA);
	world_free("blank", &w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adopt),         cmocka_unit_test(test_adopt_shared),
		cmocka_unit_test(test_adopt_damaged), cmocka_unit_test(test_adopt_way),
		cmocka_unit_test(test_adopt_blank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
