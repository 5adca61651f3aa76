/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XDP program's memory of flows (ebpf/flow_memory.bpf.h, ebpf/flow_maps.c) in the kernel:
 * random packets, changes and time against an obvious model, and its rules one by one. Skipped
 * without root. XDP_MEMORY_SEED makes another sequence.
 */
#include "flow_model.h"
#include "xdp_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	STEPS = 60000,
	ENTRIES_MAX = 2 * MODEL_FLOWS,
};

static struct flow_model model;
static struct memory_entry entries[ENTRIES_MAX];
static uint64_t random_state;

/* xorshift64*: Vigna, 2016. */
static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dULL >> 32) * n >> 32);
}

static int open_world(void **state)
{
	world_open(0);
	return 0;
}

static int close_world(void **state)
{
	world_close();
	return 0;
}

/* --- the sequence --- */

static void model_fill(void)
{
	static const enum world_service services[] = {WORLD_TCP,    WORLD_UDP,  WORLD_TCP6,
						      WORLD_SOURCE, WORLD_TURN, WORLD_TURN_TOO};

	memset(&model, 0, sizeof(model));
	for (uint32_t i = 0; i < MODEL_FLOWS; i++) {
		struct model_entry *e = &model.entries[i];

		e->flow = (struct world_flow){services[i % 6], (uint16_t)(random_below(40) + 1),
					      (uint16_t)(1024 + i)};
		e->hash = world_hash(&e->flow);
	}
}

static enum world_packet random_packet(enum world_service service)
{
	if (random_below(12) == 0)
		return WORLD_ICMP_ERROR;
	if (service == WORLD_UDP)
		return (enum world_packet)(WORLD_DATAGRAM + random_below(3));
	/* Mostly in the midst of connections. */
	return random_below(3) == 0 ? (enum world_packet)random_below(4) : WORLD_ACK;
}

static const char *entry_text(const struct model_entry *e)
{
	static char text[128];

	snprintf(text, sizeof(text), "service %d client %u port %u: there %d state %d backend %d",
		 e->flow.service, e->flow.client, e->flow.port, e->is_there, e->state, e->backend);
	return text;
}

static void packet_step(uint32_t step)
{
	struct model_entry *e = &model.entries[random_below(MODEL_FLOWS)];
	enum world_packet packet = random_packet(e->flow.service);
	struct model_entry before = *e;
	int expected = model_send(&model, e, packet), got = world_send(&e->flow, packet);
	struct memory m;
	enum fastpath_class class = world_look_up(&e->flow, &m), should = FASTPATH_CLASSES;

	if (e->is_there)
		should = memory_is_half_open(e->state) ? FASTPATH_HALF_OPEN : FASTPATH_ESTABLISHED;
	if (got == expected && class == should &&
	    (!e->is_there || (m.backend == e->backend && memory_state(&m) == e->state)))
		return;
	fprintf(stderr, "before: %s\n", entry_text(&before));
	fprintf(stderr, "after: %s\n", entry_text(e));
	fail_msg("step %u, packet %d: to %d, not %d; in map %d, not %d; state %d backend %u", step,
		 packet, got, expected, class, should, memory_state(&m), m.backend);
}

static uint16_t random_choice(enum world_service service, bool must_live)
{
	uint32_t index = random_below(WORLD_BACKENDS + 1);

	if (index == WORLD_BACKENDS ||
	    (must_live && !(world_backend(service, index)->flags & BACKEND_LIVES)))
		return SLOT_NONE;
	return (uint16_t)index;
}

/* By source, or by flow; or one backend after the other, which alone can be foretold. */
static uint16_t random_flags(void)
{
	static const uint16_t flags[] = {0, 0, SERVICE_HASH_SOURCE, SERVICE_ROUND_ROBIN};

	return flags[random_below(4)];
}

static uint32_t random_slots_n(void)
{
	static const uint32_t slots_n[] = {WORLD_SLOTS, WORLD_SLOTS, 1, 29, WORLD_SLOTS_MAX};

	return slots_n[random_below(5)];
}

/*
 * Flows find their slot in another way; those of the time before by the one that was, or by the
 * one before that, which is still asked: anything may be what an older daemon left.
 */
static void way_step(enum world_service service)
{
	uint32_t slots_n = random_slots_n(), previous_n = random_slots_n();
	uint16_t *previous = world_previous_way(service, previous_n, random_below(2));

	for (uint32_t i = 0; i < previous_n; i++)
		previous[i] = random_choice(service, true);
	world_way(service, slots_n, random_flags());
	for (uint32_t i = 0; i < slots_n; i++)
		world_slots(service)[i] = random_choice(service, false) | SLOT_CHANGED;
}

