/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes on over a restart of the daemon, with the tables and without: the time that
 * transitions, drains and slow starts have left, sizes of lookup tables, who was down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "world_packets.h"

#define VIP "198.51.100.1"

/* A file with this service alone, which is freed. */
static struct model *file_of(struct fixture *f, struct service_conf *spec)
{
	return world_with(model_new(&f->settings), spec);
}

static struct service_conf *weighed(uint32_t b1)
{
	struct service_conf *spec = world_spec("web", VIP, 3);

	spec->backends[0].weight = b1;
	return spec;
}

static struct service_conf *draining(uint32_t timeout_s)
{
	struct service_conf *spec = world_spec("web", VIP, 3);

	spec->backends[0].admin = BACKEND_DRAINING;
	spec->backends[0].drain_timeout_s = timeout_s;
	return spec;
}

static struct service_conf *slow(uint32_t backends_n)
{
	struct service_conf *spec = world_spec("web", VIP, backends_n);

	spec->slow_start_s = 20;
	return spec;
}

static json_t *notes_now(struct fixture *f)
{
	json_t *services = publisher_notes(f->publisher), *notes;

	notes = publisher_notes_stamp(f->publisher, services);
	json_decref(services);
	return notes;
}

static enum daemon_transition_state transition(struct fixture *f, uint32_t *ends_in_s)
{
	struct daemon_transition t;

	publisher_transition_read(f->publisher, model_find(world_model(f), "web"), &t);
	*ends_in_s = t.ends_in_s;
	return t.state;
}

static struct daemon_backend backend(struct fixture *f, uint32_t i)
{
	const struct service_conf *s = model_find(world_model(f), "web");
	struct daemon_backend rows[8];

	assert_int_equal(publisher_backends_read(f->publisher, s, rows), 0);
	return rows[i];
}

/* ---- transitions ---- */

static void test_transition_time(void **state)
{
	struct fixture *f = *state;
	uint32_t left_s;

	world_apply(f, file_of(f, weighed(100)));
	world_apply(f, file_of(f, weighed(10)));
	for (int i = 0; i < 4; i++) {
		world_wait(f, 60);
		world_go_on(f, NULL, true, file_of(f, weighed(10)));
		assert_int_equal(transition(f, &left_s), TRANSITION_ACTIVE);
		assert_int_equal(left_s, 300 - 60 * (i + 1));
	}
	world_wait(f, 59);
	assert_int_equal(transition(f, &left_s), TRANSITION_ACTIVE);
	world_wait(f, 2);
	assert_int_not_equal(transition(f, &left_s), TRANSITION_ACTIVE);
}

/* It ended while no daemon ran. */
static void test_transition_over(void **state)
{
	struct fixture *f = *state;
	uint32_t left_s;

	world_apply(f, file_of(f, weighed(100)));
	world_apply(f, file_of(f, weighed(10)));
	path.now_us += 400LL * SECOND_US;
	world_go_on(f, NULL, true, file_of(f, weighed(10)));
	world_wait(f, 1);
	assert_int_not_equal(transition(f, &left_s), TRANSITION_ACTIVE);
}

/* What the disk has is older than the tables: the daemon was killed in between. */
static void test_transition_younger_than_notes(void **state)
{
	struct fixture *f = *state;
	uint32_t left_s;
	json_t *notes;

	world_apply(f, file_of(f, weighed(100)));
	world_apply(f, file_of(f, weighed(10)));
	notes = notes_now(f);
	world_wait(f, 200);
	world_apply(f, file_of(f, weighed(40)));
	world_go_on(f, notes, true, file_of(f, weighed(40)));
	json_decref(notes);
	assert_int_equal(transition(f, &left_s), TRANSITION_ACTIVE);
	assert_int_equal(left_s, 300);
}

/* A change that comes with the restart begins a time of its own. */
static void test_transition_changed(void **state)
{
	struct fixture *f = *state;
	uint32_t left_s;

	world_apply(f, file_of(f, weighed(100)));
	world_apply(f, file_of(f, weighed(10)));
	world_wait(f, 200);
	world_go_on(f, NULL, true, file_of(f, weighed(40)));
	assert_int_equal(transition(f, &left_s), TRANSITION_ACTIVE);
	assert_int_equal(left_s, 300);
}

