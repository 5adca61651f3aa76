/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `backend drain --wait` and `host drain --wait`: watch a backend, or all with an address, until no flow
 * is left there. Used by main.c.
 */
#ifndef SLUICE_CLI_DRAIN_WAIT_H
#define SLUICE_CLI_DRAIN_WAIT_H

#include "client.h"
#include "commands.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	DRAIN_LINE_MAX = 256,
	DRAIN_INTERVAL_MS = 1000,
};

enum drain_end {
	DRAIN_ON,     /* it has not ended */
	DRAIN_EMPTY,  /* no flow is left */
	DRAIN_CUT,    /* the timeout came first */
	DRAIN_BROKEN, /* somebody enabled, disabled or removed the backend */
};

/* What a result of backends.list says of a drain, as a line for people. `now_us`: since the
 * epoch. */
enum drain_end drain_look(const json_t *result, const char *service, const char *backend,
			  int64_t now_us, char line[DRAIN_LINE_MAX]);

/* The same of a result of hosts.list, of which only `host` is asked. */
enum drain_end drain_look_host(const json_t *result, const char *host, int64_t now_us,
			       char line[DRAIN_LINE_MAX]);

struct drain_watch {
	const char *socket_path;
	const char *service, *backend;
	const char *host; /* an address, and the two above mean nothing; NULL: that backend */
	uint32_t interval_ms;
	FILE *out;     /* gets a line at each look; NULL: none */
	bool terminal; /* one line, written anew at each look */
};

/*
 * Looks until the drain has ended. *result: what backends.list or hosts.list said last (a new reference), or
 * NULL. Returns 0: DRAIN_EMPTY; -ECANCELED: DRAIN_CUT or DRAIN_BROKEN, which the last line told,
 * and `line` holds; else what client_request() returned, with its text in `line`.
 */
int drain_wait(const struct drain_watch *watch, json_t **result, char line[CLIENT_ERROR_MAX]);

/* `backend drain`, `host drain`: asks, and with --wait waits. */
command_function drain_run;

#endif
