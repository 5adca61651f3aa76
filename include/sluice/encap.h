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

/*
 * What a backend's outer headers are made of. Where it is a constant, all below is for that kind
 * alone: the DPDK path has a way of its own for each of the usual ones.
 */
struct encap_kind {
	bool v6; /* outer IPv6 */
	bool tagged;
	enum encap encap;
};

SLUICE_INLINE struct encap_kind encap_kind(const struct backend *b)
{
	return (struct encap_kind){
		.v6 = b->flags & BACKEND_OUTER_V6,
		.tagged = b->vlan_tci != 0,
		.encap = (enum encap)b->encap,
	};
}

/*
 * encap_kind() as a number, of an untagged backend whose next hop is known ENCAP_KIND_BITS(its encap,
 * its family's flag).
 */
#define ENCAP_KIND_BITS(encap, v6) \
	((uint32_t)(encap) << 16 | (uint32_t)(BACKEND_RESOLVED | (v6)) << 24)

SLUICE_INLINE uint32_t encap_kind_bits(const struct backend *b)
{
	_Static_assert(offsetof(struct backend, encap) == offsetof(struct backend, vlan_tci) + 2 &&
			       offsetof(struct backend, flags) ==
				       offsetof(struct backend, vlan_tci) + 3,
		       "side by side");
	return wire_load32(&b->vlan_tci) & (0xffff | ENCAP_KIND_BITS(UINT8_MAX, BACKEND_OUTER_V6));
}

/* Whether it looks at the inner IP header: for the sum of encap_inner_sum(). */
SLUICE_INLINE bool encap_kind_reads_inner(struct encap_kind kind)
{
	return kind.v6 && kind.encap != ENCAP_IPIP;
}

/* Outer IP, UDP and GUE: what counts against the way's MTU. */
SLUICE_INLINE uint32_t encap_kind_outer_bytes(struct encap_kind kind)
{
	uint32_t bytes = kind.v6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);

	if (kind.encap != ENCAP_IPIP)
		bytes += sizeof(struct udp_header);
	if (kind.encap == ENCAP_GUE_VARIANT0)
		bytes += sizeof(struct gue_header);
	return bytes;
}

/* The same and Ethernet: what lies in front of the inner IP header. */
SLUICE_INLINE uint32_t encap_kind_bytes(struct encap_kind kind)
{
	uint32_t tag_bytes = kind.tagged ? sizeof(struct vlan_tag) : 0;

	return encap_kind_outer_bytes(kind) + (uint32_t)sizeof(struct ether_header) + tag_bytes;
}

/* How long the frame becomes: Ethernet's padding, which its IP length tells, isn't carried along. */
SLUICE_INLINE uint32_t encap_kind_frame_bytes(struct encap_kind kind, const struct packet *p)
{
	return encap_kind_bytes(kind) + p->ip_bytes;
}

/* How far the frame's head moves; always more than 0, for the inner frame's tags go. */
SLUICE_INLINE uint32_t encap_kind_growth_bytes(struct encap_kind kind, const struct packet *p)
{
	return encap_kind_bytes(kind) - p->l3_offset;
}

SLUICE_INLINE uint32_t encap_outer_bytes(const struct backend *b)
{
	return encap_kind_outer_bytes(encap_kind(b));
}

SLUICE_INLINE uint32_t encap_frame_bytes(const struct backend *b, const struct packet *p)
{
	return encap_kind_frame_bytes(encap_kind(b), p);
}

