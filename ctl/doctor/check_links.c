// SPDX-License-Identifier: Apache-2.0
/*
 * What kind of interface each port is, and what that means for the XDP program: devices that stand on
 * others, or below them, and VLAN tags that hardware keeps from it. Called by doctor.c.
 */
#include <stdio.h>
#include <string.h>

#include "doctor.h"

enum { LINE_MAX_BYTES = 256 };

/* How many VLAN devices stand on the interface: lines "eth0.7  | 7  | eth0" of the kernel's list. */
static unsigned int vlans_of(const struct host *host, const char *interface)
{
	char path[512], line[LINE_MAX_BYTES], lower[64];
	unsigned int n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/self/net/vlan/config", host->root);
	file = fopen(path, "re");
	if (!file)
		return 0; /* no VLANs in this kernel */
	while (fgets(line, sizeof(line), file))
		n += sscanf(line, "%*s | %*d | %63s", lower) == 1 && strcmp(lower, interface) == 0;
	fclose(file);
	return n;
}

static void check_tags(struct doctor *d, const char *interface, const struct link_facts *facts)
{
	unsigned int vlans = facts->rxvlan == 1 ? vlans_of(d->patient->host, interface) : 0;

	if (vlans > 0)
		doctor_say(d, FINDING_WRONG, "vlan", mend_with("ethtool -K %s rxvlan off", interface),
			   "%s: it takes VLAN tags out of frames before the program sees them, and has "
			   "%u VLANs: answers to tagged packets leave without a tag", interface, vlans);
	else if (facts->rxvlan == 1)
		doctor_say(d, FINDING_GOOD, "vlan", NULL,
			   "%s: takes VLAN tags out of frames (rxvlan), but has no VLAN", interface);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* Addresses, and so next hops, are the master's: of the port there are none. */
static void check_master(struct doctor *d, const char *interface, const struct link_facts *facts)
{
	static const char *const kinds[] = {"bond", "team", "bridge", NULL};

	if (is_one_of(facts->master_kind, kinds))
		doctor_say(d, FINDING_WRONG, "link",
			   mend_with("dataplane.ports in %s: interface = \"%s\"",
				     d->patient->config_path, facts->master),
			   "%s is a member of %s (%s): addresses and routes are there, and no backend "
			   "is reached by %s", interface, facts->master, facts->master_kind,
			   interface);
}

/* They have no native mode: the kernel has taken the frame from the driver by then. */
static void check_kind(struct doctor *d, const char *interface, const struct link_facts *facts)
{
	static const char *const stacked[] = {"vlan", "macvlan", "bridge", "team", NULL};

	if (is_one_of(facts->kind, stacked))
		doctor_say(d, FINDING_SLOW, "link",
			   mend_with("name the device below it as the port's interface; Sluice reads "
				     "and writes VLAN tags itself"),
			   "%s is a %s device, which runs XDP in generic mode alone, as do all ports "
			   "then", interface, facts->kind);
	else if (strcmp(facts->kind, "bond") == 0)
		doctor_say(d, FINDING_GOOD, "link", NULL,
			   "%s is a bond: native if the drivers of all members have XDP", interface);
}

void check_links(struct doctor *d)
{
	if (!patient_runs(d->patient, "xdp"))
		return;
	for (size_t i = 0; i < patient_ports(d->patient); i++) {
		const char *interface = patient_interface(d->patient, i);
		struct link_facts facts;

		if (!interface || d->patient->host->link_read(interface, &facts) != 0)
			continue; /* check_queues() said so */
		check_tags(d, interface, &facts);
		check_master(d, interface, &facts);
		check_kind(d, interface, &facts);
	}
}
