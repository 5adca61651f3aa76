/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drains, slow starts, and schedulers that don't hash. Packets are sent by the tables that lie in the
 * arena.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "b1_flows.h"

enum { BACKENDS = 4 }; /* at most */

static struct daemon_backend backend(const struct fixture *f, const char *name)
{
	const struct service_conf *s = model_find(world_model(f), "web");
	struct daemon_backend rows[BACKENDS];

	assert_int_equal(publisher_backends_read(f->publisher, s, rows), 0);
	return rows[service_conf_find(s, name) - s->backends];
}

static void test_drain(void **state)
{
	struct fixture *f = *state;
	uint32_t n;

	start_spec(f, world_spec("web", VIP, 3));
	n = b1_sends(true);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_NONE);
	world_drain(f, "b1", 0);
	assert_int_equal(world_slots_of(world_service(VIP), 1), 0);
	assert_int_equal(backend(f, "b1").weight, 0);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_RUNNING); /* they may be silent */
	assert_int_equal(backend(f, "b1").drain.deadline_us, 0);
	assert_int_equal(b1_sends(false), n);
	world_wait(f, 2);
	assert_int_equal(backend(f, "b1").flows, n);
	world_wait(f, 40);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_RUNNING); /* quiet, but known */
	assert_int_equal(backend(f, "b1").drain.quiet_s, 42);
	path.flows_n = 0;
	world_wait(f, 2);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_DONE);
	assert_int_equal(backend(f, "b2").drain.state, DRAIN_NONE);
	world_admin(f, "b1", BACKEND_ENABLED);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_NONE);
	assert_int_equal(backend(f, "b1").weight, 100);
	assert_true(world_slots_of(world_service(VIP), 1) > 0);
}

/* A flow that sends again, after all seemed to be gone. */
static void test_drain_goes_on(void **state)
{
	struct fixture *f = *state;
	uint32_t n;

	start_spec(f, world_spec("web", VIP, 3));
	n = b1_sends(true);
	world_drain(f, "b1", 0);
	world_wait(f, 31);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_DONE);
	b1_sends(false);
	world_wait(f, 2);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_RUNNING);
	assert_int_equal(backend(f, "b1").flows, n);
	/* After the transition they stay, and are waited for. */
	world_wait(f, 300);
	assert_int_equal(world_service(VIP)->previous_off, 0);
	b1_sends(false);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_RUNNING);
}

static void test_drain_timeout(void **state)
{
	struct fixture *f = *state;
	const struct service_conf *s;
	struct daemon_drain drain;
	uint32_t n;

	start_spec(f, world_spec("web", VIP, 3));
	n = b1_sends(true);
	world_drain(f, "b1", 60);
	b1_sends(false);
	drain = backend(f, "b1").drain;
	assert_int_equal(drain.deadline_us - drain.started_us, 60LL * SECOND_US);
	world_wait(f, 30);
	world_weight(f, "b2", 50); /* another change doesn't begin it anew */
	world_wait(f, 29);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_RUNNING);
	world_wait(f, 1);
	s = model_find(world_model(f), "web");
	assert_int_equal(s->backends[0].admin, BACKEND_DISABLED);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_TIMED_OUT);
	assert_int_equal(backend(f, "b1").drain.flows_cut, n);
	assert_int_equal(world_backend(world_service(VIP), 0)->flags, 0);
	world_weight(f, "b2", 100);
	assert_int_equal(backend(f, "b1").drain.flows_cut, n); /* still known */
	world_admin(f, "b1", BACKEND_ENABLED);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_NONE);
	assert_int_equal(backend(f, "b1").drain.flows_cut, 0);
}

static void test_drain_timeout_changes(void **state)
{
	struct fixture *f = *state;

	start_spec(f, world_spec("web", VIP, 2));
	world_drain(f, "b1", 10);
	world_wait(f, 5);
	world_drain(f, "b1", 100);
	world_wait(f, 99);
	assert_int_equal(backend(f, "b1").drain.state, DRAIN_DONE);
	assert_int_equal(model_find(world_model(f), "web")->backends[0].admin, BACKEND_DRAINING);
	world_wait(f, 1);
	assert_int_equal(model_find(world_model(f), "web")->backends[0].admin, BACKEND_DISABLED);
	assert_int_equal(backend(f, "b1").drain.flows_cut, 0);
}