/* A few slots get other choices, or become plain ones again; or a transition ends, or begins. */
static void slots_step(enum world_service service)
{
	const struct service *s = world_service(service);
	bool plain = !(s->flags & (SERVICE_WAY | SERVICE_REMEMBERS));

	if (s->flags & SERVICE_WAY && random_below(3) == 0) {
		world_transition(service, false);
		for (uint32_t i = 0; i < WORLD_SLOTS_MAX; i++)
			world_previous(service)[i] = SLOT_NONE;
	} else if (plain && random_below(4) == 0) {
		world_transition(service, random_below(3) != 0);
	}
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t slot = random_below(s->slots);
		bool marked = s->flags & SERVICE_WAY || random_below(4);

		world_slots(service)[slot] =
			random_choice(service, false) | (marked ? SLOT_CHANGED : 0);
		if (plain)
			world_previous(service)[slot] = random_choice(service, true);
	}
}

/* The length of what lies at world_previous(), a way's head apart. */
static uint32_t previous_n(enum world_service service)
{
	const struct service *s = world_service(service);

	return s->flags & SERVICE_WAY ? ((struct way *)world_previous(service))->slots : s->slots;
}

/* A backend dies, which then is nobody's previous one; or lives again. */
static void backend_step(enum world_service service)
{
	uint32_t index = random_below(WORLD_BACKENDS);
	uint16_t *previous = world_previous(service);

	if (world_service(service)->flags & SERVICE_WAY)
		previous += sizeof(struct way) / sizeof(*previous);
	world_backend(service, index)->flags ^= BACKEND_LIVES;
	for (uint32_t i = 0; i < previous_n(service); i++)
		if (previous[i] == index)
			previous[i] = SLOT_NONE;
}

/* All that the maps hold, as a walk hands it out, is what the model has. */
static void compare_all(void)
{
	uint32_t n = world_walk(entries, ENTRIES_MAX);

	model_expire(&model);
	assert_int_equal(n, model_count(&model));
	for (uint32_t i = 0; i < n; i++) {
		const struct memory *m = &entries[i].memory;
		const struct model_entry *e = model.entries;

		while (e < model.entries + MODEL_FLOWS && e->hash != entries[i].hash)
			e++;
		assert_true(e < model.entries + MODEL_FLOWS && e->is_there);
		assert_int_equal(memory_state(m), e->state);
		assert_int_equal(m->backend, e->backend);
		assert_int_equal(m->service, world_service(e->flow.service)->id);
		assert_in_range(memory_idle_s(m, flow_maps_now_s()), e->age_s, e->age_s + 45);
	}
}

static void compare_counters(void)
{
	struct memory_counters c = world_counters();

	assert_int_equal(c.lookups, model.lookups);
	assert_int_equal(c.hits, model.hits);
	assert_int_equal(c.inserts, model.inserts);
	assert_int_equal(c.forgotten, model.forgotten);
	assert_int_equal(c.expired, model.expired);
	assert_int_equal(c.entries, model_count(&model));
	assert_int_equal(c.evicted_half_open + c.evicted_established + c.untracked, 0);
}

