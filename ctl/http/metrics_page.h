/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page /metrics: reads the figures, then writes them. Called by http.c; control thread.
 */
#ifndef SLUICE_METRICS_PAGE_H
#define SLUICE_METRICS_PAGE_H

#include "http_server.h"
#include "metrics_print.h"

/* What is kept from one to the next; they outlive every page. */
struct metrics_scrapes {
	double last_s; /* of the control thread's time; negative: none has come to its end */
};

/* Whether a request with this Accept header gets OpenMetrics, rather than the older format. */
bool metrics_accepts_openmetrics(const char *accept);

/* `backends`: with the series of each backend. What the pointers lead to outlives the page. */
void metrics_page(struct http_page *page, const struct daemon_api *api,
		  const struct worker_load *load, struct metrics_scrapes *scrapes,
		  const char *accept, bool backends);

#endif
