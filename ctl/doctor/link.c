/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ethtool's ioctls (linux/ethtool.h) and rtnetlink tell of an interface. Called by the checks,
 * through struct host.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_bonding.h> /* behind <net/if.h>, of which it has a part */
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "host.h"

enum { PRIVATE_FLAGS_MAX = 32 }; /* as many as ETHTOOL_GPFLAGS has bits */

static int ethtool(int fd, const char *interface, void *command)
{
	struct ifreq request = {.ifr_data = command};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static void queues_read(int fd, const char *interface, struct link_facts *facts)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	if (ethtool(fd, interface, &channels) != 0)
		return;
	facts->rx_queues = (int)(channels.rx_count + channels.combined_count);
	facts->rx_queues_max = (int)(channels.max_rx + channels.max_combined);
}

static uint32_t private_flags_n(int fd, const char *interface)
{
	union { /* its counts follow it */
		struct ethtool_sset_info info;
		uint8_t bytes[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} sizes = {
		.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = UINT64_C(1) << ETH_SS_PRIV_FLAGS}};

	if (ethtool(fd, interface, &sizes) != 0 || sizes.info.sset_mask == 0)
		return 0;
	return sizes.info.data[0] < PRIVATE_FLAGS_MAX ? sizes.info.data[0] : PRIVATE_FLAGS_MAX;
}

/* Private flags are told by name (ethtool --show-priv-flags). */
static void private_flags_read(int fd, const char *interface, struct link_facts *facts)
{
	const uint32_t n = private_flags_n(fd, interface);
	struct ethtool_value flags = {.cmd = ETHTOOL_GPFLAGS};
	union { /* the names follow it */
		struct ethtool_gstrings strings;
		uint8_t bytes[sizeof(struct ethtool_gstrings) +
			      PRIVATE_FLAGS_MAX * ETH_GSTRING_LEN];
	} told = {.strings = {.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_PRIV_FLAGS, .len = n}};

	if (n == 0 || ethtool(fd, interface, &told) != 0 || ethtool(fd, interface, &flags) != 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const char *name = (const char *)told.strings.data + i * ETH_GSTRING_LEN;
		const int on = flags.data >> i & 1;

		if (strncmp(name, "legacy-rx", ETH_GSTRING_LEN) == 0)
			facts->legacy_rx = on;
		else if (strncmp(name, "rx_striding_rq", ETH_GSTRING_LEN) == 0)
			facts->rx_striding_rq = on;
	}
}

static int udp_ports(int fd, const char *interface, uint32_t flow_type)
{
	const uint32_t ports = RXH_L4_B_0_1 | RXH_L4_B_2_3;
	struct ethtool_rxnfc rx = {.cmd = ETHTOOL_GRXFH, .flow_type = flow_type};

	if (ethtool(fd, interface, &rx) != 0)
		return -1;
	return (rx.data & ports) == ports;
}

static int xdp_attribute_read(const struct nlattr *attr, void *arg)
{
	struct link_facts *facts = arg;

	if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED &&
	    mnl_attr_get_u8(attr) != XDP_ATTACHED_NONE)
		facts->xdp_generic = mnl_attr_get_u8(attr) == XDP_ATTACHED_SKB;
	return MNL_CB_OK;
}

