/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of one worker. Made and read by the control thread.
 */
#include "counters.h"

/*
 * Of a word that a worker adds to meanwhile: any of its values will do, but whole. Workers store
 * aligned 64-bit words, which neither compiler nor CPU splits here.
 */
static uint64_t word_read(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

int counters_create(struct counters *c, uint32_t services_max, uint32_t backends_max, bool hugetlb)
{
	size_t services_bytes = services_max * sizeof(struct service_counters);
	size_t backends_bytes = backends_max * sizeof(struct backend_counters);
	size_t forwarded_bytes = services_max * sizeof(uint64_t);
	int ret = region_map(&c->region, services_bytes + backends_bytes + forwarded_bytes, hugetlb,
			     true);

	if (ret < 0)
		return ret;
	c->services = c->region.start;
	c->backends = (struct backend_counters *)(c->services + services_max);
	c->forwarded = (uint64_t *)(c->backends + backends_max);
	c->services_max = services_max;
	c->backends_max = backends_max;
	return 0;
}

void counters_destroy(struct counters *c)
{
	region_unmap(&c->region);
	*c = (struct counters){0};
}

void counters_add_services(const struct counters *c, uint32_t first, uint32_t n,
			   struct service_counters *rows)
{
	for (uint32_t i = 0; i < n; i++) {
		for (int v = 0; v < VERDICT_COUNT; v++)
			rows[i].packets[v] += word_read(&c->services[first + i].packets[v]);
		rows[i].packets[VERDICT_forward] += word_read(&c->forwarded[first + i]);
	}
}

void counters_add_backends(const struct counters *c, uint32_t first, uint32_t n,
			   struct backend_counters *rows)
{
	for (uint32_t i = 0; i < n; i++) {
		rows[i].packets += word_read(&c->backends[first + i].packets);
		rows[i].bytes += word_read(&c->backends[first + i].bytes);
	}
}

void counters_add_verdicts(const struct counters *c, struct service_counters *sum)
{
	for (uint32_t i = 0; i < c->services_max; i++)
		counters_add_services(c, i, 1, sum);
}
