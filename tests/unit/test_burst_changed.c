/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK worker's burst where slots changed: what is remembered, by whom, and that a steady
 * state asks nobody. What a single packet makes of what is known, test_memory.c has row by row.
 */
#include "changed_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

enum {
	SLOT = 5, /* where something changes; by changed_reset() it has backend 5 */
	OLD = 5,
	NEW = 6,
};

/* The slot goes from OLD to NEW, in a transition. Returns a client whose flow is there. */
static uint32_t slot_change(enum changed_service service)
{
	cw.tables[service]->slots[SLOT] = NEW | SLOT_CHANGED;
	cw.tables[service]->previous[SLOT] = OLD;
	changed_transition(service, true);
	return changed_client(service, SLOT, 0);
}

static uint16_t send_kind(enum changed_service service, uint32_t client, enum changed_kind kind)
{
	return changed_send_one(0, &(struct changed_packet){service, kind, client, 0});
}

/* Without a table: whoever looked there would crash. */
static void test_steady_state(void **state)
{
	struct burst_context context = cw.contexts[0];
	struct changed_packet packets[BURST_MAX];
	uint16_t at[BURST_MAX];

	(void)state;
	cw.contexts[0].flows = NULL;
	cw.contexts[0].tables_n = 0;
	for (uint32_t round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < BURST_MAX; i++)
			packets[i] = (struct changed_packet){
				.service = i % 3 == 2   ? SOURCE
					   : i % 3 == 1 ? DNS
							: WEB,
				.kind = i % 3 == 1        ? CHANGED_UDP
					: round % 10 == 0 ? CHANGED_ERROR
							  : (enum changed_kind)(round % 3),
				.client = round * BURST_MAX + i,
			};
		changed_send(0, packets, BURST_MAX, at);
		for (uint32_t i = 0; i < BURST_MAX; i++)
			assert_int_equal(at[i], changed_slot(&packets[i]) % CHANGED_BACKENDS);
	}
	cw.contexts[0] = context;
	assert_int_equal(cw.flows[0].counters.lookups, 0);
}

/* One slot of all changes: flows elsewhere are none of the table's business. */
static void test_others_unchanged(void **state)
{
	(void)state;
	slot_change(WEB);
	for (uint32_t client = 0; client < 500; client++) {
		struct changed_packet p = {WEB, CHANGED_ACK, client, 0};
		uint32_t slot = changed_slot(&p);

		if (slot != SLOT)
			assert_int_equal(changed_send_one(0, &p), slot % CHANGED_BACKENDS);
	}
	assert_int_equal(cw.flows[0].counters.lookups, 0);
}

static void test_connection(void **state)
{
	uint32_t older = slot_change(WEB), newer = changed_client(WEB, SLOT, older + 1);
	struct memory_counters *c = &cw.flows[0].counters;

	(void)state;
	assert_int_equal(send_kind(WEB, older, CHANGED_ACK), OLD);
	assert_int_equal(send_kind(WEB, newer, CHANGED_SYN), NEW);
	assert_int_equal(send_kind(WEB, newer, CHANGED_ACK), NEW);
	assert_int_equal(send_kind(WEB, older, CHANGED_SYN), OLD); /* spoofed */
	assert_int_equal(c->lookups, 4);
	assert_int_equal(c->hits, 2);
	assert_int_equal(c->entries, 2);
	/* The slot changes again, and once more. */
	cw.tables[WEB]->slots[SLOT] = 0 | SLOT_CHANGED;
	assert_int_equal(send_kind(WEB, newer, CHANGED_ACK), NEW);
	assert_int_equal(send_kind(WEB, older, CHANGED_ACK), OLD);
	/* The transition ends. */
	changed_transition(WEB, false);
	cw.tables[WEB]->slots[SLOT] = OLD | SLOT_CHANGED;
	assert_int_equal(send_kind(WEB, newer, CHANGED_ACK), NEW);
	assert_int_equal(send_kind(WEB, older, CHANGED_ACK), OLD);
	assert_int_equal(c->forgotten, 1); /* the slot alone says the same of the older one */
	assert_int_equal(c->entries, 1);
	/* The newer one's backend dies: where the slot says. */
	cw.tables[WEB]->backends[NEW].flags &= (uint8_t)~BACKEND_LIVES;
	assert_int_equal(send_kind(WEB, newer, CHANGED_ACK), OLD);
}

