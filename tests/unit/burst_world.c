/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the DPDK burst share.
 */
#include "burst_world.h"
#include "sluice/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

enum {
	MBUFS = 4096,
	FLOWS_MAX = 4096,
	ROOM_BYTES = RTE_PKTMBUF_HEADROOM + FRAME_MAX + PARITY_GROWTH_MAX,
};

struct world world;

struct rte_mbuf *world_mbuf(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(world.pool);

	assert_non_null(m);
	return m;
}

struct rte_mbuf *world_mbuf_from(const struct frame *frame)
{
	struct rte_mbuf *m = world_mbuf();
	char *bytes = rte_pktmbuf_append(m, (uint16_t)frame->n);

	assert_non_null(bytes);
	memcpy(bytes, frame->bytes, frame->n);
	return m;
}

void world_counters_clear(void)
{
	memset(world.counters.region.start, 0, world.counters.region.bytes);
}

struct service_counters world_counted(uint32_t row)
{
	struct service_counters counted = {0};

	counters_add_services(&world.counters, row, 1, &counted);
	return counted;
}

void world_burst_release(void)
{
	for (uint16_t port = 0; port < world.context.ports_n; port++)
		rte_pktmbuf_free_bulk(world.burst.out[port], world.burst.out_n[port]);
	rte_pktmbuf_free_bulk(world.burst.kernel, world.burst.kernel_n);
	assert_int_equal(rte_mempool_in_use_count(world.pool), 0);
}

uint32_t world_row(enum verdict verdict, uint32_t frame_bytes_min)
{
	for (uint32_t i = 0; i < world.rows.n; i++)
		if (world.expected[i].verdict == verdict && world.frames[i].n >= frame_bytes_min)
			return i;
	fail_msg("no row with verdict %d and %u bytes", verdict, frame_bytes_min);
	return 0;
}

/* A port that gives back what it sends. Without its driver the test is skipped. */
static void ring_port_open(void)
{
	struct rte_eth_conf conf = {0};
	uint16_t *port = &world.ring_port;

	world.ring_there = rte_eth_dev_get_port_by_name("net_ring0", port) == 0 &&
			   rte_eth_dev_configure(*port, 1, 1, &conf) == 0 &&
			   rte_eth_rx_queue_setup(*port, 0, 256, 0, NULL, world.pool) == 0 &&
			   rte_eth_tx_queue_setup(*port, 0, 256, 0, NULL) == 0 &&
			   rte_eth_dev_start(*port) == 0;
}

static int rows_expect(void)
{
	char why[PARITY_ERROR_MAX];

	rows_make(&world.rows);
	world.frames = calloc(world.rows.n, sizeof(*world.frames));
	world.expected = calloc(world.rows.n, sizeof(*world.expected));
	if (!world.frames || !world.expected || path_core.open(world.fixture, why) != 0)
		return -1;
	for (size_t i = 0; i < world.rows.n; i++) {
		frame_build(&world.rows.rows[i].spec, &world.frames[i]);
		path_core.run(&world.frames[i], 1, &world.expected[i]);
	}
	path_core.close();
	return 0;
}

int world_open(void **state)
{
	char *args[] = {"test_burst",
			"--no-huge",
			"--no-shconf",
			"--no-pci",
			"--no-telemetry",
			"-m",
			"128",
			"--log-level=*:error",
			"--vdev=net_ring0",
			"-l",
			"0"};

	(void)state;
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) < 0)
		return -1;
	world.pool = rte_pktmbuf_pool_create("test", MBUFS, 0, 0, ROOM_BYTES, SOCKET_ID_ANY);
	world.arena = aligned_alloc(ARENA_CHUNK_BYTES, FIXTURE_ARENA_BYTES);
	if (!world.pool || !world.arena)
		return -1;
	memset(world.arena, 0, FIXTURE_ARENA_BYTES);
	world.fixture = fixture_new();
	fixture_lay(world.fixture, world.arena, FIXTURE_ARENA_BYTES);
	if (counters_create(&world.counters, fixture_service_rows(world.fixture),
			    fixture_backend_rows(world.fixture), false) < 0 ||
	    flow_table_create(&world.flows, FLOWS_MAX, false) < 0)
		return -1;
	world.context = (struct burst_context){
		.arena = world.arena,
		.counters = &world.counters,
		.ports_n = FIXTURE_PORTS,
		.flows = &world.flows,
		.macs = &fixture_macs_of_port,
	};
	ring_port_open();
	return rows_expect();
}

int world_close(void **state)
{
	(void)state;
	if (world.ring_there)
		rte_eth_dev_stop(world.ring_port);
	flow_table_destroy(&world.flows);
	counters_destroy(&world.counters);
	rows_free(&world.rows);
	fixture_free(world.fixture);
	free(world.frames);
	free(world.expected);
	free(world.arena);
	rte_mempool_free(world.pool);
	return rte_eal_cleanup();
}
