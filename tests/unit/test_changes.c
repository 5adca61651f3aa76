/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that come together become one generation, each is answered, and what can't be published
 * is not in force, but for those that can be by themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "changes.h"
#include "publisher_world.h"

enum {
	MANY = 100,
	BACKENDS = 4,
};

struct answers {
	struct publisher *publisher;
	unsigned int n;
	int rc[CHANGES_MAX];
	uint64_t generation[CHANGES_MAX];
};

static uint64_t generation(struct publisher *p)
{
	struct daemon_generation g;

	publisher_generation(p, &g);
	return g.number;
}

static void take_answer(void *ctx, int rc, const struct model_error *error)
{
	struct answers *a = ctx;

	(void)error;
	a->rc[a->n] = rc;
	a->generation[a->n++] = generation(a->publisher);
}

static void web(struct fixture *f)
{
	world_apply(f, world_with(model_new(&f->settings),
				  world_spec("web", "198.51.100.10", BACKENDS)));
}

static void submit_weight(struct fixture *f, struct answers *a, const char *backend,
			  uint32_t weight, bool alone)
{
	struct model_error error;
	struct model *next = model_backend_weight(publisher_newest(f->publisher), "web", backend,
						  weight, &error);

	assert_non_null(next);
	publisher_submit(f->publisher, next, "test", alone, take_answer, a);
}

/* Runs the loop until `n` answers are there. */
static void wait_for(struct fixture *f, const struct answers *a, unsigned int n)
{
	for (int i = 0; i < 1000 && a->n < n; i++)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(a->n, n);
}

static uint32_t weight_of(const struct fixture *f, const char *backend)
{
	return service_conf_find(model_find(world_model(f), "web"), backend)->weight;
}

static void one_generation(void **state)
{
	struct fixture *f = *state;
	struct answers a = {.publisher = f->publisher};
	struct daemon_transition transition;
	uint64_t before;

	web(f);
	before = generation(f->publisher);
	for (uint32_t i = 0; i < MANY; i++)
		submit_weight(f, &a, i % 2 ? "b1" : "b2", 1 + i, false);
	assert_int_equal(a.n, 0);
	assert_int_equal(generation(f->publisher), before);
	wait_for(f, &a, MANY);
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(a.rc[i], 0);
		assert_int_equal(a.generation[i], before + 1);
	}
	assert_int_equal(weight_of(f, "b1"), MANY);
	assert_int_equal(weight_of(f, "b2"), MANY - 1);
	/* And one transition: nothing was a choice in between. */
	publisher_transition_read(f->publisher, model_find(world_model(f), "web"), &transition);
	assert_int_equal(transition.state, TRANSITION_ACTIVE);
	assert_int_equal(transition.previous_slots, transition.changed_slots);
}

static void a_thousand_dont_wait(void **state)
{
	struct fixture *f = *state;
	struct answers a = {.publisher = f->publisher};

	web(f);
	for (uint32_t i = 0; i < CHANGES_MAX; i++)
		submit_weight(f, &a, "b1", 1 + i, false);
	assert_int_equal(a.n, CHANGES_MAX);
	assert_int_equal(weight_of(f, "b1"), CHANGES_MAX);
}

static int64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The window is from generation to generation; the clock of the changes stands still. */
static void the_window(void **state)
{
	struct fixture *f = *state;
	struct answers a = {.publisher = f->publisher};
	int64_t from_us;

	web(f);
	path.now_us += CHANGES_WINDOW_US;
	submit_weight(f, &a, "b1", 1, false);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(a.n, 1); /* by itself: at the turn's end */
	from_us = clock_us();
	submit_weight(f, &a, "b1", 2, false);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	/* Where this machine stood still for the window's time, it is over. */
	if (clock_us() - from_us < CHANGES_WINDOW_US / 2)
		assert_int_equal(a.n, 1);
	wait_for(f, &a, 2);
	assert_true(clock_us() - from_us >= CHANGES_WINDOW_US / 2);
}

static void submit_service(struct fixture *f, struct answers *a, const char *name, uint8_t last,
			   uint32_t slots)
{
	struct service_conf *spec = world_spec(name, "198.51.100.20", 1);
	struct model_error error;
	struct model *next;

	spec->vip.bytes[3] = last;
	spec->slots = slots;
	next = model_service_add(publisher_newest(f->publisher), spec, &error);
	assert_non_null(next);
	service_conf_unref(spec);
	publisher_submit(f->publisher, next, "test", false, take_answer, a);
}

