/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that the XDP bench runs on, laid out by the control plane's own functions: one vip
 * of each family, on which BENCH_SERVICES TCP and as many UDP services have a lookup table and
 * backends of their own.
 */
#ifndef TESTS_BENCH_TABLES_H
#define TESTS_BENCH_TABLES_H

#include "driver.h"
#include "sluice/arena.h"

#include <stddef.h>

#define BENCH_VIP4 "203.0.113.1"
#define BENCH_VIP6 "2001:db8:f::1"

enum {
	BENCH_PORT = 80, /* the first service's */
	BENCH_SERVICES = DRIVER_SERVICES,
	BENCH_BACKENDS = 100, /* a service */
	BENCH_SLOTS = 16381,
	BENCH_SERVICE_ROWS = 1 + 2 * 2 * BENCH_SERVICES + 2,
	BENCH_BACKEND_ROWS = 1 + 2 * 2 * BENCH_SERVICES * BENCH_BACKENDS,
};

struct bench_tables;

/* Lays two generations out: 0 with IPIP, 1 with GUE; outer headers of the vip's family. Aborts. */
struct bench_tables *bench_tables_new(struct arena *arena, uint64_t arena_bytes);
void bench_tables_free(struct bench_tables *tables);

/* Stores it as the arena's current generation. */
void bench_tables_publish(const struct bench_tables *tables, size_t generation);

#endif
