/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK worker's burst where what it sends to is full: the kernel's queue, a port. What isn't
 * taken is freed, gets a verdict that says so, and is not counted as forwarded.
 */
#include "burst_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "named_rows.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>

enum {
	RING_FRAMES = 8, /* one less than that fits */
};

static struct burst_kernel kernel_make(void)
{
	struct burst_kernel kernel = {0};
	char name[16];

	for (int class = 0; class < BURST_CLASSES; class ++) {
		snprintf(name, sizeof(name), "full%d", class);
		kernel.rings[class] = rte_ring_create(name, RING_FRAMES, SOCKET_ID_ANY, 0);
		assert_non_null(kernel.rings[class]);
	}
	return kernel;
}

static void kernel_free(struct burst_kernel *kernel)
{
	void *m;

	for (int class = 0; class < BURST_CLASSES; class ++) {
		while (rte_ring_dequeue(kernel->rings[class], &m) == 0)
			rte_pktmbuf_free(m);
		rte_ring_free(kernel->rings[class]);
	}
	assert_int_equal(rte_mempool_in_use_count(world.pool), 0);
}

static uint32_t row_named(const char *name)
{
	for (uint32_t i = 0; i < world.rows.n; i++)
		if (strcmp(world.rows.rows[i].name, name) == 0)
			return i;
	fail_msg("no row %s", name);
	return 0;
}

static void pass(struct burst_kernel *kernel, uint32_t row, uint16_t n)
{
	struct rte_mbuf *pkts[BURST_MAX];

	for (uint16_t i = 0; i < n; i++)
		pkts[i] = world_mbuf_from(&world.frames[row]);
	burst_run(&world.burst, &world.context, pkts, n);
	assert_int_equal(world.burst.kernel_n, n);
	burst_pass(&world.burst, &world.context, kernel);
	burst_count(&world.burst, &world.context);
}

/* By class; those of one have a queue of their own, so that a flood of another doesn't push them out. */
static void test_classes(void **state)
{
	static const struct {
		const char *row;
		enum burst_class class;
	} rows[] = {
		{"icmp6 neighbour solicitation", BURST_CONTROL},
		{"icmp6 neighbour solicitation to a vip", BURST_CONTROL},
		{"icmp6 neighbour advertisement", BURST_CONTROL},
		{"icmp6 router advertisement", BURST_CONTROL},
		{"icmp6 multicast listener report", BURST_NODE},
		{"icmp6 echo to no vip", BURST_NODE},
		{"v4 ssh to the balancer", BURST_NODE},
		{"v4 bgp to the balancer", BURST_NODE},
		{"v4 bfd to the balancer", BURST_NODE},
		{"v4 ospf", BURST_NODE},
		{"v6 ospf", BURST_NODE},
		{"v4 gre to a vip", BURST_VIP},
		{"v6 esp to a vip", BURST_VIP},
	};
	struct burst_kernel kernel = kernel_make();

	(void)state;
	pass(&kernel, row_named("v4 gre to a vip"), BURST_MAX);
	assert_int_equal(kernel.full[BURST_VIP], BURST_MAX - (RING_FRAMES - 1));
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct burst_kernel before = kernel;
		void *m = NULL;

		print_message("# row: %s\n", rows[i].row);
		pass(&kernel, row_named(rows[i].row), 1);
		if (rows[i].class == BURST_VIP) {
			assert_int_equal(kernel.full[BURST_VIP], before.full[BURST_VIP] + 1);
			continue;
		}
		assert_memory_equal(kernel.full, before.full, sizeof(kernel.full));
		assert_int_equal(rte_ring_dequeue(kernel.rings[rows[i].class], &m), 0);
		rte_pktmbuf_free(m);
	}
	pass(&kernel, world_row(VERDICT_not_ip, 0), 1);
	assert_int_equal(rte_ring_count(kernel.rings[BURST_CONTROL]), 1);
	kernel_free(&kernel);
}

