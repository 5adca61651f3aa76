/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XDP program's memory of flows (ebpf/flow_memory.bpf.h, ebpf/flow_maps.c) in the kernel:
 * random packets, changes and time against an obvious model; floods; what is counted; services
 * that don't hash. Skipped without root. XDP_MEMORY_SEED makes another sequence.
 */
#include "flow_model.h"
#include "xdp_world.h"

#include "sluice/service.h"

#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	STEPS = 60000,
	ESTABLISHED = 3000,
	FLOOD = 3 * PROGRAM_FLOWS_MIN,
	ENTRIES_MAX = 4 * PROGRAM_FLOWS_MIN,
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

static struct world_flow flow_number(enum world_service service, uint32_t n)
{
	return (struct world_flow){service, (uint16_t)(n >> 14), (uint16_t)(1024 + (n & 0x3fff))};
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
	static const enum world_service services[] = {WORLD_TCP, WORLD_UDP, WORLD_TCP6,
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

/* A few slots get other choices, or become plain ones again; or a transition ends, or begins. */
static void slots_step(enum world_service service)
{
	if (random_below(4) == 0)
		world_transition(service, random_below(3) != 0);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t slot = random_below(WORLD_SLOTS);

		world_slots(service)[slot] = random_choice(service, false) |
					     (random_below(4) ? SLOT_CHANGED : 0);
		world_previous(service)[slot] = random_choice(service, true);
	}
}

/* A backend dies, which then is nobody's previous one; or lives again. */
static void backend_step(enum world_service service)
{
	uint32_t index = random_below(WORLD_BACKENDS);

	world_backend(service, index)->flags ^= BACKEND_LIVES;
	for (uint32_t i = 0; i < WORLD_SLOTS; i++)
		if (world_previous(service)[i] == index)
			world_previous(service)[i] = SLOT_NONE;
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

	random_state = seed | 1;
	model_fill();
	for (uint32_t step = 0; step < STEPS; step++) {
		enum world_service service = model.entries[random_below(6)].flow.service;
		uint32_t dice = random_below(1000);

		if (dice < 960) {
			packet_step(step);
		} else if (dice < 980) {
			slots_step(service);
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
	print_message("seed %" PRIu64 ": %" PRIu64 " look-ups, %" PRIu64 " hits, %" PRIu64
		      " inserts, %" PRIu64 " forgotten, %" PRIu64 " expired\n", seed,
		      model.lookups, model.hits, model.inserts, model.forgotten, model.expired);
	assert_true(model.hits > STEPS / 10 && model.forgotten > 500 && model.expired > 500);
}

/* --- rules, one by one --- */

static void test_steady(void **state)
{
	for (int service = WORLD_TCP; service <= WORLD_SOURCE; service++)
		for (uint32_t n = 0; n < 200; n++) {
			struct world_flow f = flow_number((enum world_service)service, n);
			enum world_packet packet = service == WORLD_UDP ? WORLD_DATAGRAM : WORLD_ACK;

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
	struct world_flow f = flow_number(WORLD_TCP, 1), old = flow_number(WORLD_TCP, 2);
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
	};
	struct memory m;

	world_backend(WORLD_TCP, 4)->flags &= (uint8_t)~BACKEND_LIVES;
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world_flow f = flow_number(WORLD_TCP, 2 * i);

		world_change_all(WORLD_TCP, 1, 2);
		world_put(&f, FASTPATH_ESTABLISHED, &rows[i].memory);
		if (world_send(&f, WORLD_ACK) != 2 || world_look_up(&f, &m) != FASTPATH_HALF_OPEN ||
		    m.backend != 2 || m.service != 1 + WORLD_TCP)
			fail_msg("row %s: in transition", rows[i].name);
		f = flow_number(WORLD_TCP, 2 * i + 1);
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

/* --- full maps --- */

/* Connections older than the change, which have shown twice that they live. */
static void establish(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++) {
		struct world_flow f = flow_number(WORLD_TCP, i);

		assert_int_equal(world_send(&f, WORLD_ACK), 2);
		assert_int_equal(world_send(&f, WORLD_ACK), 2);
	}
}

static uint32_t established_lost(uint32_t first, uint32_t n)
{
	uint32_t lost = 0;

	for (uint32_t i = first; i < first + n; i++) {
		struct world_flow f = flow_number(WORLD_TCP, i);

		lost += world_send(&f, WORLD_ACK) != 2;
	}
	return lost;
}

/* Each insert is still there, or counted as what became of it. */
static void assert_balanced(const struct memory_counters *c)
{
	uint32_t n = world_walk(entries, ENTRIES_MAX);

	assert_int_equal(c->entries, n);
	assert_int_equal(c->inserts, n + c->evicted_half_open + c->evicted_established +
					     c->expired + c->forgotten);
	assert_int_equal(c->untracked, 0);
	assert_true(c->entries <= c->capacity);
}

static void flood(enum world_service service, enum world_packet packet)
{
	struct memory_counters c;

	world_change_all(WORLD_TCP, 1, 2);
	world_change_all(service, 1, 2);
	establish(0, ESTABLISHED);
	for (uint32_t i = 0; i < FLOOD; i++) {
		struct world_flow f = flow_number(service, (1 << 20) + i);

		world_send(&f, packet);
	}
	c = world_counters();
	assert_int_equal(c.inserts, ESTABLISHED + FLOOD);
	assert_int_equal(c.evicted_established, 0);
	assert_true(c.evicted_half_open >= FLOOD - PROGRAM_FLOWS_MIN);
	assert_true(c.entries > ESTABLISHED + PROGRAM_FLOWS_MIN / 2);
	assert_balanced(&c);
	world_transition(WORLD_TCP, false); /* now nothing but memory tells where they are */
	assert_int_equal(established_lost(0, ESTABLISHED), 0);
	print_message("%u half-open flows: %" PRIu64 " evicted, 0 of %u established lost\n",
		      FLOOD, c.evicted_half_open, ESTABLISHED);
}

static void test_syn_flood(void **state)
{
	flood(WORLD_TCP, WORLD_SYN);
}

static void test_ack_flood(void **state)
{
	flood(WORLD_TCP, WORLD_ACK);
}

static void test_udp_flood(void **state)
{
	flood(WORLD_UDP, WORLD_DATAGRAM);
}

/* More established flows than there is room for: the oldest go, are counted, and go by the hash. */
static void test_established_full(void **state)
{
	const uint32_t n = PROGRAM_FLOWS_MIN + 4000;
	struct memory_counters c;

	world_change_all(WORLD_TCP, 1, 2);
	establish(0, n);
	c = world_counters();
	assert_in_range(c.evicted_established, 4000, 4000 + 128 * (world_program.cpus + 1));
	assert_int_equal(c.evicted_half_open, 0);
	assert_balanced(&c);
	assert_int_equal(c.entries, n - c.evicted_established);
	assert_int_equal(established_lost(n - 8000, 8000), 0);
	c = world_counters();
	assert_balanced(&c);
	world_transition(WORLD_TCP, false);
	assert_int_equal(established_lost(n - 8000, 8000), 0);
	assert_int_equal(established_lost(0, 100), 100);
}

/* A walk deletes no more than it may; what it leaves it hands out, and the next one goes on. */
static void test_expire(void **state)
{
	const uint32_t n = PROGRAM_FLOWS_MIN + 3000;
	struct memory_counters c;
	struct world_flow f;
	uint32_t left;

	close_world(state);
	world_open(4 * PROGRAM_FLOWS_MIN);
	world_change_all(WORLD_TCP, 1, 2);
	establish(0, n);
	assert_int_equal(world_walk(entries, ENTRIES_MAX), n);
	world_age(1000);
	f = flow_number(WORLD_TCP, n + 1);
	assert_int_equal(world_send(&f, WORLD_SYN), 1);
	left = world_walk(entries, ENTRIES_MAX);
	assert_int_equal(left, 3000 + 1);
	c = world_counters();
	assert_int_equal(c.expired, n - 3000);
	assert_int_equal(c.entries, left);
	assert_int_equal(world_walk(entries, ENTRIES_MAX), 1);
	assert_int_equal(entries[0].hash, world_hash(&f));
	c = world_counters();
	assert_int_equal(c.expired, n);
	assert_balanced(&c);
}

/* --- services that don't hash --- */

static void test_round_robin(void **state)
{
	struct world_flow f;
	struct memory m;

	/* Two services, a packet in turn: each has its own count. */
	for (uint32_t i = 0; i < 3 * WORLD_SLOTS; i++)
		for (int service = WORLD_TURN; service <= WORLD_TURN_TOO; service++) {
			int expected = (int)(i % WORLD_SLOTS % WORLD_BACKENDS);

			f = flow_number((enum world_service)service, i);
			assert_int_equal(world_send(&f, WORLD_SYN), expected);
			assert_int_equal(world_send(&f, WORLD_ACK), expected);
			assert_int_equal(world_send(&f, WORLD_ACK), expected);
			assert_int_equal(world_look_up(&f, &m), FASTPATH_ESTABLISHED);
		}
	/* A count is drawn for the next connection, none for an ICMP error of no flow. */
	f = flow_number(WORLD_TURN, 1);
	assert_int_equal(world_send(&f, WORLD_FIN), 1);
	assert_int_equal(world_send(&f, WORLD_SYN), 0);
	f = flow_number(WORLD_TURN, 1000);
	world_send(&f, WORLD_ICMP_ERROR);
	assert_int_equal(world_look_up(&f, &m), FASTPATH_CLASSES);
	assert_int_equal(world_send(&f, WORLD_ACK), 1);
	/* No backend: dropped, and not remembered. */
	for (uint32_t i = 0; i < WORLD_SLOTS; i++)
		world_slots(WORLD_TURN)[i] = SLOT_NONE;
	assert_int_equal(world_send(&f, WORLD_ACK), 1);
	f = flow_number(WORLD_TURN, 1001);
	assert_int_equal(world_send(&f, WORLD_SYN), WORLD_NOWHERE);
	assert_int_equal(world_look_up(&f, &m), FASTPATH_CLASSES);
}

/* Of `n` new flows, how many each backend got; each stays there. */
static void spread(enum world_service service, uint32_t n, uint32_t got[WORLD_BACKENDS])
{
	memset(got, 0, WORLD_BACKENDS * sizeof(got[0]));
	for (uint32_t i = 0; i < n; i++) {
		struct world_flow f = flow_number(service, i);
		int where = world_send(&f, WORLD_SYN);

		assert_in_range(where, 0, WORLD_BACKENDS - 1);
		assert_int_equal(world_send(&f, WORLD_ACK), where);
		got[where]++;
	}
}

/* Limits are five standard deviations and more. */
static void test_random(void **state)
{
	uint32_t got[WORLD_BACKENDS];

	spread(WORLD_RANDOM, 6500, got);
	assert_in_range(got[0], 1350, 1650); /* 3 of 13 slots */
	for (uint32_t i = 1; i < WORLD_BACKENDS; i++)
		assert_in_range(got[i], 850, 1150); /* 2 of 13 */
}

static void test_least_conn(void **state)
{
	uint32_t got[WORLD_BACKENDS];

	/* Half of the slots lead to a busy backend, which gets one only if both draws do. */
	for (uint32_t i = 0; i < WORLD_SLOTS; i++)
		world_slots(WORLD_LEAST)[i] = (uint16_t)(i < 6);
	world_backend(WORLD_LEAST, 1)->load = 100;
	spread(WORLD_LEAST, 8000, got);
	assert_int_equal(got[0] + got[1], 8000);
	assert_in_range(got[1], 8000 * 36 / 169 - 200, 8000 * 36 / 169 + 200);
}

/* --- */

static bool stay_on_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	return sched_setaffinity(0, sizeof(one), &one) == 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_steady),      TEST(test_classes),          TEST(test_not_believed),
		TEST(test_sequence),    TEST(test_syn_flood),        TEST(test_ack_flood),
		TEST(test_udp_flood),   TEST(test_established_full), TEST(test_expire),
		TEST(test_round_robin), TEST(test_random),           TEST(test_least_conn),
	};

	/* The round-robin counts are each CPU's own. */
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0 || !stay_on_one_cpu()) {
		print_message("skip: loading BPF programs needs root\n");
		return 77;
	}
	if (system("ip link set lo up") != 0)
		return 1;
	return cmocka_run_group_tests_name("xdp memory", tests, NULL, NULL);
}