/* All of a connection in one burst, among others: in order. */
static void test_one_burst(void **state)
{
	uint32_t a = slot_change(WEB), b = changed_client(WEB, SLOT, a + 1);
	struct changed_packet packets[] = {
		{WEB, CHANGED_SYN, a, 0}, {WEB, CHANGED_ACK, b, 0}, {WEB, CHANGED_ACK, a, 0},
		{WEB, CHANGED_SYN, b, 0}, {WEB, CHANGED_FIN, a, 0}, {WEB, CHANGED_SYN, a, 0},
		{DNS, CHANGED_UDP, a, 0}, {WEB, CHANGED_FIN, b, 0}, {WEB, CHANGED_SYN, b, 0},
	};
	uint16_t at[ROWS(packets)];
	static const uint16_t expected[] = {NEW, OLD, NEW, OLD, NEW, NEW, 0, OLD, NEW};

	(void)state;
	changed_send(0, packets, ROWS(packets), at);
	for (size_t i = 0; i < ROWS(packets); i++)
		if (i != 6)
			assert_int_equal(at[i], expected[i]);
	assert_int_equal(cw.flows[0].counters.entries, 2);
	assert_int_equal(cw.flows[0].counters.lookups, ROWS(packets) - 1);
}

/* An ICMP error goes where its flow is, whichever worker knows it, and leaves no trace. */
static void test_icmp_errors(void **state)
{
	uint32_t client = slot_change(WEB), unknown = changed_client(WEB, SLOT, client + 1);
	struct changed_packet syn = {WEB, CHANGED_SYN, client, 0};
	struct changed_packet error = {WEB, CHANGED_ERROR, client, 0};
	struct changed_packet stray = {WEB, CHANGED_ERROR, unknown, 0};

	(void)state;
	assert_int_equal(changed_send_one(1, &syn), NEW);
	for (uint32_t worker = 0; worker < CHANGED_WORKERS; worker++) {
		assert_int_equal(changed_send_one(worker, &error), NEW);
		assert_int_equal(changed_send_one(worker, &stray), OLD);
	}
	assert_int_equal(cw.flows[0].counters.entries, 0);
	assert_int_equal(cw.flows[1].counters.entries, 1);
	assert_int_equal(cw.flows[0].counters.inserts, 0);
	/* Another packet than an error doesn't ask the other workers. */
	assert_int_equal(changed_send_one(0, &(struct changed_packet){WEB, CHANGED_ACK, client, 0}),
			 OLD);
	/* What the other one knows is too old by now. */
	flow_table_remove(&cw.flows[0], changed_hash(&syn));
	cw.burst.now_s += 11;
	assert_int_equal(changed_send_one(0, &error), OLD);
}

/*
 * With 32 workers, an error of an unknown flow is looked for in 31 tables: two of them take what a burst
 * may spend, and a third one counts as unknown, too. The next burst may spend as much.
 */
static void test_icmp_errors_budget(void **state)
{
	const struct burst_context context = cw.contexts[0];
	const struct flow_table *tables[32];
	uint32_t client = slot_change(WEB), unknown = changed_client(WEB, SLOT, client + 1);
	struct changed_packet syn = {WEB, CHANGED_SYN, client, 0};
	struct changed_packet error = {WEB, CHANGED_ERROR, client, 0};
	struct changed_packet stray = {WEB, CHANGED_ERROR, unknown, 0};
	const struct changed_packet late[] = {stray, stray, error}, early[] = {error, stray, stray};
	struct flow_table empty;
	uint16_t at[3];

	(void)state;
	assert_int_equal(flow_table_create(&empty, 64, false), 0);
	tables[0] = &cw.flows[0];
	for (size_t i = 1; i < ROWS(tables); i++)
		tables[i] = &empty;
	tables[31] = &cw.flows[1];
	cw.contexts[0].tables = tables;
	cw.contexts[0].tables_n = ROWS(tables);
	assert_int_equal(changed_send_one(1, &syn), NEW);
	cw.over_budget = true;
	changed_send(0, late, ROWS(late), at);
	cw.over_budget = false;
	assert_int_equal(at[2], OLD);
	changed_send(0, early, ROWS(early), at);
	assert_int_equal(at[0], NEW);
	assert_int_equal(at[2], OLD);
	cw.contexts[0] = context;
	flow_table_destroy(&empty);
}

