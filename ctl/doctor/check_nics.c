/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each port's card by its kernel driver: what that driver is known to need or to break (nic.c).
 * Called by doctor.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "nic.h"

enum { CPUS_MAX = 4096 };

/* A port of the xdp path. */
struct card {
	const char *interface;
	struct link_facts facts;
	const struct nic *nic;
	int kernel;  /* 6012: Linux 6.12; below 0: not known */
	int mtu_max; /* for frames of one buffer, as the driver is set up */
	int cpus;
	long long mtu_bytes;
};

static int cpus_possible(const struct host *host)
{
	int n = 0;

	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++)
		n += host_listed(host, "/sys/devices/system/cpu/possible", cpu);
	return n;
}

static bool kernel_has(const struct card *c, int since)
{
	return since != NIC_NEVER && (c->kernel < 0 || c->kernel >= since);
}

/* Whether the card takes native XDP at all; says so if it doesn't. */
static bool takes_native(struct doctor *d, const struct card *c)
{
	const struct nic *nic = c->nic;

	if (nic->xdp_since == NIC_NEVER) {
		doctor_say(
			d, FINDING_SLOW, "nic",
			mend_with("give the port another card, or use dataplane.mode = \"dpdk\""),
			"%s: %s (%s) has no native XDP: packets take the kernel's slower generic "
			"way",
			c->interface, nic->driver, nic->name);
		return false;
	}
	if (!kernel_has(c, nic->xdp_since)) {
		doctor_say(d, FINDING_SLOW, "nic",
			   mend_with("install Linux %d.%d or later", nic->xdp_since / 1000,
				     nic->xdp_since % 1000),
			   "%s: %s (%s) has native XDP from Linux %d.%d on, this is %d.%d: packets "
			   "take "
			   "the kernel's slower generic way",
			   c->interface, nic->driver, nic->name, nic->xdp_since / 1000,
			   nic->xdp_since % 1000, c->kernel / 1000, c->kernel % 1000);
		return false;
	}
	return true;
}

static void check_frames(struct doctor *d, const struct card *c)
{
	const struct nic *nic = c->nic;

	if (c->mtu_bytes <= c->mtu_max)
		return;
	if (nic->striding_rq && c->facts.rx_striding_rq == 1)
		doctor_say(d, FINDING_WRONG, "nic",
			   mend_with("ethtool --set-priv-flags %s rx_striding_rq off; "
				     "or: ip link set dev %s mtu %d",
				     c->interface, c->interface, c->mtu_max),
			   "%s: %s with MTU %lld and striding receive queues: native XDP is "
			   "refused, or "
			   "gets frames without headers that it can read",
			   c->interface, nic->driver, c->mtu_bytes);
	else if (c->facts.legacy_rx == 1 && c->mtu_bytes <= nic->xdp_mtu_max)
		doctor_say(d, FINDING_SLOW, "nic",
			   mend_with("ethtool --set-priv-flags %s legacy-rx off", c->interface),
			   "%s: with legacy-rx, %s takes native XDP up to an MTU of %d, not %lld",
			   c->interface, nic->driver, c->mtu_max, c->mtu_bytes);
	else if (!kernel_has(c, nic->frags_since))
		doctor_say(d, FINDING_SLOW, "nic",
			   mend_with("ip link set dev %s mtu %d", c->interface, c->mtu_max),
			   "%s: %s takes native XDP up to an MTU of %d here, not %lld: packets "
			   "take the "
			   "kernel's slower generic way",
			   c->interface, nic->driver, c->mtu_max, c->mtu_bytes);
}

static void check_channels(struct doctor *d, const struct card *c)
{
	const struct nic *nic = c->nic;
	const int used = c->facts.rx_queues, max = c->facts.rx_queues_max;
	char channels[NIC_CHANNELS_TEXT_MAX];

	nic_channels_text(nic, nic_rx_queues_max(nic, max), channels);
	if (nic->xdp_half_channels && max > 0 && used > nic_rx_queues_max(nic, max))
		doctor_say(
			d, FINDING_SLOW, "nic",
			mend_with("ethtool -L %s %s; then restart sluiced", c->interface, channels),
			"%s: %s takes native XDP with at most half of its %d channels, %d are in "
			"use",
			c->interface, nic->driver, max, used);
	/* While XDP runs on it, a device that has enough counts the queues for sending, too. */
	if (nic->xdp_queue_per_cpu && used > 0 && used <= c->cpus && used + c->cpus > max)
		doctor_say(d, FINDING_SLOW, "nic",
			   mend_with("give the guest's device %d queue pairs (QEMU: queues=%d, "
				     "vectors=%d)",
				     2 * c->cpus, 2 * c->cpus, 4 * c->cpus + 2),
			   "%s: %s has %d queue pairs; with %d in use and one more for each of %d "
			   "CPUs "
			   "to send by, XDP shares them under a lock",
			   c->interface, nic->driver, max, used, c->cpus);
	if (nic->xdp_cpus_max && c->cpus > nic->xdp_cpus_max)
		doctor_say(
			d, FINDING_SLOW, "nic",
			mend_with("add to the kernel's command line: nr_cpus=%d; then reboot",
				  nic->xdp_cpus_max),
			"%s: %s takes native XDP with at most %d CPUs, the kernel is ready for %d",
			c->interface, nic->driver, nic->xdp_cpus_max, c->cpus);
}

static void check_functions(struct doctor *d, const struct card *c)
{
	long long functions;

	if (c->nic->xdp_no_sriov &&
	    host_number(d->patient->host, &functions, "/sys/class/net/%s/device/sriov_numvfs",
			c->interface) == 0 &&
	    functions > 0)
		doctor_say(
			d, FINDING_SLOW, "nic",
			mend_with("echo 0 > /sys/class/net/%s/device/sriov_numvfs", c->interface),
			"%s: %s refuses native XDP while it has virtual functions (%lld)",
			c->interface, c->nic->driver, functions);
}

