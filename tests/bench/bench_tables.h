/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that the XDP bench runs on, laid out by the control plane's own functions: one vip
 * of each family, on which BENCH_SERVICES TCP and as many UDP services have backends of their own,
 * and a lookup table of the size that the control plane takes for so many.
 */
#ifndef SLUICE_TESTS_BENCH_TABLES_H
#define SLUICE_TESTS_BENCH_TABLES_H

#include "driver.h"
#include "sluice/arena.h"

#include <stddef.h>

#define BENCH_VIP4 "203.0.113.1"
#define BENCH_VIP6 "2001:db8:f::1"

enum {
	BENCH_PORT = 80, /* the first service's */
	BENCH_SERVICES = DRIVER_SERVICES,
	BENCH_BACKENDS_MAX = 1000, /* a service */
	BENCH_SERVICE_ROWS = 1 + 2 * 2 * BENCH_SERVICES + 2,
};

struct bench_tables;

/* How many counter rows so many backends a service take. */
uint32_t bench_tables_backend_rows(uint32_t backends);

/* Lays two generations out: 0 with IPIP, 1 with GUE; outer headers of the vip's family. Aborts. */
struct bench_tables *bench_tables_new(struct arena *arena, uint64_t arena_bytes, uint32_t backends);
void bench_tables_free(struct bench_tables *tables);

/* Stores it as the arena's current generation. */
void bench_tables_publish(const struct bench_tables *tables, size_t generation);

#endif
