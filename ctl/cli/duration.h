/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations as people write them: 90, 90s, 10m, 1h. Used by command_parse.c and show_*.c.
 */
#ifndef SLUICE_CLI_DURATION_H
#define SLUICE_CLI_DURATION_H

#include <stdbool.h>
#include <stdint.h>

enum { DURATION_TEXT_MAX = 48 };

/* Digits, and nothing or s, m or h behind them. False: it is none, or beyond 32 bits of seconds. */
bool duration_parse(const char *text, uint32_t *seconds);

/* "4s", "9m56s", "1h05m"; below 0 as 0. Returns buf. */
const char *duration_format(int64_t seconds, char buf[DURATION_TEXT_MAX]);

#endif
