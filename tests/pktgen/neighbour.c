/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ARP and neighbour discovery. The generator's core.
 */
#include "neighbour.h"
#include "bytes.h"
#include "headers.h"

enum {
	ARP_BYTES = 28,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
	ND_SOLICITATION = 135,
	ND_ADVERTISEMENT = 136,
	ND_BYTES = 24, /* ICMPv6 header, flags, target */
	ND_OPTION_BYTES = 8,
	ND_OPTION_SOURCE = 1, /* link-layer addresses */
	ND_OPTION_TARGET = 2,
	ND_SOLICITED_OVERRIDE = 0x60,
	ND_HOP_LIMIT = 255,
	ND_FRAME_BYTES = ETH_BYTES + IP6_BYTES + ND_BYTES + ND_OPTION_BYTES,
};

_Static_assert((int)ND_FRAME_BYTES == (int)NEIGHBOUR_FRAME_MAX_BYTES, "the longest frame");

static const uint8_t arp_start[] = {0, 1, 8, 0, 6, 4, 0}; /* Ethernet, IPv4, their lengths */

static bool is_own(const struct neighbour *nb, const uint8_t *address, bool v6)
{
	for (uint32_t i = 0; i < nb->own_n; i++)
		if (prefix_contains(&nb->own[i], address, v6))
			return true;
	return false;
}

/* Only the peer is on this link: whoever asks or answers is it. */
static void learn(struct neighbour *nb, const uint8_t mac[6])
{
	if (nb->known || (mac[0] & 1) || memcmp(mac, nb->mac, 6) == 0)
		return;
	memcpy(nb->peer_mac, mac, 6);
	nb->known = true;
}

static void ethernet_write(uint8_t *frame, const uint8_t dst[6], const uint8_t src[6],
			   uint32_t type)
{
	memcpy(frame, dst, 6);
	memcpy(frame + 6, src, 6);
	bytes_put16(frame + 12, type);
}

static size_t arp_write(const struct neighbour *nb, uint8_t operation, const uint8_t dst_mac[6],
			const uint8_t src[4], const uint8_t target_mac[6], const uint8_t target[4],
			uint8_t *frame)
{
	uint8_t *arp = frame + ETH_BYTES;

	ethernet_write(frame, dst_mac, nb->mac, ETH_TYPE_ARP);
	memcpy(arp, arp_start, sizeof(arp_start));
	arp[7] = operation;
	memcpy(arp + 8, nb->mac, 6);
	memcpy(arp + 14, src, 4);
	memcpy(arp + 18, target_mac, 6);
	memcpy(arp + 24, target, 4);
	return ETH_BYTES + ARP_BYTES;
}

static size_t arp_take(struct neighbour *nb, const uint8_t *frame, size_t n, uint8_t *answer)
{
	const uint8_t *arp = frame + ETH_BYTES;

	if (n < ETH_BYTES + ARP_BYTES || memcmp(arp, arp_start, sizeof(arp_start)) != 0)
		return 0;
	learn(nb, arp + 8);
	if (memcmp(arp + 14, nb->peers[false].bytes, 4) == 0 && arp[7] == ARP_REPLY)
		nb->replied[false] = true;
	if (arp[7] != ARP_REQUEST || !is_own(nb, arp + 24, false))
		return 0;
	return arp_write(nb, ARP_REPLY, arp + 8, arp + 24, arp + 8, arp + 14, answer);
}

