/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offloads that change packets before a fast path sees them. Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"

static void check_link(struct doctor *d, const char *interface)
{
	struct link_facts facts;

	if (d->patient->host->link_read(interface, &facts) != 0)
		return; /* check_queues() said so */
	if (facts.lro == 1)
		doctor_say(d, FINDING_WRONG, "offloads",
			   mend_with("ethtool -K %s lro off gro-hw off", interface),
			   "%s: its LRO merges packets: what it made of them doesn't fit the way "
			   "to the backends",
			   interface);
	else if (strcmp(facts.driver, "veth") == 0)
		doctor_say(d, FINDING_UNKNOWN, "offloads",
			   mend_with("at its other end: ethtool -K PEER tx off"),
			   "%s is a veth: unless its peer fills in checksums itself, TCP hangs "
			   "though ping works",
			   interface);
	else
		doctor_say(d, FINDING_GOOD, "offloads", NULL, "%s: LRO is off", interface);
}

void check_offloads(struct doctor *d)
{
	if (!patient_runs(d->patient, "xdp"))
		return;
	for (size_t i = 0; i < patient_ports(d->patient); i++) {
		const char *interface = patient_interface(d->patient, i);

		if (interface)
			check_link(d, interface);
	}
}
