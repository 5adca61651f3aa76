/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of network cards by the name of their kernel driver: the one table of it. From the
 * sources of Linux 6.1 and 6.12 and of DPDK 22.11; docs/hardware.md names the function that each
 * value comes from, and repeats the table (tests/unit/test_hardware_doc.c compares the two).
 * Immutable, for the lifetime of the program.
 */
#ifndef SLUICE_NIC_H
#define SLUICE_NIC_H

#include <stdbool.h>
#include <stddef.h>

enum {
	NIC_NEVER = 0, /* a version: no kernel up to 6.12 */
};

/* A version is 1000 * major + minor: 6012 is Linux 6.12. */
struct nic {
	const char *driver; /* of the kernel: "ixgbe" */
	const char *pmd;    /* of DPDK: "net_ixgbe"; NULL: none */
	const char *name;
	int bifurcated_vendor; /* PCI vendor of cards that DPDK works with through this driver; or 0
				*/
	bool split_channels;   /* receive and send queues are set apart: ethtool -L rx N tx N */
	bool xdp_half_channels; /* native XDP takes as many queues again to send: at most half in
				   use */
	bool xdp_queue_per_cpu; /* ... as many more as there are CPUs, or else shares them */
	bool xdp_no_sriov;      /* native XDP is refused while virtual functions are enabled */
	bool striding_rq; /* frames of several buffers come without headers that XDP can read */
	int xdp_since;    /* first kernel with native XDP */
	int frags_since;  /* first one with native XDP for frames of several buffers */
	int xdp_mtu_max;  /* for frames of one buffer, 4 KiB pages; 0: no native XDP */
	int xdp_mtu_max_legacy; /* the same with the private flag legacy-rx; 0: has no such flag */
	int xdp_cpus_max;       /* native XDP is refused with more CPUs; 0: no bound */
	int pmd_mtu_max;        /* of DPDK's driver; 0: the device's own */
	const char *note;       /* what can't be seen from outside; NULL: nothing */
};

extern const struct nic nics[];
extern const size_t nics_n;

enum { NIC_CHANNELS_TEXT_MAX = 48 };

/* NULL: not in the table. */
const struct nic *nic_by_driver(const char *driver);
const struct nic *nic_by_bifurcated_vendor(long vendor);
const struct nic *nic_by_pmd(const char *pmd);

/* How many receive queues may be in use with native XDP, of those that the device has. */
int nic_rx_queues_max(const struct nic *nic, int device_max);

/* What "ethtool -L" is given for `queues` queues. `nic` may be NULL. */
void nic_channels_text(const struct nic *nic, int queues, char text[NIC_CHANNELS_TEXT_MAX]);

#endif
