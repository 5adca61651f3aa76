/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK worker's burst, with the frames of the parity table: bursts of every size and any
 * mixture come out as the same packets do one at a time in plain C (path_core.c is the oracle),
 * every packet is counted once, and no buffer is lost. Then what only a burst has: frames in
 * pieces, buffers without room. test_burst_full.c has ports and queues that are full.
 */
#include "burst_world.h"
#include "sluice/generation.h"
#include "sluice/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

enum {
	ROUNDS = 1500,
};

/* The same frame, in pieces that start at `cuts` (ascending, ended by 0). */
static struct rte_mbuf *mbuf_in_pieces(const struct frame *frame, const uint32_t *cuts)
{
	struct rte_mbuf *head = NULL;
	uint32_t at = 0;

	while (at < frame->n) {
		uint32_t end = *cuts ? *cuts++ : frame->n;
		struct rte_mbuf *m = world_mbuf();

		memcpy(rte_pktmbuf_append(m, (uint16_t)(end - at)), frame->bytes + at, end - at);
		if (!head)
			head = m;
		else
			assert_int_equal(rte_pktmbuf_chain(head, m), 0);
		at = end;
	}
	return head;
}

static void mbuf_check(const char *name, const struct parity_result *expected, struct rte_mbuf *m)
{
	static uint8_t room[FRAME_MAX + PARITY_GROWTH_MAX];
	const char *reason = NULL;
	const uint8_t *bytes;

	row_assert(name, rte_pktmbuf_pkt_len(m) == expected->n);
	row_assert(name, rte_mbuf_check(m, 1, &reason) == 0);
	bytes = rte_pktmbuf_read(m, 0, expected->n, room);
	row_assert(name, bytes && memcmp(bytes, expected->bytes, expected->n) == 0);
}

/* Compares what became of packet i of the burst, which is the frame of row at[i]. */
static void burst_check(const uint32_t *at, uint16_t n)
{
	const struct burst *b = &world.burst;
	uint16_t seen_n = b->drop_n;

	assert_int_equal(b->n, n);
	for (uint16_t i = 0; i < n; i++) {
		const char *name = world.rows.rows[at[i]].name;

		row_assert(name, b->verdict[i] == world.expected[at[i]].verdict);
		row_assert(name, b->row[i] == world.expected[at[i]].row);
	}
	for (uint16_t port = 0; port < world.context.ports_n; port++) {
		for (uint16_t k = 0; k < b->out_n[port]; k++) {
			uint32_t row = at[b->out_at[port][k]];
			const char *name = world.rows.rows[row].name;

			row_assert(name, world.expected[row].fate == PARITY_SENT);
			row_assert(name, world.expected[row].port == port);
			mbuf_check(name, &world.expected[row], b->out[port][k]);
		}
		seen_n = (uint16_t)(seen_n + b->out_n[port]);
	}
	for (uint16_t k = 0; k < b->kernel_n; k++) {
		uint32_t row = at[b->kernel_at[k]];
		const char *name = world.rows.rows[row].name;

		row_assert(name, world.expected[row].fate == PARITY_KERNEL);
		mbuf_check(name, &world.expected[row], b->kernel[k]);
	}
	assert_int_equal(seen_n + b->kernel_n, n);
}

static void run_rows(const uint32_t *at, uint16_t n)
{
	struct rte_mbuf *pkts[BURST_MAX];

	for (uint16_t i = 0; i < n; i++)
		pkts[i] = world_mbuf_from(&world.frames[at[i]]);
	burst_run(&world.burst, &world.context, pkts, n);
	burst_check(at, n);
	world_burst_release();
}

static void test_each_row_alone(void **state)
{
	(void)state;
	assert_true(world.rows.n >= 200);
	for (uint32_t i = 0; i < world.rows.n; i++)
		run_rows(&i, 1);
}

/* Every size, any mixture; the counters add up to what was expected of each packet. */
static void test_mixed_bursts(void **state)
{
	uint32_t rows_n = fixture_service_rows(world.fixture);
	struct service_counters *sum = calloc(rows_n, sizeof(*sum)), all = {0}, total = {0};
	uint64_t seed = 4711, backends_n = 0, forwarded_n = 0;

	(void)state;
	assert_non_null(sum);
	world_counters_clear();
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint16_t n = (uint16_t)(1 + round % BURST_MAX);
		uint32_t at[BURST_MAX];

		for (uint16_t i = 0; i < n; i++) {
			const struct parity_result *e;

			at[i] = random_below(&seed, (uint32_t)world.rows.n);
			e = &world.expected[at[i]];
			sum[e->row].packets[e->verdict]++;
			total.packets[e->verdict]++;
			forwarded_n += verdict_action(e->verdict) == ACTION_FORWARD;
		}
		run_rows(at, n);
		burst_count(&world.burst, &world.context);
	}
	for (uint32_t row = 0; row < rows_n; row++) {
		struct service_counters got = world_counted(row);

		assert_memory_equal(&sum[row], &got, sizeof(got));
	}
	counters_add_verdicts(&world.counters, &all);
	assert_memory_equal(&all, &total, sizeof(all));
	for (uint32_t row = 0; row < fixture_backend_rows(world.fixture); row++)
		backends_n += world.counters.backends[row].packets;
	assert_true(forwarded_n > 0);
	assert_int_equal(backends_n, forwarded_n);
	assert_int_equal(world.counters.backends[0].packets, 0);
	/* In a steady state nothing asks what is remembered. */
	assert_int_equal(world.flows.counters.lookups, 0);
	assert_int_equal(world.flows.counters.entries, 0);
	free(sum);
}

