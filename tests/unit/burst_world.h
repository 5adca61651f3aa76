/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the DPDK burst share: EAL without devices, a pool, the parity table's
 * generation in an arena, the table's frames, and what must become of each. Included after
 * cmocka.h's prerequisites; one thread.
 */
#ifndef SLUICE_TESTS_UNIT_BURST_WORLD_H
#define SLUICE_TESTS_UNIT_BURST_WORLD_H

#include "burst.h"
#include "counters.h"
#include "flow_table.h"

#include "../parity/path.h"
#include "../parity/rows.h"

struct rte_mbuf;
struct rte_mempool;

struct world {
	struct rte_mempool *pool;
	struct arena *arena;
	struct fixture *fixture;
	struct row_list rows;
	struct frame *frames;           /* of each row */
	struct parity_result *expected; /* likewise, by path_core */
	struct counters counters;
	struct flow_table flows;
	struct burst_context context;
	struct burst burst;
	bool ring_there; /* a port that receives what it sends; else its driver is missing */
	uint16_t ring_port;
};

extern struct world world;

/* For cmocka_run_group_tests(). */
int world_open(void **state);
int world_close(void **state);

/* From the pool; a failed test when it is empty. */
struct rte_mbuf *world_mbuf(void);
struct rte_mbuf *world_mbuf_from(const struct frame *frame);

/* The first row with this verdict and a frame of at least so many bytes. */
uint32_t world_row(enum verdict verdict, uint32_t frame_bytes_min);

void world_counters_clear(void);

/* What stands in a service's row. */
struct service_counters world_counted(uint32_t row);

/* Frees what the burst kept: no buffer may be in use then. */
void world_burst_release(void);

#endif
