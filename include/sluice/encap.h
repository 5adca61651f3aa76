/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * Outer headers: IPIP and GUE, any IP family in any. A path moves the frame's head by
 * encap_growth_bytes(), then encap_write() writes Ethernet and the outer headers in front of the
 * inner IP header, which stays as it came, TTL included.
 *
 * Entropy, so that routers and the backends' NICs spread flows that share a backend: GUE carries
 * it in the UDP source port, IPIP in the low bits of the outer source address.
 */
#ifndef SLUICE_ENCAP_H
#define SLUICE_ENCAP_H

#include "sluice/checksum.h"
#include "sluice/generation.h"
#include "sluice/packet.h"

enum {
	/* GUE source ports: 49152 to 65535, the dynamic ones (RFC 6335 §6). */
	ENCAP_PORT_BASE = 0xc000,
	ENCAP_PORT_MASK = 0x3fff,
	/* Ethernet with a tag, IPv6, UDP, GUE, over an untagged frame. */
	ENCAP_GROWTH_MAX = 56,
};

/* Outer IP, UDP and GUE: what counts against the way's MTU. */
SLUICE_INLINE uint32_t encap_outer_bytes(const struct backend *b)
{
	uint32_t bytes = b->flags & BACKEND_OUTER_V6 ? sizeof(struct ipv6_header) :
						       sizeof(struct ipv4_header);

	if (b->encap != ENCAP_IPIP)
		bytes += sizeof(struct udp_header);
	if (b->encap == ENCAP_GUE_VARIANT0)
		bytes += sizeof(struct gue_header);
	return bytes;
}

/* How far the frame's head moves; always more than 0, for the inner frame's tags go. */
SLUICE_INLINE uint32_t encap_growth_bytes(const struct backend *b, const struct packet *p)
{
	uint32_t l2_bytes = sizeof(struct ether_header);

	if (b->vlan_tci != 0)
		l2_bytes += sizeof(struct vlan_tag);
	return encap_outer_bytes(b) + l2_bytes - p->l3_offset;
}

/*
 * What the control plane puts into backend.outer_sum: all addresses, and of IPv4 the version
 * word, of GUE over IPv6 the rest of UDP's pseudo header and the destination port.
 */
SLUICE_INLINE uint16_t encap_outer_sum(const struct backend *b, be16 gue_port)
{
	uint32_t sum = 0;

	if (!(b->flags & BACKEND_OUTER_V6))
		return checksum_fold(0x45U + checksum_word((uint32_t)b->outer_src[0]) +
				     checksum_word((uint32_t)b->outer_dst[0]));
	for (int i = 0; i < 2; i++) {
		sum += checksum_word((uint32_t)b->outer_src[i]);
		sum += checksum_word((uint32_t)(b->outer_src[i] >> 32));
		sum += checksum_word((uint32_t)b->outer_dst[i]);
		sum += checksum_word((uint32_t)(b->outer_dst[i] >> 32));
	}
	return checksum_fold(sum + be16_from(PROTO_UDP) + gue_port);
}

/*
 * The sum over the whole inner IP packet, from its IP header alone (`c` stands at it). The
 * transport checksum makes transport header and payload sum up to the complement of the pseudo
 * header, and a valid IPv4 header sums up to 0 (-0): what Linux calls local checksum offload.
 * IPv6: its addresses and length stand in the pseudo header too, and cancel. Only with
 * PACKET_SUM_KNOWN. A packet whose own checksum is wrong gets a wrong outer one, and is dropped
 * by the backend one layer earlier.
 */
SLUICE_INLINE bool encap_inner_sum(struct cursor *c, const struct packet *p, uint32_t *sum)
{
	if (p->flags & PACKET_V6) {
		const struct ipv6_header *ip = cursor_take(c, sizeof(*ip));

		if (!ip)
			return false;
		*sum = checksum_word(ip->version_class_label) + ip->next +
		       ((uint32_t)ip->hop_limit << 8) + (uint16_t)~be16_from(p->proto);
		return true;
	}
	if (p->proto == PROTO_ICMP) { /* no pseudo header */
		*sum = 0;
	} else {
		const struct ipv4_header *ip = cursor_take(c, sizeof(*ip));
		uint32_t l4_bytes = p->ip_bytes + p->l3_offset - p->l4_offset;

		if (!ip)
			return false;
		*sum = checksum_word(~ip->src) + checksum_word(~ip->dst) +
		       (uint16_t)~be16_from(p->proto) + (uint16_t)~be16_from((uint16_t)l4_bytes);
	}
	return true;
}

/* Receiver and sender, which lie side by side in a frame and in struct backend. */
struct SLUICE_WIRE encap_macs {
	uint32_t words[3];
};

SLUICE_INLINE bool encap_write_l2(struct cursor *c, const struct backend *b)
{
	struct ether_header *ether = cursor_take(c, sizeof(*ether));
	be16 type = be16_from(b->flags & BACKEND_OUTER_V6 ? ETHER_IPV6 : ETHER_IPV4);

	if (!ether)
		return false;
	*(struct encap_macs *)ether->dst = *(const struct encap_macs *)b->dst_mac;
	ether->type = type;
	if (b->vlan_tci != 0) {
		struct vlan_tag *tag = cursor_take(c, sizeof(*tag));

		if (!tag)
			return false;
		ether->type = be16_from(ETHER_VLAN);
		tag->tci = b->vlan_tci;
		tag->type = type;
	}
	return true;
}

