/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * Plain frames: what nearly all are, TCP or UDP in IPv4 without options and not a fragment, or in
 * IPv6 without extension headers. Of one, plain_parse() says what packet_parse() says, from a few
 * words, in registers: for the DPDK path, which asks it first. Not for BPF, whose verifier has to
 * be shown each bound. tests/unit/test_plain.c compares the two.
 */
#ifndef SLUICE_PLAIN_H
#define SLUICE_PLAIN_H

#include "sluice/packet.h"

enum {
	/* Behind the IP header so many bytes must be in reach: a TCP header. */
	PLAIN_L4_BYTES = sizeof(struct tcp_header),
	/* So many of the frame, of either family. */
	PLAIN_BYTES_MIN = sizeof(struct ether_header) + sizeof(struct ipv4_header) + PLAIN_L4_BYTES,
};

struct plain {
	struct flow flow; /* of IPv4, addrs[0] and last */
	uint64_t info[2]; /* struct packet from ip_bytes on */
};

/* Where struct packet's fields stand in info[1]. */
enum {
	PLAIN_TOS_SHIFT = 16,
	PLAIN_PROTO_SHIFT = 24,
	PLAIN_FLAGS_SHIFT = 32,
	PLAIN_TCP_FLAGS_SHIFT = 40,
};

/* All of a packet but what an IPv4 one has no use for. */
SLUICE_INLINE void plain_store(struct packet *p, const struct plain *plain, bool v6)
{
	_Static_assert(offsetof(struct packet, l3_offset) ==
				       offsetof(struct packet, ip_bytes) + 4 &&
			       offsetof(struct packet, l4_offset) ==
				       offsetof(struct packet, ip_bytes) + 6 &&
			       sizeof(struct packet) == offsetof(struct packet, ip_id) + 8,
		       "info[0], info[1]");
	_Static_assert(
		offsetof(struct packet, tos) == offsetof(struct packet, ip_id) + 2 &&
			offsetof(struct packet, proto) == offsetof(struct packet, ip_id) + 3 &&
			offsetof(struct packet, flags) == offsetof(struct packet, ip_id) + 4 &&
			offsetof(struct packet, tcp_flags) == offsetof(struct packet, ip_id) + 5,
		"PLAIN_*_SHIFT");
	p->flow.addrs[0] = plain->flow.addrs[0];
	for (int word = 1; v6 && word < 4; word++)
		p->flow.addrs[word] = plain->flow.addrs[word];
	p->flow.last = plain->flow.last;
	wire_store64(&p->ip_bytes, plain->info[0]);
	wire_store64(&p->ip_id, plain->info[1]);
}

/*
 * Whether a frame's type and the two bytes behind it, as one word, are those of an IPv4 header
 * without options, or (`v6`) of an IPv6 header.
 */
SLUICE_INLINE bool plain_starts(uint32_t type_first, bool v6)
{
	if (v6)
		return (type_first & 0xf0ffff) == (be16_from(ETHER_IPV6) | 0x60U << 16);
	return (type_first & 0xffffff) == (be16_from(ETHER_IPV4) | 0x45U << 16);
}

SLUICE_INLINE bool plain_is_tag(be16 ether_type)
{
	return ether_type == be16_from(ETHER_VLAN) || ether_type == be16_from(ETHER_QINQ);
}

