/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the publisher makes of changes and of time: transitions begin, go on, end and settle;
 * indices, schedulers. Packets are sent by the tables that lie in the arena.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "installed.h"
#include "publisher_internal.h"
#include "world_packets.h"

#define VIP "198.51.100.1"

enum {
	FLOWS = 1000,
};

static uint64_t flow(uint32_t i)
{
	return world_hash(world_service(VIP), i % world_service(VIP)->slots, i);
}

/* web, with `n` backends. */
static void start(struct fixture *f, uint32_t n)
{
	world_apply(f, world_with(model_new(&f->settings), world_spec("web", VIP, n)));
}

static void start_spec(struct fixture *f, struct service_conf *spec)
{
	world_apply(f, world_with(model_new(&f->settings), spec));
}

/* Each flow opens; to which backend it goes. */
static void open_all(uint8_t homes[FLOWS])
{
	for (uint32_t i = 0; i < FLOWS; i++)
		homes[i] = world_send(VIP, flow(i), true);
}

/* Each flow sends; how many go elsewhere than home, those of backend `except` apart. */
static uint32_t count_moved(const uint8_t homes[FLOWS], uint8_t except)
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		moved += homes[i] != except && world_send(VIP, flow(i), false) != homes[i];
	return moved;
}

static struct daemon_transition transition(const struct fixture *f)
{
	struct daemon_transition out;

	publisher_transition_read(f->publisher, model_find(world_model(f), "web"), &out);
	return out;
}

static void test_steady_state_looks_nothing_up(void **state)
{
	struct fixture *f = *state;
	uint8_t homes[FLOWS];

	start(f, 3);
	open_all(homes);
	assert_int_equal(count_moved(homes, 0), 0);
	assert_int_equal(path.lookups, 0);
	assert_int_equal(transition(f).state, TRANSITION_NONE);
	assert_false(publisher_tick(f->publisher));
	assert_int_equal(path.walks, 0);
}

static void test_weight_changes(void **state)
{
	struct fixture *f = *state;
	const struct service *s;
	uint8_t homes[FLOWS];
	uint32_t was_b1;

	start(f, 3);
	open_all(homes);
	was_b1 = world_slots_of(world_service(VIP), 1);
	world_weight(f, "b1", 10);
	s = world_service(VIP);
	assert_true(world_slots_of(s, 1) < was_b1 / 2);
	assert_int_equal(world_changed(s), world_previous_n(s));
	assert_true(world_changed(s) >= was_b1 - world_slots_of(s, 1));
	assert_true(world_changed(s) < s->slots);
	assert_int_equal(transition(f).state, TRANSITION_ACTIVE);
	assert_int_equal(transition(f).ends_in_s, 300);
	assert_int_equal(transition(f).changed_slots, world_changed(s));
	assert_int_equal(transition(f).previous_slots, world_previous_n(s));
	assert_int_equal(count_moved(homes, 0), 0);
	/* A second and a third one, within the same transition, and back to where it was. */
	world_weight(f, "b2", 300);
	world_weight(f, "b1", 100);
	assert_int_equal(count_moved(homes, 0), 0);
	world_weight(f, "b2", 100);
	assert_int_equal(count_moved(homes, 0), 0);
	s = world_service(VIP);
	for (uint32_t i = 0; i < s->slots; i++)
		if (world_previous(s)[i] != SLOT_NONE)
			assert_int_equal(world_previous(s)[i], world_slots(s)[i] & SLOT_INDEX);
}

