/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of interface each port is, and what that means for packets: devices that stand on others, or
 * below them, and VLAN tags that hardware keeps from Sluice. Called by doctor.c.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

enum {
	LINE_MAX_BYTES = 256,
	DEPTH_MAX = 4, /* of devices on devices: a macvlan on a VLAN on a bridge on a bond */
};

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

/* `above`: the interface that VLANs would be made on. */
static void check_tags(struct doctor *d, const char *above, const struct link_facts *facts)
{
	unsigned int vlans = facts->rxvlan == 1 ? vlans_of(d->patient->host, above) : 0;
	const char *device = facts->rxvlan_at;

	if (vlans > 0)
		doctor_say(
			d, FINDING_WRONG, "vlan", mend_with("ethtool -K %s rxvlan off", device),
			"%s: it takes VLAN tags out of frames before Sluice sees them, and %s has "
			"%u VLANs: answers to tagged packets leave without a tag",
			device, above, vlans);
	else if (facts->rxvlan == 1)
		doctor_say(d, FINDING_GOOD, "vlan", NULL,
			   "%s: takes VLAN tags out of frames (rxvlan), but %s has no VLAN", device,
			   above);
}

/*
 * A DPDK device that stands on a kernel's driver gets its frames without those tags, and nothing beside them.
 * What else DPDK's drivers take out is put back.
 */
static void check_af_xdp(struct doctor *d, size_t port)
{
	const char *device = patient_device(d->patient, port), *at;
	const char *tap = patient_interface(d->patient, port);
	char interface[16];
	struct link_facts facts;

	if (!device || strncmp(device, "net_af_xdp", strlen("net_af_xdp")) != 0)
		return;
	at = strstr(device, "iface=");
	if (at && sscanf(at, "iface=%15[^,]", interface) == 1 &&
	    d->patient->host->link_read(interface, &facts) == 0)
		check_tags(d, tap ? tap : interface, &facts);
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
		doctor_say(
			d, FINDING_WRONG, "link",
			mend_with("dataplane.ports in %s: interface = \"%s\"",
				  d->patient->config_path, facts->master),
			"%s is a member of %s (%s): addresses and routes are there, and no backend "
			"is reached by %s",
			interface, facts->master, facts->master_kind, interface);
}

/*
 * Names the devices that merge segments below `interface`, with spaces between. In generic mode the program
 * sees what they made, which is longer than any MTU.
 */
static void mergers_find(const struct host *host, const char *interface, unsigned int depth,
			 char names[LINE_MAX_BYTES])
{
	char path[512];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/class/net/%s", host->root, interface);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		const char *lower = entry->d_name + strlen("lower_");
		size_t at = strlen(names);
		struct link_facts facts;

		if (strncmp(entry->d_name, "lower_", strlen("lower_")) != 0 ||
		    host->link_read(lower, &facts) != 0)
			continue;
		if (facts.gro == 1 && facts.kind[0] == 0)
			snprintf(names + at, LINE_MAX_BYTES - at, "%s%s", at ? " " : "", lower);
		if (depth > 0)
			mergers_find(host, lower, depth - 1, names);
	}
	if (dir)
		closedir(dir);
}

static void check_mergers(struct doctor *d, const char *interface)
{
	char names[LINE_MAX_BYTES] = "";

	mergers_find(d->patient->host, interface, DEPTH_MAX, names);
	if (names[0])
		doctor_say(
			d, FINDING_WRONG, "link",
			mend_with("for device in %s; do ethtool -K $device gro off; done", names),
			"%s: segments that devices below it merge (GRO: %s) are too big to be "
			"forwarded: uploads stand still",
			interface, names);
}

/* They have no native mode: the kernel has taken the frame from the driver by then. */
static void check_kind(struct doctor *d, const char *interface, const struct link_facts *facts)
{
	static const char *const stacked[] = {"macvlan", "bridge", "team", NULL};

	if (is_one_of(facts->kind, stacked) || (facts->kind[0] && facts->xdp_generic == 1))
		check_mergers(d, interface);
	if (strcmp(facts->kind, "vlan") == 0)
		doctor_say(
			d, FINDING_WRONG, "link",
			mend_with("name the device below it as the port's interface; Sluice reads "
				  "and writes VLAN tags itself"),
			"%s is a VLAN: packets to backends leave by the device below it",
			interface);
	else if (is_one_of(facts->kind, stacked))
		doctor_say(
			d, FINDING_SLOW, "link",
			mend_with("name the device below it as the port's interface"),
			"%s is a %s device, which runs XDP in generic mode alone, as do all ports "
			"then",
			interface, facts->kind);
	else if (strcmp(facts->kind, "bond") == 0)
		doctor_say(d, FINDING_GOOD, "link", NULL,
			   "%s is a bond: native if the drivers of all members have XDP",
			   interface);
}

void check_links(struct doctor *d)
{
	if (patient_runs(d->patient, "dpdk"))
		for (size_t i = 0; i < patient_ports(d->patient); i++)
			check_af_xdp(d, i);
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