/* ---- drains ---- */

static void test_drain(void **state)
{
	static const struct {
		const char *name;
		bool adopts;
	} rows[] = {{"tables adopted", true}, {"another layout", false}};
	struct fixture *f;

	for (size_t i = 0; i < 2; i++) {
		struct daemon_drain before, drain;

		world_setup((void **)&f);
		print_message("# %s\n", rows[i].name);
		world_apply(f, file_of(f, world_spec("web", VIP, 3)));
		world_apply(f, file_of(f, draining(200)));
		before = backend(f, 0).drain;
		world_wait(f, 150);
		world_go_on(f, NULL, rows[i].adopts, file_of(f, draining(200)));
		drain = backend(f, 0).drain;
		assert_int_equal(drain.state, rows[i].adopts ? DRAIN_RUNNING : DRAIN_DONE);
		/* The wall clock of this test is the real one, which stood still. */
		assert_in_range(drain.deadline_us - drain.started_us, 200LL * SECOND_US,
				200LL * SECOND_US);
		assert_in_range(before.started_us - drain.started_us, 149LL * SECOND_US,
				150LL * SECOND_US);
		world_wait(f, 49);
		assert_int_equal(model_find(world_model(f), "web")->backends[0].admin,
				 BACKEND_DRAINING);
		world_wait(f, 2);
		assert_int_equal(model_find(world_model(f), "web")->backends[0].admin,
				 BACKEND_DISABLED);
		assert_int_equal(backend(f, 0).drain.state, DRAIN_TIMED_OUT);
		world_teardown((void **)&f);
	}
	*state = NULL;
}

/* A host that was started again: the monotonic clock is another, and the wall clock counts. */
static void test_drain_reboot(void **state)
{
	static const struct {
		const char *name;
		int64_t away_s, left_s;
	} rows[] = {
		{"30 s away", 30, 20},
		{"an hour away", 3600, 0},
		{"the clock was set back", -500, 50},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f;
		json_t *notes;

		world_setup((void **)&f);
		print_message("# %s\n", rows[i].name);
		world_apply(f, file_of(f, world_spec("web", VIP, 3)));
		world_apply(f, file_of(f, draining(200)));
		world_wait(f, 150);
		notes = notes_now(f);
		json_object_set_new(notes, "boot", json_string("another"));
		json_object_set_new(
			notes, "real_us",
			json_integer(json_integer_value(json_object_get(notes, "real_us")) -
				     rows[i].away_s * SECOND_US));
		path.now_us = 20LL * SECOND_US;
		world_go_on(f, notes, false, file_of(f, draining(200)));
		json_decref(notes);
		if (rows[i].left_s > 0) {
			world_wait(f, (uint32_t)rows[i].left_s - 1);
			assert_int_equal(model_find(world_model(f), "web")->backends[0].admin,
					 BACKEND_DRAINING);
		}
		world_wait(f, 2);
		assert_int_equal(model_find(world_model(f), "web")->backends[0].admin,
				 BACKEND_DISABLED);
		world_teardown((void **)&f);
	}
	*state = NULL;
}

/* ---- slow starts ---- */

static uint32_t slots_at(struct fixture *f, bool restarts, bool adopts, uint32_t later_s)
{
	struct daemon_backend b;

	world_apply(f, file_of(f, slow(3)));
	world_add(f, "b4", 4);
	world_wait(f, 7);
	if (restarts)
		world_go_on(f, NULL, adopts, file_of(f, slow(4)));
	world_wait(f, later_s);
	b = backend(f, 3);
	return b.slots;
}

static void test_slow_start(void **state)
{
	for (uint32_t later_s = 0; later_s < 20; later_s++) {
		uint32_t slots[3];

		for (int i = 0; i < 3; i++) {
			struct fixture *f;

			world_setup((void **)&f);
			f->settings.seed = (struct flow_key){{1, 2}};
			slots[i] = slots_at(f, i > 0, i == 1, later_s);
			world_teardown((void **)&f);
		}
		/* As without a restart, with the tables and without. */
		assert_int_equal(slots[1], slots[0]);
		assert_in_range(slots[2], slots[0] - 25, slots[0] + 25); /* another length */
	}
	*state = NULL;
}