/* A backend's bytes are those of the inner IP packets. */
static void test_backend_bytes(void **state)
{
	struct rte_mbuf *m;
	uint32_t row = world_row(VERDICT_forward, 100);

	(void)state;
	world_counters_clear();
	m = world_mbuf_from(&world.frames[row]);
	burst_run(&world.burst, &world.context, &m, 1);
	burst_count(&world.burst, &world.context);
	assert_int_equal(world.counters.backends[world.burst.backend[0]->counter].bytes,
			 world.burst.packets[0].ip_bytes);
	assert_in_range(world.burst.packets[0].ip_bytes, 40, world.frames[row].n);
	world_burst_release();
}

/* Frames in pieces, as a port that scatters or coalesces gives them. */
static void test_pieces(void **state)
{
	static const struct {
		const char *name;
		uint32_t cuts[4];
		enum verdict verdict;
		uint32_t frame_bytes_min; /* beyond the last cut */
	} pieces[] = {
		{"forward: payload in a second piece", {128}, VERDICT_forward, 600},
		{"forward: in four", {100, 200, 300}, VERDICT_forward, 600},
		{"icmp error", {90}, VERDICT_icmp_forward, 91},
		{"too big: the quote is in the first piece", {700}, VERDICT_too_big, 1400},
		{"too big: the quote is cut", {200}, VERDICT_too_big, 1400},
		{"too big: the quote is in four", {100, 200, 300}, VERDICT_too_big, 1400},
		{"too big: the quote ends with a piece", {100, 526}, VERDICT_too_big, 1400},
		{"no service", {60}, VERDICT_no_service, 61},
		{"dropped", {100, 200}, VERDICT_too_big_dropped, 600},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(pieces); i++) {
		uint32_t row = world_row(pieces[i].verdict, pieces[i].frame_bytes_min);
		struct rte_mbuf *m = mbuf_in_pieces(&world.frames[row], pieces[i].cuts);

		row_assert(pieces[i].name, m->nb_segs > 1);
		print_message("# %s\n", pieces[i].name);
		burst_run(&world.burst, &world.context, &m, 1);
		burst_check(&row, 1);
		world_burst_release();
	}
}

/* Buffers whose frame starts `headroom` bytes into them. */
static void test_headroom(void **state)
{
	static const struct {
		const char *name;
		enum verdict asked, got;
		uint16_t headroom;
	} rooms[] = {
		{"forward, none", VERDICT_forward, VERDICT_no_headroom, 0},
		{"forward, too little", VERDICT_forward, VERDICT_no_headroom, 19},
		{"forward, enough", VERDICT_forward, VERDICT_forward, 56},
		{"icmp error, none", VERDICT_icmp_forward, VERDICT_no_headroom, 0},
		{"too big, none", VERDICT_too_big, VERDICT_no_headroom, 0},
		{"too big, enough", VERDICT_too_big, VERDICT_too_big, 48},
		{"echo needs none", VERDICT_echo_reply, VERDICT_echo_reply, 0},
		{"no service needs none", VERDICT_no_service, VERDICT_no_service, 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rooms); i++) {
		uint32_t row = world_row(rooms[i].asked, 0);
		const struct frame *frame = &world.frames[row];
		struct rte_mbuf *m = world_mbuf();

		world_counters_clear();
		m->data_off = rooms[i].headroom;
		memcpy(rte_pktmbuf_append(m, (uint16_t)frame->n), frame->bytes, frame->n);
		burst_run(&world.burst, &world.context, &m, 1);
		burst_count(&world.burst, &world.context);
		row_assert(rooms[i].name, world.burst.verdict[0] == rooms[i].got);
		row_assert(rooms[i].name, world.burst.row[0] == world.expected[row].row);
		row_assert(rooms[i].name,
			   world_counted(world.burst.row[0]).packets[rooms[i].got] == 1);
		world_burst_release();
	}
}