/* `l4_bytes` may be less than 0. What it says is `info`'s share of info[1]. */
SLUICE_INLINE bool plain_parse_tcp(const uint8_t *l4, int32_t l4_bytes, uint64_t *info)
{
	const struct tcp_header *tcp = (const struct tcp_header *)l4;
	int32_t header_bytes = tcp->data_offset >> 2 & 0x3c;
	uint64_t opens = (tcp->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? PACKET_OPENS : 0;
	if (header_bytes < (int32_t)sizeof(*tcp) || header_bytes > l4_bytes)
		return false;
	*info = (uint64_t)PACKET_SUM_KNOWN << PLAIN_FLAGS_SHIFT |
		(uint64_t)PROTO_TCP << PLAIN_PROTO_SHIFT | opens << PLAIN_FLAGS_SHIFT |
		(uint64_t)tcp->flags << PLAIN_TCP_FLAGS_SHIFT;
	return true;
}

SLUICE_INLINE bool plain_parse_udp(const uint8_t *l4, int32_t l4_bytes, uint64_t *info)
{
	const struct udp_header *udp = (const struct udp_header *)l4;
	const struct quic_header *quic = (const struct quic_header *)(udp + 1);
	int32_t udp_bytes = be16_to(udp->length_bytes);
	uint32_t flags = 0;

	if (udp_bytes < (int32_t)sizeof(*udp) || udp_bytes > l4_bytes)
		return false;
	if (udp->checksum != 0 && udp_bytes == l4_bytes)
		flags = PACKET_SUM_KNOWN;
	/* Its second id may begin behind PLAIN_L4_BYTES. */
	if (udp_bytes >= QUIC_INITIAL_UDP_BYTES_MIN && packet_is_quic_initial(quic))
		return false;
	*info = (uint64_t)PROTO_UDP << PLAIN_PROTO_SHIFT | (uint64_t)flags << PLAIN_FLAGS_SHIFT;
	return true;
}

/* TCP or UDP: what it says of the flow's rest and of info[1]. */
SLUICE_INLINE bool plain_parse_l4(const uint8_t *l4, int32_t l4_bytes, bool tcp, bool udp,
				  enum flow_bytes bytes, struct plain *plain)
{
	if (tcp) {
		plain->flow.last = wire_load32(l4) | flow_last(0, 0, PROTO_TCP, bytes);
		return plain_parse_tcp(l4, l4_bytes, &plain->info[1]);
	}
	plain->flow.last = wire_load32(l4) | flow_last(0, 0, PROTO_UDP, bytes);
	return udp && plain_parse_udp(l4, l4_bytes, &plain->info[1]);
}

SLUICE_INLINE bool plain_parse_v4(const struct ipv4_header *ip, uint32_t l3_offset,
				  uint32_t room_bytes, struct plain *plain)
{
	/* From `fragment` to `proto`, of which the TTL is nobody's concern. */
	const uint32_t mask = be16_from(IPV4_MF | IPV4_OFFSET) | 0xffU << 24;
	const uint32_t fragment_proto = wire_load32(&ip->fragment) & mask;
	const uint32_t ip_bytes = be16_to(ip->total_bytes);
	const uint64_t l4_offset = l3_offset + sizeof(*ip);
	uint64_t df;

	if (ip_bytes > room_bytes ||
	    !plain_parse_l4((const uint8_t *)(ip + 1), (int32_t)(ip_bytes - sizeof(*ip)),
			    fragment_proto == PROTO_TCP << 24, fragment_proto == PROTO_UDP << 24,
			    FLOW_BYTES_V4, plain))
		return false;
	/* The bit that it is, moved to where it's wanted: no branch. */
	df = (uint64_t)(ip->fragment & be16_from(IPV4_DF)) *
	     (((uint64_t)PACKET_DF << PLAIN_FLAGS_SHIFT) / be16_from(IPV4_DF));
	plain->flow.addrs[0] = wire_load64(&ip->src);
	plain->info[0] = ip_bytes | (uint64_t)l3_offset << 32 | l4_offset << 48;
	plain->info[1] |= ip->id | (uint64_t)ip->tos << PLAIN_TOS_SHIFT | df;
	return true;
}

SLUICE_INLINE bool plain_parse_v6(const struct ipv6_header *ip, uint32_t l3_offset,
				  uint32_t room_bytes, struct plain *plain)
{
	const uint32_t payload_bytes = be16_to(ip->payload_bytes);
	const uint32_t ip_bytes = payload_bytes + (uint32_t)sizeof(*ip);
	const uint64_t tos = be32_to(ip->version_class_label) >> 20 & 0xff;
	const uint64_t l4_offset = l3_offset + sizeof(*ip);

	if (ip_bytes > room_bytes ||
	    !plain_parse_l4((const uint8_t *)(ip + 1), (int32_t)payload_bytes,
			    ip->next == PROTO_TCP, ip->next == PROTO_UDP, FLOW_BYTES_V6, plain))
		return false;
	plain->flow.addrs[0] = ip->src[0];
	plain->flow.addrs[1] = ip->src[1];
	plain->flow.addrs[2] = ip->dst[0];
	plain->flow.addrs[3] = ip->dst[1];
	plain->info[0] = ip_bytes | (uint64_t)l3_offset << 32 | l4_offset << 48;
	plain->info[1] |= tos << PLAIN_TOS_SHIFT | (uint64_t)(PACKET_V6 | PACKET_DF)
							   << PLAIN_FLAGS_SHIFT;
	return true;
}

/* Whether a plain frame comes from no host: source.h. */
SLUICE_INLINE bool plain_source_is_bad(const struct plain *plain, bool v6)
{
	const uint64_t *addrs = plain->flow.addrs;

	return v6 ? source_is_bad_v6(&addrs[0], &addrs[2])
		  : source_is_bad_v4((be32)addrs[0], (be32)(addrs[0] >> 32));
}

/*
 * Of a frame (`c` stands at its first byte) that plain_starts() at `l3_offset`, which is in reach.
 * True: it is plain, and packet_parse() says `forward`, and the same as this; or, where
 * plain_source_is_bad(), which the caller has to see to, `bad_source`. False: ask that.
 */
SLUICE_INLINE bool plain_parse(const struct cursor *c, uint32_t l3_offset, bool v6,
			       struct plain *plain)
{
	const uint8_t *l3 = c->pos + l3_offset;
	const uint32_t header_bytes = v6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);
	const uint32_t room_bytes = c->frame_bytes - l3_offset;

	if (!cursor_reaches(c, l3_offset + header_bytes + PLAIN_L4_BYTES))
		return false;
	if (v6)
		return plain_parse_v6((const struct ipv6_header *)l3, l3_offset, room_bytes, plain);
	return plain_parse_v4((const struct ipv4_header *)l3, l3_offset, room_bytes, plain);
}

/* Where a frame that may have VLAN tags plain_starts(). False: it doesn't. */
SLUICE_INLINE bool plain_find(const struct cursor *c, uint32_t *l3_offset, bool *v6)
{
	uint32_t offset = sizeof(struct ether_header);

	for (int tags = 0; tags <= 2 && (size_t)(c->end - c->pos) >= offset + 2; tags++) {
		uint32_t type_first = wire_load32(c->pos + offset - 2);

		*l3_offset = offset;
		*v6 = plain_starts(type_first, true);
		if (*v6 || plain_starts(type_first, false))
			return true;
		if (!plain_is_tag((be16)type_first))
			return false;
		offset += (uint32_t)sizeof(struct vlan_tag);
	}
	return false;
}

#endif
