/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's interfaces that are our ports, as rtnetlink and ethtool tell of them (not /sys,
 * which may be another network namespace's). Control thread.
 */
#ifndef SLUICE_PORTS_H
#define SLUICE_PORTS_H

#include "fastpath.h"
#include "report.h"

struct mnl_socket;

struct ports {
	uint32_t n;
	char names[FASTPATH_PORTS][FAST_PATH_NAME_MAX];
	struct fastpath_ports table; /* 0: the port waits for its interface */
	/* Open from ports_find() on, so that a process without a free file can still ask. */
	int fd;
	struct mnl_socket *netlink;
	uint32_t seq;
};

/*
 * Finds the interfaces of the config; a port whose interface doesn't exist in this network
 * namespace waits. 0, or with a line in `error`
 *  -EINVAL  a port names no interface, or two the same
 *  -errno   the kernel can't be asked
 * ports_close() in any case.
 */
int ports_find(struct ports *ports, const struct fast_path_config *config,
	       char error[FAST_PATH_ERROR_MAX]);
void ports_close(struct ports *ports);

/* The index of the port's interface now. 0; -ENODEV: there is none; -errno: it can't be told. */
int ports_lookup(const struct ports *ports, uint32_t port, uint32_t *ifindex);

/*
 * Every driver with XDP takes frames of this MTU in one buffer, which is a page with headroom and
 * the kernel's own trailer. With a longer one it wants a program that takes several, or has no XDP.
 */
enum { PORTS_ONE_BUFFER_BYTES = 3000 };

/*
 * Whether the port's hardware takes VLAN tags out of frames, so that the program doesn't see them, while
 * the kernel has VLANs on the interface. `device`: which does; of a bond, the first member that does.
 */
bool ports_hide_tags(const struct ports *ports, uint32_t port, char device[FAST_PATH_NAME_MAX]);

/* The port stands on other devices, or below one: what that means for the program. */
enum ports_kind {
	PORTS_PLAIN,
	PORTS_VLAN,    /* next hops name the device below it, and the tag */
	PORTS_STACKED, /* a macvlan, bridge or team: generic mode alone */
	PORTS_MEMBER,  /* of a bond, team or bridge, which has the addresses and routes */
};

/* `other`: name of the device below a VLAN, driver of a stacked port, or name of a member's master. */
enum ports_kind ports_kind(struct ports *ports, uint32_t port, char other[FAST_PATH_NAME_MAX]);

/*
 * What frames the ports take, by MAC: the interfaces' own, and those of the config. A port that waits has
 * none. Returns how many are in `macs`; -errno: the kernel can't be asked.
 */
int ports_macs(struct ports *ports, const struct fast_path_config *config,
	       struct fastpath_mac macs[FASTPATH_MACS]);

/* What the program has to be prepared for. */
struct ports_needs {
	bool veth;  /* a port is a veth */
	bool frags; /* a port takes frames longer than a page */
	bool waits; /* a port waits, and may become either */
};

/* Of the ports as they are now. 0, or -errno: the kernel can't be asked. */
int ports_needs(struct ports *ports, struct ports_needs *needs);

/*
 * As it is now; of a port that waits, or has lost its interface, only the name. 0; -ENOENT: no such
 * port; -errno: the kernel can't be asked. Whether the program is attached is not known here.
 */
int ports_read(struct ports *ports, uint32_t port, struct fast_path_port_info *info);

#endif
