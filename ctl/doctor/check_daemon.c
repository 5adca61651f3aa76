/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does sluiced run, and would it start with its file? Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"

static void say_config(struct doctor *d)
{
	const struct patient *p = d->patient;
	const char *line = p->config_error;

	if (p->config) {
		doctor_say(d, FINDING_GOOD, "configuration", NULL, "%s: %u services, %u backends",
			   p->config_path, p->config->services_n, p->config->backends_n);
		return;
	}
	while (line && *line) {
		int bytes = (int)strcspn(line, "\n");

		doctor_say(d, FINDING_WRONG, "configuration",
			   mend_with("edit the file, then: sluiced --config %s --check",
				     p->config_path),
			   "%.*s", bytes, line);
		line += bytes;
		line += *line == '\n';
	}
}

void check_daemon(struct doctor *d)
{
	const struct patient *p = d->patient;

	if (p->daemon_error)
		doctor_say(d, FINDING_WRONG, "daemon",
			   mend_with("systemctl start sluiced; journalctl -u sluiced tells why it "
				     "ended"),
			   "%s", p->daemon_error);
	else
		doctor_say(d, FINDING_GOOD, "daemon", NULL, "sluiced answers, fast path %s (%s)",
			   json_string_value(json_object_get(p->dataplane, "path")),
			   json_string_value(json_object_get(p->dataplane, "reason")));
	say_config(d);
}
