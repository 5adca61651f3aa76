/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DPDK worker's burst function, without ports: mbufs go in, and where it sorted them is looked
 * at. A whole batch is one burst. EAL runs without hugepages, devices or other processes; once in
 * the life of the test's process.
 */
#include "path.h"

#include "../../dataplane/burst.h"
#include "../../dataplane/counters.h"
#include "../../dataplane/flow_table.h"
#include "../../dataplane/fragment_table.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

enum {
	MBUFS = 512,
	SEGMENT_BYTES = 400, /* in each buffer but the first */
	ROOM_BYTES = RTE_PKTMBUF_HEADROOM + FRAME_MAX + PARITY_GROWTH_MAX,
	ARENA_ALIGN = 1 << 20,
	FLOWS_MAX = 4096, /* more than a test has */
	NOW_S = 1000,     /* time stands still, but for dpdk_wait() */
};

static struct rte_mempool *pool;
static struct arena *arena;
static struct burst burst;
static struct counters counters;
static struct burst_context context;
static struct flow_table flows;
static struct fragment_table fragments;

static int eal_begin(char why[PARITY_ERROR_MAX])
{
	/* One lcore, on a CPU that this process may have. */
	char lcores[32];
	char *args[] = {"parity", "--no-huge", "--no-shconf",         "--no-pci", "--no-telemetry",
			"-m",     "64",        "--log-level=*:error", lcores};

	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", sched_getcpu());
	if (rte_eal_init(sizeof(args) / sizeof(args[0]), args) >= 0)
		return 0;
	snprintf(why, PARITY_ERROR_MAX, "EAL: %s", rte_strerror(rte_errno));
	return rte_errno == EACCES || rte_errno == EPERM ? -ENOTSUP : -rte_errno;
}

static int dpdk_open(const struct fixture *fixture, char why[PARITY_ERROR_MAX])
{
	int rc = eal_begin(why);

	if (rc != 0)
		return rc;
	pool = rte_pktmbuf_pool_create("parity", MBUFS, 0, 0, ROOM_BYTES, 0);
	arena = aligned_alloc(ARENA_ALIGN, FIXTURE_ARENA_BYTES);
	context.tickets = calloc(fixture_service_rows(fixture), sizeof(*context.tickets));
	if (!pool || !arena || !context.tickets ||
	    counters_create(&counters, fixture_service_rows(fixture), fixture_backend_rows(fixture),
			    false) < 0 ||
	    flow_table_create(&flows, FLOWS_MAX, false) != 0 ||
	    fragment_table_create(&fragments, FRAGMENT_ENTRIES) != 0) {
		snprintf(why, PARITY_ERROR_MAX, "no memory for mbufs, arena, counters or flows");
		return -ENOMEM;
	}
	memset(arena, 0, FIXTURE_ARENA_BYTES);
	fixture_lay(fixture, arena, FIXTURE_ARENA_BYTES);
	context.arena = arena;
	context.counters = &counters;
	context.ports_n = FIXTURE_PORTS;
	context.port = 0;
	context.flows = &flows;
	context.macs = &fixture_macs_of_port;
	context.fragments = fixture->keeps_fragments ? &fragments : NULL;
	burst.now_s = NOW_S;
	return 0;
}

static void dpdk_close(void)
{
	rte_mempool_free(pool);
	counters_destroy(&counters);
	free(context.tickets);
	flow_table_destroy(&flows);
	fragment_table_destroy(&fragments);
	free(arena);
	pool = NULL;
	arena = NULL;
	context = (struct burst_context){0};
}

static void mbuf_append(struct rte_mbuf *m, const uint8_t *bytes, uint32_t n)
{
	char *room = rte_pktmbuf_append(m, (uint16_t)n);

	if (!room)
		abort();
	memcpy(room, bytes, n);
}

/* A frame of which the first buffer has `first_bytes`, and others the rest. */
static struct rte_mbuf *mbuf_from(const struct frame *frame, uint32_t first_bytes)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint32_t at = frame->n < first_bytes ? frame->n : first_bytes;

	if (!m)
		abort();
	mbuf_append(m, frame->bytes, at);
	while (at < frame->n) {
		struct rte_mbuf *rest = rte_pktmbuf_alloc(pool);
		uint32_t n = frame->n - at < SEGMENT_BYTES ? frame->n - at : SEGMENT_BYTES;

		if (!rest)
			abort();
		mbuf_append(rest, frame->bytes + at, n);
		if (rte_pktmbuf_chain(m, rest) != 0)
			abort();
		at += n;
	}
	return m;
}

/* What a packet became, and its buffer goes back. */
static void result_take(struct parity_result *result, enum parity_fate fate, uint32_t port,
			struct rte_mbuf *m)
{
	const void *bytes = rte_pktmbuf_read(m, 0, rte_pktmbuf_pkt_len(m), result->bytes);

	result->fate = fate;
	result->port = port;
	result->n = rte_pktmbuf_pkt_len(m);
	if (bytes && bytes != result->bytes)
		memcpy(result->bytes, bytes, result->n);
	rte_pktmbuf_free(m);
}

static void dpdk_run(const struct frame *frames, uint32_t n, struct parity_result *results)
{
	/* In turn: in one buffer, or with so much in the first. */
	static const uint32_t firsts[] = {FRAME_MAX, 600, 20, FRAME_MAX, 53, 100, 0};
	static uint32_t turn;
	struct rte_mbuf *pkts[PARITY_BATCH_MAX];

	for (uint32_t i = 0; i < n; i++)
		pkts[i] = mbuf_from(&frames[i],
				    firsts[turn++ % (sizeof(firsts) / sizeof(firsts[0]))]);
	burst_run(&burst, &context, pkts, (uint16_t)n);
	burst_count(&burst, &context);
	for (uint32_t i = 0; i < n; i++) {
		results[i].verdict = (enum verdict)burst.verdict[i];
		results[i].row = burst.row[i];
		results[i].fate = PARITY_DROPPED;
		results[i].n = 0;
	}
	for (uint16_t port = 0; port < context.ports_n; port++)
		for (uint16_t k = 0; k < burst.out_n[port]; k++)
			result_take(&results[burst.out_at[port][k]], PARITY_SENT, port,
				    burst.out[port][k]);
	for (uint16_t k = 0; k < burst.kernel_n; k++)
		result_take(&results[burst.kernel_at[k]], PARITY_KERNEL, 0, burst.kernel[k]);
	/* Else a packet was neither sent, nor passed on, nor freed. */
	if (rte_mempool_in_use_count(pool) != 0) {
		fprintf(stderr, "dpdk: %u buffers are lost\n", rte_mempool_in_use_count(pool));
		abort();
	}
}

static void dpdk_wait(uint32_t seconds)
{
	burst.now_s += seconds;
}

const struct parity_path path_dpdk = {
	.name = "dpdk",
	.open = dpdk_open,
	.run = dpdk_run,
	.wait = dpdk_wait,
	.close = dpdk_close,
};