/*
 * A flow that a fragment began is known to the worker that fragments come to: its whole packets find it there, and are
 * at home with theirs from then on. Where no fragment was remembered for long enough, no worker asks others.
 */
static void test_fragment_first(void **state)
{
	(void)state;
	cw.services[DNS]->flags = SERVICE_ROUND_ROBIN;
	for (uint32_t client = 0; client < 20; client++) {
		struct changed_packet fragment = {DNS, CHANGED_FRAGMENT, client, 0};
		struct changed_packet whole = {DNS, CHANGED_UDP, client, 0};
		uint16_t at = changed_send_one(1, &fragment);

		assert_int_equal(changed_send_one(0, &whole), at);
		assert_int_equal(changed_send_one(1, &fragment), at);
		cw.burst.now_s++;
		assert_int_equal(changed_send_one(0, &whole), at);
		assert_int_equal(changed_send_one(1, &fragment), at);
	}
	assert_int_equal(cw.tickets[1 + DNS], 20);
	assert_int_equal(cw.flows[0].counters.entries, 20);
	/* Whole packets alone, at a worker that has seen no fragment. */
	assert_int_equal(changed_send_one(0, &(struct changed_packet){DNS, CHANGED_UDP, 100, 0}),
			 20 % CHANGED_SLOTS % CHANGED_BACKENDS);
	assert_int_equal(changed_send_one(1, &(struct changed_packet){DNS, CHANGED_UDP, 100, 0}),
			 21 % CHANGED_SLOTS % CHANGED_BACKENDS);
	/* A fragment's time is over. */
	assert_int_equal(
		changed_send_one(1, &(struct changed_packet){DNS, CHANGED_FRAGMENT, 101, 0}),
		22 % CHANGED_SLOTS % CHANGED_BACKENDS);
	cw.burst.now_s += cw.generation->idle_s[MEMORY_UDP] + 1U;
	assert_false(flow_table_has_fragments(&cw.flows[1], cw.generation, cw.burst.now_s));
	assert_int_equal(changed_send_one(0, &(struct changed_packet){DNS, CHANGED_UDP, 101, 0}),
			 23 % CHANGED_SLOTS % CHANGED_BACKENDS);
}

/* Session affinity: the address alone decides, in a transition as well; each flow by itself. */
static void test_source(void **state)
{
	uint32_t client = slot_change(SOURCE);
	struct changed_packet p = {SOURCE, CHANGED_ACK, client, 0};

	(void)state;
	for (p.sport = 1000; p.sport < 1100; p.sport++) {
		p.kind = p.sport % 2 ? CHANGED_SYN : CHANGED_ACK;
		assert_int_equal(changed_slot(&p), SLOT);
		assert_int_equal(changed_send_one(0, &p), p.sport % 2 ? NEW : OLD);
	}
	assert_int_equal(cw.flows[0].counters.entries, 100);
	p.kind = CHANGED_ACK;
	for (p.sport = 1000; p.sport < 1100; p.sport++)
		assert_int_equal(changed_send_one(0, &p), p.sport % 2 ? NEW : OLD);
}