/*
 * DF and identification are the inner packet's, so that what its sender lets be fragmented can
 * be, with an identification as unique as its own; around IPv6 always DF.
 */
SLUICE_INLINE bool encap_write_v4(struct cursor *c, const struct generation *g,
				  const struct backend *b, const struct packet *p, uint64_t hash,
				  uint8_t proto)
{
	struct ipv4_header *ip = cursor_take(c, sizeof(*ip));
	be32 entropy = (be32)hash & b->entropy_mask;
	be16 total = be16_from((uint16_t)(p->ip_bytes + encap_outer_bytes(b)));
	be16 fragment = be16_from(p->flags & PACKET_DF ? IPV4_DF : 0);

	if (!ip)
		return false;
	ip->version_ihl = 0x45;
	ip->tos = p->tos;
	ip->total_bytes = total;
	ip->id = p->ip_id;
	ip->fragment = fragment;
	ip->ttl = g->outer_ttl;
	ip->proto = proto;
	/* The mask's bits are 0 in outer_src, so the address's sum is that of its two parts. */
	ip->checksum = checksum_finish(b->outer_sum + ((uint32_t)p->tos << 8) + total + p->ip_id +
				       fragment + g->outer_ttl + ((uint32_t)proto << 8) +
				       checksum_word(entropy));
	ip->src = (be32)b->outer_src[0] | entropy;
	ip->dst = (be32)b->outer_dst[0];
	return true;
}

SLUICE_INLINE bool encap_write_v6(struct cursor *c, const struct generation *g,
				  const struct backend *b, const struct packet *p, uint64_t hash,
				  uint8_t proto)
{
	struct ipv6_header *ip = cursor_take(c, sizeof(*ip));
	uint32_t payload_bytes = p->ip_bytes + encap_outer_bytes(b) - (uint32_t)sizeof(*ip);
	be32 entropy = (be32)hash & b->entropy_mask;

	if (!ip)
		return false;
	ip->version_class_label = be32_from(6U << 28 | (uint32_t)p->tos << 20);
	ip->payload_bytes = be16_from((uint16_t)payload_bytes);
	ip->next = proto;
	ip->hop_limit = g->outer_ttl;
	ip->src[0] = b->outer_src[0];
	ip->src[1] = b->outer_src[1] | (uint64_t)entropy << 32;
	ip->dst[0] = b->outer_dst[0];
	ip->dst[1] = b->outer_dst[1];
	return true;
}

/*
 * UDP and GUE. The checksum is 0 over IPv4; over IPv6 it is filled in where the inner sum is
 * known, else 0 too (RFC 6935 §5, RFC 6936).
 */
SLUICE_INLINE bool encap_write_gue(struct cursor *c, const struct generation *g,
				   const struct backend *b, const struct packet *p, uint64_t hash,
				   uint8_t inner_proto)
{
	struct udp_header *udp = cursor_take(c, sizeof(*udp));
	uint32_t gue_bytes = b->encap == ENCAP_GUE_VARIANT0 ? sizeof(struct gue_header) : 0;
	be16 length = be16_from((uint16_t)(p->ip_bytes + sizeof(*udp) + gue_bytes));
	be16 src_port = be16_from((uint16_t)(ENCAP_PORT_BASE | (hash & ENCAP_PORT_MASK)));
	uint32_t sum;

	if (!udp)
		return false;
	udp->src_port = src_port;
	udp->dst_port = g->gue_port;
	udp->length_bytes = length;
	udp->checksum = 0;
	if (gue_bytes > 0) {
		struct gue_header *gue = cursor_take(c, sizeof(*gue));

		if (!gue)
			return false;
		gue->variant_hlen = 0;
		gue->proto = inner_proto;
		gue->flags = 0;
	}
	if (!(b->flags & BACKEND_OUTER_V6) || !(p->flags & PACKET_SUM_KNOWN))
		return true;
	if (!encap_inner_sum(c, p, &sum))
		return false;
	/* The length counts twice: in the pseudo header and in UDP's own. */
	sum += (uint32_t)b->outer_sum + length + length + src_port;
	if (gue_bytes > 0)
		sum += (uint32_t)inner_proto << 8;
	udp->checksum = checksum_finish(sum);
	if (udp->checksum == 0) /* RFC 768: 0 means none */
		udp->checksum = 0xffff;
	return true;
}

/*
 * Writes Ethernet and the outer headers from the frame's first byte (`c`, after the head has
 * moved by encap_growth_bytes()) up to the inner IP header. False only where the frame is shorter
 * than that, which a path that moved the head doesn't see.
 */
SLUICE_INLINE bool encap_write(struct cursor *c, const struct generation *g,
			       const struct backend *b, const struct packet *p, uint64_t hash)
{
	uint8_t inner_proto = p->flags & PACKET_V6 ? PROTO_IPV6 : PROTO_IPIP;
	uint8_t outer_proto = b->encap == ENCAP_IPIP ? inner_proto : PROTO_UDP;

	if (!encap_write_l2(c, b))
		return false;
	if (b->flags & BACKEND_OUTER_V6) {
		if (!encap_write_v6(c, g, b, p, hash, outer_proto))
			return false;
	} else if (!encap_write_v4(c, g, b, p, hash, outer_proto)) {
		return false;
	}
	return b->encap == ENCAP_IPIP || encap_write_gue(c, g, b, p, hash, inner_proto);
}

#endif
