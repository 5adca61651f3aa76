/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are health checks on time, and does the process that makes them live? Called by doctor.c.
 */
#include "doctor.h"

enum {
	SILENT_US = 2000000, /* it gives a sign of life each 0.1 s */
	LATE_US = 250000,
};

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool process_say(struct doctor *d, const json_t *checks)
{
	if (number(checks, "process_silent_us") > SILENT_US) {
		doctor_say(
			d, FINDING_WRONG, "health",
			mend_with("look what sluiced-checks does (top, strace); killed, it is "
				  "started again, and what is known stays"),
			"the process that makes health checks has stood still for %.1f s: backends "
			"stay as they were",
			(double)number(checks, "process_silent_us") / 1e6);
		return true;
	}
	if (number(checks, "process_restarts") > 0)
		doctor_say(d, FINDING_SLOW, "health",
			   mend_with("look into the log and the kernel's (memory?), and report it"),
			   "the process that makes health checks died, and was started again: "
			   "%" JSON_INTEGER_FORMAT " times since the start",
			   number(checks, "process_restarts"));
	return number(checks, "process_restarts") > 0;
}

void check_health(struct doctor *d)
{
	const json_t *checks = json_object_get(d->patient->daemon, "checks");
	bool said;

	if (!checks || number(checks, "begun") == 0)
		return;
	said = process_say(d, checks);
	if (number(checks, "paced") > 0 || number(checks, "waiting") > 0) {
		doctor_say(
			d, FINDING_SLOW, "health",
			mend_with("raise health.rate if the node has CPU to spare, or give checks "
				  "longer intervals"),
			"%" JSON_INTEGER_FORMAT
			" health checks were late, for health.rate allows %" JSON_INTEGER_FORMAT
			" a second",
			number(checks, "paced"), number(checks, "rate_max"));
		said = true;
	} else if (number(checks, "late_p99_us") > LATE_US) {
		doctor_say(d, FINDING_SLOW, "health",
			   mend_with("give sluiced-checks more CPU, or checks longer intervals"),
			   "one health check in a hundred begins %.2f s late or more",
			   (double)number(checks, "late_p99_us") / 1e6);
		said = true;
	}
	if (number(checks, "answers_lost") > 0) {
		doctor_say(
			d, FINDING_SLOW, "health",
			mend_with("let sluiced have CAP_NET_ADMIN, or raise net.core.rmem_max to "
				  "33554432"),
			"%" JSON_INTEGER_FORMAT " answers to icmp checks came faster than they "
			"were read: those checks count "
			"for nothing",
			number(checks, "answers_lost"));
		said = true;
	}
	if (!said)
		doctor_say(d, FINDING_GOOD, "health", NULL,
			   "checks are on time: 99 of 100 at most %.1f ms late",
			   (double)number(checks, "late_p99_us") / 1e3);
}