/* The arena is 1 MiB: a table of 4194301 slots has no room in it. */
static void no_room(void **state)
{
	struct fixture *f = *state;
	struct answers a = {.publisher = f->publisher};
	uint64_t before;

	log_set_level(FAST_PATH_LOG_ERROR);
	web(f);
	before = generation(f->publisher);
	submit_weight(f, &a, "b1", 1, false);
	submit_service(f, &a, "huge", 20, 4194301);
	submit_weight(f, &a, "b2", 2, false);
	wait_for(f, &a, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(a.rc[i], -EAGAIN);
	assert_int_equal(generation(f->publisher), before);
	assert_int_equal(weight_of(f, "b1"), 100);
	assert_ptr_equal(publisher_newest(f->publisher), world_model(f));
	/* By themselves, those that can be are in force, at once. */
	a.n = 0;
	submit_weight(f, &a, "b1", 1, true);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.rc[0], 0);
	submit_service(f, &a, "huge", 20, 4194301);
	wait_for(f, &a, 2);
	assert_int_equal(a.rc[1], -ENOMEM);
	assert_int_equal(weight_of(f, "b1"), 1);
	assert_null(model_find(world_model(f), "huge"));
}

/* Who applies at once, and who looks at what time made, finds what waited in force. */
static void in_order(void **state)
{
	struct fixture *f = *state;
	struct answers a = {.publisher = f->publisher};
	struct daemon_preview row;
	struct model_error error;

	web(f);
	submit_weight(f, &a, "b1", 7, false);
	world_apply(f,
		    model_backend_weight(publisher_newest(f->publisher), "web", "b2", 8, &error));
	assert_int_equal(a.n, 1);
	assert_int_equal(weight_of(f, "b1"), 7);
	assert_int_equal(weight_of(f, "b2"), 8);
	submit_weight(f, &a, "b1", 9, false);
	publisher_tick(f->publisher);
	assert_int_equal(a.n, 2);
	submit_weight(f, &a, "b1", 10, false);
	assert_int_equal(publisher_preview(f->publisher, publisher_newest(f->publisher), &row, 1),
			 0);
	assert_int_equal(a.n, 3);
	submit_weight(f, &a, "b1", 11, false);
	publisher_flush(f->publisher);
	assert_int_equal(a.n, 4);
	assert_int_equal(weight_of(f, "b1"), 11);
}

/* A drain's timeout doesn't take back a change that waits. */
static void drain_timeout(void **state)
{
	struct fixture *f = *state;
	struct answers a = {.publisher = f->publisher};

	web(f);
	world_drain(f, "b3", 5);
	path.now_us += 10LL * SECOND_US;
	submit_weight(f, &a, "b1", 7, false);
	publisher_tick(f->publisher);
	assert_int_equal(a.n, 1);
	assert_int_equal(weight_of(f, "b1"), 7);
	assert_int_equal(service_conf_find(model_find(world_model(f), "web"), "b3")->admin,
			 BACKEND_DISABLED);
}

/* What changes beside the model: with others, or by itself; and nothing if nothing differs. */
static void beside_the_model(void **state)
{
	struct fixture *f = *state;
	struct answers a = {.publisher = f->publisher};
	uint64_t before;

	web(f);
	before = generation(f->publisher);
	publisher_health_set(f->publisher, "web", "b2", true);
	publisher_health_set(f->publisher, "web", "b3", true);
	publisher_health_set(f->publisher, "none", "b2", true);
	submit_weight(f, &a, "b1", 7, false);
	wait_for(f, &a, 1);
	assert_int_equal(generation(f->publisher), before + 1);
	publisher_health_set(f->publisher, "web", "b2", false);
	publisher_flush(f->publisher);
	assert_int_equal(generation(f->publisher), before + 2);
	publisher_flush(f->publisher);
	assert_int_equal(generation(f->publisher), before + 2);
}

/* At the end nothing that was asked for is lost, or unanswered. */
static void the_end(void **state)
{
	struct fixture *f = *state;
	struct answers a = {.publisher = f->publisher};
	unsigned int published;

	web(f);
	published = path.published;
	submit_weight(f, &a, "b1", 7, false);
	world_restart(f);
	assert_int_equal(path.published, published + 1);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.rc[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_generation, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_thousand_dont_wait, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(the_window, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(no_room, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(in_order, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(drain_timeout, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(beside_the_model, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(the_end, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
