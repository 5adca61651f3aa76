/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's network interfaces, as far as ports need them. Control thread.
 */
#include "interface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int interface_mtu_read(unsigned int index, uint32_t *mtu_bytes)
{
	struct ifreq request = {0};
	int fd, ret = 0;

	if (!if_indextoname(index, request.ifr_name))
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFMTU, &request) < 0)
		ret = -errno;
	else
		*mtu_bytes = (uint32_t)request.ifr_mtu;
	close(fd);
	return ret;
}

/* What the kernel says of an interface. -ENODEV: there is none of that name. */
static int interface_ask(const char *name, unsigned long question, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	*request = (struct ifreq){0};
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	if (ioctl(fd, question, request) < 0)
		ret = errno == ENXIO ? -ENODEV : -errno;
	close(fd);
	return ret;
}

int interface_index_read(const char *name, unsigned int *index)
{
	struct ifreq request;
	int ret = interface_ask(name, SIOCGIFINDEX, &request);

	if (ret < 0 && ret != -ENODEV)
		return ret;
	*index = ret == 0 ? (unsigned int)request.ifr_ifindex : 0;
	return 0;
}

int interface_link_read(const char *name, bool *up)
{
	struct ifreq request;
	int ret = interface_ask(name, SIOCGIFFLAGS, &request);

	if (ret < 0 && ret != -ENODEV)
		return ret;
	*up = ret == 0 && request.ifr_flags & IFF_UP && request.ifr_flags & IFF_RUNNING;
	return 0;
}

bool interface_strips_tags(const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_data = (char *)&flags};
	bool strips;

	if (fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	strips = ioctl(fd, SIOCETHTOOL, &request) == 0 && flags.data & ETH_FLAG_RXVLAN;
	close(fd);
	return strips;
}

int interface_mac_read(const char *name, uint8_t mac[6])
{
	struct ifreq request;
	int ret = interface_ask(name, SIOCGIFHWADDR, &request);

	if (ret == 0)
		memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	return ret;
}

int interface_set_up(const char *name, const uint8_t mac[6], uint32_t mtu_bytes)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		goto err_close;
	if (memcmp(request.ifr_hwaddr.sa_data, mac, 6) != 0) { /* the kernel forgets neighbours */
		request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(request.ifr_hwaddr.sa_data, mac, 6);
		if (ioctl(fd, SIOCSIFHWADDR, &request) < 0)
			goto err_close;
	}
	request.ifr_mtu = (int)mtu_bytes;
	if (mtu_bytes != 0 && ioctl(fd, SIOCSIFMTU, &request) < 0)
		goto err_close;
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		goto err_close;
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		goto err_close;
	close(fd);
	return 0;

err_close:
	ret = -errno;
	close(fd);
	return ret;
}