/* Slots in turn, of each service for itself; then each flow stays. */
static void test_round_robin(void **state)
{
	enum { TURNS = 3 * CHANGED_SLOTS };
	uint16_t at[2], first[2][TURNS];

	(void)state;
	for (uint32_t i = 0; i < TURNS; i++) {
		struct changed_packet both[] = {{ROUND, CHANGED_SYN, i, 0},
						{ROUND2, CHANGED_SYN, i, 0}};

		changed_send(0, both, 2, at);
		assert_int_equal(at[0], i % CHANGED_SLOTS % CHANGED_BACKENDS);
		assert_int_equal(at[1], at[0]);
		first[0][i] = at[0];
		first[1][i] = at[1];
	}
	for (uint32_t i = 0; i < TURNS; i++) {
		struct changed_packet both[] = {{ROUND2, CHANGED_ACK, i, 0},
						{ROUND, CHANGED_ACK, i, 0}};

		changed_send(0, both, 2, at);
		assert_int_equal(at[0], first[1][i]);
		assert_int_equal(at[1], first[0][i]);
	}
	assert_int_equal(cw.flows[0].counters.entries, 2 * TURNS);
	assert_int_equal(cw.tickets[1 + ROUND], TURNS);
}

/* How many of `n` new flows each backend gets. */
static void spread(enum changed_service service, uint32_t n, uint32_t got[CHANGED_BACKENDS])
{
	memset(got, 0, CHANGED_BACKENDS * sizeof(got[0]));
	for (uint32_t i = 0; i < n; i++) {
		uint16_t at = send_kind(service, i, CHANGED_SYN);

		got[at]++;
		assert_int_equal(send_kind(service, i, CHANGED_ACK), at);
	}
}

static void test_random(void **state)
{
	uint32_t got[CHANGED_BACKENDS];

	(void)state;
	spread(CHANCE, 2000, got); /* 61 slots of 8 backends: 7 or 8 each */
	for (int i = 0; i < CHANGED_BACKENDS; i++)
		assert_in_range(got[i], 150, 350);
}

/* The one with fewer flows, of two by chance; a backend that has more than any gets none twice. */
static void test_least_conn(void **state)
{
	uint32_t got[CHANGED_BACKENDS];

	(void)state;
	for (int i = 0; i < CHANGED_BACKENDS; i++)
		cw.tables[LEAST]->backends[i].load = (uint16_t)(100 + i);
	spread(LEAST, 2000, got);
	/* Of two by chance the lesser: (15, 13, .. 1) / 64 of all. */
	for (int i = 0; i < CHANGED_BACKENDS; i++)
		assert_in_range(got[i], 2000 * (15 - 2 * i) / 64 * 7 / 10,
				2000 * (15 - 2 * i) / 64 * 13 / 10 + 10);
}

/* No room: the packet goes where it would, and it is counted that nobody will remember. */
static void test_untracked(void **state)
{
	uint32_t client = slot_change(WEB), n = 0;
	struct flow_table *t = &cw.flows[0];

	(void)state;
	flow_table_destroy(t);
	assert_int_equal(flow_table_create(t, 8, false), 0);
	for (; n < 8; n++, client = changed_client(WEB, SLOT, client + 1)) {
		assert_int_equal(send_kind(WEB, client, CHANGED_ACK), OLD);
		assert_int_equal(send_kind(WEB, client, CHANGED_ACK), OLD); /* established */
	}
	assert_int_equal(send_kind(WEB, client, CHANGED_SYN), NEW);
	assert_int_equal(t->counters.untracked, 1);
	assert_int_equal(t->counters.entries, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_steady_state, changed_reset),
		cmocka_unit_test_setup(test_others_unchanged, changed_reset),
		cmocka_unit_test_setup(test_connection, changed_reset),
		cmocka_unit_test_setup(test_one_burst, changed_reset),
		cmocka_unit_test_setup(test_icmp_errors, changed_reset),
		cmocka_unit_test_setup(test_icmp_errors_budget, changed_reset),
		cmocka_unit_test_setup(test_fragment_first, changed_reset),
		cmocka_unit_test_setup(test_source, changed_reset),
		cmocka_unit_test_setup(test_round_robin, changed_reset),
		cmocka_unit_test_setup(test_random, changed_reset),
		cmocka_unit_test_setup(test_least_conn, changed_reset),
		cmocka_unit_test_setup(test_untracked, changed_reset),
	};

	return cmocka_run_group_tests(tests, changed_open, changed_close);
}
