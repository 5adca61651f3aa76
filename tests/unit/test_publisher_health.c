/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health in the publisher: who is down takes no flows, and those it had are let go; many changes
 * are one generation; all down; slow start; restarts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "named_rows.h"
#include "plan.h"
#include "publisher_internal.h"
#include "publisher_world.h"
#include "world_packets.h"

#define VIP "198.51.100.10"

enum {
	FLOWS = 1000,
};

/* Each falls into a slot of its own somewhere in the table. */
static uint64_t flow(uint32_t i)
{
	uint64_t state = i;

	return random_next(&state);
}

static void start(struct fixture *f, uint32_t n, uint8_t all_down, uint32_t slow_start_s)
{
	struct service_conf *spec = world_spec("web", VIP, n);

	spec->health = health_conf_default();
	spec->health.type = HEALTH_TCP;
	spec->all_down = all_down;
	spec->slow_start_s = slow_start_s;
	world_apply(f, world_with(model_new(&f->settings), spec));
}

static void set(struct fixture *f, const char *backend, bool down)
{
	publisher_health_set(f->publisher, "web", backend, down);
}

/* What the event loop would do with what was set. */
static void turn(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	publisher_flush(f->publisher); /* the clock stands still */
}

static uint64_t number(const struct fixture *f)
{
	struct daemon_generation g;

	publisher_generation(f->publisher, &g);
	return g.number;
}

static struct daemon_backend running(const struct fixture *f, uint32_t i)
{
	struct daemon_backend rows[16];

	assert_int_equal(publisher_backends_read(f->publisher, world_model(f)->services[0], rows),
			 0);
	return rows[i];
}

static void test_down_takes_no_flows(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	start(f, 3, ALL_DOWN_ALL, 0);
	before = number(f);
	set(f, "b1", true);
	assert_int_equal(number(f), before); /* not yet */
	turn(f);
	assert_int_equal(number(f), before + 1);
	assert_int_equal(running(f, 0).slots, 0);
	assert_int_equal(running(f, 0).weight, 0);
	assert_true(running(f, 1).slots > 0 && running(f, 2).slots > 0);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_not_equal(world_send(VIP, flow(i), i % 2 == 0), 1);
	set(f, "b1", false);
	turn(f);
	assert_true(running(f, 0).slots > 0);
	assert_int_equal(number(f), before + 2);
	/* Nobody, nothing, and nothing new. */
	publisher_health_set(f->publisher, "web", "b9", true);
	publisher_health_set(f->publisher, "none", "b1", true);
	set(f, "b1", false);
	turn(f);
	assert_int_equal(number(f), before + 2);
}

/* on_down = "keep": no new flow comes, and none of the old ones goes. */
static void keeps(struct fixture *f, bool by_service, uint32_t transition_s)
{
	struct service_conf *spec = world_spec("web", VIP, 3);
	uint8_t homes[FLOWS];
	uint32_t on_b1 = 0;

	spec->health = health_conf_default();
	spec->health.type = HEALTH_TCP;
	spec->transition_s = transition_s;
	if (by_service)
		spec->on_down = ON_DOWN_KEEP;
	else
		spec->backends[0].on_down = 1 + ON_DOWN_KEEP;
	world_apply(f, world_with(model_new(&f->settings), spec));
	for (uint32_t i = 0; i < FLOWS; i++) {
		homes[i] = world_send(VIP, flow(i), true);
		on_b1 += homes[i] == 1;
	}
	assert_true(on_b1 > 0);
	set(f, "b1", true);
	turn(f);
	assert_int_equal(running(f, 0).slots, 0);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
	for (uint32_t i = FLOWS; i < 2 * FLOWS; i++)
		assert_int_not_equal(world_send(VIP, flow(i), true), 1);
	/* What was remembered stays when the transition is over, too. */
	world_wait(f, transition_s + 2);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
	set(f, "b1", false);
	turn(f);
	assert_true(running(f, 0).slots > 0);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
}

static void test_down_keeps(void **state)
{
	keeps(*state, true, 30);
}

static void test_backend_keeps(void **state)
{
	keeps(*state, false, 30);
}

/* And the other way round: a service that keeps, and a backend that is cut. */
static void test_backend_is_cut(void **state)
{
	struct service_conf *spec = world_spec("web", VIP, 3);
	struct fixture *f = *state;

	spec->health = health_conf_default();
	spec->health.type = HEALTH_TCP;
	spec->on_down = ON_DOWN_KEEP;
	spec->backends[0].on_down = 1 + ON_DOWN_CUT;
	world_apply(f, world_with(model_new(&f->settings), spec));
	for (uint32_t i = 0; i < FLOWS; i++)
		world_send(VIP, flow(i), true);
	set(f, "b1", true);
	turn(f);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_not_equal(world_send(VIP, flow(i), false), 1);
}

