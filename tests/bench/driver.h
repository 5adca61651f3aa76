/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What driver.bpf.c shares with its loader.
 */
#ifndef SLUICE_TESTS_BENCH_DRIVER_H
#define SLUICE_TESTS_BENCH_DRIVER_H

#include <stdint.h>

enum {
	DRIVER_SERVICES = 8, /* on ports of one vip, one after the other */
	DRIVER_PORT_FIRST = 1024,
	DRIVER_PORT_BITS = 14, /* so many flows an address */
	DRIVER_PORT_MASK = (1 << DRIVER_PORT_BITS) - 1,
};

/* Constants of the driver: set between open and load. Offsets are from the frame's start. */
struct driver_options {
	uint64_t start[2]; /* the frame's first 16 bytes */
	uint32_t frame_bytes;
	uint32_t flows_mask;    /* how many flows, less 1 */
	uint32_t client_at;     /* of the last 4 bytes of the client's address */
	uint32_t client;        /* those bytes of the first flow's; the last two are 0 */
	uint32_t ports_at;      /* of both ports */
	uint32_t ports;         /* as they lie there: the first service's, and 0 for the client's */
	uint32_t client_shift;  /* where in `ports` the client's is: 0 or 16 */
	uint32_t service_shift; /* where the service's lower byte is: 24 or 8 */
};

#endif
