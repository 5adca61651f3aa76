/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations as people write them. Called by command_parse.c and show_*.c.
 */
#include "duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* 0: no unit. */
static uint32_t unit_seconds(const char *unit)
{
	if (strcmp(unit, "") == 0 || strcmp(unit, "s") == 0)
		return 1;
	if (strcmp(unit, "m") == 0)
		return 60;
	return strcmp(unit, "h") == 0 ? 3600 : 0;
}

bool duration_parse(const char *text, uint32_t *seconds)
{
	const char *unit = text + strspn(text, "0123456789");
	uint64_t value = 0;

	if (unit == text || unit_seconds(unit) == 0)
		return false;
	for (const char *c = text; c < unit; c++) {
		value = 10 * value + (uint64_t)(*c - '0');
		if (value > UINT32_MAX)
			return false;
	}
	value *= unit_seconds(unit);
	if (value > UINT32_MAX)
		return false;
	*seconds = (uint32_t)value;
	return true;
}

const char *duration_format(int64_t seconds, char buf[DURATION_TEXT_MAX])
{
	if (seconds < 0)
		seconds = 0;
	if (seconds < 60)
		snprintf(buf, DURATION_TEXT_MAX, "%" PRId64 "s", seconds);
	else if (seconds < 3600)
		snprintf(buf, DURATION_TEXT_MAX, "%" PRId64 "m%02" PRId64 "s", seconds / 60,
			 seconds % 60);
	else
		snprintf(buf, DURATION_TEXT_MAX, "%" PRId64 "h%02" PRId64 "m", seconds / 3600,
			 seconds / 60 % 60);
	return buf;
}
