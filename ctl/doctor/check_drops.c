// SPDX-License-Identifier: Apache-2.0
/*
 * What the counters say of packets that were lost for want of something here. Called by doctor.c.
 */
#include <string.h>

#include "doctor.h"

/* Verdicts that mean a fault of this node, not of the packet. docs/counters.md has all. */
static const struct {
	const char *verdict, *mend;
} rows[] = {
	{"no_next_hop", "sluicectl show backends tells which; docs/operations.md"},
	{"no_backend", "sluicectl show backends; enable or add one"},
	{"too_big_dropped", "raise the MTU towards the backends: see the line on mtu"},
};

static json_int_t sum_of(const struct patient *p, const char *verdict)
{
	json_int_t sum = 0;
	json_t *service;
	size_t i;

	json_array_foreach (json_object_get(p->counters, "services"), i, service)
		sum += json_integer_value(
			json_object_get(json_object_get(service, "packets"), verdict));
	return sum;
}

static void check_missed(struct doctor *d)
{
	json_t *port;
	size_t i;

	json_array_foreach (json_object_get(d->patient->dataplane, "ports"), i, port) {
		json_int_t missed = json_integer_value(json_object_get(port, "rx_missed"));
		json_int_t received = json_integer_value(json_object_get(port, "rx_packets"));
		const char *interface = json_string_value(json_object_get(port, "interface"));

		if (missed > 0)
			doctor_say(d, FINDING_SLOW, "drops",
				   mend_with("more workers (dataplane.cores) or queues; dpdk: idle "
					     "= \"busy\"; sluicectl top shows the load"),
				   "%s: %lld of %lld packets came when no buffer was free",
				   interface ? interface : "?", (long long)missed,
				   (long long)(received + missed));
	}
}

void check_drops(struct doctor *d)
{
	size_t before = d->findings_n;

	if (!d->patient->counters)
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_int_t packets = sum_of(d->patient, rows[i].verdict);

		if (packets > 0)
			doctor_say(d, FINDING_WRONG, "drops", mend_with("%s", rows[i].mend),
				   "%lld packets were dropped as %s since the services were added",
				   (long long)packets, rows[i].verdict);
	}
	check_missed(d);
	if (d->findings_n == before)
		doctor_say(d, FINDING_GOOD, "drops", NULL,
			   "no packet was lost for want of something here");
}
