/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rp_filter (Linux, ip-sysctl): strict, it drops packets whose answers would leave by another
 * interface, and says nothing. Called by doctor.c.
 */
#include "doctor.h"

enum {
	RP_FILTER_STRICT = 1,
};

void check_reverse_path(struct doctor *d)
{
	const struct patient *p = d->patient;
	long long all = 0, one;

	(void)host_number(p->host, &all, "/proc/sys/net/ipv4/conf/all/rp_filter");
	for (size_t i = 0; i < patient_ports(p); i++) {
		const char *interface = patient_interface(p, i);

		if (!interface || host_number(p->host, &one, "/proc/sys/net/ipv4/conf/%s/rp_filter",
					      interface) != 0)
			continue;
		/* The kernel takes the larger of the two; 2 is loose. */
		if ((one > all ? one : all) == RP_FILTER_STRICT)
			doctor_say(d, FINDING_WRONG, "rp_filter",
				   mend_with("sysctl -w net.ipv4.conf.%s.rp_filter=2", interface),
				   "%s: strict: what comes for this host (health checks' answers, "
				   "BGP, SSH) is dropped where the way back is another",
				   interface);
		else
			doctor_say(d, FINDING_GOOD, "rp_filter", NULL, "%s: not strict", interface);
	}
}