/* The queue to the kernel takes what it can; the rest is freed and counted, in order. */
static void test_kernel_full(void **state)
{
	struct burst_kernel kernel = kernel_make();
	struct rte_ring *ring = kernel.rings[BURST_NODE];
	uint32_t row = row_named("v4 ssh to the balancer"), took_n = RING_FRAMES - 1;
	struct rte_mbuf *pkts[20];
	void *m = NULL;

	(void)state;
	world_counters_clear();
	for (size_t i = 0; i < ROWS(pkts); i++)
		pkts[i] = world_mbuf_from(&world.frames[row]);
	burst_run(&world.burst, &world.context, pkts, ROWS(pkts));
	burst_pass(&world.burst, &world.context, &kernel);
	burst_count(&world.burst, &world.context);
	for (uint32_t i = 0; i < ROWS(pkts); i++)
		assert_int_equal(world.burst.verdict[i],
				 i < took_n ? VERDICT_no_service : VERDICT_kernel_full);
	assert_int_equal(world_counted(0).packets[VERDICT_no_service], took_n);
	assert_int_equal(world_counted(0).packets[VERDICT_kernel_full], ROWS(pkts) - took_n);
	assert_int_equal(rte_mempool_in_use_count(world.pool), took_n);
	for (uint32_t i = 0; i < took_n; i++) {
		assert_int_equal(rte_ring_dequeue(ring, &m), 0);
		assert_ptr_equal(m, pkts[i]);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(kernel.full[BURST_NODE], ROWS(pkts) - took_n);
	kernel_free(&kernel);
}

/* Fills the port until it refuses. */
static void port_fill(uint16_t port)
{
	for (;;) {
		struct rte_mbuf *m = world_mbuf();

		if (rte_eth_tx_burst(port, 0, &m, 1) == 1)
			continue;
		rte_pktmbuf_free(m);
		return;
	}
}

static uint32_t port_drain(uint16_t port, uint32_t n_max)
{
	uint32_t n = 0;
	struct rte_mbuf *m;

	while (n < n_max && rte_eth_rx_burst(port, 0, &m, 1) == 1) {
		rte_pktmbuf_free(m);
		n++;
	}
	return n;
}

/* A port takes 5 of 12: the others are freed, and their verdicts and counters follow. */
static void test_transmit_full(void **state)
{
	const uint16_t ids[FIXTURE_PORTS] = {world.ring_port, world.ring_port, world.ring_port};
	struct burst_context context = world.context;
	uint32_t row = world_row(VERDICT_forward, 100), took_n = 5;
	const struct parity_result *e = &world.expected[row];
	const struct backend_counters *backend;
	struct rte_mbuf *pkts[12];

	(void)state;
	if (!world.ring_there) {
		print_message("# DPDK's net_ring driver isn't installed\n");
		skip();
	}
	world_counters_clear();
	port_fill(world.ring_port);
	assert_int_equal(port_drain(world.ring_port, took_n), took_n);
	context.port_ids = ids;
	for (size_t i = 0; i < ROWS(pkts); i++)
		pkts[i] = world_mbuf_from(&world.frames[row]);
	burst_run(&world.burst, &context, pkts, ROWS(pkts));
	assert_int_equal(world.burst.out_n[e->port], ROWS(pkts));
	burst_send(&world.burst, &context);
	burst_count(&world.burst, &context);
	for (uint32_t i = 0; i < ROWS(pkts); i++)
		assert_int_equal(world.burst.verdict[i],
				 i < took_n ? VERDICT_forward : VERDICT_transmit_full);
	backend = &world.counters.backends[world.burst.backend[0]->counter];
	assert_int_equal(world_counted(e->row).packets[VERDICT_forward], took_n);
	assert_int_equal(world_counted(e->row).packets[VERDICT_transmit_full], ROWS(pkts) - took_n);
	assert_int_equal(backend->packets, took_n);
	assert_int_equal(backend->bytes, took_n * world.burst.packets[0].ip_bytes);
	port_drain(world.ring_port, UINT32_MAX);
	assert_int_equal(rte_mempool_in_use_count(world.pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_kernel_full),
		cmocka_unit_test(test_transmit_full),
	};

	return cmocka_run_group_tests(tests, world_open, world_close);
}
