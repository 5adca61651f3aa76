/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the wire that several files of the generator need.
 */
#ifndef SLUICE_PKTGEN_HEADERS_H
#define SLUICE_PKTGEN_HEADERS_H

enum {
	ETH_BYTES = 14,
	ETH_FCS_BYTES = 4, /* frame check sequence: in sizes on the command line, in no buffer */
	ETH_VLAN_BYTES = 4,
	ETH_TYPE_IPV4 = 0x0800,
	ETH_TYPE_ARP = 0x0806,
	ETH_TYPE_VLAN = 0x8100,
	ETH_TYPE_IPV6 = 0x86dd,
	ETH_TYPE_QINQ = 0x88a8,

	IP4_BYTES = 20,
	IP6_BYTES = 40,
	TCP_BYTES = 20,
	UDP_BYTES = 8,

	PROTO_ICMP = 1,
	PROTO_IGMP = 2,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_ICMP6 = 58,

	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
};

#endif
