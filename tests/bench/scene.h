/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scene: what a benchmark of the DPDK burst is about, as its name says it,
 *	dpdk.tcp4.ipip.1m.s100		traffic, encapsulation, flows, services
 *	dpdk.tcp4.ipip.1m.s100.b1000	and backends of each service [3]
 *	dpdk.tcp4.ipip.1m.s100.changed10	in a transition, so many per cent of the slots changed
 * and the passes through it: TRAFFIC_BUFFERS packets in bursts. Made on the main thread; a pass is
 * run by any one.
 */
#ifndef SLUICE_TESTS_BENCH_SCENE_H
#define SLUICE_TESTS_BENCH_SCENE_H

#include "balancer.h"
#include "result.h"
#include "traffic.h"

struct scene {
	char name[RESULT_NAME_MAX];
	const struct traffic_kind *kind;
	struct balancer_spec spec;
	uint64_t flows;
	struct balancer *balancer; /* NULL until scene_open() */
};

/* False: the name isn't one. */
bool scene_parse(struct scene *scene, const char *name);

void scene_open(struct scene *scene, bool hugetlb);
void scene_close(struct scene *scene);

/* What a thread needs for passes. */
struct stage {
	struct traffic *traffic;
	uint32_t context; /* of the balancer */
	uint64_t next_flow;
	uint64_t packets_n; /* run through burst_run() */
	struct burst burst;
};

/* Has a transition's flows remembered, if there is one: as many passes as all of them take. */
void scene_settle(const struct scene *scene, struct stage *stage);

/* How many untimed passes bring the caches to what they hold in the long run. */
uint32_t scene_warm_passes(const struct scene *scene);

enum pass {
	PASS_NOTHING, /* receives and sends: what the harness costs */
	PASS_MACSWAP, /* and swaps the MACs */
	PASS_SLUICE,  /* and does a worker's work */
};

/* Writes the frames (untimed), then runs them. Returns the TSC cycles that took. */
uint64_t scene_pass(const struct scene *scene, struct stage *stage, enum pass pass);

/* Aborts unless all that went through contexts 0 .. n - 1 had the verdict that the kind names. */
void scene_check(const struct scene *scene, const struct stage *stages, uint32_t n);

#endif