static void test_sequence(void **state)
{
	const char *text = getenv("XDP_MEMORY_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 20837;

	uint32_t ways = 0;

	random_state = seed | 1;
	model_fill();
	for (uint32_t step = 0; step < STEPS; step++) {
		enum world_service service = model.entries[random_below(6)].flow.service;
		uint32_t dice = random_below(1000);

		if (dice < 960) {
			packet_step(step);
		} else if (dice < 978) {
			slots_step(service);
		} else if (dice < 980) {
			way_step(service);
			ways++;
		} else if (dice < 990) {
			backend_step(service);
		} else if (dice < 994) {
			world_age(100);
			model_age(&model, 100);
		} else if (dice < 996) {
			compare_all();
		} else {
			compare_counters();
		}
	}
	compare_all();
	compare_counters();
	print_message("# seed %" PRIu64 ": %" PRIu64 " look-ups, %" PRIu64 " hits, %" PRIu64
		      " inserts, %" PRIu64 " forgotten, %" PRIu64 " expired\n",
		      seed, model.lookups, model.hits, model.inserts, model.forgotten,
		      model.expired);
	assert_true(ways > STEPS / 1000);
	assert_true(model.hits > STEPS / 10 && model.forgotten > 500 && model.expired > 500);
}

/* --- rules, one by one --- */

static void test_steady(void **state)
{
	for (int service = WORLD_TCP; service <= WORLD_SOURCE; service++)
		for (uint32_t n = 0; n < 200; n++) {
			struct world_flow f = world_flow((enum world_service)service, n);
			bool udp = service == WORLD_UDP;
			enum world_packet packet = udp ? WORLD_DATAGRAM : WORLD_ACK;

			assert_int_equal(world_send(&f, packet), world_slot(&f) % WORLD_BACKENDS);
		}
	assert_int_equal(world_counters().lookups, 0);
	assert_int_equal(world_counters().entries, 0);
}

static void test_classes(void **state)
{
	static const struct {
		const char *name;
		enum world_packet packet;
		int backend; /* 1: current, 2: previous */
		enum fastpath_class class;
	} rows[] = {
		{"a SYN opens at the current", WORLD_SYN, 1, FASTPATH_HALF_OPEN},
		{"again", WORLD_SYN, 1, FASTPATH_HALF_OPEN},
		{"established", WORLD_ACK, 1, FASTPATH_ESTABLISHED},
		{"a spoofed SYN moves nobody", WORLD_SYN, 1, FASTPATH_ESTABLISHED},
		{"nor does an ICMP error", WORLD_ICMP_ERROR, 1, FASTPATH_ESTABLISHED},
		{"closing", WORLD_FIN, 1, FASTPATH_ESTABLISHED},
		{"the last ACK", WORLD_ACK, 1, FASTPATH_ESTABLISHED},
		{"the next connection", WORLD_SYN, 1, FASTPATH_HALF_OPEN},
		{"cut", WORLD_RST, 1, FASTPATH_ESTABLISHED},
	};
	struct world_flow f = world_flow(WORLD_TCP, 1), old = world_flow(WORLD_TCP, 2);
	struct memory m;

	world_change_all(WORLD_TCP, 1, 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (world_send(&f, rows[i].packet) != rows[i].backend ||
		    world_look_up(&f, &m) != rows[i].class)
			fail_msg("row %s", rows[i].name);
	}
	assert_int_equal(world_send(&old, WORLD_ICMP_ERROR), 2);
	assert_int_equal(world_look_up(&old, &m), FASTPATH_CLASSES);
	assert_int_equal(world_send(&old, WORLD_ACK), 2);
	assert_int_equal(world_look_up(&old, &m), FASTPATH_HALF_OPEN);
	world_transition(WORLD_TCP, false);
	assert_int_equal(world_send(&old, WORLD_ACK), 2);
	assert_int_equal(world_look_up(&old, &m), FASTPATH_ESTABLISHED);
	assert_int_equal(world_send(&f, WORLD_ACK), 1); /* as the tables say: forgotten */
	assert_int_equal(world_look_up(&f, &m), FASTPATH_CLASSES);
	assert_int_equal(world_counters().entries, 1);
}

/* What lies there, but isn't true: another service's, a dead backend's, none's. */
static void test_not_believed(void **state)
{
	const uint32_t now_s = flow_maps_now_s();
	const struct {
		const char *name;
		struct memory memory;
	} rows[] = {
		{"another service's", {memory_pack(now_s, MEMORY_TCP), 3, 1 + WORLD_UDP}},
		{"an index beyond the service's",
		 {memory_pack(now_s, MEMORY_TCP), WORLD_BACKENDS, 1 + WORLD_TCP}},
		{"a dead backend's", {memory_pack(now_s, MEMORY_TCP), 4, 1 + WORLD_TCP}},
		{"silent for too long", {memory_pack(now_s - 951, MEMORY_TCP), 3, 1 + WORLD_TCP}},
		{"silent for 100 days",
		 {memory_pack(now_s - 8640000, MEMORY_TCP), 3, 1 + WORLD_TCP}},
		{"silent for 2^24 s",
		 {memory_pack(now_s - (1 << 24), MEMORY_TCP), 3, 1 + WORLD_TCP}},
	};
	struct memory m;

	world_backend(WORLD_TCP, 4)->flags &= (uint8_t)~BACKEND_LIVES;
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world_flow f = world_flow(WORLD_TCP, 2 * i);

		world_change_all(WORLD_TCP, 1, 2);
		world_put(&f, FASTPATH_ESTABLISHED, &rows[i].memory);
		if (world_send(&f, WORLD_ACK) != 2 || world_look_up(&f, &m) != FASTPATH_HALF_OPEN ||
		    m.backend != 2 || m.service != 1 + WORLD_TCP)
			fail_msg("row %s: in transition", rows[i].name);
		f = world_flow(WORLD_TCP, 2 * i + 1);
		/* Now the tables agree: it must not wait there for its backend to live again. */
		world_transition(WORLD_TCP, false);
		world_put(&f, FASTPATH_ESTABLISHED, &rows[i].memory);
		if (world_send(&f, WORLD_ICMP_ERROR) != 1 ||
		    world_look_up(&f, &m) != FASTPATH_ESTABLISHED)
			fail_msg("row %s: an ICMP error leaves traces", rows[i].name);
		if (world_send(&f, WORLD_ACK) != 1 || world_look_up(&f, &m) != FASTPATH_CLASSES)
			fail_msg("row %s: after the transition", rows[i].name);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_steady),
		TEST(test_classes),
		TEST(test_not_believed),
		TEST(test_sequence),
	};

	if (!world_enter()) {
		print_message("# skip: loading BPF programs needs root\n");
		return 77;
	}
	return cmocka_run_group_tests_name("xdp memory", tests, NULL, NULL);
}
