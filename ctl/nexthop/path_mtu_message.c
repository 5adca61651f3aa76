/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the router's ICMP message and the outer packet that it quotes, each byte only after its
 * bound was checked. Pure; any thread.
 */
#include "path_mtu_message.h"

#include <string.h>

enum {
	IPV4_HEADER_MIN_BYTES = 20,
	IPV6_HEADER_BYTES = 40,
	ICMP_HEADER_BYTES = 8, /* the quoted packet follows */
	UDP_HEADER_BYTES = 8,

	PROTOCOL_ICMP = 1,
	PROTOCOL_IPIP = 4,
	PROTOCOL_UDP = 17,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_ICMPV6 = 58,

	ICMP_UNREACHABLE = 3,
	ICMP_FRAGMENTATION_NEEDED = 4, /* its code */
	ICMPV6_PACKET_TOO_BIG = 2,

	IPV4_DF = 0x4000,
	IPV4_FRAGMENT_MASK = 0x3fff, /* more fragments, offset */
};

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t load32(const uint8_t *at)
{
	return (uint32_t)load16(at) << 16 | load16(at + 2);
}

/* RFC 1071: the one's complement sum of 16-bit words, from `sum` on. */
static uint32_t words_sum(const uint8_t *at, size_t bytes, uint32_t sum)
{
	for (; bytes > 1; at += 2, bytes -= 2)
		sum += load16(at);
	if (bytes == 1)
		sum += (uint32_t)at[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* RFC 1191 §7.1: the largest plateau below the length of the packet that didn't fit. */
static uint32_t plateau_below(uint32_t packet_bytes)
{
	static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};

	for (size_t i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++) {
		if (plateaus[i] < packet_bytes)
			return plateaus[i];
	}
	return 68;
}

/* Whether these are the first bytes behind the IP header of what a balancer sends. */
static bool is_outer(uint8_t protocol, const uint8_t *at, size_t bytes, uint16_t gue_port)
{
	if (protocol == PROTOCOL_IPIP || protocol == PROTOCOL_IPV6)
		return true;
	return protocol == PROTOCOL_UDP && bytes >= UDP_HEADER_BYTES && load16(at + 2) == gue_port;
}

/* An outer packet without DF would have been fragmented, not complained about. */
static bool quote4_read(const uint8_t *at, size_t bytes, uint16_t gue_port,
			struct path_mtu_message *out)
{
	size_t header_bytes;

	if (bytes < IPV4_HEADER_MIN_BYTES || at[0] >> 4 != 4)
		return false;
	header_bytes = (size_t)(at[0] & 0xf) * 4;
	if (header_bytes < IPV4_HEADER_MIN_BYTES || header_bytes > bytes)
		return false;
	if (!(load16(at + 6) & IPV4_DF) || load16(at + 6) & IPV4_FRAGMENT_MASK)
		return false;
	if (!is_outer(at[9], at + header_bytes, bytes - header_bytes, gue_port))
		return false;
	out->packet_bytes = load16(at + 2);
	out->source = ip_from_bytes(IP_V4, at + 12);
	out->destination = ip_from_bytes(IP_V4, at + 16);
	return true;
}

static bool quote6_read(const uint8_t *at, size_t bytes, uint16_t gue_port,
			struct path_mtu_message *out)
{
	if (bytes < IPV6_HEADER_BYTES || at[0] >> 4 != 6)
		return false;
	if (!is_outer(at[6], at + IPV6_HEADER_BYTES, bytes - IPV6_HEADER_BYTES, gue_port))
		return false;
	out->packet_bytes = IPV6_HEADER_BYTES + (uint32_t)load16(at + 4);
	out->source = ip_from_bytes(IP_V6, at + 8);
	out->destination = ip_from_bytes(IP_V6, at + 24);
	return true;
}

static bool read4(const uint8_t *packet, size_t bytes, uint16_t gue_port,
		  struct path_mtu_message *out)
{
	size_t header_bytes, total_bytes;
	const uint8_t *icmp;

	if (bytes < IPV4_HEADER_MIN_BYTES)
		return false;
	header_bytes = (size_t)(packet[0] & 0xf) * 4;
	total_bytes = load16(packet + 2);
	if (header_bytes < IPV4_HEADER_MIN_BYTES ||
	    total_bytes < header_bytes + ICMP_HEADER_BYTES ||
	    bytes < header_bytes + ICMP_HEADER_BYTES)
		return false;
	if (packet[9] != PROTOCOL_ICMP || load16(packet + 6) & IPV4_FRAGMENT_MASK)
		return false;
	if (bytes > total_bytes) /* Ethernet's padding */
		bytes = total_bytes;
	icmp = packet + header_bytes;
	bytes -= header_bytes;
	if (icmp[0] != ICMP_UNREACHABLE || icmp[1] != ICMP_FRAGMENTATION_NEEDED)
		return false;
	if (bytes == total_bytes - header_bytes && words_sum(icmp, bytes, 0) != 0xffff)
		return false;
	if (!quote4_read(icmp + ICMP_HEADER_BYTES, bytes - ICMP_HEADER_BYTES, gue_port, out))
		return false;
	out->mtu_bytes = load16(icmp + 6);
	if (out->mtu_bytes == 0)
		out->mtu_bytes = plateau_below(out->packet_bytes);
	return true;
}

static bool read6(const uint8_t *packet, size_t bytes, uint16_t gue_port,
		  struct path_mtu_message *out)
{
	const uint8_t *icmp = packet + IPV6_HEADER_BYTES;
	size_t payload_bytes;
	uint32_t pseudo;

	if (bytes < IPV6_HEADER_BYTES + ICMP_HEADER_BYTES || packet[6] != PROTOCOL_ICMPV6)
		return false;
	payload_bytes = load16(packet + 4);
	if (payload_bytes < ICMP_HEADER_BYTES)
		return false;
	bytes -= IPV6_HEADER_BYTES;
	if (bytes > payload_bytes)
		bytes = payload_bytes;
	if (icmp[0] != ICMPV6_PACKET_TOO_BIG)
		return false;
	/* RFC 8200 §8.1: both addresses, the length and the next header are summed up, too. */
	pseudo = words_sum(packet + 8, 32, (uint32_t)payload_bytes + PROTOCOL_ICMPV6);
	if (bytes == payload_bytes && words_sum(icmp, bytes, pseudo) != 0xffff)
		return false;
	if (!quote6_read(icmp + ICMP_HEADER_BYTES, bytes - ICMP_HEADER_BYTES, gue_port, out))
		return false;
	out->mtu_bytes = load32(icmp + 4);
	return out->mtu_bytes != 0;
}

bool path_mtu_message_read(const uint8_t *packet, size_t bytes, uint16_t gue_port,
			   struct path_mtu_message *out)
{
	struct path_mtu_message message;
	bool read = false;

	memset(&message, 0, sizeof(message));
	if (bytes > 0 && packet[0] >> 4 == 4)
		read = read4(packet, bytes, gue_port, &message);
	else if (bytes > 0 && packet[0] >> 4 == 6)
		read = read6(packet, bytes, gue_port, &message);
	if (read)
		*out = message;
	return read;
}
