/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the XDP program run in the driver? Behind it, the kernel has built its own packet first, and
 * a packet costs several times as much. Called by doctor.c.
 */
#include "doctor.h"

/* Every driver with XDP takes this MTU with a program (ebpf/ports.h says why). */
enum { MTU_FITS_BYTES = 3000 };

static void check_link(struct doctor *d, const char *interface)
{
	struct link_facts facts;

	if (d->patient->host->link_read(interface, &facts) != 0)
		return; /* check_queues() said so */
	if (facts.xdp_generic == 0)
		doctor_say(d, FINDING_GOOD, "xdp", NULL, "%s: in its driver (%s)", interface,
			   facts.driver);
	else if (facts.xdp_generic == 1 && facts.mtu_bytes > MTU_FITS_BYTES)
		doctor_say(
			d, FINDING_SLOW, "xdp",
			mend_with("ip link set dev %s mtu %d; then sluiced --detach, and start it",
				  interface, MTU_FITS_BYTES),
			"%s: in generic mode, behind its driver (%s): it may be for the MTU of %d; "
			"the log of the start has the driver's reason",
			interface, facts.driver, facts.mtu_bytes);
	else if (facts.xdp_generic == 1)
		doctor_say(
			d, FINDING_SLOW, "xdp",
			mend_with("a NIC whose driver has XDP; or dataplane.mode = \"dpdk\" in %s",
				  d->patient->config_path),
			"%s: in generic mode, behind its driver (%s); the log of the start has the "
			"driver's reason",
			interface, facts.driver);
}

/* sluiced keeps all ports in one mode; someone else may not. */
static void check_mixed(struct doctor *d)
{
	const char *native = NULL, *generic = NULL;

	for (size_t i = 0; i < patient_ports(d->patient); i++) {
		const char *interface = patient_interface(d->patient, i);
		struct link_facts facts;

		if (!interface || d->patient->host->link_read(interface, &facts) != 0)
			continue;
		if (facts.xdp_generic == 0)
			native = interface;
		else if (facts.xdp_generic == 1)
			generic = interface;
	}
	if (native && generic)
		doctor_say(
			d, FINDING_WRONG, "xdp",
			mend_with("sluiced --detach, and start it: it puts all ports in one mode"),
			"%s is in native mode, %s in generic: packets from the one to the other "
			"are lost",
			native, generic);
}

void check_native(struct doctor *d)
{
	if (!patient_runs(d->patient, "xdp"))
		return;
	check_mixed(d);
	for (size_t i = 0; i < patient_ports(d->patient); i++) {
		const char *interface = patient_interface(d->patient, i);

		if (interface)
			check_link(d, interface);
	}
}
