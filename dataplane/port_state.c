/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has become of a port's device. on_device() and on_port() run on DPDK's thread for
 * interrupts.
 */
#define ALLOW_EXPERIMENTAL_API /* DPDK's word of removed devices, which it has had since 18.05 */
#include "port_state.h"
#include "eal.h"
#include "eal_log.h"
#include "interface.h"
#include "port.h"

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <libgen.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PATH_BYTES_MAX = 256,
};

/* "0000:01:00.0" of "0000:01:00.0,option=1". */
static void sysfs_path(const struct port *p, char path[PATH_BYTES_MAX])
{
	snprintf(path, PATH_BYTES_MAX, "/sys/bus/pci/devices/%.*s", (int)strcspn(p->device, ","),
		 p->device);
}

/* 0: there is no such device. */
static uint64_t sysfs_inode_read(const struct port *p)
{
	char path[PATH_BYTES_MAX];
	struct stat status;

	sysfs_path(p, path);
	return stat(path, &status) == 0 ? status.st_ino : 0;
}

/* "": it has none. */
static void sysfs_driver_read(const struct port *p, char driver[32])
{
	char path[PATH_BYTES_MAX], link[PATH_BYTES_MAX + 8], target[PATH_BYTES_MAX];
	ssize_t bytes;

	sysfs_path(p, path);
	snprintf(link, sizeof(link), "%s/driver", path);
	bytes = readlink(link, target, sizeof(target) - 1);
	target[bytes > 0 ? bytes : 0] = '\0';
	snprintf(driver, 32, "%.31s", bytes > 0 ? basename(target) : "");
}

static void on_device(const char *name, enum rte_dev_event_type event, void *arg)
{
	struct port *p = arg;

	(void)name;
	if (event == RTE_DEV_EVENT_REMOVE)
		__atomic_store_n(&p->identity.leaving, true, __ATOMIC_RELAXED);
}

static int on_port(uint16_t id, enum rte_eth_event_type event, void *arg, void *more)
{
	struct port *p = arg;

	(void)id;
	(void)more;
	if (event == RTE_ETH_EVENT_INTR_RMV)
		__atomic_store_n(&p->identity.leaving, true, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&p->identity.wants_reset, true, __ATOMIC_RELAXED);
	return 0;
}

void port_state_watch(struct port *p)
{
	struct rte_eth_dev_info info;

	if (eal_device_is_pci(p->device)) {
		p->identity.sysfs_inode = sysfs_inode_read(p);
		sysfs_driver_read(p, p->identity.sysfs_driver);
		if (rte_eth_dev_info_get(p->id, &info) == 0)
			(void)rte_dev_event_callback_register(rte_dev_name(info.device), on_device,
							      p);
		/* Of a device that the kernel drives by UIO its registers may go at any moment:
		 * DPDK puts other memory there then, instead of a SIGBUS that ends the daemon. With
		 * VFIO the kernel asks first, and waits. */
		if (strstr(p->identity.sysfs_driver, "uio") && rte_dev_event_monitor_start() == 0)
			(void)rte_dev_hotplug_handle_enable();
	} else if (rte_eth_dev_info_get(p->id, &info) == 0 && info.if_index != 0 &&
		   if_indextoname(info.if_index, p->identity.interface)) {
		p->identity.interface_index = info.if_index;
	}
	(void)rte_eth_dev_callback_register(p->id, RTE_ETH_EVENT_INTR_RMV, on_port, p);
	(void)rte_eth_dev_callback_register(p->id, RTE_ETH_EVENT_INTR_RESET, on_port, p);
	p->watched = true;
}

void port_state_unwatch(struct port *p)
{
	struct rte_eth_dev_info info;

	if (!p->watched)
		return;
	p->watched = false;
	(void)rte_eth_dev_callback_unregister(p->id, RTE_ETH_EVENT_INTR_RMV, on_port, p);
	(void)rte_eth_dev_callback_unregister(p->id, RTE_ETH_EVENT_INTR_RESET, on_port, p);
	if (p->identity.sysfs_inode != 0 && rte_eth_dev_info_get(p->id, &info) == 0)
		(void)rte_dev_event_callback_unregister(rte_dev_name(info.device), on_device, p);
	if (strstr(p->identity.sysfs_driver, "uio")) {
		(void)rte_dev_hotplug_handle_disable();
		(void)rte_dev_event_monitor_stop();
	}
}

/* Whether the device that was there is gone; *another: in its place is one that could be used. */
static bool is_gone(const struct port *p, bool *another)
{
	const struct port_identity *was = &p->identity;
	char driver[32];
	uint64_t inode;
	unsigned int index;

	*another = false;
	if (was->interface_index != 0) {
		index = if_nametoindex(was->interface);
		*another = index != 0 && index != was->interface_index;
		return index != was->interface_index;
	}
	if (was->sysfs_inode == 0)
		return false;
	inode = sysfs_inode_read(p);
	if (inode == was->sysfs_inode)
		return __atomic_load_n(&was->leaving, __ATOMIC_RELAXED);
	sysfs_driver_read(p, driver);
	*another = inode != 0 && strcmp(driver, was->sysfs_driver) == 0;
	return true;
}

static bool has_link(const struct port *p)
{
	struct rte_eth_link link = {0};

	/* net_af_xdp says always that its link is up. */
	if (p->identity.interface_index != 0)
		return interface_has_link(p->identity.interface);
	(void)rte_eth_link_get_nowait(p->id, &link);
	return link.link_status == RTE_ETH_LINK_UP;
}

enum fast_path_port_state port_state_look(struct port *p)
{
	bool another;

	if (is_gone(p, &another)) {
		p->identity.leaving = true;
		return another ? FAST_PATH_PORT_RETURNED : FAST_PATH_PORT_WAITING;
	}
	if (p->closed)
		return FAST_PATH_PORT_WAITING;
	if (__atomic_load_n(&p->identity.wants_reset, __ATOMIC_RELAXED))
		return FAST_PATH_PORT_RETURNED;
	return has_link(p) ? FAST_PATH_PORT_UP : FAST_PATH_PORT_DOWN;
}
