/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of one worker: rows per service and per backend, written by that worker alone,
 * as plain integers, and read by the control thread, which sums over the workers.
 */
#ifndef SLUICE_DATAPLANE_COUNTERS_H
#define SLUICE_DATAPLANE_COUNTERS_H

#include "region.h"
#include "sluice/counters.h"

struct counters {
	/*
	 * What nearly all packets come to, by service: eight of them a line, where the rows below
	 * would be a line each. [services_max]
	 */
	uint64_t *forwarded;
	struct service_counters *services; /* [services_max]; VERDICT_forward stays 0 */
	struct backend_counters *backends; /* [backends_max] */
	uint32_t services_max, backends_max;
	struct region region;
};

/* -ENOMEM. All 0, every page in place. */
int counters_create(struct counters *c, uint32_t services_max, uint32_t backends_max, bool hugetlb);
void counters_destroy(struct counters *c);

/* Adds rows [first, first + n) to `rows`, all verdicts. The caller has checked the range. */
void counters_add_services(const struct counters *c, uint32_t first, uint32_t n,
			   struct service_counters *rows);
void counters_add_backends(const struct counters *c, uint32_t first, uint32_t n,
			   struct backend_counters *rows);

/* By verdict, over all services and row 0. */
void counters_add_verdicts(const struct counters *c, struct service_counters *sum);

#endif