/* Before the first generation is published, everything is the kernel's, broken frames too. */
static void test_no_generation(void **state)
{
	struct arena_head *head = (struct arena_head *)world.arena;
	uint32_t current = head->current;

	(void)state;
	head->current = 0;
	for (uint32_t i = 0; i < world.rows.n; i++) {
		const char *name = world.rows.rows[i].name;
		struct rte_mbuf *m = world_mbuf_from(&world.frames[i]);

		burst_run(&world.burst, &world.context, &m, 1);
		row_assert(name, world.burst.verdict[0] == VERDICT_no_service);
		row_assert(name, world.burst.row[0] == 0);
		row_assert(name, world.burst.kernel_n == 1 && world.burst.kernel[0] == m);
		row_assert(name, m->pkt_len == world.frames[i].n);
		row_assert(name, memcmp(rte_pktmbuf_mtod(m, void *), world.frames[i].bytes,
					world.frames[i].n) == 0);
		world_burst_release();
	}
	head->current = current;
}

/* A backend that names a port which isn't there: counted, not sent anywhere. */
static void test_port_beyond(void **state)
{
	struct burst_context context = world.context;
	struct rte_mbuf *m;
	uint32_t row;

	(void)state;
	for (row = 0; row < world.rows.n; row++)
		if (world.expected[row].verdict == VERDICT_forward &&
		    world.expected[row].port == FIXTURE_PORTS - 1)
			break;
	assert_true(row < world.rows.n);
	context.ports_n = FIXTURE_PORTS - 1;
	m = world_mbuf_from(&world.frames[row]);
	burst_run(&world.burst, &context, &m, 1);
	assert_int_equal(world.burst.verdict[0], VERDICT_bad_tables);
	assert_int_equal(rte_mempool_in_use_count(world.pool), 0);
}

/* ICMP errors are limited by the sender, and what isn't sent is counted; other answers aren't limited. */
static void test_errors_limited(void **state)
{
	const struct arena_head *head = (const struct arena_head *)world.arena;
	struct generation *g = (struct generation *)((uint8_t *)world.arena + head->current);
	const uint32_t rate_per_s = g->errors_per_s, row = world_row(VERDICT_too_big, 0),
		       echo = world_row(VERDICT_echo_reply, 0);
	struct limit limits[LIMIT_KINDS] = {0};
	struct rte_mbuf *m[5];

	(void)state;
	g->errors_per_s = 2 * LIMIT_BUCKETS; /* two for each bucket */
	world.context.limits = limits;
	for (uint32_t i = 0; i < 4; i++)
		m[i] = world_mbuf_from(&world.frames[row]);
	m[4] = world_mbuf_from(&world.frames[echo]);
	world_counters_clear();
	burst_run(&world.burst, &world.context, m, 5);
	burst_count(&world.burst, &world.context);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(world.burst.verdict[i],
				 i < 2 ? VERDICT_too_big : VERDICT_error_limited);
	assert_int_equal(world.burst.verdict[4], VERDICT_echo_reply);
	assert_int_equal(world_counted(world.burst.row[0]).packets[VERDICT_error_limited], 2);
	assert_int_equal(world.burst.out_n[0], 3);
	world_burst_release();
	world.context.limits = NULL;
	g->errors_per_s = rate_per_s;
}

/* Refusals have limits of their own, TCP resets too. */
static void test_refusals_limited(void **state)
{
	const struct arena_head *head = (const struct arena_head *)world.arena;
	struct generation *g = (struct generation *)((uint8_t *)world.arena + head->current);
	const uint32_t rate_per_s = g->errors_per_s, big = world_row(VERDICT_too_big, 0),
		       row = world_row(VERDICT_unserved_reject, 0);
	struct limit limits[LIMIT_KINDS] = {0};
	struct rte_mbuf *m[4];

	(void)state;
	g->errors_per_s = 2 * LIMIT_BUCKETS; /* two for each bucket */
	world.context.limits = limits;
	for (uint32_t i = 0; i < 3; i++)
		m[i] = world_mbuf_from(&world.frames[row]);
	m[3] = world_mbuf_from(&world.frames[big]);
	world_counters_clear();
	burst_run(&world.burst, &world.context, m, 4);
	burst_count(&world.burst, &world.context);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(world.burst.verdict[i],
				 i < 2 ? VERDICT_unserved_reject : VERDICT_reject_limited);
	assert_int_equal(world.burst.verdict[3], VERDICT_too_big);
	assert_int_equal(world_counted(world.burst.row[0]).packets[VERDICT_reject_limited], 1);
	world_burst_release();
	world.context.limits = NULL;
	g->errors_per_s = rate_per_s;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_alone),   cmocka_unit_test(test_mixed_bursts),
		cmocka_unit_test(test_backend_bytes),    cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_headroom),         cmocka_unit_test(test_errors_limited),
		cmocka_unit_test(test_refusals_limited), cmocka_unit_test(test_no_generation),
		cmocka_unit_test(test_port_beyond),
	};

	return cmocka_run_group_tests(tests, world_open, world_close);
}