/* ---- sizes of lookup tables ---- */

static struct model *grown(struct fixture *f, uint32_t backends_n, uint32_t slots)
{
	struct service_conf *spec = world_spec("web", VIP, backends_n);

	spec->slots = slots;
	return file_of(f, spec);
}

static void test_slots(void **state)
{
	static const struct {
		const char *name;
		bool adopts;
		uint32_t file_backends, file_slots, want;
		bool chosen;
	} rows[] = {
		{"adopted", true, 8, 0, 509, true},
		{"another layout", false, 8, 0, 509, true},
		{"grew meanwhile", true, 12, 0, 509, true},
		{"configured, as it was", true, 8, 509, 509, false},
		{"configured", true, 8, 2039, 2039, false},
		{"configured, another layout", false, 8, 2039, 2039, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct service_conf *s;
		struct fixture *f;

		world_setup((void **)&f);
		print_message("# %s\n", rows[i].name);
		world_apply(f, grown(f, 3, 0));
		assert_int_equal(model_find(world_model(f), "web")->slots, 509);
		for (uint8_t b = 4; b <= 8; b++) {
			char name[4];

			snprintf(name, sizeof(name), "b%u", b);
			world_add(f, name, b);
		}
		world_wait(f, 700); /* settled */
		assert_int_equal(world_changed(world_service(VIP)), 0);
		world_go_on(f, NULL, rows[i].adopts,
			    grown(f, rows[i].file_backends, rows[i].file_slots));
		s = model_find(world_model(f), "web");
		assert_int_equal(s->slots, rows[i].want);
		assert_int_equal(s->slots_chosen, rows[i].chosen);
		assert_int_equal(world_service(VIP)->slots, rows[i].want);
		/* Nothing moved, so nothing is looked for. */
		if (rows[i].want == 509 && rows[i].file_backends == 8)
			assert_int_equal(world_changed(world_service(VIP)), 0);
		world_teardown((void **)&f);
	}
	*state = NULL;
}

/* More backends than the table that there was has slots. */
static void test_slots_too_few(void **state)
{
	struct fixture *f = *state;
	struct service_conf *spec = world_spec("web", VIP, 3);

	spec->slots = 7;
	world_apply(f, file_of(f, spec));
	world_go_on(f, NULL, true, grown(f, 8, 0));
	assert_int_equal(world_service(VIP)->slots, 1021);
}

/* ---- health ---- */

static struct service_conf *checked(void)
{
	struct service_conf *spec = world_spec("web", VIP, 3);

	spec->health = health_conf_default();
	spec->health.type = HEALTH_TCP;
	return spec;
}

static void test_down(void **state)
{
	static const bool adopts[] = {true, false};

	for (size_t i = 0; i < 2; i++) {
		const struct service_conf *s;
		struct fixture *f;

		world_setup((void **)&f);
		world_apply(f, file_of(f, checked()));
		publisher_health_set(f->publisher, "web", "b2", true);
		publisher_flush(f->publisher);
		assert_int_equal(world_slots_of(world_service(VIP), 2), 0);
		world_go_on(f, NULL, adopts[i], file_of(f, checked()));
		s = model_find(world_model(f), "web");
		assert_false(publisher_is_down(f->publisher, s, 0));
		assert_true(publisher_is_down(f->publisher, s, 1));
		assert_int_equal(world_slots_of(world_service(VIP), 2), 0);
		/* The file has no checks any more: nobody would ever say that it is up. */
		world_go_on(f, NULL, adopts[i], file_of(f, world_spec("web", VIP, 3)));
		assert_true(world_slots_of(world_service(VIP), 2) > 0);
		world_teardown((void **)&f);
	}
	*state = NULL;
}

/* ---- tables that can't be gone on from ---- */

static unsigned int started_over;

static void start_over(void)
{
	started_over++;
	path.flows_n = 0;
	memset(path.arena, 0, WORLD_ARENA_BYTES);
}

static void seed_change(struct fixture *f)
{
	f->settings.seed.k[0]++;
}

static void layout_change(struct fixture *f)
{
	(void)f;
	world_head()->layout++;
}

static void slots_damage(struct fixture *f)
{
	(void)f;
	((struct service *)(uintptr_t)world_service(VIP))->slots_off = WORLD_ARENA_BYTES;
}

/* Where no packet goes by them meanwhile. What is noted counts all the same. */
static void test_start_over(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct fixture *f);
	} rows[] = {
		{"another seed", seed_change},
		{"another layout", layout_change},
		{"damaged", slots_damage},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fast_path module = world_module;
		struct model *file;
		struct fixture *f;

		world_setup((void **)&f);
		print_message("# %s\n", rows[i].name);
		module.start_over = start_over;
		f->path.module = &module;
		world_apply(f, file_of(f, world_spec("web", VIP, 3)));
		world_apply(f, file_of(f, draining(200)));
		for (uint32_t k = 0; k < 100; k++)
			world_send(VIP, k * 0x9e3779b97f4a7c15ULL, false);
		assert_true(path.flows_n > 0);
		world_wait(f, 150);
		rows[i].change(f);
		file = file_of(f, draining(200));
		started_over = 0;
		world_go_on(f, NULL, true, file);
		assert_int_equal(started_over, 1);
		assert_int_equal(world_generation()->number, 1);
		assert_int_equal(path.flows_n, 0);
		assert_int_equal(world_changed(world_service(VIP)), 0);
		world_wait(f, 49);
		assert_int_equal(model_find(world_model(f), "web")->backends[0].admin,
				 BACKEND_DRAINING);
		world_wait(f, 2);
		assert_int_equal(model_find(world_model(f), "web")->backends[0].admin,
				 BACKEND_DISABLED);
		world_teardown((void **)&f);
	}
	*state = NULL;
}

