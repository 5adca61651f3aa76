/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples as both of Prometheus's formats have them. What finds no room is left out: there is room
 * for a piece and the samples of one row more. Used by metrics_*.c; control thread.
 */
#ifndef SLUICE_METRICS_TEXT_H
#define SLUICE_METRICS_TEXT_H

#include "http_server.h"
#include "metrics_print.h"

enum {
	METRICS_ROW_MAX_BYTES = 32 << 10, /* of one row: verdicts by 24, names by 128 */
	METRICS_NAME_MAX_BYTES = 96,
};

struct metrics_text {
	const struct metrics_print *print;
	const struct figures *f;
	char name[METRICS_NAME_MAX_BYTES]; /* of the samples */
	char text[HTTP_PIECE_BYTES + METRICS_ROW_MAX_BYTES];
	size_t bytes;
};

void text_put(struct metrics_text *p, const char *text);
void text_number(struct metrics_text *p, uint64_t value);

/* name{key="value",...}: pairs of them, ended by NULL. */
void text_series(struct metrics_text *p, ...);

/* A series' value, and the line's end. Microseconds since the epoch need more digits than a real. */
void text_end_number(struct metrics_text *p, uint64_t value);
void text_end_real(struct metrics_text *p, double value);
void text_end_time(struct metrics_text *p, int64_t us);

#endif