static void test_end_and_settling(void **state)
{
	struct fixture *f = *state;
	uint64_t stays = 0, goes = 0;
	uint8_t homes[FLOWS];
	uint32_t marks;

	start(f, 3);
	open_all(homes);
	world_weight(f, "b1", 10);
	for (uint32_t i = 0; i < FLOWS && !goes; i++) {
		const struct service *s = world_service(VIP);
		uint32_t slot = service_slot(s, flow(i));

		if (world_previous(s)[slot] == SLOT_NONE)
			continue;
		*(stays ? &goes : &stays) = flow(i);
		assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
	}
	assert_int_equal(path.flows_n, 2);
	world_wait(f, 299);
	assert_int_equal(transition(f).state, TRANSITION_ACTIVE);
	assert_int_equal(transition(f).ends_in_s, 1);
	marks = world_changed(world_service(VIP));
	world_wait(f, 1);
	assert_int_equal(transition(f).state, TRANSITION_SETTLING);
	assert_int_equal(world_service(VIP)->previous_off, 0);
	assert_int_equal(world_changed(world_service(VIP)), marks);
	world_wait(f, 3);
	assert_int_equal(world_changed(world_service(VIP)), 2); /* of these two flows */
	assert_int_equal(transition(f).changed_slots, 2);
	world_forget(world_flow(goes));
	world_wait(f, 40);
	assert_int_equal(world_changed(world_service(VIP)), 1);
	for (uint32_t i = 0; i < FLOWS; i++)
		if (flow(i) == stays)
			assert_int_equal(world_send(VIP, flow(i), false), homes[i]);
	/* Silent for longer than its idle time: it is as good as gone. */
	path.now_us += 3601LL * SECOND_US;
	world_wait(f, 1);
	assert_int_equal(world_changed(world_service(VIP)), 0);
	assert_int_equal(transition(f).state, TRANSITION_NONE);
	assert_false(publisher_tick(f->publisher));
}

/* A count that takes longer goes on between other events, and never holds them up for long. */
static void test_count_in_steps(void **state)
{
	enum { STEP_US = 6000, STEPS = 5, BUDGET_US = 10000 };
	struct fixture *f = *state;
	uint8_t homes[FLOWS];
	uint32_t marks, rounds = 0;
	int64_t before_us;

	start(f, 3);
	open_all(homes);
	world_weight(f, "b1", 10);
	assert_int_equal(count_moved(homes, 0), 0);
	assert_true(path.flows_n >= 10 * STEPS);
	world_wait(f, 300);
	assert_int_equal(transition(f).state, TRANSITION_SETTLING);
	marks = world_changed(world_service(VIP));
	while (path.flows_n > STEPS) /* so that the count finds something to clear up */
		world_forget(&path.flows[0]);
	path.step_us = STEP_US;
	path.step_flows = 1;
	for (uint32_t tick = 0; tick < 4; tick++) {
		before_us = path.now_us;
		world_wait(f, 1);
		assert_in_range(path.now_us - before_us, SECOND_US,
				SECOND_US + BUDGET_US + STEP_US);
		if (path.now_us - before_us > SECOND_US)
			break;
	}
	assert_int_equal(world_changed(world_service(VIP)), marks);
	while (world_changed(world_service(VIP)) == marks && rounds < 100) {
		before_us = path.now_us;
		event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		assert_true(path.now_us - before_us <= STEP_US);
		rounds++;
	}
	assert_in_range(rounds, 2, 99);
	assert_in_range(world_changed(world_service(VIP)), 1, STEPS);
}

static void test_early_end(void **state)
{
	static const struct {
		const char *name;
		uint8_t proto;
		uint32_t sends_s; /* the flow goes on until then */
		uint32_t active_s, over_s;
	} rows[] = {
		{"udp, nobody sends", PROTO_UDP, 0, 58, 66},
		{"udp, until 30 s", PROTO_UDP, 30, 148, 156},
		{"tcp has a longer idle time", PROTO_TCP, 0, 298, 302},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct service_conf *spec = world_spec("web", VIP, 2);
		struct fixture *f;
		uint32_t slot = 0;

		world_setup((void **)&f);
		print_message("# %s\n", rows[i].name);
		spec->proto = rows[i].proto;
		start_spec(f, spec);
		world_weight(f, "b1", 1);
		while (world_previous(world_service(VIP))[slot] == SLOT_NONE)
			slot++;
		for (uint32_t s = 0; s < rows[i].active_s; s++) {
			if (s < rows[i].sends_s)
				world_send(VIP, world_hash(world_service(VIP), slot, 1), false);
			world_wait(f, 1);
			assert_int_equal(transition(f).state, TRANSITION_ACTIVE);
		}
		world_wait(f, rows[i].over_s - rows[i].active_s);
		assert_int_equal(world_service(VIP)->previous_off, 0);
		world_teardown((void **)&f);
	}
	*state = NULL;
}

