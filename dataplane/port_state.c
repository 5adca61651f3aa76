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

#include <errno.h>
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

/* *inode 0: there is no such device. -ENOMEM and the like: nothing is known. */
static int sysfs_inode_read(const struct port *p, uint64_t *inode)
{
	char path[PATH_BYTES_MAX];
	struct stat status;

	sysfs_path(p, path);
	if (stat(path, &status) == 0)
		*inode = status.st_ino;
	else if (errno == ENOENT || errno == ENOTDIR)
		*inode = 0;
	else
		return -errno;
	return 0;
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

	p->identity.state = FAST_PATH_PORT_UP; /* until the first look that succeeds */
	if (eal_device_is_pci(p->device)) {
		(void)sysfs_inode_read(p, &p->identity.sysfs_inode);
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

/*
 * Whether the device that was there is gone; *another: in its place is one that could be used.
 * -errno: nothing is known.
 */
static int gone_read(const struct port *p, bool *gone, bool *another)
{
	const struct port_identity *was = &p->identity;
	unsigned int index = 0;
	uint64_t inode = 0;
	char driver[32];
	int err;

	*another = *gone = false;
	if (was->interface_index != 0) {
		err = interface_index_read(was->interface, &index);
		*another = !err && index != 0 && index != was->interface_index;
		*gone = !err && index != was->interface_index;
		return err;
	}
	if (was->sysfs_inode == 0)
		return 0;
	err = sysfs_inode_read(p, &inode);
	if (err)
		return err;
	*gone = inode != was->sysfs_inode || __atomic_load_n(&was->leaving, __ATOMIC_RELAXED);
	if (inode == was->sysfs_inode)
		return 0;
	sysfs_driver_read(p, driver);
	*another = inode != 0 && strcmp(driver, was->sysfs_driver) == 0;
	return 0;
}

static int link_read(const struct port *p, bool *up)
{
	struct rte_eth_link link = {0};
	int err;

	/* net_af_xdp says always that its link is up. */
	if (p->identity.interface_index != 0)
		return interface_link_read(p->identity.interface, up);
	err = rte_eth_link_get_nowait(p->id, &link);
	*up = !err && link.link_status == RTE_ETH_LINK_UP;
	return err;
}

/* -errno: nothing is known. */
static int state_read(struct port *p, enum fast_path_port_state *state)
{
	bool gone, another, up;
	int err = gone_read(p, &gone, &another);

	if (err)
		return err;
	if (gone) {
		p->identity.leaving = true;
		*state = another ? FAST_PATH_PORT_RETURNED : FAST_PATH_PORT_WAITING;
		return 0;
	}
	if (p->closed) {
		*state = FAST_PATH_PORT_WAITING;
		return 0;
	}
	if (__atomic_load_n(&p->identity.wants_reset, __ATOMIC_RELAXED)) {
		*state = FAST_PATH_PORT_RETURNED;
		return 0;
	}
	err = link_read(p, &up);
	if (!err)
		*state = up ? FAST_PATH_PORT_UP : FAST_PATH_PORT_DOWN;
	return err;
}

enum fast_path_port_state port_state_look(struct port *p)
{
	/* What can't be asked now stays as it was: a failed call is no news of a device. */
	(void)state_read(p, &p->identity.state);
	return p->identity.state;
}
