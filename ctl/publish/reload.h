/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reload of the configuration file does, or would do, as data and in words. Control thread.
 */
#ifndef SLUICE_RELOAD_H
#define SLUICE_RELOAD_H

#include "model_diff.h"

struct daemon_preview;

struct daemon_reload {
	struct model_diff diff;      /* from what was in force to what the file asks for */
	struct daemon_preview *rows; /* of the services that change */
	uint32_t rows_n, rows_at;    /* rows_at: the look-up's */
	char **lost; /* run-time changes in whose place the edited file is, a line each */
	uint32_t lost_n;
	char *error; /* lines, joined by newlines; NULL: none */
};

void daemon_reload_free(struct daemon_reload *reload);

/*
 * As model_diff_line(), and with how many slots move:
 *   service web: backend b4 added (10.0.0.14, weight 100), b1 weight 100 -> 50; 12.4 %
 *   of slots move, 0.0 % of the flows that aren't remembered (12.4 % without the transition)
 */
char *daemon_reload_line(struct daemon_reload *reload, uint32_t *at);

/* Adds a line to `lost`, as well as memory allows. overlay_lost_fn, with the reload for ctx. */
void daemon_reload_lose(void *reload, const char *text);

#endif
