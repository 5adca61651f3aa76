/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a packet costs in the DPDK worker's burst, in this process and on one core:
 *
 *	bench_dpdk [--quick] [--rounds N] [--passes N] [--no-hugepages] [NAME ...]
 *
 * prints a line a case, and one for swapping the MACs. A round of a case is a pass of the harness
 * alone, one that swaps MACs, and one of the case; figures are what the latter two take beyond the
 * median of the first. The cases of a group take turns round by round, so that they share the
 * machine's moods and their ratios hold. NAME is any scene (scene.h), several make a group;
 * --passes runs so many passes of one and measures nothing, for callgrind. Method and figures:
 * docs/performance.md.
 */
#include "bench_eal.h"
#include "scene.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GROUP_MAX = 16,
	ROUNDS = 1001,
	ROUNDS_QUICK = 301,
	ROUNDS_MAX = 100001,
	EXIT_USAGE = 2,
};

/* The last level of cache holds each group's tables. */
struct group {
	bool quick;
	const char *names[GROUP_MAX];
};

static const struct group groups[] = {
	/* Steady state; each name once in all groups. */
	{true,
	 {"dpdk.tcp4.ipip.1.s100", "dpdk.tcp4.ipip.1k.s100", "dpdk.tcp4.ipip.64k.s100",
	  "dpdk.tcp4.ipip.1m.s100", "dpdk.tcp4.ipip.10m.s100", "dpdk.tcp4.gue.1m.s100",
	  "dpdk.tcp6.ipip.1m.s100", "dpdk.tcp6.gue.1m.s100", "dpdk.udp4.ipip.1m.s100",
	  "dpdk.udp4.gue.1m.s100", "dpdk.udp6.ipip.1m.s100", "dpdk.syn4.ipip.new.s100",
	  "dpdk.icmp4.ipip.1m.s100", "dpdk.icmp6.ipip.1m.s100", "dpdk.pass.ipip.1m.s100"}},
	{true,
	 {"dpdk.tcp4.ipip.1m.s1", "dpdk.tcp4.ipip.1m.s10", "dpdk.tcp4.ipip.1m.s1000",
	  "dpdk.tcp4.ipip.1m.s10000"}},
	{true, {"dpdk.tcp4.ipip.1m.s100.changed10", "dpdk.tcp4.ipip.1m.s100.changed100"}},
	{false,
	 {"dpdk.tcp4.ipip.1m.s100.b10", "dpdk.tcp4.ipip.1m.s100.b100",
	  "dpdk.tcp4.ipip.1m.s100.b1000"}},
	{false,
	 {"dpdk.tcp4.gue.1.s100", "dpdk.tcp4.gue.1k.s100", "dpdk.tcp4.gue.64k.s100",
	  "dpdk.tcp4.gue.10m.s100", "dpdk.tcp6.ipip.1.s100", "dpdk.tcp6.ipip.1k.s100",
	  "dpdk.tcp6.ipip.64k.s100", "dpdk.tcp6.ipip.10m.s100"}},
	{false,
	 {"dpdk.tcp6.ipip.1m.s1", "dpdk.tcp6.ipip.1m.s10", "dpdk.tcp6.ipip.1m.s1000",
	  "dpdk.tcp6.ipip.1m.s10000"}},
};

/* A case of a group that runs; figures are nanoseconds a packet, by round. */
struct bench_case {
	struct scene scene;
	struct stage stage;
	double *own, *swap, *net;
};

struct bench {
	struct bench_eal eal;
	struct traffic traffic;
	uint32_t rounds;
	uint32_t cases_n;
	struct bench_case cases[GROUP_MAX];
	double *swap; /* of all rounds of all groups' first cases */
	uint32_t swap_n;
};

static struct bench bench;

static void *array_new(size_t n, size_t bytes)
{
	void *array = calloc(n, bytes);

	if (!array) {
		fprintf(stderr, "bench_dpdk: no memory\n");
		exit(1);
	}
	return array;
}

static void case_open(const char *name)
{
	struct bench_case *c = &bench.cases[bench.cases_n];

	*c = (struct bench_case){.stage.traffic = &bench.traffic};
	if (bench.cases_n == GROUP_MAX || !scene_parse(&c->scene, name)) {
		fprintf(stderr, "bench_dpdk: no case %s\n", name);
		exit(EXIT_USAGE);
	}
	bench.cases_n++;
	scene_open(&c->scene, bench.eal.hugetlb);
	c->own = array_new(bench.rounds, sizeof(double));
	c->swap = array_new(bench.rounds, sizeof(double));
	c->net = array_new(bench.rounds, sizeof(double));
	scene_settle(&c->scene, &c->stage);
}

static double pass_ns(struct bench_case *c, enum pass pass)
{
	return (double)scene_pass(&c->scene, &c->stage, pass) * bench.eal.ns_per_cycle /
	       TRAFFIC_BUFFERS;
}

