/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A balancer without ports: services and backends of one kind, laid out by the control plane's
 * own functions, and the counters and the context that a worker has. One for each case of
 * bench_dpdk; made on the main thread, used by one worker at a time for each context.
 */
#ifndef SLUICE_TESTS_BENCH_BALANCER_H
#define SLUICE_TESTS_BENCH_BALANCER_H

#include "burst.h"
#include "counters.h"
#include "flow_table.h"
#include "region.h"

#include "arena_space.h"

enum {
	BALANCER_PORT = 80, /* of every service */
	BALANCER_CONTEXTS = 2,
	BALANCER_NOW_S = 1000, /* for struct burst */
};

/* Service s has vip number s: the last 4 bytes of the first one's address plus s. */
#define BALANCER_VIP4 "198.18.0.0"
#define BALANCER_VIP6 "2001:db8:f::"

struct balancer_spec {
	bool v6; /* vips and backends */
	uint8_t proto;
	enum encap encap;
	uint32_t services, backends; /* backends of each service */
	uint32_t changed_percent;    /* of the slots: a transition is under way */
};

struct balancer {
	struct balancer_spec spec;
	struct region region;
	struct arena_space *space;
	struct laid_generation *laid;
	uint64_t tables_bytes; /* of the arena, in use */
	struct counters counters[BALANCER_CONTEXTS];
	struct flow_table flows[BALANCER_CONTEXTS]; /* only in a transition */
	const struct flow_table *tables[BALANCER_CONTEXTS];
	struct burst_context contexts[BALANCER_CONTEXTS];
};

/* Aborts where it can't. `hugetlb`: on reserved hugepages, if there are enough. */
struct balancer *balancer_new(const struct balancer_spec *spec, bool hugetlb);
void balancer_free(struct balancer *b);

/* What context `i` has counted, of all services. */
uint64_t balancer_counted(const struct balancer *b, uint32_t i, enum verdict verdict);

#endif
