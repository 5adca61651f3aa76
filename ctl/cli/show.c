/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What show_*.c share: reading results. Called by them.
 */
#include "show.h"

#include <time.h>

const char *show_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

json_int_t show_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *show_share(json_int_t part, json_int_t whole, char buf[32])
{
	if (whole > 0)
		snprintf(buf, 32, "%.1f%%", (double)part * 100 / (double)whole);
	else
		snprintf(buf, 32, "-");
	return buf;
}

const char *show_time(json_int_t us, char buf[64])
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	char date[32];

	if (us <= 0 || !gmtime_r(&seconds, &tm) || strftime(date, sizeof(date), "%F %T", &tm) == 0)
		snprintf(buf, 64, "-");
	else
		snprintf(buf, 64, "%s.%06d UTC", date, (int)(us % 1000000));
	return buf;
}