/* A backend that was never checked takes flows, or doesn't, as `start` says. */
static void test_start(void **state)
{
	struct service_conf *spec = world_spec("web", VIP, 3);
	struct fixture *f = *state;
	const struct service_conf *web;

	spec->health = health_conf_default();
	spec->health.type = HEALTH_TCP;
	spec->start = START_DOWN;
	spec->backends[1].start = 1 + START_UP;
	world_apply(f, world_with(model_new(&f->settings), spec));
	web = world_model(f)->services[0];
	assert_int_equal(running(f, 0).slots, 0);
	assert_int_equal(running(f, 1).slots, web->slots);
	assert_true(running(f, 0).down && !running(f, 1).down);
	assert_true(publisher_is_down(f->publisher, web, 0));
	/* One that comes later, too. */
	set(f, "b1", false);
	world_add(f, "b4", 4);
	turn(f);
	assert_true(running(f, 0).slots > 0);
	assert_int_equal(running(f, 3).slots, 0);
	set(f, "b4", false);
	turn(f);
	assert_true(running(f, 3).slots > 0);
	/* What is known stays known, whatever else changes. */
	world_weight(f, "b4", 7);
	assert_true(running(f, 3).slots > 0);
	assert_int_equal(running(f, 2).slots, 0);
}

static struct model *before_and_after(const struct fixture *f)
{
	struct service_conf *spec = world_spec("web", VIP, 4);

	spec->health = health_conf_default();
	spec->health.type = HEALTH_TCP;
	spec->on_down = ON_DOWN_KEEP;
	spec->backends[2].start = spec->backends[3].start = 1 + START_DOWN;
	return world_with(model_new(&f->settings), spec);
}

/* What a process before this one knew holds until a check says otherwise, tables or no tables. */
static void test_known_before(void **state)
{
	struct fixture *f = *state;

	for (int tables = 0; tables < 2; tables++) {
		world_apply(f, before_and_after(f));
		set(f, "b1", true);
		set(f, "b3", false);
		turn(f);
		world_go_on(f, NULL, tables, before_and_after(f));
		assert_int_equal(running(f, 0).slots, 0);
		assert_true(running(f, 1).slots > 0 && running(f, 2).slots > 0);
		assert_int_equal(running(f, 3).slots, 0);
		set(f, "b1", false);
		turn(f);
		assert_true(running(f, 0).slots > 0);
	}
}

/* Nothing leads to a backend of this world: after a while they count as down for that. */
static void test_unreachable(void **state)
{
	struct service_conf *spec = world_spec("web", VIP, 3), *changed;
	struct fixture *f = *state;
	struct model_error error;

	spec->all_down = ALL_DOWN_NONE;
	spec->unresolved_s = 5;
	world_apply(f, world_with(model_new(&f->settings), spec));
	world_wait(f, 4);
	turn(f);
	assert_true(running(f, 0).slots > 0 && !running(f, 0).unreachable);
	world_wait(f, 2);
	turn(f);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(running(f, i).slots, 0);
		assert_true(running(f, i).unreachable && !running(f, i).down);
	}
	assert_int_equal(world_send(VIP, flow(1), true), 0);
	/* Another change doesn't forget it; who comes waits as long as the others did. */
	world_add(f, "b4", 4);
	turn(f);
	assert_true(running(f, 0).unreachable && !running(f, 3).unreachable);
	assert_int_equal(running(f, 3).slots, world_model(f)->services[0]->slots);
	/* Switched off. */
	changed = service_conf_new(0);
	*changed = *world_model(f)->services[0];
	changed->refs = 1;
	changed->backends_n = 0;
	changed->unresolved_s = 0;
	world_apply(f, model_service_set(world_model(f), changed, &error));
	service_conf_unref(changed);
	turn(f);
	assert_true(running(f, 0).slots > 0 && !running(f, 0).unreachable);
}

/* A change of one service looks at the ways to its backends, not at those of all others. */
static void test_reach_looks_at_what_changed(void **state)
{
	struct fixture *f = *state;
	struct model *model = model_new(&f->settings);
	uint64_t asked;

	model = world_with(model, world_spec("web", VIP, 3));
	model = world_with(model, world_spec("other", "198.51.100.77", 5));
	world_apply(f, model);
	asked = reach_asked(f->publisher->reach);
	world_weight(f, "b1", 50);
	assert_int_equal(reach_asked(f->publisher->reach) - asked, 3);
}

