/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VLAN tags that a device takes out of the frame and tells of beside it. Sluice reads and answers
 * tags in the frame, so they are put back.
 */
#ifndef SLUICE_DATAPLANE_VLAN_H
#define SLUICE_DATAPLANE_VLAN_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

/* Has the device leave tags where they are. True: it takes them out all the same. Control thread. */
bool vlan_is_stripped(uint16_t port_id);

/*
 * Each packet of which the device says that it took a tag out (RTE_MBUF_F_RX_VLAN_STRIPPED) has it
 * again, as it came. Called by the workers.
 */
void vlan_restore(struct rte_mbuf **pkts, uint16_t n);

#endif