/* ---- what a note may be ---- */

static void test_nothing_to_note(void **state)
{
	struct fixture *f = *state;
	json_t *services;

	world_apply(f, grown(f, 3, 0));
	services = publisher_notes(f->publisher);
	assert_int_equal(json_object_size(services), 0);
	json_decref(services);
}

static void test_malformed(void **state)
{
	static const char *const rows[] = {
		"[]",
		"{}",
		"{\"services\":[]}",
		"{\"services\":{\"198.51.100.1:80/tcp\":1}}",
		"{\"services\":{\"198.51.100.1:80/tcp\":{\"slots\":-1,\"transition\":[],"
		"\"backends\":{\"192.0.2.1\":7,\"192.0.2.2\":{\"drain\":1,\"down\":2}}}}}",
		"{\"services\":{\"198.51.100.1:80/tcp\":{\"slots\":508,\"transition\":{\"tables\":"
		"\"\"},\"backends\":[]}},\"boot\":3,\"real_us\":\"x\"}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *notes = json_loads(rows[i], 0, NULL);
		struct fixture *f;
		uint32_t left_s;

		world_setup((void **)&f);
		assert_non_null(notes);
		world_apply(f, file_of(f, weighed(100)));
		world_apply(f, file_of(f, weighed(10)));
		world_wait(f, 100);
		world_go_on(f, notes, true, file_of(f, weighed(10)));
		assert_int_equal(transition(f, &left_s), TRANSITION_ACTIVE);
		assert_int_equal(left_s, 300);
		world_teardown((void **)&f);
		json_decref(notes);
	}
	*state = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
		WORLD_TEST(test_transition_time),
		WORLD_TEST(test_transition_over),
		WORLD_TEST(test_transition_younger_than_notes),
		WORLD_TEST(test_transition_changed),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_reboot),
		cmocka_unit_test(test_slow_start),
		cmocka_unit_test(test_slots),
		WORLD_TEST(test_slots_too_few),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_start_over),
		WORLD_TEST(test_nothing_to_note),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
