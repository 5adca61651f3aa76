/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures as JSON for the status page, row by row. Called by status_page.c; control thread.
 */
#ifndef SLUICE_STATUS_JSON_H
#define SLUICE_STATUS_JSON_H

#include "figures.h"
#include "worker_load.h"

struct evbuffer;

enum {
	STATUS_WHY_MAX = 512, /* room for all ports */
};

enum status_step {
	STATUS_NODE,
	STATUS_SERVICES,
	STATUS_SERVICE,
	STATUS_BACKENDS,
	STATUS_SPENT,
	STATUS_DONE,
};

struct status_print {
	const struct figures *figures; /* with a cut */
	const struct worker_load *load;
	char why[STATUS_WHY_MAX]; /* packets are not forwarded as they should be; "": they are */
	enum status_step step;    /* where it goes on, */
	uint32_t row;             /* and at which service or backend */
	bool comma;               /* a row came before */
	int64_t spent_us; /* of the control thread's time, on reading and on earlier pieces */
};

/* Appends some 64 KiB. Returns 1: there is more; 0: that was all; -ENOMEM. */
int status_print_piece(struct status_print *print, struct evbuffer *out);

#endif