static void test_flows_are_let_go(void **state)
{
	struct fixture *f = *state;
	uint8_t homes[FLOWS];

	start(f, 3, ALL_DOWN_ALL, 0);
	for (uint32_t i = 0; i < FLOWS; i++)
		homes[i] = world_send(VIP, flow(i), true);
	/* Remembered where the weights of another change would send them elsewhere. */
	world_weight(f, "b2", 10);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
	set(f, "b1", true);
	turn(f);
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint8_t now = world_send(VIP, flow(i), false);

		assert_int_not_equal(now, 1);
		if (homes[i] != 1)
			assert_int_equal(now, homes[i]);
	}
}

static void test_many_are_one_generation(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	start(f, 10, ALL_DOWN_ALL, 0);
	before = number(f);
	set(f, "b1", true);
	set(f, "b2", true);
	set(f, "b3", true);
	set(f, "b2", false);
	turn(f);
	assert_int_equal(number(f), before + 1);
	assert_int_equal(running(f, 0).slots, 0);
	assert_true(running(f, 1).slots > 0);
	assert_int_equal(running(f, 2).slots, 0);
	set(f, "b1", false);
	set(f, "b1", true);
	turn(f);
	assert_int_equal(number(f), before + 1);
}

static void test_all_down(void **state)
{
	struct fixture *f = *state;

	start(f, 3, ALL_DOWN_ALL, 0);
	set(f, "b1", true);
	set(f, "b2", true);
	turn(f);
	assert_int_equal(running(f, 2).slots, world_service(VIP)->slots);
	set(f, "b3", true);
	turn(f);
	for (uint32_t i = 0; i < 3; i++)
		assert_true(running(f, i).slots > 0);
	set(f, "b2", false);
	turn(f);
	assert_int_equal(running(f, 1).slots, world_service(VIP)->slots);
}

/* Flows that backends kept while all were down: where each is in the end. */
static void all_down_flows(struct fixture *f, uint8_t homes[FLOWS])
{
	start(f, 3, ALL_DOWN_ALL, 0);
	for (uint32_t i = 0; i < FLOWS; i++)
		homes[i] = world_send(VIP, flow(i), true);
	for (uint32_t i = 0; i < 3; i++)
		set(f, (const char *[]){"b1", "b2", "b3"}[i], true);
	turn(f);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
}

/* The first to come up takes no flow from those that come up a check later. */
static void test_all_down_come_up(void **state)
{
	struct fixture *f = *state;
	uint8_t homes[FLOWS];

	all_down_flows(f, homes);
	set(f, "b2", false);
	turn(f);
	assert_int_equal(running(f, 0).slots, 0); /* no new flows, though */
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
	world_wait(f, 2);
	set(f, "b1", false);
	turn(f);
	set(f, "b3", false);
	turn(f);
	world_wait(f, 60);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
}

/* One that doesn't come up by then is cut, also by a daemon that was started meanwhile. */
static void all_down_ends(struct fixture *f, bool restarts)
{
	uint8_t homes[FLOWS];
	int64_t spare_us;

	all_down_flows(f, homes);
	spare_us = plan_spare_us(world_model(f)->services[0], 0);
	assert_in_range(spare_us, 2 * SECOND_US, 30 * SECOND_US);
	set(f, "b2", false);
	turn(f);
	world_wait(f, 1);
	if (restarts) {
		struct service_conf *spec = world_spec("web", VIP, 3);

		spec->health = health_conf_default();
		spec->health.type = HEALTH_TCP;
		world_go_on(f, NULL, true, world_with(model_new(&f->settings), spec));
	}
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
	world_wait(f, (uint32_t)(spare_us / SECOND_US) + 1);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(world_send(VIP, flow(i), false), 2);
}

static void test_all_down_ends(void **state)
{
	all_down_ends(*state, false);
}

static void test_all_down_ends_restarted(void **state)
{
	all_down_ends(*state, true);
}

static void test_all_down_none(void **state)
{
	struct fixture *f = *state;

	start(f, 2, ALL_DOWN_NONE, 0);
	set(f, "b1", true);
	set(f, "b2", true);
	turn(f);
	assert_int_equal(running(f, 0).slots + running(f, 1).slots, 0);
	for (uint32_t i = 0; i < world_service(VIP)->slots; i++)
		assert_int_equal(world_slots(world_service(VIP))[i] & SLOT_INDEX, SLOT_NONE);
	set(f, "b2", false);
	turn(f);
	assert_int_equal(running(f, 1).slots, world_service(VIP)->slots);
}

