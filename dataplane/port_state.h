/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has become of a port's device: whether it has a link, was taken away, or is there again.
 * Everything is polled, for drivers differ in which events they tell; only that the kernel wants a
 * device back, and that a device wants a reset, comes as an event of DPDK's. Control thread.
 */
#ifndef SLUICE_DATAPLANE_PORT_STATE_H
#define SLUICE_DATAPLANE_PORT_STATE_H

#include "sluice/module.h"

struct port;

/*
 * What tells a device from one that has taken its place: its directory in sysfs for a PCI device,
 * its index for an interface of the kernel's. All 0: the device is neither.
 */
struct port_identity {
	uint64_t sysfs_inode;
	char sysfs_driver[32]; /* that it is bound to: "vfio-pci" */
	unsigned int interface_index;
	char interface[FAST_PATH_NAME_MAX];
	enum fast_path_port_state state; /* at the last look that could ask */
	/* Set by DPDK's thread for interrupts. */
	bool leaving; /* the kernel, or the driver, takes it away */
	bool wants_reset;
};

/* Once, while the port is started: from then on port_state_look() tells. */
void port_state_watch(struct port *p);
void port_state_unwatch(struct port *p);

/* Takes microseconds. What a closed port's device is like can be asked, too. Where the kernel can't be
 * asked (-EMFILE, -ENOMEM and the like) the port is what it was at the look before. */
enum fast_path_port_state port_state_look(struct port *p);

#endif
