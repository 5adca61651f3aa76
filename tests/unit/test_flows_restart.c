/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service whose slots can't be compared with what they were, for its table's length, its hash or
 * its scheduler is another: by a new configuration, or by a restart with one. All flows stay, whether
 * they are remembered or not. And what a restart must not forget.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "world_packets.h"

#define VIP "198.51.100.1"

enum {
	FLOWS = 300,
};

static void apply_spec(struct fixture *f, struct service_conf *spec)
{
	world_apply(f, world_with(model_new(&f->settings), spec));
}

static uint64_t hash_of(uint32_t i)
{
	return i * 0x9e3779b97f4a7c15ULL;
}

/* Flows of 3 backends, of which many are remembered. */
static void remember_some(struct fixture *f, uint8_t homes[FLOWS])
{
	for (uint32_t i = 0; i < FLOWS; i++)
		homes[i] = world_send(VIP, hash_of(i), true);
	world_weight(f, "b1", 20);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, hash_of(i), false), homes[i]);
	assert_true(path.flows_n > 50);
}

static uint32_t check_remembered(const uint8_t homes[FLOWS])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FLOWS; i++) {
		if (!world_flow(hash_of(i)))
			continue;
		assert_int_equal(world_send(VIP, hash_of(i), false), homes[i]);
		n++;
	}
	return n;
}

/* All stay; in which those that were not remembered are taken for older than the change. */
static void check_all(const uint8_t homes[FLOWS])
{
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, hash_of(i), false), homes[i]);
}

static void test_not_comparable(void **state)
{
	static const struct {
		const char *name;
		enum scheduler from, to;
		uint32_t slots_to;
		bool source_to;
	} rows[] = {
		{"maglev, a longer table", SCHEDULER_MAGLEV, SCHEDULER_MAGLEV, 1021, false},
		{"maglev, by source", SCHEDULER_MAGLEV, SCHEDULER_MAGLEV, 509, true},
		{"maglev to wrr", SCHEDULER_MAGLEV, SCHEDULER_WRR, 509, false},
		{"wrr to maglev", SCHEDULER_WRR, SCHEDULER_MAGLEV, 509, false},
		{"least-conn to rr", SCHEDULER_LEAST_CONN, SCHEDULER_RR, 509, false},
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t row = i / 2;
		bool restart = i % 2;
		struct service_conf *spec = world_spec("web", VIP, 3);
		uint8_t homes[FLOWS];
		struct fixture *f;

		world_setup((void **)&f);
		print_message("# %s, %s\n", rows[row].name, restart ? "restart" : "no restart");
		spec->scheduler = (uint8_t)rows[row].from;
		apply_spec(f, spec);
		remember_some(f, homes);
		world_wait(f, 20);

		spec = world_spec("web", VIP, 3);
		spec->backends[0].weight = 20;
		spec->scheduler = (uint8_t)rows[row].to;
		spec->slots = rows[row].slots_to;
		spec->hash_source = rows[row].source_to;
		if (restart)
			world_restart(f);
		apply_spec(f, spec);
		assert_int_equal(!!(world_service(VIP)->flags & SERVICE_WAY),
				 rows[row].from == SCHEDULER_MAGLEV);
		assert_true(check_remembered(homes) > 50);
		check_all(homes);
		world_wait(f, 600);
		assert_int_equal(world_service(VIP)->previous_off, 0);
		assert_int_equal(world_service(VIP)->flags & SERVICE_WAY, 0);
		check_remembered(homes);
		if (rows[row].to == SCHEDULER_MAGLEV) {
			/* The marks go with the last of them. */
			assert_true(path.flows_n > 0);
			assert_true(world_changed(world_service(VIP)) > 0);
			path.flows_n = 0;
			world_wait(f, 70);
			assert_int_equal(world_changed(world_service(VIP)), 0);
		}
		world_teardown((void **)&f);
	}
	*state = NULL;
}

/* Flows that go elsewhere than the table says are over. */
static void forget_elsewhere(void)
{
	const struct service *s = world_service(VIP);

	for (uint32_t i = 0; i < path.flows_n;) {
		const struct memory_entry *entry = &path.flows[i];
		uint16_t slot = world_slots(s)[service_slot(s, entry->hash)];

		if ((slot & SLOT_INDEX) == entry->memory.backend ||
		    entry->memory.backend >= s->backends)
			i++;
		else
			world_forget(&path.flows[i]);
	}
}

/* Entries that agree with the table outlive the marks; should all slots be others, they count. */
static void test_entries_outlive_marks(void **state)
{
	struct fixture *f = *state;
	struct service_conf *spec = world_spec("web", VIP, 4);
	uint8_t homes[FLOWS];
	uint32_t remembered, stayed;

	apply_spec(f, spec);
	remember_some(f, homes);
	world_weight(f, "b4", 20);
	for (uint32_t i = 0; i < FLOWS; i++)
		world_send(VIP, hash_of(i), false);
	remembered = path.flows_n;
	world_weight(f, "b1", 100);
	world_weight(f, "b4", 100); /* back to where it was */
	world_remove(f, "b4");      /* whose index is remembered: somebody goes on counting */
	world_wait(f, 310);
	assert_int_equal(path.flows_n, remembered);
	forget_elsewhere();
	world_wait(f, 100);
	assert_int_equal(world_changed(world_service(VIP)), 0);
	spec = world_spec("web", VIP, 3);
	spec->slots = 1021;
	apply_spec(f, spec);
	for (uint32_t i = 0, n = 0; i < FLOWS; i++, stayed = n)
		if (world_flow(hash_of(i)) && homes[i] != 4) {
			assert_int_equal(world_send(VIP, hash_of(i), false), homes[i]);
			n++;
		}
	assert_true(stayed > 20);
}

/* An index that was freed before the restart, and that flows still bear. */
static void test_borne_index(void **state)
{
	struct fixture *f = *state;
	const struct service *s;
	uint8_t homes[FLOWS];
	uint32_t borne = 0;

	apply_spec(f, world_spec("web", VIP, 3));
	remember_some(f, homes);
	world_weight(f, "b3", 20);
	for (uint32_t i = 0; i < FLOWS; i++)
		borne += world_send(VIP, hash_of(i), false) == 3 && world_flow(hash_of(i));
	assert_true(borne > 0);
	world_remove(f, "b3");
	assert_int_equal(world_service(VIP)->backends, 2);
	world_restart(f);
	apply_spec(f, world_spec("web", VIP, 2));
	world_add(f, "b9", 9);
	s = world_service(VIP);
	assert_int_equal(s->backends, 4);
	assert_int_equal(world_name(s, 3), 9);
	assert_int_equal(world_backend(s, 2)->counter, 0);
}

/* A service that is gone leaves its row to the last. */
static void test_row_of_the_gone(void **state)
{
	struct fixture *f = *state;
	uint32_t id;

	world_apply(f, world_with(world_with(model_new(&f->settings), world_spec("web", VIP, 1)),
				  world_spec("other", "198.51.100.2", 1)));
	id = world_service(VIP)->id;
	world_restart(f);
	world_apply(f, world_with(model_new(&f->settings), world_spec("new", "198.51.100.3", 1)));
	assert_null(world_service(VIP));
	assert_int_not_equal(world_service("198.51.100.3")->id, id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
		cmocka_unit_test(test_not_comparable),
		WORLD_TEST(test_entries_outlive_marks),
		WORLD_TEST(test_borne_index),
		WORLD_TEST(test_row_of_the_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