/* What there is to know, said of a card that has everything it needs. */
static void say_known(struct doctor *d, const struct card *c)
{
	const struct nic *nic = c->nic;

	doctor_say(d, FINDING_GOOD, "nic", NULL, "%s: %s (%s): native XDP up to an MTU of %d%s%s%s",
		   c->interface, nic->driver, nic->name, c->mtu_max,
		   kernel_has(c, nic->frags_since) ? ", beyond in several buffers" : "",
		   nic->note ? "; " : "", nic->note ? nic->note : "");
}

static void check_interface(struct doctor *d, const char *interface, int kernel)
{
	struct card c = {.interface = interface, .kernel = kernel};
	const struct host *host = d->patient->host;
	char driver[HOST_TEXT_MAX];
	size_t before = d->findings_n;

	if (host->link_read(interface, &c.facts) != 0)
		return; /* check_queues() said so */
	if (host_link_name(host, driver, "/sys/class/net/%s/device/driver", interface) != 0)
		snprintf(driver, sizeof(driver), "%s", c.facts.driver);
	c.nic = nic_by_driver(c.facts.driver);
	if (!c.nic)
		c.nic = nic_by_driver(driver);
	if (!c.nic) {
		doctor_say(d, FINDING_UNKNOWN, "nic", NULL,
			   "%s: its driver (%s) is none that docs/hardware.md tells of", interface,
			   c.facts.driver[0] ? c.facts.driver : driver);
		return;
	}
	c.cpus = cpus_possible(host);
	c.mtu_max = c.facts.legacy_rx == 1 && c.nic->xdp_mtu_max_legacy ? c.nic->xdp_mtu_max_legacy
									: c.nic->xdp_mtu_max;
	if (host_number(host, &c.mtu_bytes, "/sys/class/net/%s/mtu", interface) != 0)
		c.mtu_bytes = 0;
	if (!takes_native(d, &c))
		return;
	check_frames(d, &c);
	check_channels(d, &c);
	check_functions(d, &c);
	if (d->findings_n == before)
		say_known(d, &c);
}

static bool is_for_users(const char *driver)
{
	static const char *const drivers[] = {"vfio-pci", "uio_pci_generic", "igb_uio"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}

/* A PCI device of the dpdk path: whose is it? */
static void check_device(struct doctor *d, const char *device)
{
	const struct host *host = d->patient->host;
	char driver[HOST_TEXT_MAX], vendor[HOST_TEXT_MAX];
	const struct nic *nic, *through = NULL;

	if (host_link_name(host, driver, "/sys/bus/pci/devices/%s/driver", device) != 0) {
		doctor_say(d, FINDING_WRONG, "nic",
			   mend_with("dpdk-devbind.py --status; dpdk-devbind.py --bind=vfio-pci %s",
				     device),
			   "%s: no driver has it, so DPDK can't take it", device);
		return;
	}
	nic = nic_by_driver(driver);
	if (host_text(host, vendor, "/sys/bus/pci/devices/%s/vendor", device) == 0)
		through = nic_by_bifurcated_vendor(strtol(vendor, NULL, 16));
	if (is_for_users(driver) && through)
		doctor_say(d, FINDING_WRONG, "nic",
			   mend_with("dpdk-devbind.py --bind=%s %s", through->driver, device),
			   "%s: %s has it, but DPDK works with this card through the kernel's %s",
			   device, driver, through->driver);
	else if (is_for_users(driver) || (nic && nic->bifurcated_vendor))
		doctor_say(d, FINDING_GOOD, "nic", NULL, "%s: %s has it%s", device, driver,
			   nic ? ", through which DPDK works" : "");
	else
		doctor_say(d, FINDING_WRONG, "nic",
			   mend_with("modprobe vfio-pci; dpdk-devbind.py --bind=vfio-pci %s (its "
				     "interface and addresses go)",
				     device),
			   "%s: the kernel's %s has it, so DPDK can't take it", device, driver);
}

static bool is_pci(const char *device)
{
	unsigned int domain, bus, slot, function;
	char rest;

	return sscanf(device, "%x:%x:%x.%x%c", &domain, &bus, &slot, &function, &rest) == 4;
}

/* What DPDK's own driver of a running port is known for. */
static void check_pmd(struct doctor *d, const json_t *port)
{
	const char *pmd = json_string_value(json_object_get(port, "driver"));
	const char *interface = json_string_value(json_object_get(port, "interface"));
	const struct nic *nic = nic_by_pmd(pmd ? pmd : "");

	if (nic && nic->pmd_mtu_max)
		doctor_say(d, FINDING_SLOW, "nic",
			   mend_with("use dataplane.mode = \"xdp\" (Linux %d.%d or later)",
				     nic->xdp_since / 1000, nic->xdp_since % 1000),
			   "%s: %s (%s) takes no MTU above %d: there is no room for outer headers "
			   "around packets of that size",
			   interface ? interface : "?", pmd, nic->name, nic->pmd_mtu_max);
}

void check_nics(struct doctor *d)
{
	const struct patient *p = d->patient;
	char text[HOST_TEXT_MAX];
	const int kernel = host_kernel(p->host, text);

	for (size_t i = 0; i < patient_ports(p); i++) {
		const char *interface = patient_interface(p, i), *device = patient_device(p, i);

		if (patient_runs(p, "xdp") && interface)
			check_interface(d, interface, kernel);
		if (!patient_runs(p, "dpdk"))
			continue;
		if (device && is_pci(device))
			check_device(d, device);
		check_pmd(d, json_array_get(json_object_get(p->dataplane, "ports"), i));
	}
}