/* Those that could not take flows anyway don't count among "all". */
static void test_all_that_could(void **state)
{
	struct fixture *f = *state;

	start(f, 3, ALL_DOWN_ALL, 0);
	world_admin(f, "b2", BACKEND_DISABLED);
	world_weight(f, "b3", 0);
	set(f, "b1", true);
	turn(f);
	assert_int_equal(running(f, 0).slots, world_service(VIP)->slots);
	world_admin(f, "b2", BACKEND_ENABLED);
	assert_int_equal(running(f, 0).slots, 0);
	assert_int_equal(running(f, 1).slots, world_service(VIP)->slots);
}

/* Admin state and health are apart: neither changes the other. */
static void test_beside_admin(void **state)
{
	struct fixture *f = *state;

	start(f, 3, ALL_DOWN_ALL, 0);
	world_admin(f, "b1", BACKEND_DISABLED);
	set(f, "b1", true);
	turn(f);
	world_admin(f, "b1", BACKEND_ENABLED);
	assert_int_equal(running(f, 0).slots, 0);
	assert_true(publisher_is_down(f->publisher, world_model(f)->services[0], 0));
	set(f, "b1", false);
	turn(f);
	assert_true(running(f, 0).slots > 0);
	world_drain(f, "b2", 0);
	set(f, "b2", true);
	turn(f);
	assert_int_equal(running(f, 1).drain.state, DRAIN_RUNNING);
	set(f, "b2", false);
	turn(f);
	assert_int_equal(running(f, 1).slots, 0);
	assert_int_equal(world_model(f)->services[0]->backends[1].admin, BACKEND_DRAINING);
}

static void test_slow_start_when_up_again(void **state)
{
	struct fixture *f = *state;
	uint32_t full;

	start(f, 2, ALL_DOWN_ALL, 10);
	full = running(f, 0).slots;
	set(f, "b1", true);
	turn(f);
	world_wait(f, 30);
	set(f, "b1", false);
	turn(f);
	assert_true(running(f, 0).slots > 0 && running(f, 0).slots < full / 3);
	assert_int_equal(running(f, 0).weight, 10);
	world_wait(f, 11);
	assert_int_equal(running(f, 0).slots, full);
}

/* A daemon that adopts a running arena keeps out who was. */
static void test_restart(void **state)
{
	struct fixture *f = *state;

	start(f, 3, ALL_DOWN_ALL, 0);
	set(f, "b2", true);
	turn(f);
	world_restart(f);
	start(f, 3, ALL_DOWN_ALL, 0);
	assert_int_equal(running(f, 1).slots, 0);
	assert_true(publisher_is_down(f->publisher, world_model(f)->services[0], 1));
	assert_false(publisher_is_down(f->publisher, world_model(f)->services[0], 0));
	set(f, "b2", false);
	turn(f);
	assert_true(running(f, 1).slots > 0);
}

/* What checks via = "vip" are sent with. */
static void test_outer(void **state)
{
	struct fixture *f = *state;
	const struct service_conf *web;
	struct vip_outer outer;

	start(f, 1, ALL_DOWN_ALL, 0);
	web = world_model(f)->services[0];
	publisher_outer(f->publisher, web, &web->backends[0], &outer);
	assert_memory_equal(outer.entry.outer_dst, web->backends[0].addr.bytes, 4);
	assert_int_equal(outer.entry.encap, web->encap);
	assert_int_equal(outer.generation.outer_ttl, 64);
	assert_int_equal(be16_to(outer.generation.gue_port), 6080);
	/* There is no route to it: such a packet goes nowhere. */
	assert_false(outer.entry.flags & BACKEND_RESOLVED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_down_takes_no_flows),
		TEST(test_flows_are_let_go),
		TEST(test_down_keeps),
		TEST(test_backend_keeps),
		TEST(test_backend_is_cut),
		TEST(test_start),
		TEST(test_known_before),
		TEST(test_unreachable),
		TEST(test_reach_looks_at_what_changed),
		TEST(test_many_are_one_generation),
		TEST(test_all_down),
		TEST(test_all_down_come_up),
		TEST(test_all_down_ends),
		TEST(test_all_down_ends_restarted),
		TEST(test_all_down_none),
		TEST(test_all_that_could),
		TEST(test_beside_admin),
		TEST(test_slow_start_when_up_again),
		TEST(test_restart),
		TEST(test_outer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
