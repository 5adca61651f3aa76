/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sluiced shows by HTTP, to read only: the status page, /api/status, /metrics, /healthz,
 * /readyz. Made by daemon.c; runs in the event loop, on the control thread.
 */
#ifndef SLUICE_HTTP_H
#define SLUICE_HTTP_H

#include "api.h"

struct event_base;
struct http;

enum {
	HTTP_RETRY_S = 10, /* until an address that could not be had is tried again */
};

/*
 * Listens at the addresses of `settings` (none: NULL is returned, with *out NULL). One that can't
 * be had is told as an event, and tried again: what forwards packets doesn't end for want of
 * metrics. `api` is copied; what it leads to, and `settings`, outlive it. Returns 0 or -ENOMEM.
 */
int http_new(struct event_base *base, const struct settings *settings, const struct daemon_api *api,
	     struct http **out);

void http_free(struct http *http); /* NULL is allowed */

#endif
