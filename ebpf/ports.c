/* SPDX-License-Identifier: Apache-2.0 */
#include "ports.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

_Static_assert((int)FASTPATH_PORTS == (int)FAST_PATH_PORTS_MAX, "the daemon's ports all fit");
_Static_assert(FAST_PATH_NAME_MAX == IFNAMSIZ, "an interface's name fits");

int ports_find(struct ports *ports, const struct fast_path_config *config,
	       char error[FAST_PATH_ERROR_MAX])
{
	*ports = (struct ports){.n = config->ports_n};
	if (ports->n == 0 || ports->n > FASTPATH_PORTS)
		return report_error(error, -EINVAL, "%u ports; the XDP fast path takes 1 to %u",
				    ports->n, FASTPATH_PORTS);
	for (uint32_t i = 0; i < ports->n; i++) {
		const char *name = config->ports[i].interface;
		uint32_t ifindex;

		if (!name)
			return report_error(error, -EINVAL,
					    "ports[%u] names no interface, which the XDP fast path "
					    "needs", i);
		ifindex = if_nametoindex(name);
		if (ifindex == 0)
			return report_error(error, -ENODEV,
					    "ports[%u]: no interface %s in this network namespace; "
					    "ip link lists them", i, name);
		for (uint32_t j = 0; j < i; j++)
			if (ports->table.ifindex[j] == ifindex)
				return report_error(error, -EINVAL,
						    "ports[%u]: %s is ports[%u] already", i, name, j);
		ports->table.ifindex[i] = ifindex;
		snprintf(ports->names[i], sizeof(ports->names[i]), "%s", name);
	}
	return 0;
}

static void stats_read(const struct nlattr *attr, struct fast_path_port_info *info)
{
	struct rtnl_link_stats64 stats = {0};
	size_t bytes = mnl_attr_get_payload_len(attr);

	/* Kernels differ in how many there are. */
	memcpy(&stats, mnl_attr_get_payload(attr), bytes < sizeof(stats) ? bytes : sizeof(stats));
	info->rx_packets = stats.rx_packets;
	info->tx_packets = stats.tx_packets;
	info->rx_missed = stats.rx_missed_errors;
}

static int attribute_read(const struct nlattr *attr, void *arg)
{
	struct fast_path_port_info *info = arg;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		snprintf(info->interface, sizeof(info->interface), "%s", mnl_attr_get_str(attr));
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attr) == sizeof(info->mac))
			memcpy(info->mac, mnl_attr_get_payload(attr), sizeof(info->mac));
		break;
	case IFLA_STATS64:
		stats_read(attr, info);
		break;
	}
	return MNL_CB_OK;
}

static int link_read(const struct nlmsghdr *message, void *arg)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	struct fast_path_port_info *info = arg;

	info->up = (link->ifi_flags & IFF_UP) && (link->ifi_flags & IFF_RUNNING);
	return mnl_attr_parse(message, sizeof(*link), attribute_read, info);
}

static int link_ask(struct mnl_socket *socket, uint32_t ifindex, struct fast_path_port_info *info)
{
	char buffer[32768]; /* NLMSG_GOODSIZE, with the drivers' own attributes, and to spare */
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;
	ssize_t n;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST;
	request->nlmsg_seq = 1;
	link = mnl_nlmsg_put_extra_header(request, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (n < 0)
		return -errno;
	if (mnl_cb_run(buffer, (size_t)n, 1, mnl_socket_get_portid(socket), link_read, info) < 0)
		return -errno;
	return 0;
}

static void driver_read(struct fast_path_port_info *info)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (char *)&driver};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	memcpy(request.ifr_name, info->interface, sizeof(request.ifr_name));
	if (ioctl(fd, SIOCETHTOOL, &request) == 0)
		snprintf(info->driver, sizeof(info->driver), "%s", driver.driver);
	close(fd);
}

int ports_read(const struct ports *ports, uint32_t port, struct fast_path_port_info *info)
{
	struct mnl_socket *socket;
	int err;

	if (port >= ports->n)
		return -ENOENT;
	*info = (struct fast_path_port_info){0};
	if (ports->table.ifindex[port] == 0)
		return -ENODEV;
	socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!socket)
		return -errno;
	err = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (!err)
		err = link_ask(socket, ports->table.ifindex[port], info);
	mnl_socket_close(socket);
	if (!err)
		driver_read(info);
	return err;
}

static uint32_t mtu_read(int fd, const char *interface)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return ioctl(fd, SIOCGIFMTU, &request) == 0 ? (uint32_t)request.ifr_mtu : 0;
}

struct ports_needs ports_needs(const struct ports *ports)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ports_needs needs = {0};

	for (uint32_t i = 0; i < ports->n; i++) {
		uint32_t mtu_bytes = fd >= 0 ? mtu_read(fd, ports->names[i]) : 0;
		struct fast_path_port_info info;

		if (mtu_bytes > needs.mtu_bytes)
			needs.mtu_bytes = mtu_bytes;
		if (ports_read(ports, i, &info) == 0 && strcmp(info.driver, "veth") == 0)
			needs.veth = true;
	}
	if (fd >= 0)
		close(fd);
	return needs;
}
