/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of network cards. Called by the checks.
 */
#include "nic.h"

#include <stdio.h>
#include <string.h>

const struct nic nics[] = {
	{
		.driver = "mlx5_core",
		.pmd = "mlx5_pci",
		.name = "NVIDIA ConnectX-4 and later",
		.bifurcated_vendor = 0x15b3,
		.striding_rq = true,
		.xdp_since = 4009,
		.frags_since = 5018,
		.xdp_mtu_max = 3498,
	},
	{
		.driver = "ice",
		.pmd = "net_ice",
		.name = "Intel E810 and E82x",
		.xdp_since = 5005,
		.frags_since = 6003,
		.xdp_mtu_max = 3046,
		.xdp_mtu_max_legacy = 1638,
		.note = "native XDP needs a free send queue for every second CPU at least",
	},
	{
		.driver = "i40e",
		.pmd = "net_i40e",
		.name = "Intel X710, XL710, XXV710, X722",
		.xdp_since = 4013,
		.frags_since = 6004,
		.xdp_mtu_max = 3046,
		.xdp_mtu_max_legacy = 1702,
	},
	{
		.driver = "ixgbe",
		.pmd = "net_ixgbe",
		.name = "Intel 82599, X520, X540, X550",
		.xdp_no_sriov = true,
		.xdp_since = 4012,
		.frags_since = NIC_NEVER,
		.xdp_mtu_max = 3050,
		.xdp_mtu_max_legacy = 2026,
		.xdp_cpus_max = 128,
		.note = "more than 64 CPUs share its send queues under a lock, and native XDP is "
			"refused "
			"with DCB",
	},
	{
		.driver = "igb",
		.pmd = "net_e1000_igb",
		.name = "Intel 82576, 82580, I350, I210",
		.xdp_since = 5010,
		.frags_since = NIC_NEVER,
		.xdp_mtu_max = 3046,
		.xdp_mtu_max_legacy = 2022,
		.note = "packets of XDP share the kernel's send queues under a lock",
	},
	{
		.driver = "virtio_net",
		.pmd = "net_virtio",
		.name = "virtio",
		.xdp_queue_per_cpu = true,
		.xdp_since = 4010,
		.frags_since = 6003,
		.xdp_mtu_max = 3506,
		.note = "native XDP is refused while the host merges packets and the guest can't "
			"turn that "
			"off (guest_tso4, guest_tso6, guest_ufo, guest_csum without "
			"ctrl_guest_offloads)",
	},
	{
		.driver = "vmxnet3",
		.pmd = "net_vmxnet3",
		.name = "VMware vmxnet3",
		.xdp_since = 6006,
		.frags_since = NIC_NEVER,
		.xdp_mtu_max = 3494,
		.note = "packets of XDP share the kernel's send queues under a lock",
	},
	{
		.driver = "ena",
		.pmd = "net_ena",
		.name = "Amazon ENA",
		.xdp_half_channels = true,
		.xdp_since = 5006,
		.frags_since = NIC_NEVER,
		.xdp_mtu_max = 3498,
	},
	{
		.driver = "gve",
		.pmd = "net_gve",
		.name = "Google gVNIC",
		.split_channels = true,
		.xdp_half_channels = true,
		.xdp_since = 6004,
		.frags_since = NIC_NEVER,
		.xdp_mtu_max = 2032,
		.pmd_mtu_max = 1460,
		.note = "native XDP needs the queue format GQI_QPL and as many send as receive "
			"queues",
	},
	{
		.driver = "e1000e",
		.pmd = "net_e1000_em",
		.name = "Intel 82574 and PCH",
		.xdp_since = NIC_NEVER,
		.frags_since = NIC_NEVER,
	},
	{
		.driver = "veth",
		.name = "a pair of virtual interfaces",
		.xdp_since = 4019,
		.frags_since = 5018,
		.xdp_mtu_max = 3506,
		.note = "sends nothing into a peer without XDP or GRO (ethtool -K PEER gro on)",
	},
};

const size_t nics_n = sizeof(nics) / sizeof(nics[0]);

const struct nic *nic_by_driver(const char *driver)
{
	for (size_t i = 0; i < nics_n; i++)
		if (strcmp(nics[i].driver, driver) == 0)
			return &nics[i];
	return NULL;
}

const struct nic *nic_by_pmd(const char *pmd)
{
	for (size_t i = 0; i < nics_n; i++)
		if (nics[i].pmd && strcmp(nics[i].pmd, pmd) == 0)
			return &nics[i];
	return NULL;
}

const struct nic *nic_by_bifurcated_vendor(long vendor)
{
	for (size_t i = 0; i < nics_n; i++)
		if (vendor != 0 && nics[i].bifurcated_vendor == vendor)
			return &nics[i];
	return NULL;
}

int nic_rx_queues_max(const struct nic *nic, int device_max)
{
	return nic && nic->xdp_half_channels && device_max > 1 ? device_max / 2 : device_max;
}

void nic_channels_text(const struct nic *nic, int queues, char text[NIC_CHANNELS_TEXT_MAX])
{
	if (nic && nic->split_channels)
		snprintf(text, NIC_CHANNELS_TEXT_MAX, "rx %d tx %d", queues, queues);
	else
		snprintf(text, NIC_CHANNELS_TEXT_MAX, "combined %d", queues);
}
