/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which thread runs where, as EAL's --lcores takes it. Control thread.
 */
#include "cores.h"
#include "error.h"

#include <rte_config.h>

#include <errno.h>
#include <stdio.h>

/* Lcore 0 is the control thread's. */
#define WORKERS_MAX (RTE_MAX_LCORE - 1)

/* "0-3, ...": what people can choose from, the first run of it. */
static void set_describe(const cpu_set_t *set, char *text, size_t bytes)
{
	unsigned int first = 0, last;

	while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, set))
		first++;
	last = first;
	while (last < CPU_SETSIZE - 1 && CPU_ISSET(last + 1, set))
		last++;
	snprintf(text, bytes, "%u-%u%s", first, last,
		 (unsigned int)CPU_COUNT(set) > last - first + 1 ? ", ..." : "");
}

int cores_map(const uint16_t *cores, uint32_t n, const cpu_set_t *allowed,
	      char text[CORES_TEXT_MAX], char *error)
{
	cpu_set_t workers, others;
	const char *separator = "";
	size_t at;

	if (n == 0)
		return error_set(error, -EINVAL, "cores: name at least one core for a worker");
	if (n > WORKERS_MAX)
		return error_set(error, -EINVAL, "cores: %u named, this DPDK is built for %d", n,
				 WORKERS_MAX);
	CPU_ZERO(&workers);
	for (uint32_t i = 0; i < n; i++) {
		char have[32];

		set_describe(allowed, have, sizeof(have));
		if (cores[i] >= CPU_SETSIZE || !CPU_ISSET(cores[i], allowed))
			return error_set(error, -EINVAL,
					 "cores[%u]: %u: no such core, or this process may not "
					 "run there; it may on %s",
					 i, cores[i], have);
		if (CPU_ISSET(cores[i], &workers))
			return error_set(error, -EINVAL, "cores[%u]: %u is named twice", i,
					 cores[i]);
		CPU_SET(cores[i], &workers);
	}
	CPU_XOR(&others, allowed, &workers); /* workers are a subset */
	if (CPU_COUNT(&others) == 0)
		others = *allowed;
	at = (size_t)sprintf(text, "0@(");
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &others))
			continue;
		at += (size_t)sprintf(text + at, "%s%u", separator, cpu);
		separator = ",";
	}
	at += (size_t)sprintf(text + at, ")");
	for (uint32_t i = 0; i < n; i++)
		at += (size_t)sprintf(text + at, ",%u@%u", i + 1, cores[i]);
	return 0;
}
