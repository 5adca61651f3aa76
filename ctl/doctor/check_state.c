/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is what was changed on disk, is the file in force, is the log read? Called by doctor.c.
 */
#include "doctor.h"

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void check_kept(struct doctor *d)
{
	const json_t *state = json_object_get(d->patient->daemon, "state");
	const char *path = json_string_value(json_object_get(state, "path"));
	const char *error = json_string_value(json_object_get(state, "error"));

	if (!path || !path[0] || !error)
		return;
	if (error[0])
		doctor_say(
			d, FINDING_WRONG, "state",
			mend_with("see to the disk and the rights of the folder; it is tried again "
				  "every 10 s"),
			"run-time changes would not survive a restart: %s can't be written: %s",
			path, error);
	else
		doctor_say(d, FINDING_GOOD, "state", NULL, "run-time changes are kept in %s", path);
}

void check_state(struct doctor *d)
{
	const struct patient *p = d->patient;
	json_int_t lost = number(json_object_get(p->daemon, "log"), "lost");

	check_kept(d);
	if (json_is_true(json_object_get(json_object_get(p->daemon, "reloads"), "last_failed")))
		doctor_say(d, FINDING_WRONG, "reload",
			   mend_with("sluicectl reload --check --diff tells why"),
			   "the last reload was refused or failed: what is in force is older than "
			   "%s",
			   p->config_path ? p->config_path : "the file");
	if (lost > 0)
		doctor_say(d, FINDING_SLOW, "log",
			   mend_with("see what reads the log: journald, or the reader of stderr"),
			   "%" JSON_INTEGER_FORMAT
			   " lines of the log were lost, since nothing read "
			   "them in time",
			   lost);
}
