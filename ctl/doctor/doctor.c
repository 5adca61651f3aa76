/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of checks, and of what they found. Called by sluicectl.
 */
#include "doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static doctor_check *const checks[] = {
	check_daemon,    check_files, check_health,    check_state, check_shortages,
	check_kernel,    check_cores, check_hugepages, check_ports, check_queues,
	check_native,    check_nics,  check_offloads,  check_links, check_reverse_path,
	check_next_hops, check_mtu,   check_drops,     check_nodes,
};

ENUM_DEFINE(finding_level, FINDING_LEVEL_WORDS);

static bool room_make(struct doctor *d)
{
	size_t room = d->findings_room ? 2 * d->findings_room : 32;
	struct finding *more;

	if (d->findings_n < d->findings_room)
		return true;
	more = reallocarray(d->findings, room, sizeof(*more));
	if (!more)
		return false;
	d->findings = more;
	d->findings_room = room;
	return true;
}

void doctor_say(struct doctor *d, enum finding_level level, const char *check, char *mend,
		const char *format, ...)
{
	va_list args;
	char *text;
	int bytes;

	va_start(args, format);
	bytes = vasprintf(&text, format, args);
	va_end(args);
	if (bytes < 0 || !room_make(d)) {
		if (bytes >= 0)
			free(text);
		free(mend);
		d->no_memory = true;
		return;
	}
	d->findings[d->findings_n++] =
		(struct finding){.level = level, .check = check, .text = text, .mend = mend};
}

char *mend_with(const char *format, ...)
{
	va_list args;
	char *text;
	int bytes;

	va_start(args, format);
	bytes = vasprintf(&text, format, args);
	va_end(args);
	return bytes < 0 ? NULL : text;
}

int doctor_examine(struct doctor *d, const struct patient *patient)
{
	*d = (struct doctor){.patient = patient};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](d);
	return d->no_memory ? -ENOMEM : 0;
}

void doctor_free(struct doctor *d)
{
	for (size_t i = 0; i < d->findings_n; i++) {
		free(d->findings[i].text);
		free(d->findings[i].mend);
	}
	free(d->findings);
}

enum finding_level doctor_worst(const struct doctor *d)
{
	enum finding_level worst = FINDING_GOOD;

	for (size_t i = 0; i < d->findings_n; i++)
		if (d->findings[i].level > worst)
			worst = d->findings[i].level;
	return worst;
}

json_t *doctor_index(const json_t *list, const char *member)
{
	json_t *index = json_object(), *row;
	size_t i;

	json_array_foreach (list, i, row) {
		const char *text = json_string_value(json_object_get(row, member));

		if (text && json_object_set(index, text, row) != 0) {
			json_decref(index);
			return NULL;
		}
	}
	return index;
}
