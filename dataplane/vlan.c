/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts back the tags that a device stripped. Asked for a port at its start (control thread), done
 * for packets by workers.
 */
#include "vlan.h"

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

bool vlan_is_stripped(uint16_t port_id)
{
	int offloads = rte_eth_dev_get_vlan_offload(port_id);

	if (offloads < 0 || !(offloads & RTE_ETH_VLAN_STRIP_OFFLOAD))
		return false;
	(void)rte_eth_dev_set_vlan_offload(port_id, offloads & ~RTE_ETH_VLAN_STRIP_OFFLOAD);
	offloads = rte_eth_dev_get_vlan_offload(port_id);
	return offloads < 0 || offloads & RTE_ETH_VLAN_STRIP_OFFLOAD;
}

/* There is room: devices leave RTE_PKTMBUF_HEADROOM before a frame. */
static void restore(struct rte_mbuf *m)
{
	bool both = m->ol_flags & RTE_MBUF_F_RX_QINQ_STRIPPED;

	if (rte_vlan_insert(&m) != 0 || !both)
		return;
	m->vlan_tci = m->vlan_tci_outer;
	(void)rte_vlan_insert(&m);
	m->ol_flags &= ~(uint64_t)RTE_MBUF_F_RX_QINQ_STRIPPED;
}

void vlan_restore(struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		if (pkts[i]->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
			restore(pkts[i]);
}
