/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet that somebody asks about, made into a frame.
 */
#include "packet_probe.h"

#include "sluice/packet.h"

#include <string.h>

enum {
	PROBE_TTL = 64,
	PROBE_CHECKSUM = 0xffff, /* not 0, which UDP would take for "none" */
	QUIC_INITIAL = 0xc0,     /* long header, fixed bit, type 0 */
	QUIC_VERSION_1 = 1,      /* its last byte */
};

static bool is_v6(const struct packet_probe *probe)
{
	return probe->src.family == IP_V6;
}

static uint32_t ip_header_bytes(const struct packet_probe *probe)
{
	return is_v6(probe) ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);
}

uint32_t packet_probe_bytes_min(const struct packet_probe *probe)
{
	uint32_t bytes = ip_header_bytes(probe);

	switch (probe->proto) {
	case PROTO_TCP:
		return bytes + (uint32_t)sizeof(struct tcp_header);
	case PROTO_UDP:
		return bytes + (uint32_t)(probe->opens ? QUIC_INITIAL_UDP_BYTES_MIN
						       : sizeof(struct udp_header));
	}
	return bytes + (uint32_t)sizeof(struct icmp_header);
}

static void write_v4(const struct packet_probe *probe, struct ipv4_header *ip, uint32_t ip_bytes)
{
	ip->version_ihl = 0x45;
	ip->total_bytes = be16_from((uint16_t)ip_bytes);
	ip->fragment = be16_from(probe->may_fragment ? 0 : IPV4_DF);
	ip->ttl = PROBE_TTL;
	ip->proto = probe->proto;
	ip->checksum = PROBE_CHECKSUM;
	memcpy(&ip->src, probe->src.bytes, sizeof(ip->src));
	memcpy(&ip->dst, probe->dst.bytes, sizeof(ip->dst));
}

static void write_v6(const struct packet_probe *probe, struct ipv6_header *ip, uint32_t ip_bytes)
{
	ip->version_class_label = be32_from(6U << 28);
	ip->payload_bytes = be16_from((uint16_t)(ip_bytes - sizeof(*ip)));
	ip->next = probe->proto == PROTO_ICMP ? PROTO_ICMPV6 : probe->proto;
	ip->hop_limit = PROBE_TTL;
	memcpy(ip->src, probe->src.bytes, sizeof(ip->src));
	memcpy(ip->dst, probe->dst.bytes, sizeof(ip->dst));
}

static void write_tcp(const struct packet_probe *probe, struct tcp_header *tcp)
{
	tcp->src_port = be16_from(probe->src_port);
	tcp->dst_port = be16_from(probe->dst_port);
	tcp->data_offset = sizeof(*tcp) / 4 << 4;
	tcp->flags = probe->opens ? TCP_SYN : TCP_ACK;
	tcp->checksum = PROBE_CHECKSUM;
}

static void write_udp(const struct packet_probe *probe, struct udp_header *udp, uint32_t l4_bytes)
{
	struct quic_header *quic = (struct quic_header *)(udp + 1);

	udp->src_port = be16_from(probe->src_port);
	udp->dst_port = be16_from(probe->dst_port);
	udp->length_bytes = be16_from((uint16_t)l4_bytes);
	udp->checksum = PROBE_CHECKSUM;
	if (!probe->opens)
		return;
	quic->form_type = QUIC_INITIAL;
	quic->version[3] = QUIC_VERSION_1;
	quic->dcid_bytes = QUIC_DCID_BYTES_MIN; /* and no source id */
}

static void write_echo(const struct packet_probe *probe, struct icmp_header *icmp)
{
	icmp->type = is_v6(probe) ? ICMPV6_ECHO : ICMP_ECHO;
	icmp->checksum = PROBE_CHECKSUM;
}

uint32_t packet_probe_frame(const struct packet_probe *probe, uint8_t frame[PACKET_PROBE_FRAME_MAX])
{
	uint32_t ip_bytes = probe->ip_bytes ? probe->ip_bytes : packet_probe_bytes_min(probe);
	uint32_t header_bytes = ip_header_bytes(probe);
	struct ether_header *ether = (struct ether_header *)frame;
	void *ip = ether + 1, *l4 = (uint8_t *)ip + header_bytes;

	memset(frame, 0, sizeof(*ether) + ip_bytes);
	ether->dst[0] = ether->src[0] = 2; /* locally administered */
	ether->type = be16_from(is_v6(probe) ? ETHER_IPV6 : ETHER_IPV4);
	if (is_v6(probe))
		write_v6(probe, ip, ip_bytes);
	else
		write_v4(probe, ip, ip_bytes);
	if (probe->proto == PROTO_TCP)
		write_tcp(probe, l4);
	else if (probe->proto == PROTO_UDP)
		write_udp(probe, l4, ip_bytes - header_bytes);
	else
		write_echo(probe, l4);
	return (uint32_t)sizeof(*ether) + ip_bytes;
}
