/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's network interfaces, as far as ports need them. Control thread.
 */
#ifndef SLUICE_DATAPLANE_INTERFACE_H
#define SLUICE_DATAPLANE_INTERFACE_H

#include "sluice/types.h"

/* -ENXIO: no such interface. */
int interface_mtu_read(unsigned int index, uint32_t *mtu_bytes);

/* Whether it is set up and has a carrier. False, too: there is no such interface. */
bool interface_has_link(const char *name);

/*
 * Gives `name` an Ethernet address and an MTU (0: it keeps what it has), and sets it up. -EINVAL: it takes no such MTU;
 * -EPERM.
 */
int interface_set_up(const char *name, const uint8_t mac[6], uint32_t mtu_bytes);

#endif
