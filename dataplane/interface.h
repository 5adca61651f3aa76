/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's network interfaces, as far as ports need them. Control thread.
 */
#ifndef SLUICE_DATAPLANE_INTERFACE_H
#define SLUICE_DATAPLANE_INTERFACE_H

#include "sluice/types.h"

/* -ENXIO: no such interface. */
int interface_mtu_read(unsigned int index, uint32_t *mtu_bytes);

/* The index of the interface of that name; 0: there is none. -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS:
 * the kernel could not be asked, so nothing is known, and *index stays. */
int interface_index_read(const char *name, unsigned int *index);

/* Whether it is set up and has a carrier; false where there is no such interface. Errors as above. */
int interface_link_read(const char *name, bool *up);

/* Whether its driver takes VLAN tags out of frames (ethtool's rxvlan); false where it doesn't tell. */
bool interface_strips_tags(const char *name);

/* Its Ethernet address. -ENODEV: there is no such interface; another -errno: it can't be told. */
int interface_mac_read(const char *name, uint8_t mac[6]);

/*
 * Gives `name` an Ethernet address and an MTU (0: it keeps what it has), and sets it up. -EINVAL: it takes no such MTU;
 * -EPERM.
 */
int interface_set_up(const char *name, const uint8_t mac[6], uint32_t mtu_bytes);

#endif