static void test_no_transition_wanted(void **state)
{
	struct fixture *f = *state;
	struct service_conf *spec = world_spec("web", VIP, 3);

	spec->transition_s = 0;
	start_spec(f, spec);
	world_weight(f, "b1", 0);
	world_add(f, "b9", 9);
	assert_int_equal(world_service(VIP)->previous_off, 0);
	assert_int_equal(world_changed(world_service(VIP)), 0);
	assert_int_equal(transition(f).state, TRANSITION_NONE);
	assert_false(publisher_tick(f->publisher));
}

static void test_disabled_loses_its_own_only(void **state)
{
	struct fixture *f = *state;
	const struct service *s;
	uint8_t homes[FLOWS];

	start(f, 4);
	open_all(homes);
	world_admin(f, "b2", BACKEND_DISABLED);
	assert_int_equal(count_moved(homes, 2), 0);
	s = world_service(VIP);
	for (uint32_t i = 0; i < s->slots; i++) {
		assert_int_not_equal(world_name(s, world_slots(s)[i]), 2);
		if (s->previous_off && world_previous(s)[i] != SLOT_NONE)
			assert_int_not_equal(world_name(s, world_previous(s)[i]), 2);
	}
	/* Its entry is a hole, so nothing that is remembered of it counts. */
	assert_int_equal(world_backend(s, 1)->counter, 0);
	assert_int_equal(world_backend(s, 1)->flags, 0);
	/* In a transition, one of the previous dies: its flows break, the others' don't. */
	world_weight(f, "b1", 10);
	assert_int_equal(count_moved(homes, 2), 0);
	open_all(homes);
	assert_int_equal(count_moved(homes, 0), 0);
	world_remove(f, "b1");
	assert_int_equal(count_moved(homes, 1), 0);
}

static void test_all_dead_ends_it(void **state)
{
	struct fixture *f = *state;

	start(f, 2);
	world_weight(f, "b1", 0);
	assert_int_equal(transition(f).state, TRANSITION_ACTIVE);
	world_remove(f, "b1"); /* the only one that was previous anywhere */
	assert_int_equal(world_service(VIP)->previous_off, 0);
	assert_int_equal(transition(f).state, TRANSITION_SETTLING);
	world_wait(f, 4);
	assert_int_equal(transition(f).state, TRANSITION_NONE);
}

static uint16_t index_of(uint8_t name)
{
	const struct service *s = world_service(VIP);

	for (uint16_t i = 0; i < s->backends; i++)
		if (world_backend(s, i)->counter != 0 && world_name(s, i) == name)
			return i;
	return SLOT_NONE;
}

static void test_index_is_not_used_too_early(void **state)
{
	struct fixture *f = *state;
	uint8_t homes[FLOWS];

	start(f, 3);
	open_all(homes);
	world_weight(f, "b2", 1);
	assert_int_equal(count_moved(homes, 0), 0); /* now flows of b2 are remembered */
	world_remove(f, "b2");
	world_wait(f, 400);
	world_add(f, "b8", 8);
	assert_int_equal(index_of(8), 3);
	assert_int_equal(index_of(3), 2);
	for (uint32_t i = 0; i < path.flows_n;)
		if (path.flows[i].memory.backend == 1)
			world_forget(&path.flows[i]);
		else
			i++;
	world_wait(f, 40);
	world_add(f, "b9", 9);
	assert_int_equal(index_of(9), 1);
}

