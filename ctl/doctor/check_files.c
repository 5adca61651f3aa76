/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has sluiced files enough, and did calls fail for want of something? Called by doctor.c.
 */
#include <inttypes.h>
#include <time.h>

#include "doctor.h"

enum {
	RECENT_S = 600, /* what failed longer ago is over */
};

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

void check_files(struct doctor *d)
{
	const json_t *files = json_object_get(d->patient->daemon, "files");

	if (!files)
		return;
	if (number(files, "checks_queued") > 0)
		doctor_say(d, FINDING_SLOW, "files",
			   mend_with("raise LimitNOFILE in the unit (ulimit -n), then restart"),
			   "%" JSON_INTEGER_FORMAT
			   " health checks waited for a file, and were late: "
			   "of a limit of %" JSON_INTEGER_FORMAT " files they may have "
			   "%" JSON_INTEGER_FORMAT,
			   number(files, "checks_queued"), number(files, "limit"),
			   number(files, "checks_max"));
	else
		doctor_say(d, FINDING_GOOD, "files", NULL,
			   "a limit of %" JSON_INTEGER_FORMAT " files: %" JSON_INTEGER_FORMAT
			   " health checks at once may have one",
			   number(files, "limit"), number(files, "checks_max"));
}

void check_shortages(struct doctor *d)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(d->patient->daemon, "shortages"), i, row) {
		const char *text = json_string_value(json_object_get(row, "text"));
		const char *error = json_string_value(json_object_get(row, "error"));
		json_int_t ago_s = (json_int_t)time(NULL) - number(row, "last_us") / 1000000;

		if (number(row, "failures") == 0 || ago_s > RECENT_S || !text || !error)
			continue;
		doctor_say(
			d, FINDING_WRONG, "shortages",
			mend_with("give the node or the unit more of it; sluiced keeps what it has "
				  "and tries again"),
			"%s failed, %" JSON_INTEGER_FORMAT
			" times since the start, last %" JSON_INTEGER_FORMAT " s ago: %s",
			text, number(row, "failures"), ago_s > 0 ? ago_s : 0, error);
	}
}
