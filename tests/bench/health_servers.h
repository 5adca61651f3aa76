/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers for bench_health to check, in a process of their own: each accepts at its port, on every
 * address of the host, and answers "ok" and ends the connection where it speaks HTTP.
 */
#ifndef SLUICE_TESTS_BENCH_HEALTH_SERVERS_H
#define SLUICE_TESTS_BENCH_HEALTH_SERVERS_H

#include <sys/types.h>

enum {
	PORT_HTTP = 18080,
	PORT_TCP = 18081,
	PORT_HTTPS = 18443, /* a certificate of its own making, ECDSA P-256 */
};

/* Returns the process's id, when all are served; -1: they can't be. Ends with its parent. */
pid_t health_servers_start(void);

#endif