/* A neighbour discovery message with one link-layer address; its checksum last. */
static size_t nd_write(const struct neighbour *nb, uint8_t type, const uint8_t dst_mac[6],
		       const uint8_t src[16], const uint8_t dst[16], const uint8_t target[16],
		       uint8_t *frame)
{
	uint8_t *ip = frame + ETH_BYTES, *nd = ip + IP6_BYTES;
	uint64_t sum;

	memset(frame, 0, ND_FRAME_BYTES);
	ethernet_write(frame, dst_mac, nb->mac, ETH_TYPE_IPV6);
	ip[0] = 0x60;
	bytes_put16(ip + 4, ND_BYTES + ND_OPTION_BYTES);
	ip[6] = PROTO_ICMP6;
	ip[7] = ND_HOP_LIMIT;
	memcpy(ip + 8, src, 16);
	memcpy(ip + 24, dst, 16);
	nd[0] = type;
	nd[4] = type == ND_ADVERTISEMENT ? ND_SOLICITED_OVERRIDE : 0;
	memcpy(nd + 8, target, 16);
	nd[ND_BYTES] = type == ND_ADVERTISEMENT ? ND_OPTION_TARGET : ND_OPTION_SOURCE;
	nd[ND_BYTES + 1] = 1; /* 8 bytes */
	memcpy(nd + ND_BYTES + 2, nb->mac, 6);
	sum = sum_add16(sum_add(0, ip + 8, 32), PROTO_ICMP6);
	sum_put(nd + 2, sum_add(sum_add16(sum, ND_BYTES + ND_OPTION_BYTES), nd,
				ND_BYTES + ND_OPTION_BYTES));
	return ND_FRAME_BYTES;
}

static size_t nd_take(struct neighbour *nb, const uint8_t *frame, size_t n, uint8_t *answer)
{
	static const uint8_t unspecified[16];
	const uint8_t *ip = frame + ETH_BYTES, *nd = ip + IP6_BYTES;

	if (n < ETH_BYTES + IP6_BYTES + ND_BYTES || ip[6] != PROTO_ICMP6 || ip[7] != ND_HOP_LIMIT ||
	    (nd[0] != ND_SOLICITATION && nd[0] != ND_ADVERTISEMENT))
		return 0;
	/* From the unspecified address: duplicate address detection, which nobody must answer. */
	if (memcmp(ip + 8, unspecified, 16) == 0)
		return 0;
	learn(nb, frame + 6);
	if (memcmp(nd + 8, nb->peers[true].bytes, 16) == 0 && nd[0] == ND_ADVERTISEMENT)
		nb->replied[true] = true;
	if (nd[0] != ND_SOLICITATION || !is_own(nb, nd + 8, true))
		return 0;
	return nd_write(nb, ND_ADVERTISEMENT, frame + 6, nd + 8, ip + 8, nd + 8, answer);
}

size_t neighbour_take(struct neighbour *nb, const uint8_t *frame, size_t n, uint8_t *answer)
{
	size_t bytes = 0;

	if (n < ETH_BYTES)
		return 0;
	if (bytes_get16(frame + 12) == ETH_TYPE_ARP)
		bytes = arp_take(nb, frame, n, answer);
	else if (bytes_get16(frame + 12) == ETH_TYPE_IPV6)
		bytes = nd_take(nb, frame, n, answer);
	nb->answered += bytes > 0;
	return bytes;
}

/* Our own address of the peer's family, to ask from; `fallback` where there is none. */
static const uint8_t *own_address(const struct neighbour *nb, bool v6, const uint8_t *fallback)
{
	for (uint32_t i = 0; i < nb->own_n; i++)
		if (nb->own[i].address.v6 == v6)
			return nb->own[i].address.bytes;
	return fallback;
}

size_t neighbour_ask(const struct neighbour *nb, bool v6, uint8_t *frame)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, nobody[6];
	static const uint8_t unspecified[4]; /* an ARP probe: RFC 5227 */
	/* RFC 4291 §2.7.1: the solicited-node address; RFC 2464 §7: its MAC. */
	uint8_t group[16] = {0xff, 2, [11] = 1, [12] = 0xff}, group_mac[6] = {0x33, 0x33, 0xff};
	uint8_t link_local[16] = {0xfe, 0x80, [15] = 1};
	const uint8_t *peer = nb->peers[v6].bytes;

	if (!v6)
		return arp_write(nb, ARP_REQUEST, broadcast, own_address(nb, false, unspecified),
				 nobody, peer, frame);
	memcpy(group + 13, peer + 13, 3);
	memcpy(group_mac + 3, peer + 13, 3);
	return nd_write(nb, ND_SOLICITATION, group_mac, own_address(nb, true, link_local), group,
			peer, frame);
}