static void case_round(struct bench_case *c, uint32_t round)
{
	c->own[round] = pass_ns(c, PASS_NOTHING);
	c->own[round] = pass_ns(c, PASS_NOTHING); /* the second has warm caches, as the others do */
	c->swap[round] = pass_ns(c, PASS_MACSWAP);
	for (uint32_t i = 0; i < scene_warm_passes(&c->scene); i++)
		scene_pass(&c->scene, &c->stage, PASS_SLUICE);
	c->net[round] = pass_ns(c, PASS_SLUICE);
}

/* From what passes took to what is told. */
static void case_subtract(struct bench_case *c)
{
	double own = result_median(c->own, bench.rounds);

	for (uint32_t round = 0; round < bench.rounds; round++) {
		c->swap[round] -= own;
		c->net[round] -= own;
	}
}

static void case_tell(struct bench_case *c)
{
	uint32_t n = bench.rounds;
	double own = result_median(c->own, n), swap = result_median(c->swap, n);
	double net = result_median(c->net, n);
	const struct result_extra extras[] = {
		{"cycles", net / bench.eal.ns_per_cycle},
		{"harness_ns", own},
		{"macswap_ns", swap},
		{"with_harness_over_macswap", (own + net) / (own + swap)},
		{"tables_kib", (double)c->scene.balancer->tables_bytes / 1024},
		{NULL, 0},
	};

	result_tell(c->scene.name, "ns_per_packet", c->net, n, extras);
}

static void case_close(struct bench_case *c)
{
	scene_close(&c->scene);
	free(c->own);
	free(c->swap);
	free(c->net);
}

static void group_run(const char *const *names)
{
	bench.cases_n = 0;
	for (; *names; names++)
		case_open(*names);
	for (uint32_t round = 0; round < bench.rounds; round++)
		for (uint32_t i = 0; i < bench.cases_n; i++)
			case_round(&bench.cases[i], round);
	for (uint32_t i = 0; i < bench.cases_n; i++) {
		struct bench_case *c = &bench.cases[i];

		scene_check(&c->scene, &c->stage, 1);
		case_subtract(c);
		if (i == 0)
			for (uint32_t round = 0; round < bench.rounds; round++)
				bench.swap[bench.swap_n++] = c->swap[round];
		case_tell(c);
		case_close(c);
	}
}

static void groups_run(bool quick)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].quick || !quick)
			group_run(groups[i].names);
}

static void swap_tell(void)
{
	double median = result_median(bench.swap, bench.swap_n);
	const struct result_extra extras[] = {{"cycles", median / bench.eal.ns_per_cycle},
					      {NULL, 0}};

	result_tell("dpdk.macswap", "ns_per_packet", bench.swap, bench.swap_n, extras);
}

/* Nothing but passes of one case. */
static void passes_run(const char *name, uint32_t passes)
{
	struct bench_case *c = &bench.cases[0];

	case_open(name);
	for (uint32_t i = 0; i < passes; i++)
		scene_pass(&c->scene, &c->stage, PASS_SLUICE);
	scene_check(&c->scene, &c->stage, 1);
	printf("%u packets\n", passes * TRAFFIC_BUFFERS);
	case_close(c);
}

static const struct option options[] = {
	{"quick", no_argument, NULL, 'q'},
	{"rounds", required_argument, NULL, 'r'},
	{"passes", required_argument, NULL, 'p'},
	{"no-hugepages", no_argument, NULL, 'n'},
	{NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
	uint32_t rounds = 0, passes = 0;
	bool quick = false, hugetlb = true;
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == 'q')
			quick = true;
		else if (letter == 'n')
			hugetlb = false;
		else if (letter == 'r')
			rounds = (uint32_t)atoi(optarg);
		else if (letter == 'p')
			passes = (uint32_t)atoi(optarg);
		else
			return EXIT_USAGE;
	}
	bench.rounds = rounds ? rounds : quick ? ROUNDS_QUICK : ROUNDS;
	if (bench.rounds > ROUNDS_MAX || (passes && optind + 1 != argc)) {
		fprintf(stderr, "usage: bench_dpdk [--quick] [--rounds N] [--passes N] "
				"[--no-hugepages] [NAME ...]\n");
		return EXIT_USAGE;
	}
	bench.eal = bench_eal_open(0, hugetlb);
	traffic_init(&bench.traffic, bench.eal.pool);
	bench.swap = array_new(bench.rounds * sizeof(groups) / sizeof(groups[0]), sizeof(double));
	if (passes) {
		passes_run(argv[optind], passes);
	} else {
		if (optind < argc)
			group_run((const char *const *)&argv[optind]); /* argv ends with a NULL */
		else
			groups_run(quick);
		swap_tell();
	}
	free(bench.swap);
	traffic_release(&bench.traffic);
	bench_eal_close(&bench.eal);
	return 0;
}
