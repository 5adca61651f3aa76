/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene.h.
 */
#include "scene.h"

#include "sluice/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

enum {
	BACKENDS = 3, /* of a service, unless the name says another number */
	SWAP_AHEAD = 8,
	WARM_PASSES_MAX = 32,
	FLOWS_NEW_LOG2 = 44,
};

/* "64k": 65,536; k and m are powers of two; "new": never the same. False: no number, or 0. */
static bool count_parse(const char *text, uint64_t *n)
{
	char *end;

	if (strcmp(text, "new") == 0) {
		*n = 1ULL << FLOWS_NEW_LOG2;
		return true;
	}
	*n = strtoull(text, &end, 10);
	if (*end == 'k' || *end == 'm')
		*n <<= *end++ == 'k' ? 10 : 20;
	return *end == '\0' && *n > 0;
}

static bool numbered_parse(const char *text, char letter, uint32_t max, uint32_t *n)
{
	uint64_t value;

	if (text[0] != letter || !count_parse(text + 1, &value) || value > max)
		return false;
	*n = (uint32_t)value;
	return true;
}

static bool encap_parse(const char *text, enum encap *encap)
{
	*encap = strcmp(text, "ipip") == 0 ? ENCAP_IPIP : ENCAP_GUE;
	return *encap == ENCAP_IPIP || strcmp(text, "gue") == 0;
}

/* "b100", "changed10" */
static bool further_parse(const char *text, struct balancer_spec *spec)
{
	static const char changed[] = "change"; /* and the letter */

	if (strncmp(text, changed, strlen(changed)) == 0)
		return numbered_parse(text + strlen(changed), 'd', 100, &spec->changed_percent);
	return numbered_parse(text, 'b', BACKENDS_PER_SERVICE_MAX, &spec->backends);
}

bool scene_parse(struct scene *scene, const char *name)
{
	char text[RESULT_NAME_MAX], *rest = text, *words[6];
	uint32_t n = 0;

	*scene = (struct scene){.spec.backends = BACKENDS};
	snprintf(scene->name, sizeof(scene->name), "%s", name);
	snprintf(text, sizeof(text), "%s", name);
	while (rest && n < 6)
		words[n++] = strsep(&rest, ".");
	if (rest || n < 5 || strcmp(words[0], "dpdk") != 0)
		return false;
	scene->kind = traffic_kind(words[1]);
	if (!scene->kind || !encap_parse(words[2], &scene->spec.encap) ||
	    !count_parse(words[3], &scene->flows) ||
	    !numbered_parse(words[4], 's', 1 << 16, &scene->spec.services) ||
	    (n == 6 && !further_parse(words[5], &scene->spec)))
		return false;
	scene->spec.v6 = scene->kind->v6;
	scene->spec.proto = scene->kind->proto;
	return true;
}

void scene_open(struct scene *scene, bool hugetlb)
{
	scene->balancer = balancer_new(&scene->spec, hugetlb);
}

void scene_close(struct scene *scene)
{
	balancer_free(scene->balancer);
	scene->balancer = NULL;
}

void scene_settle(const struct scene *scene, struct stage *stage)
{
	/* A flow shows twice that it is one (sluice/memory.h). */
	uint64_t passes = scene->spec.changed_percent ? 2 * scene->flows / TRAFFIC_BUFFERS + 2 : 0;

	for (uint64_t i = 0; i < passes; i++)
		scene_pass(scene, stage, PASS_SLUICE);
}

uint32_t scene_warm_passes(const struct scene *scene)
{
	/* A pass touches about three lines of the tables for each packet. */
	uint64_t passes = 4 + scene->balancer->tables_bytes / (TRAFFIC_BUFFERS * 3 * 64);

	return passes < WARM_PASSES_MAX ? (uint32_t)passes : WARM_PASSES_MAX;
}

static void pass_nothing(struct stage *stage, uint16_t bytes)
{
	for (uint32_t i = 0; i < TRAFFIC_BURSTS; i++)
		(void)traffic_receive(stage->traffic, i, bytes);
}

static void swap_macs(struct rte_mbuf **pkts)
{
	for (uint32_t k = 0; k < SWAP_AHEAD; k++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[k], void *));
	for (uint32_t k = 0; k < TRAFFIC_BURST; k++) {
		struct rte_ether_hdr *ether = rte_pktmbuf_mtod(pkts[k], struct rte_ether_hdr *);
		struct rte_ether_addr dst = ether->dst_addr;

		if (k + SWAP_AHEAD < TRAFFIC_BURST)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[k + SWAP_AHEAD], void *));
		ether->dst_addr = ether->src_addr;
		ether->src_addr = dst;
	}
}

static void pass_macswap(struct stage *stage, uint16_t bytes)
{
	for (uint32_t i = 0; i < TRAFFIC_BURSTS; i++)
		swap_macs(traffic_receive(stage->traffic, i, bytes));
}

/* What port_poll() does of dataplane/worker.c, but for the driver and the rings. */
static void pass_sluice(struct stage *stage, const struct burst_context *ctx, uint16_t bytes)
{
	for (uint32_t i = 0; i < TRAFFIC_BURSTS; i++) {
		struct rte_mbuf **pkts = traffic_receive(stage->traffic, i, bytes);

		burst_run(&stage->burst, ctx, pkts, TRAFFIC_BURST);
		burst_count(&stage->burst, ctx);
	}
}

uint64_t scene_pass(const struct scene *scene, struct stage *stage, enum pass pass)
{
	uint16_t bytes = scene->kind->bytes;
	uint64_t start;

	stage->next_flow = traffic_write(stage->traffic, scene->kind, stage->next_flow,
					 scene->flows, scene->spec.services);
	start = rte_rdtsc_precise();
	switch (pass) {
	case PASS_NOTHING:
		pass_nothing(stage, bytes);
		break;
	case PASS_MACSWAP:
		pass_macswap(stage, bytes);
		break;
	case PASS_SLUICE:
		stage->burst.now_s = BALANCER_NOW_S;
		pass_sluice(stage, &scene->balancer->contexts[stage->context], bytes);
		stage->packets_n += TRAFFIC_BUFFERS;
		break;
	}
	return rte_rdtsc_precise() - start;
}

void scene_check(const struct scene *scene, const struct stage *stages, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t counted =
			balancer_counted(scene->balancer, stages[i].context, scene->kind->verdict);

		if (counted == stages[i].packets_n)
			continue;
		fprintf(stderr, "bench: %s: %llu packets, but %llu had the verdict\n", scene->name,
			(unsigned long long)stages[i].packets_n, (unsigned long long)counted);
		abort();
	}
}
