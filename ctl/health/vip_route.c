/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TUN interface, and the rule and route that lead marked packets into it. Control thread.
 */
#include "vip_route.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	PRIORITY = 1, /* behind the rule for local addresses, before all others */
};

/* Sends one request and waits for what the kernel says: it answers at once. */
static int ask(struct nlmsghdr *request)
{
	char answer[8192];
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	ssize_t n;
	int err = 0;

	if (!socket)
		return -errno;
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = 1;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		goto err_errno;
	n = mnl_socket_recvfrom(socket, answer, sizeof(answer));
	if (n < 0 ||
	    mnl_cb_run(answer, (size_t)n, 1, mnl_socket_get_portid(socket), NULL, NULL) < 0)
		goto err_errno;
	mnl_socket_close(socket);
	return err;

err_errno:
	err = -errno;
	mnl_socket_close(socket);
	return err;
}

static int route_add(uint8_t family, uint32_t table, unsigned int ifindex)
{
	char bytes[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(bytes);
	struct rtmsg *route;

	request->nlmsg_type = RTM_NEWROUTE;
	request->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
	route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	route->rtm_family = family;
	route->rtm_table = RT_TABLE_UNSPEC;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_scope = family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	route->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(request, RTA_TABLE, table);
	mnl_attr_put_u32(request, RTA_OIF, ifindex);
	return ask(request);
}

static int rule_change(uint16_t type, uint8_t family, uint32_t mark)
{
	char bytes[512];
	struct nlmsghdr *request = mnl_nlmsg_put_header(bytes);
	struct fib_rule_hdr *rule;
	int err;

	request->nlmsg_type = type;
	request->nlmsg_flags = type == RTM_NEWRULE ? NLM_F_CREATE | NLM_F_EXCL : 0;
	rule = mnl_nlmsg_put_extra_header(request, sizeof(*rule));
	rule->family = family;
	rule->action = FR_ACT_TO_TBL;
	rule->table = RT_TABLE_UNSPEC;
	mnl_attr_put_u32(request, FRA_PRIORITY, PRIORITY);
	mnl_attr_put_u32(request, FRA_FWMARK, mark);
	mnl_attr_put_u32(request, FRA_FWMASK, UINT32_MAX);
	mnl_attr_put_u32(request, FRA_TABLE, mark);
	err = ask(request);
	/* One that a daemon before this one left. */
	return type == RTM_NEWRULE && err == -EEXIST ? 0 : err;
}

/* Up, and with our MTU. */
static int interface_set_up(const char *name)
{
	struct ifreq request = {.ifr_mtu = VIP_ROUTE_MTU};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCSIFMTU, &request) != 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
		err = -errno;
	} else {
		request.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
			err = -errno;
	}
	close(fd);
	return err;
}

int vip_route_open(uint32_t mark, int *error6)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	unsigned int ifindex;
	int err;

	if (fd < 0)
		return -errno;
	strcpy(request.ifr_name, "sluice-vip%d");
	if (ioctl(fd, TUNSETIFF, &request) != 0) {
		err = -errno;
		goto err_close;
	}
	err = interface_set_up(request.ifr_name);
	if (err)
		goto err_close;
	ifindex = if_nametoindex(request.ifr_name);
	err = route_add(AF_INET, mark, ifindex);
	if (!err)
		err = rule_change(RTM_NEWRULE, AF_INET, mark);
	if (err)
		goto err_close;
	*error6 = route_add(AF_INET6, mark, ifindex);
	if (*error6 == 0)
		*error6 = rule_change(RTM_NEWRULE, AF_INET6, mark);
	return fd;

err_close:
	close(fd);
	return err;
}

void vip_route_close(int fd, uint32_t mark)
{
	rule_change(RTM_DELRULE, AF_INET, mark);
	rule_change(RTM_DELRULE, AF_INET6, mark);
	close(fd); /* and the route goes with the interface */
}