SLUICE_INLINE uint32_t encap_growth_bytes(const struct backend *b, const struct packet *p)
{
	return encap_kind_growth_bytes(encap_kind(b), p);
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

/* Receiver and sender lie side by side in a frame and in struct backend. */
SLUICE_INLINE bool encap_write_l2(struct cursor *c, const struct backend *b, struct encap_kind kind)
{
	struct ether_header *ether = cursor_take(c, sizeof(*ether));
	be16 type = be16_from(kind.v6 ? ETHER_IPV6 : ETHER_IPV4);

	_Static_assert(offsetof(struct backend, src_mac) == 6, "behind dst_mac, which is first");
	if (!ether)
		return false;
	wire_store64(ether, wire_load64(b));
	wire_store32(&ether->src[2], wire_load32(&b->src_mac[2]));
	ether->type = type;
	if (kind.tagged) {
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
 * The outer identification. It names a packet among all of one source, destination and protocol
 * (RFC 791 §3.2), which the packets of all clients of a backend share: so it is the client's own
 * (packet_id()) mixed with its flow, or two clients that use the same one at a time would have
 * their pieces put together wrongly by the backend. 16 bits of the hash that neither
 * the source address nor a port carries. With DF it means nothing (RFC 6864 §4.1).
 */
SLUICE_INLINE be16 encap_id(const struct packet *p, uint64_t hash)
{
	return p->ip_id ^ (be16)(hash >> 32);
}

/*
 * DF is the inner packet's, so that what its sender lets be fragmented can be; around IPv6 always
 * DF. Fields are made in registers and stored in words of 4 bytes: half the instructions. Of words of 8 bytes one would
 * lie across two cache lines, where DPDK's buffers have the header, which costs GUE 4 ns.
 */
SLUICE_INLINE bool encap_write_v4(struct cursor *c, const struct generation *g,
				  const struct backend *b, const struct packet *p, uint64_t hash,
				  struct encap_kind kind, uint8_t proto)
{
	_Static_assert((IPV4_DF & 0xff) == 0 && (IPV4_DF >> 8) % PACKET_DF == 0,
		       "a whole product, of DF as it lies in memory");
	struct ipv4_header *ip = cursor_take(c, sizeof(*ip));
	const be32 entropy = (be32)hash & b->entropy_mask;
	const uint64_t tos = (uint64_t)p->tos << 8; /* where it is in its word */
	const uint64_t total_id =
		be16_from((uint16_t)(p->ip_bytes + encap_kind_outer_bytes(kind))) |
		(uint64_t)encap_id(p, hash) << 16;
	/* DF is a bit in both: a product moves it. */
	const uint64_t fragment_ttl_proto =
		(uint64_t)(p->flags & PACKET_DF) * (be16_from(IPV4_DF) / PACKET_DF) |
		(uint64_t)g->outer_ttl << 16 | (uint64_t)proto << 24;
	/* The mask's bits are 0 in outer_src, so the address's sum is that of its two parts. */
	const uint64_t sum = b->outer_sum + tos + total_id + fragment_ttl_proto + entropy;

	if (!ip)
		return false;
	wire_store16(&ip->version_ihl, (uint16_t)(0x45U | tos));
	wire_store32(&ip->total_bytes, (uint32_t)total_id);
	wire_store32(&ip->fragment, (uint32_t)fragment_ttl_proto);
	ip->checksum = (uint16_t)~checksum_fold64(sum);
	ip->src = (be32)b->outer_src[0] | entropy;
	ip->dst = (be32)b->outer_dst[0];
	return true;
}

SLUICE_INLINE bool encap_write_v6(struct cursor *c, const struct generation *g,
				  const struct backend *b, const struct packet *p, uint64_t hash,
				  struct encap_kind kind, uint8_t proto)
{
	struct ipv6_header *ip = cursor_take(c, sizeof(*ip));
	uint32_t payload_bytes = p->ip_bytes + encap_kind_outer_bytes(kind) - (uint32_t)sizeof(*ip);
	be32 entropy = (be32)hash & b->entropy_mask;
	uint32_t payload_next_limit = be16_from((uint16_t)payload_bytes) | (uint32_t)proto << 16 |
				      (uint32_t)g->outer_ttl << 24;

	if (!ip)
		return false;
	ip->version_class_label = be32_from(6U << 28 | (uint32_t)p->tos << 20);
	wire_store32(&ip->payload_bytes, payload_next_limit);
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
				   struct encap_kind kind, uint8_t inner_proto)
{
	struct udp_header *udp = cursor_take(c, sizeof(*udp));
	uint32_t gue_bytes = kind.encap == ENCAP_GUE_VARIANT0 ? sizeof(struct gue_header) : 0;
	be16 length = be16_from((uint16_t)(p->ip_bytes + sizeof(*udp) + gue_bytes));
	be16 src_port = be16_from((uint16_t)(ENCAP_PORT_BASE | (hash & ENCAP_PORT_MASK)));
	uint32_t sum;

	if (!udp)
		return false;
	wire_store32(&udp->src_port, src_port | (uint32_t)g->gue_port << 16);
	wire_store32(&udp->length_bytes, length); /* checksum 0 */
	if (gue_bytes > 0) {
		struct gue_header *gue = cursor_take(c, sizeof(*gue));

		if (!gue)
			return false;
		gue->variant_hlen = 0;
		gue->proto = inner_proto;
		gue->flags = 0;
	}
	if (!encap_kind_reads_inner(kind) || !(p->flags & PACKET_SUM_KNOWN))
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

/* encap_write(), of a backend that is of this kind. */
SLUICE_INLINE bool encap_kind_write(struct cursor *c, const struct generation *g,
				    const struct backend *b, const struct packet *p, uint64_t hash,
				    struct encap_kind kind)
{
	_Static_assert(PACKET_V6 == 1, "a factor");
	/* PROTO_IPV6 or PROTO_IPIP, without a branch. */
	uint32_t v6 = p->flags & PACKET_V6;
	uint8_t inner_proto = (uint8_t)(PROTO_IPIP + v6 * (PROTO_IPV6 - PROTO_IPIP));
	uint8_t outer_proto = kind.encap == ENCAP_IPIP ? inner_proto : PROTO_UDP;

	if (!encap_write_l2(c, b, kind))
		return false;
	if (kind.v6) {
		if (!encap_write_v6(c, g, b, p, hash, kind, outer_proto))
			return false;
	} else if (!encap_write_v4(c, g, b, p, hash, kind, outer_proto)) {
		return false;
	}
	return kind.encap == ENCAP_IPIP || encap_write_gue(c, g, b, p, hash, kind, inner_proto);
}

/*
 * Writes Ethernet and the outer headers from the frame's first byte (`c`, after the head has
 * moved by encap_growth_bytes()) up to the inner IP header. False only where the frame is shorter
 * than that, which a path that moved the head doesn't see.
 */
SLUICE_INLINE bool encap_write(struct cursor *c, const struct generation *g,
			       const struct backend *b, const struct packet *p, uint64_t hash)
{
	return encap_kind_write(c, g, b, p, hash, encap_kind(b));
}

#endif
