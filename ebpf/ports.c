/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks rtnetlink and ethtool for MAC address, MTU, link and driver of the ports. Called by the
 * module. Control thread.
 */
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
#include <linux/if_bonding.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

_Static_assert((int)FASTPATH_PORTS == (int)FAST_PATH_PORTS_MAX, "the daemon's ports all fit");
_Static_assert(FAST_PATH_NAME_MAX == IFNAMSIZ, "an interface's name fits");

enum { ANSWER_WITHIN_S = 1 };

static bool says_gone(int error)
{
	return error == ENODEV || error == ENXIO;
}

int ports_lookup(const struct ports *ports, uint32_t port, uint32_t *ifindex)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ports->names[port]);
	if (ioctl(ports->fd, SIOCGIFINDEX, &request) != 0)
		return says_gone(errno) ? -ENODEV : -errno;
	*ifindex = (uint32_t)request.ifr_ifindex;
	return 0;
}

static int sockets_open(struct ports *ports)
{
	const struct timeval limit = {.tv_sec = ANSWER_WITHIN_S};

	ports->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ports->fd < 0)
		return -errno;
	ports->netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!ports->netlink || mnl_socket_bind(ports->netlink, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(ports->netlink), SOL_SOCKET, SO_RCVTIMEO, &limit,
		       sizeof(limit)) != 0)
		return -errno;
	return 0;
}

void ports_close(struct ports *ports)
{
	if (ports->fd >= 0)
		close(ports->fd);
	if (ports->netlink)
		mnl_socket_close(ports->netlink);
	ports->fd = -1;
	ports->netlink = NULL;
}

static int port_find(struct ports *ports, uint32_t i, const char *name,
		     char error[FAST_PATH_ERROR_MAX])
{
	int err;

	if (!name)
		return report_error(error, -EINVAL,
				    "ports[%u] names no interface, which the XDP fast path needs",
				    i);
	for (uint32_t j = 0; j < i; j++)
		if (strcmp(ports->names[j], name) == 0)
			return report_error(error, -EINVAL, "ports[%u]: %s is ports[%u] already", i,
					    name, j);
	snprintf(ports->names[i], sizeof(ports->names[i]), "%s", name);
	err = ports_lookup(ports, i, &ports->table.ifindex[i]);
	if (err && err != -ENODEV)
		return report_error(error, err, "ports[%u]: can't ask for %s: %s", i, name,
				    strerror(-err));
	/* Of two names of one interface. */
	for (uint32_t j = 0; j < i && !err; j++)
		if (ports->table.ifindex[j] == ports->table.ifindex[i])
			return report_error(error, -EINVAL, "ports[%u]: %s is ports[%u] already", i,
					    name, j);
	return 0;
}

int ports_find(struct ports *ports, const struct fast_path_config *config,
	       char error[FAST_PATH_ERROR_MAX])
{
	int err;

	*ports = (struct ports){.n = config->ports_n, .fd = -1};
	if (ports->n == 0 || ports->n > FASTPATH_PORTS)
		return report_error(error, -EINVAL, "%u ports; the XDP fast path takes 1 to %u",
				    ports->n, FASTPATH_PORTS);
	err = sockets_open(ports);
	if (err)
		return report_error(error, err, "no socket to ask for interfaces: %s",
				    strerror(-err));
	for (uint32_t i = 0; i < ports->n && !err; i++)
		err = port_find(ports, i, config->ports[i].interface, error);
	return err;
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

	info->state = (link->ifi_flags & IFF_UP) && (link->ifi_flags & IFF_RUNNING)
			      ? FAST_PATH_PORT_UP
			      : FAST_PATH_PORT_DOWN;
	return mnl_attr_parse(message, sizeof(*link), attribute_read, info);
}

/* -ENODEV: the interface is gone. Answers to questions that were given up are skipped. */
static int link_ask(struct ports *ports, uint32_t ifindex, mnl_cb_t read, void *arg)
{
	char buffer[32768]; /* NLMSG_GOODSIZE, with the drivers' own attributes, and to spare */
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;
	ssize_t n;

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_seq = ++ports->seq;
	link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	if (mnl_socket_sendto(ports->netlink, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(ports->netlink, buffer, sizeof(buffer));
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
	} while (n < 0 || message->nlmsg_seq != ports->seq);
	if (mnl_cb_run(buffer, (size_t)n, ports->seq, mnl_socket_get_portid(ports->netlink), read,
		       arg) < 0)
		return says_gone(errno) ? -ENODEV : -errno;
	return 0;
}

static void driver_read(const struct ports *ports, struct fast_path_port_info *info)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (char *)&driver};

	memcpy(request.ifr_name, info->interface, sizeof(request.ifr_name));
	if (ioctl(ports->fd, SIOCETHTOOL, &request) == 0)
		snprintf(info->driver, sizeof(info->driver), "%s", driver.driver);
}

int ports_read(struct ports *ports, uint32_t port, struct fast_path_port_info *info)
{
	int err;

	if (port >= ports->n)
		return -ENOENT;
	*info = (struct fast_path_port_info){.state = FAST_PATH_PORT_WAITING, .numa_node = -1};
	memcpy(info->interface, ports->names[port], sizeof(info->interface));
	if (ports->table.ifindex[port] == 0)
		return 0;
	err = link_ask(ports, ports->table.ifindex[port], link_read, info);
	if (err)
		return err == -ENODEV ? 0 : err;
	driver_read(ports, info);
	return 0;
}

