/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service whose lookup table takes long to make: that is done by another thread, the event loop
 * goes on meanwhile, and what comes of it is what would have come of it at one go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "preparation.h"
#include "publisher_world.h"

enum {
	SLOTS = 200003, /* a prime; two such tables fit the world's arena, three don't */
	BACKENDS = 4,
};

_Static_assert((int)SLOTS >= (int)PREPARATION_SLOTS_MIN, "worth a thread");

struct answer {
	unsigned int n;
	int rc;
};

static void take_answer(void *ctx, int rc, const struct model_error *error)
{
	struct answer *a = ctx;

	(void)error;
	a->rc = rc;
	a->n++;
}

static void web(struct fixture *f, uint32_t transition_s)
{
	struct service_conf *spec = world_spec("web", "198.51.100.10", BACKENDS);

	spec->slots = SLOTS;
	spec->transition_s = transition_s;
	world_apply(f, world_with(model_new(&f->settings), spec));
}

static void submit_weight(struct fixture *f, struct answer *a, const char *backend, uint32_t weight)
{
	struct model_error error;

	path.now_us += SECOND_US;
	publisher_submit(f->publisher,
			 model_backend_weight(publisher_newest(f->publisher), "web", backend,
					      weight, &error),
			 "test", false, take_answer, a);
}

static void until_answered(struct fixture *f, const struct answer *a)
{
	for (int i = 0; i < 10000 && a->n == 0; i++)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(a->n, 1);
}

/* One turn and no more, or the answer of a quick thread would be taken, too. */
static void begin(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static uint32_t weight_of(const struct model *m, const char *backend)
{
	return service_conf_find(model_find(m, "web"), backend)->weight;
}

static const struct service *entry(void)
{
	const struct generation *g = (const void *)(path.arena + world_head()->current);
	const struct service *table = (const void *)(path.arena + g->services_off);

	for (uint32_t i = 0; i <= g->services_mask; i++)
		if (table[i].slots > 0)
			return &table[i];
	fail();
	return NULL;
}

static uint16_t *table_copy(void)
{
	uint16_t *copy = calloc(SLOTS, sizeof(*copy));

	assert_int_equal(entry()->slots, SLOTS);
	memcpy(copy, path.arena + entry()->slots_off, SLOTS * sizeof(*copy));
	return copy;
}

static void the_loop_goes_on(void **state)
{
	struct fixture *f = *state;
	struct answer first = {0}, second = {0};
	unsigned int published;
	uint16_t *ours, *theirs;

	web(f, 0);
	published = path.published;
	submit_weight(f, &first, "b1", 7);
	begin(f);
	/* Nothing is in force yet, who asks next builds on it, and time may go on. */
	assert_int_equal(path.published, published);
	assert_int_equal(first.n, 0);
	assert_int_equal(weight_of(world_model(f), "b1"), 100);
	assert_int_equal(weight_of(publisher_newest(f->publisher), "b1"), 7);
	submit_weight(f, &second, "b2", 9);
	assert_int_equal(weight_of(publisher_newest(f->publisher), "b1"), 7);
	until_answered(f, &first);
	assert_int_equal(first.rc, 0);
	until_answered(f, &second);
	assert_int_equal(second.rc, 0);
	assert_int_equal(path.published, published + 2);
	assert_int_equal(weight_of(world_model(f), "b1"), 7);
	assert_int_equal(weight_of(world_model(f), "b2"), 9);
	/* The same as at one go. */
	ours = table_copy();
	world_weight(f, "b1", 8);
	world_weight(f, "b1", 7);
	theirs = table_copy();
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(ours[i] & SLOT_INDEX, theirs[i] & SLOT_INDEX);
	free(ours);
	free(theirs);
}

/* A check's word that comes meanwhile is not lost. */
static void health_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};
	const struct service_conf *s;

	web(f, 0);
	submit_weight(f, &a, "b1", 7);
	begin(f);
	assert_int_equal(a.n, 0);
	publisher_health_set(f->publisher, "web", "b3", true);
	until_answered(f, &a);
	s = model_find(world_model(f), "web");
	assert_true(publisher_is_down(f->publisher, s, 2));
	publisher_flush(f->publisher);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_not_equal(
			((uint16_t *)(void *)(path.arena + entry()->slots_off))[i] & SLOT_INDEX, 2);
}

/* What was made of a change that failed is made anew. */
static void no_room(void **state)
{
	struct fixture *f = *state;
	struct answer first = {0}, second = {0};

	web(f, 300); /* previous choices would be a third table */
	submit_weight(f, &first, "b1", 7);
	begin(f);
	submit_weight(f, &second, "b2", 9);
	until_answered(f, &first);
	assert_int_equal(first.rc, -ENOMEM);
	assert_int_equal(second.n, 1);
	assert_int_equal(second.rc, -EAGAIN);
	assert_int_equal(weight_of(publisher_newest(f->publisher), "b1"), 100);
}

/* Who can't wait, doesn't: in order, and whole. */
static void hurry(void **state)
{
	struct fixture *f = *state;
	struct answer a = {0};

	web(f, 0);
	submit_weight(f, &a, "b1", 7);
	begin(f);
	assert_int_equal(a.n, 0);
	publisher_tick(f->publisher); /* leaves it alone */
	assert_int_equal(a.n, 0);
	publisher_flush(f->publisher);
	assert_int_equal(a.n, 1);
	assert_int_equal(weight_of(world_model(f), "b1"), 7);
	a.n = 0;
	submit_weight(f, &a, "b1", 8);
	begin(f);
	assert_int_equal(a.n, 0);
	world_restart(f); /* the end */
	assert_int_equal(a.n, 1);
	assert_int_equal(a.rc, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_loop_goes_on, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(health_meanwhile, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(no_room, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(hurry, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