/* Whoever was disabled comes back as another: what is remembered of it is not true any more. */
static void test_comes_back_as_another(void **state)
{
	struct fixture *f = *state;
	uint8_t homes[FLOWS], later[FLOWS];

	start(f, 3);
	open_all(homes);
	world_weight(f, "b2", 1);
	assert_int_equal(count_moved(homes, 0), 0);
	world_admin(f, "b2", BACKEND_DISABLED);
	for (uint32_t i = 0; i < FLOWS; i++)
		later[i] = world_send(VIP, flow(i), false); /* as if they reconnected */
	world_admin(f, "b2", BACKEND_ENABLED);
	world_weight(f, "b2", 100);
	assert_int_equal(index_of(2), 3);
	assert_int_equal(count_moved(later, 0), 0);
}

/* The publisher looks by itself, as long as there is something to look for. */
static void test_timer(void **state)
{
	const struct timeval while_running = {.tv_sec = 1, .tv_usec = 300000};
	struct fixture *f = *state;

	start(f, 2);
	world_weight(f, "b1", 10);
	path.now_us += 300LL * SECOND_US;
	event_base_loopexit(f->base, &while_running);
	event_base_dispatch(f->base);
	assert_int_equal(world_service(VIP)->previous_off, 0);
	assert_int_equal(transition(f).state, TRANSITION_SETTLING);
	path.now_us += 2LL * SECOND_US;
	event_base_loopexit(f->base, &while_running);
	event_base_dispatch(f->base);
	assert_int_equal(transition(f).state, TRANSITION_NONE);
}

/* The entries alone are written anew: tables and transition go on. */
static void test_next_hops_change_no_transition(void **state)
{
	struct fixture *f = *state;
	struct running *r;
	struct installed *was, *now;

	start(f, 3);
	world_weight(f, "b1", 10);
	world_wait(f, 10);
	r = &f->publisher->running;
	was = r->installed[0];
	now = installed_refresh(&r->around, was);
	assert_ptr_equal(now, was);
	installed_unref(now);
	r->settings.source_v4 = addr("192.0.2.99");
	now = installed_refresh(&r->around, was);
	assert_ptr_not_equal(now, was);
	assert_ptr_equal(now->slots, was->slots);
	assert_ptr_equal(now->previous, was->previous);
	assert_ptr_not_equal(now->backends, was->backends);
	assert_memory_equal(&now->phase, &was->phase, sizeof(now->phase));
	installed_unref(now);
}

/* A change that moves nothing (a drain's timeout, say) starts no transition. */
static void test_nothing_moves(void **state)
{
	struct fixture *f = *state;
	const uint16_t *slots;

	start(f, 2);
	slots = world_slots(world_service(VIP));
	world_weight(f, "b1", 0);
	world_wait(f, 302);
	assert_int_equal(transition(f).state, TRANSITION_NONE);
	slots = world_slots(world_service(VIP));
	world_drain(f, "b1", 0);
	assert_int_equal(transition(f).state, TRANSITION_NONE);
	assert_ptr_equal(world_slots(world_service(VIP)), slots);
	world_admin(f, "b1", BACKEND_ENABLED);
	world_weight(f, "b1", 100);
	world_wait(f, 100);
	world_weight(f, "b2", 100);
	world_weight(f, "b1", 200);
	world_wait(f, 100);
	world_weight(f, "b2", 200); /* 200 to 200 is 100 to 100 */
	world_wait(f, 100);
	world_drain(f, "b1", 0);
	world_wait(f, 290);
	world_drain(f, "b1", 77); /* nor does it prolong one */
	world_wait(f, 10);
	assert_int_equal(world_service(VIP)->previous_off, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
		WORLD_TEST(test_steady_state_looks_nothing_up),
		WORLD_TEST(test_weight_changes),
		WORLD_TEST(test_end_and_settling),
		WORLD_TEST(test_count_in_steps),
		cmocka_unit_test(test_early_end),
		WORLD_TEST(test_no_transition_wanted),
		WORLD_TEST(test_disabled_loses_its_own_only),
		WORLD_TEST(test_all_dead_ends_it),
		WORLD_TEST(test_index_is_not_used_too_early),
		WORLD_TEST(test_comes_back_as_another),
		WORLD_TEST(test_timer),
		WORLD_TEST(test_next_hops_change_no_transition),
		WORLD_TEST(test_nothing_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
