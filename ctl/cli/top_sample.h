/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `top` asks of the daemon, and when: counters as they stood at one moment. Used by top.c,
 * top_rates.c.
 */
#ifndef SLUICE_CLI_TOP_SAMPLE_H
#define SLUICE_CLI_TOP_SAMPLE_H

#include "client.h"
#include "sluice/memory_counters.h"
#include "sluice/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	TOP_NAME_MAX = 64,
	TOP_WORKERS_MAX = 128,
	TOP_PAGE = 500, /* services in one request */
};

/* A service, or one of its backends. */
struct top_row {
	char service[TOP_NAME_MAX];
	char backend[TOP_NAME_MAX]; /* "": the row is the service's */
	char state[24];             /* of a backend: "up", "down", "enabled", "draining" ... */
	uint32_t backends, backends_up;
	uint64_t packets, bytes, dropped;
};

struct top_worker {
	uint32_t core;
	uint64_t packets, bursts, empty_bursts;
	uint64_t softirq_ticks, ticks; /* of the core, by the kernel's count; 0: not known */
};

struct top_sample {
	int64_t clock_us; /* never goes back */
	char path[16];    /* "dpdk", "xdp" */
	struct top_row *rows;
	size_t rows_n;
	uint64_t verdicts[VERDICT_COUNT]; /* of all packets */
	struct top_worker workers[TOP_WORKERS_MAX];
	uint32_t workers_n;
	struct memory_counters memory;
};

struct top_query {
	const char *service; /* only its backends; NULL: the services */
	bool each;           /* with `service` NULL: the backends of all */
};

/* Returns 0 with *out to be freed, or what client_request() returned, with a text in `error`. */
int top_sample_read(const char *socket_path, const struct top_query *query, struct top_sample *out,
		    char error[CLIENT_ERROR_MAX]);

/* One of zeroes is free already. */
void top_sample_free(struct top_sample *sample);

/* Adds the rows of a result of traffic.list. Returns 0 or -ENOMEM. */
int top_sample_add(struct top_sample *sample, const json_t *result, bool each);

/* The ticks of the workers' cores, out of /proc/stat. */
void top_sample_ticks(struct top_sample *sample, FILE *stat);

#endif
