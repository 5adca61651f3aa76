/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a second worker costs the first: `bench_workers [--quick] [NAME]`. Workers share the tables
 * and nothing that they write, so it should be nothing. Rounds take turns: one worker alone, then
 * two at once on two cores, each with buffers, counters and flows of its own. Prints two lines,
 * `bench name=dpdk.workers1.tcp4.ipip.1m.s100 unit=ns_per_packet ...`, and the same with workers2,
 * nanoseconds a packet of one worker, harness included; and dpdk.workers2.gain, how many times the
 * packets of one worker two forward, round by round (2 were perfect). Skips (77) where there is
 * only one CPU.
 */
#include "bench_eal.h"
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

enum {
	WORKERS = 2,
	ROUNDS = 101,
	ROUNDS_QUICK = 31,
	PASSES = 20, /* a round */
	EXIT_SKIP = 77,
};

struct bench_worker {
	const struct scene *scene;
	struct stage *stage;
	uint32_t together; /* so many start at once */
	uint64_t cycles;   /* of a round's passes */
};

static struct traffic traffic[WORKERS];
static struct stage stages[WORKERS];
static uint32_t arrived;

/* Waits for the others, since it takes a while to wake one. */
static void meet(uint32_t together)
{
	__atomic_fetch_add(&arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < together)
		rte_pause();
}

static int round_run(void *worker)
{
	struct bench_worker *w = worker;
	uint32_t warm = scene_warm_passes(w->scene);

	for (uint32_t i = 0; i < warm; i++)
		scene_pass(w->scene, w->stage, PASS_SLUICE);
	meet(w->together);
	w->cycles = 0;
	for (int i = 0; i < PASSES; i++)
		w->cycles += scene_pass(w->scene, w->stage, PASS_SLUICE);
	return 0;
}

/* A worker's nanoseconds a packet, harness included. */
static double round_ns(const struct scene *scene, uint32_t together, double ns_per_cycle)
{
	struct bench_worker workers[WORKERS];
	double cycles = 0;

	arrived = 0;
	for (uint32_t i = 0; i < together; i++)
		workers[i] = (struct bench_worker){scene, &stages[i], together, 0};
	if (together > 1)
		rte_eal_remote_launch(round_run, &workers[1],
				      rte_get_next_lcore(UINT32_MAX, true, false));
	round_run(&workers[0]);
	rte_eal_mp_wait_lcore();
	for (uint32_t i = 0; i < together; i++)
		cycles += (double)workers[i].cycles;
	return cycles * ns_per_cycle / together / PASSES / TRAFFIC_BUFFERS;
}

static void tell(const struct scene *scene, double *one, double *two, uint32_t rounds)
{
	static double gain[ROUNDS];
	char name[RESULT_NAME_MAX];

	for (uint32_t i = 0; i < rounds; i++)
		gain[i] = WORKERS * one[i] / two[i];
	snprintf(name, sizeof(name), "dpdk.workers1.%.48s", scene->name + strlen("dpdk."));
	result_tell(name, "ns_per_packet", one, rounds, NULL);
	snprintf(name, sizeof(name), "dpdk.workers2.%.48s", scene->name + strlen("dpdk."));
	result_tell(name, "ns_per_packet", two, rounds, NULL);
	result_tell("dpdk.workers2.gain", "times", gain, rounds, NULL);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	const char *name = argc > 1 + quick ? argv[1 + quick] : "dpdk.tcp4.ipip.1m.s100";
	uint32_t rounds = quick ? ROUNDS_QUICK : ROUNDS;
	struct bench_eal eal = bench_eal_open(1, true);
	static double one[ROUNDS], two[ROUNDS];
	struct scene scene;

	if (eal.workers_n == 0) {
		fprintf(stderr, "bench_workers: skip: there is only one CPU\n");
		return EXIT_SKIP;
	}
	if (!scene_parse(&scene, name)) {
		fprintf(stderr, "bench_workers: no case %s\n", name);
		return 2;
	}
	scene_open(&scene, eal.hugetlb);
	for (uint32_t i = 0; i < WORKERS; i++) {
		traffic_init(&traffic[i], eal.pool);
		stages[i].traffic = &traffic[i];
		stages[i].context = i;
		stages[i].next_flow = i * scene.flows / WORKERS;
	}
	for (uint32_t round = 0; round < rounds; round++) {
		one[round] = round_ns(&scene, 1, eal.ns_per_cycle);
		two[round] = round_ns(&scene, 2, eal.ns_per_cycle);
	}
	scene_check(&scene, stages, WORKERS);
	tell(&scene, one, two, rounds);
	for (uint32_t i = 0; i < WORKERS; i++)
		traffic_release(&traffic[i]);
	scene_close(&scene);
	bench_eal_close(&eal);
	return 0;
}