static void test_slow_start(void **state)
{
	struct fixture *f = *state;
	struct service_conf *spec = world_spec("web", VIP, 2);
	uint32_t slots[5];

	spec->slow_start_s = 4;
	start_spec(f, spec);
	assert_int_equal(backend(f, "b1").weight, 100); /* the first ones have full weight */
	assert_int_equal(path.published, 1);
	world_add(f, "b3", 3);
	for (uint32_t i = 0; i < 5; i++) {
		slots[i] = world_slots_of(world_service(VIP), 3);
		assert_int_equal(backend(f, "b3").weight, i < 3 ? 25 * (i + 1) : 100);
		world_wait(f, 1);
	}
	for (uint32_t i = 0; i < 4; i++) {
		/* Of 100 + 100 + 25, 50, 75, 100. */
		uint32_t want = world_service(VIP)->slots * (i + 1) / (8 + i + 1);

		assert_in_range(slots[i], want - 3, want + 3);
	}
	assert_int_equal(slots[4], slots[3]);
	assert_int_equal(path.published, 5);
	/* Back from a drain, and from being disabled; a change of weight has no ramp. */
	world_drain(f, "b1", 0);
	world_admin(f, "b1", BACKEND_ENABLED);
	assert_int_equal(backend(f, "b1").weight, 25);
	world_wait(f, 1);
	world_weight(f, "b3", 200); /* b1 goes on */
	assert_int_equal(backend(f, "b1").weight, 50);
	assert_int_equal(backend(f, "b3").weight, 200);
	world_wait(f, 2);
	assert_int_equal(backend(f, "b1").weight, 100);
}

static void test_in_turn(void **state)
{
	static const struct {
		const char *name;
		enum scheduler scheduler;
		uint16_t flags;
		uint32_t turns[4]; /* of none, b1, b2, b3, of which b2 has twice the weight */
	} rows[] = {
		{"rr", SCHEDULER_RR, SERVICE_ROUND_ROBIN, {0, 1, 1, 1}},
		{"wrr", SCHEDULER_WRR, SERVICE_ROUND_ROBIN, {0, 1, 2, 1}},
		{"random", SCHEDULER_RANDOM, SERVICE_RANDOM, {0, 1, 2, 1}},
		{"least-conn", SCHEDULER_LEAST_CONN, SERVICE_LEAST_CONN, {0, 1, 2, 1}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct service_conf *spec = world_spec("web", VIP, 3);
		const struct service *s;
		struct fixture *f;
		uint8_t home;

		world_setup((void **)&f);
		print_message("# %s\n", rows[i].name);
		spec->scheduler = (uint8_t)rows[i].scheduler;
		spec->backends[1].weight = 200;
		start_spec(f, spec);
		s = world_service(VIP);
		assert_int_equal(s->flags, rows[i].flags);
		for (uint8_t b = 0; b < 4; b++)
			assert_int_equal(world_slots_of(s, b), rows[i].turns[b]);
		home = world_send(VIP, 77ULL << 32, true);
		/* All is remembered, so no change needs a transition. */
		world_weight(f, "b1", 1000);
		world_weight(f, "b3", 1000);
		assert_int_equal(world_service(VIP)->previous_off, 0);
		assert_int_equal(world_changed(world_service(VIP)), 0);
		assert_int_equal(world_send(VIP, 77ULL << 32, false), home);
		world_wait(f, 400);
		assert_int_equal(world_send(VIP, 77ULL << 32, false), home);
		world_teardown((void **)&f);
	}
	*state = NULL;
}

static void test_loads(void **state)
{
	struct fixture *f = *state;
	struct service_conf *spec = world_spec("web", VIP, 2);

	spec->scheduler = SCHEDULER_LEAST_CONN;
	start_spec(f, spec);
	for (uint32_t i = 0; i < 30; i++)
		world_remember((uint64_t)i << 32, NULL,
			       (struct memory){
				       .seen_state = memory_pack(world_memory_now_s(), MEMORY_TCP),
				       .backend = i % 3 == 0,
				       .service = (uint16_t)world_service(VIP)->id,
			       });
	world_wait(f, 1);
	assert_int_equal(world_backend(world_service(VIP), 0)->load, 65535);
	assert_int_equal(world_backend(world_service(VIP), 1)->load, 32767);
	assert_true(publisher_tick(f->publisher)); /* it never ends */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
		WORLD_TEST(test_drain),         WORLD_TEST(test_drain_goes_on),
		WORLD_TEST(test_drain_timeout), WORLD_TEST(test_drain_timeout_changes),
		WORLD_TEST(test_slow_start),    cmocka_unit_test(test_in_turn),
		WORLD_TEST(test_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
