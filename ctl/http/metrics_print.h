/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures as text for Prometheus: OpenMetrics 1.0, or the older text format 0.0.4. Written piece by
 * piece, family by family. Called by metrics_page.c; control thread.
 */
#ifndef SLUICE_METRICS_PRINT_H
#define SLUICE_METRICS_PRINT_H

#include <stdbool.h>

#include "figures.h"
#include "worker_load.h"

struct evbuffer;

struct metrics_print {
	const struct figures *figures;
	const struct worker_load *load;
	bool openmetrics;
	bool backends;   /* with the series of each backend */
	double scrape_s; /* what the last scrape took; negative: there was none */
	uint32_t family; /* where it goes on: in the table, */
	uint32_t row;    /* and in the figures */
};

/* Appends some 64 KiB. Returns 1: there is more; 0: that was all; -ENOMEM. */
int metrics_print_piece(struct metrics_print *print, struct evbuffer *out);

#endif
