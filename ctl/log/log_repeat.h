/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a line of the log is one that was just said, over and over. Used by log.c, which holds
 * its lock. Pure.
 */
#ifndef SLUICE_LOG_REPEAT_H
#define SLUICE_LOG_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "sluice/module.h"

enum {
	LOG_REPEATS = 5, /* of one line are written in LOG_REPEAT_S */
	LOG_REPEAT_S = 10,
	LOG_REPEAT_LINES = 32, /* different lines that are kept in mind */
	LOG_REPEAT_TEXT_MAX = 256,
};

struct log_repeat {
	uint64_t hash; /* of the whole line; 0: none */
	int64_t since_us;
	uint32_t written, left_out;
	enum fast_path_log level;
	char text[LOG_REPEAT_TEXT_MAX]; /* cut to fit */
};

/* Zeroed: nothing was said yet. */
struct log_repeats {
	struct log_repeat lines[LOG_REPEAT_LINES];
};

/* Whether the line is to be written. */
bool log_repeat_passes(struct log_repeats *repeats, enum fast_path_log level, const char *line,
		       int64_t now_us);

/* One whose time is over, and of which some were left out: *out tells of it, and it is forgotten.
 * `all`: whose time isn't over, too. False: there is none. */
bool log_repeat_over(struct log_repeats *repeats, int64_t now_us, bool all, struct log_repeat *out);

#endif
