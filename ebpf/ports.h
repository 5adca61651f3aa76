/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's interfaces that are our ports, as rtnetlink and ethtool tell of them (not /sys,
 * which may be another network namespace's). Control thread.
 */
#ifndef SLUICE_PORTS_H
#define SLUICE_PORTS_H

#include "fastpath.h"
#include "report.h"

struct ports {
	uint32_t n;
	char names[FASTPATH_PORTS][FAST_PATH_NAME_MAX];
	struct fastpath_ports table;
};

/*
 * Finds the interfaces of the config. 0, or with a line in `error`
 *  -ENODEV  a port's interface doesn't exist in this network namespace
 *  -EINVAL  a port names none, or two the same
 */
int ports_find(struct ports *ports, const struct fast_path_config *config,
	       char error[FAST_PATH_ERROR_MAX]);

/* What the program has to be prepared for. */
struct ports_needs {
	bool veth;          /* one of them is a veth */
	uint32_t mtu_bytes; /* the greatest MTU */
};

struct ports_needs ports_needs(const struct ports *ports);

/* As it is now. 0; -ENOENT: no such port; -ENODEV: its interface is gone; -errno of netlink. */
int ports_read(const struct ports *ports, uint32_t port, struct fast_path_port_info *info);

#endif
