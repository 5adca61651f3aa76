/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loads of a least-conn service's backends. Control thread.
 */
#include "loads.h"

#include <stdlib.h>

enum {
	FRACTION_LOG2 = 24, /* flows stay below 2^38, so that 64 bits hold a load */
};

static uint64_t flows_per_weight(uint64_t flows, uint32_t weight)
{
	return weight == 0 ? 0 : (flows << FRACTION_LOG2) / weight;
}

void loads_relate(const uint64_t *flows, const uint32_t *weights, uint32_t n, uint16_t *loads)
{
	uint64_t greatest = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t load = flows_per_weight(flows[i], weights[i]);

		if (load > greatest)
			greatest = load;
	}
	for (uint32_t i = 0; i < n; i++) {
		double share = 0;

		if (greatest > 0)
			share = (double)flows_per_weight(flows[i], weights[i]) / (double)greatest;
		loads[i] = (uint16_t)(share * UINT16_MAX);
	}
}

struct installed *loads_renew(const struct surroundings *around, struct installed *was,
			      const struct census *census)
{
	uint32_t n = was->indices->length;
	uint64_t *flows = calloc(n + 1, sizeof(*flows));
	uint32_t *weights = calloc(n + 1, sizeof(*weights));
	uint16_t *loads = calloc(n + 1, sizeof(*loads));
	struct installed *next = NULL;

	if (!flows || !weights || !loads)
		goto out;
	for (uint32_t i = 0; i < was->conf->backends_n; i++) {
		uint16_t index = was->courses[i].index;

		if (index == SLOT_NONE)
			continue;
		flows[index] = census_flows(census, was->row, index);
		weights[index] = plan_weight(was->conf, was->courses, i);
	}
	loads_relate(flows, weights, n, loads);
	next = installed_load(around, was, loads, n);
out:
	free(flows);
	free(weights);
	free(loads);
	return next;
}
