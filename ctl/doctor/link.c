// SPDX-License-Identifier: Apache-2.0
/*
 * What ethtool's ioctls tell of an interface (linux/ethtool.h). Called by the checks, through
 * struct host.
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

#include "host.h"

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

static int udp_ports(int fd, const char *interface, uint32_t flow_type)
{
	const uint32_t ports = RXH_L4_B_0_1 | RXH_L4_B_2_3;
	struct ethtool_rxnfc rx = {.cmd = ETHTOOL_GRXFH, .flow_type = flow_type};

	if (ethtool(fd, interface, &rx) != 0)
		return -1;
	return (rx.data & ports) == ports;
}

static int link_read(const char *interface, struct link_facts *facts)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	*facts = (struct link_facts){.rx_queues = -1, .rx_queues_max = -1, .lro = -1};
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
	facts->hash_udp_ports[0] = udp_ports(fd, interface, UDP_V4_FLOW);
	facts->hash_udp_ports[1] = udp_ports(fd, interface, UDP_V6_FLOW);
	close(fd);
	return 0;
}

const struct host host_here = {.root = "", .link_read = link_read};