/* *kind: "" before. */
static int kind_read(const struct nlattr *attr, void *kind)
{
	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		snprintf(kind, sizeof(((struct link_facts *)0)->kind), "%s",
			 mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

static int attribute_read(const struct nlattr *attr, void *arg)
{
	struct link_facts *facts = arg;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_MTU:
		facts->mtu_bytes = (int)mnl_attr_get_u32(attr);
		break;
	case IFLA_XDP:
		return mnl_attr_parse_nested(attr, xdp_attribute_read, facts);
	case IFLA_LINKINFO:
		return mnl_attr_parse_nested(attr, kind_read, facts->kind);
	case IFLA_MASTER:
		if (!if_indextoname(mnl_attr_get_u32(attr), facts->master))
			facts->master[0] = 0;
		break;
	}
	return MNL_CB_OK;
}

static int answer_read(const struct nlmsghdr *message, void *arg)
{
	return mnl_attr_parse(message, sizeof(struct ifinfomsg), attribute_read, arg);
}

/* The MTU, and where the XDP program is. What can't be asked stays -1. */
static void rtnetlink_read(const char *interface, struct link_facts *facts)
{
	char buffer[32768]; /* NLMSG_GOODSIZE, with the drivers' own attributes, and to spare */
	struct mnl_socket *netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;
	ssize_t n;

	if (!netlink)
		return;
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST;
	request->nlmsg_seq = 1;
	link = mnl_nlmsg_put_extra_header(request, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)if_nametoindex(interface);
	if (mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(netlink, request, request->nlmsg_len) >= 0) {
		n = mnl_socket_recvfrom(netlink, buffer, sizeof(buffer));
		if (n > 0)
			mnl_cb_run(buffer, (size_t)n, 1, mnl_socket_get_portid(netlink),
				   answer_read, facts);
	}
	mnl_socket_close(netlink);
}

static void rxvlan_read(int fd, const char *interface, struct link_facts *facts)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};

	if (ethtool(fd, interface, &flags) != 0)
		return;
	facts->rxvlan = !!(flags.data & ETH_FLAG_RXVLAN);
	snprintf(facts->rxvlan_at, sizeof(facts->rxvlan_at), "%s", interface);
}

/* What a bond says of itself is no matter: its members' drivers hand the frames over. */
static void tags_read(int fd, const char *interface, struct link_facts *facts)
{
	struct ifbond bond = {0};
	struct ifreq request = {.ifr_data = (char *)&bond};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCBONDINFOQUERY, &request) < 0) {
		rxvlan_read(fd, interface, facts);
		return;
	}
	for (int i = 0; i < bond.num_slaves && facts->rxvlan != 1; i++) {
		struct ifslave slave = {.slave_id = i};

		request.ifr_data = (char *)&slave;
		if (ioctl(fd, SIOCBONDSLAVEINFOQUERY, &request) == 0)
			rxvlan_read(fd, slave.slave_name, facts);
	}
}

static int link_read(const char *interface, struct link_facts *facts)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS}, gro = {.cmd = ETHTOOL_GGRO};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	*facts = (struct link_facts){.rx_queues = -1,
				     .rx_queues_max = -1,
				     .lro = -1,
				     .legacy_rx = -1,
				     .rx_striding_rq = -1,
				     .xdp_generic = -1,
				     .mtu_bytes = -1,
				     .rxvlan = -1,
				     .gro = -1};
	err = ethtool(fd, interface, &driver);
	if (err == -ENODEV) {
		close(fd);
		return err;
	}
	if (err == 0)
		snprintf(facts->driver, sizeof(facts->driver), "%.31s", driver.driver);
	queues_read(fd, interface, facts);
	if (ethtool(fd, interface, &flags) == 0)
		facts->lro = !!(flags.data & ETH_FLAG_LRO);
	if (ethtool(fd, interface, &gro) == 0)
		facts->gro = !!gro.data;
	tags_read(fd, interface, facts);
	private_flags_read(fd, interface, facts);
	facts->hash_udp_ports[0] = udp_ports(fd, interface, UDP_V4_FLOW);
	facts->hash_udp_ports[1] = udp_ports(fd, interface, UDP_V6_FLOW);
	close(fd);
	rtnetlink_read(interface, facts);
	if (facts->master[0]) {
		struct link_facts master = {.kind = ""};

		rtnetlink_read(facts->master, &master);
		memcpy(facts->master_kind, master.kind, sizeof(facts->master_kind));
	}
	return 0;
}

const struct host host_here = {.root = "", .link_read = link_read};