/* Lines "eth0.7  | 7  | eth0" of the list of 8021q, if the kernel has that. */
static bool has_vlans(const char *interface)
{
	FILE *file = fopen("/proc/self/net/vlan/config", "re");
	char line[256], lower[64];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*s | %*d | %63s", lower) == 1 &&
			strcmp(lower, interface) == 0;
	if (file)
		fclose(file);
	return found;
}

static bool strips_tags(const struct ports *ports, const char *device)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (char *)&flags};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	return ioctl(ports->fd, SIOCETHTOOL, &request) == 0 && flags.data & ETH_FLAG_RXVLAN;
}

/* What a bond says of itself is no matter: its members' drivers hand the frames over. */
bool ports_hide_tags(const struct ports *ports, uint32_t port, char device[FAST_PATH_NAME_MAX])
{
	struct ifbond bond = {0};
	struct ifreq request = {.ifr_data = (char *)&bond};

	if (!has_vlans(ports->names[port]))
		return false;
	snprintf(device, FAST_PATH_NAME_MAX, "%s", ports->names[port]);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ports->names[port]);
	if (ioctl(ports->fd, SIOCBONDINFOQUERY, &request) != 0)
		return strips_tags(ports, device);
	for (int i = 0; i < bond.num_slaves; i++) {
		struct ifslave slave = {.slave_id = i};

		request.ifr_data = (char *)&slave;
		if (ioctl(ports->fd, SIOCBONDSLAVEINFOQUERY, &request) != 0)
			continue;
		snprintf(device, FAST_PATH_NAME_MAX, "%s", slave.slave_name);
		if (strips_tags(ports, device))
			return true;
	}
	return false;
}

struct relatives {
	uint32_t master, lower; /* indices; 0: none */
};

static int relative_read(const struct nlattr *attr, void *arg)
{
	struct relatives *relatives = arg;

	if (mnl_attr_get_type(attr) == IFLA_MASTER)
		relatives->master = mnl_attr_get_u32(attr);
	else if (mnl_attr_get_type(attr) == IFLA_LINK)
		relatives->lower = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int relatives_read(const struct nlmsghdr *message, void *relatives)
{
	return mnl_attr_parse(message, sizeof(struct ifinfomsg), relative_read, relatives);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

enum ports_kind ports_kind(struct ports *ports, uint32_t port, char other[FAST_PATH_NAME_MAX])
{
	static const char *const stacked[] = {"macvlan", "bridge", "team", NULL};
	static const char *const masters[] = {"bonding", "bridge", "team", NULL};
	struct fast_path_port_info info, above = {0};
	struct relatives relatives = {0};

	if (ports_read(ports, port, &info) != 0 || info.state == FAST_PATH_PORT_WAITING ||
	    link_ask(ports, ports->table.ifindex[port], relatives_read, &relatives) != 0)
		return PORTS_PLAIN;
	if (strcmp(info.driver, "802.1Q VLAN Support") == 0) {
		if (!if_indextoname(relatives.lower, other))
			snprintf(other, FAST_PATH_NAME_MAX, "the one below");
		return PORTS_VLAN;
	}
	if (is_one_of(info.driver, stacked)) {
		snprintf(other, FAST_PATH_NAME_MAX, "%.15s", info.driver);
		return PORTS_STACKED;
	}
	if (relatives.master == 0 || !if_indextoname(relatives.master, above.interface))
		return PORTS_PLAIN;
	driver_read(ports, &above);
	snprintf(other, FAST_PATH_NAME_MAX, "%s", above.interface);
	return is_one_of(above.driver, masters) ? PORTS_MEMBER : PORTS_PLAIN;
}

int ports_macs(struct ports *ports, const struct fast_path_config *config,
	       struct fastpath_mac macs[FASTPATH_MACS])
{
	uint32_t n = 0;

	memset(macs, 0, FASTPATH_MACS * sizeof(*macs));
	for (uint32_t i = 0; i < ports->n; i++) {
		const struct fast_path_port *port = &config->ports[i];
		uint32_t ifindex = ports->table.ifindex[i];
		struct fast_path_port_info info;
		int err = ports_read(ports, i, &info);

		if (err)
			return err;
		if (info.state == FAST_PATH_PORT_WAITING)
			continue;
		macs[n++] = (struct fastpath_mac){mac_word_from(info.mac), ifindex, 0};
		for (uint32_t j = 0; j < port->macs_n && j < FAST_PATH_MACS_MAX; j++)
			macs[n++] = (struct fastpath_mac){mac_word_from(port->macs[j]), ifindex, 0};
	}
	return (int)n;
}

static int mtu_read(const struct ports *ports, uint32_t port, uint32_t *mtu_bytes)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ports->names[port]);
	if (ioctl(ports->fd, SIOCGIFMTU, &request) != 0)
		return says_gone(errno) ? -ENODEV : -errno;
	*mtu_bytes = (uint32_t)request.ifr_mtu;
	return 0;
}

int ports_needs(struct ports *ports, struct ports_needs *needs)
{
	*needs = (struct ports_needs){false};
	for (uint32_t i = 0; i < ports->n; i++) {
		struct fast_path_port_info info;
		uint32_t mtu_bytes = 0;
		int err = ports_read(ports, i, &info);

		if (err)
			return err;
		if (info.state != FAST_PATH_PORT_WAITING)
			err = mtu_read(ports, i, &mtu_bytes);
		if (err && err != -ENODEV)
			return err;
		needs->waits |= err || info.state == FAST_PATH_PORT_WAITING;
		needs->veth |= strcmp(info.driver, "veth") == 0;
		needs->frags |= mtu_bytes > PORTS_ONE_BUFFER_BYTES;
	}
	return 0;
}
