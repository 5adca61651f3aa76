/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * What a packet says of itself. packet_parse() reads Ethernet, up to two VLAN tags, IPv4 with
 * options or IPv6 with extension headers, and the ports; for an ICMP error, those of the packet
 * that it quotes. It looks at no table: whose the packet is, steer.h decides.
 */
#ifndef SLUICE_PACKET_H
#define SLUICE_PACKET_H

#include "sluice/cursor.h"
#include "sluice/flow.h"
#include "sluice/source.h"
#include "sluice/verdict.h"
#include "sluice/wire.h"

enum packet_flags {
	PACKET_V6 = 1 << 0,
	PACKET_ICMP_ERROR = 1 << 1, /* `flow` is that of the quoted packet, seen from the client */
	PACKET_ECHO = 1 << 2,       /* an echo request */
	PACKET_FRAGMENT = 1 << 3,   /* any fragment */
	PACKET_NO_PORTS = 1 << 4,   /* a fragment that doesn't carry the transport header */
	PACKET_DF = 1 << 5,         /* may not be fragmented; always set for IPv6 */
	/* The transport checksum covers all behind one plain IP header, so that the sum over the
	 * whole IP packet follows from the IP header alone: see encap_inner_sum(). */
	PACKET_SUM_KNOWN = 1 << 6,
	PACKET_OPENS = 1 << 7, /* the first packet of a connection: a TCP SYN, a QUIC Initial */
	/* Goes where its flow is, and changes nothing in what is remembered of that. */
	PACKET_TRACELESS = PACKET_ICMP_ERROR | PACKET_NO_PORTS,
};

enum {
	PACKET_EXTENSIONS_MAX = 8, /* IPv6 extension headers; nobody sends more in earnest */
};

struct packet {
	struct flow
		flow; /* source and destination addresses are set whenever the IP header is sane */
	uint32_t ip_bytes;  /* of the IP packet, header included; Ethernet padding is not */
	uint16_t l3_offset; /* of the IP header, from the frame's start: 14, 18 or 22 */
	uint16_t l4_offset; /* of the transport header; 0 when there is none to reach */
	be16 ip_id;         /* what the outer identification is made of: packet_id(); 0 for IPv6 */
	uint8_t tos;        /* DSCP and ECN, of either family */
	uint8_t proto;      /* the packet's own: ICMP for an ICMP error */
	uint8_t flags;      /* enum packet_flags */
	uint8_t tcp_flags;
};

/*
 * Whether an ICMP error may be sent about a packet (RFC 1122 §3.2.2, RFC 4443 §2.4 e): not about an ICMP
 * error, nor a fragment behind the first. What comes from no host, or by broadcast, has a verdict of its
 * own (bad_source, other_mac) and doesn't get so far. How many may be sent, limit.h knows.
 */
SLUICE_INLINE bool packet_may_be_told(const struct packet *p)
{
	return !(p->flags & PACKET_TRACELESS);
}

/* Ports of a header that starts with two of them: TCP and UDP alike. */
struct SLUICE_WIRE port_pair {
	be16 src;
	be16 dst;
};

SLUICE_INLINE enum verdict packet_parse_tcp(struct cursor *c, struct packet *p, uint32_t l4_bytes)
{
	const struct tcp_header *tcp = cursor_take(c, sizeof(*tcp));
	uint32_t header_bytes;

	if (!tcp)
		return VERDICT_bad_tcp;
	header_bytes = tcp->data_offset >> 2 & 0x3cU; /* 4 bytes each */
	if (header_bytes < sizeof(*tcp) || header_bytes > l4_bytes)
		return VERDICT_bad_tcp;
	p->flow.last |= wire_load32(tcp); /* both ports */
	p->tcp_flags = tcp->flags;
	p->flags |= PACKET_SUM_KNOWN |
		    ((tcp->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? PACKET_OPENS : 0);
	return VERDICT_forward;
}

/* A QUIC packet with a long header, up to its first connection id: RFC 8999 §5.1. */
struct SLUICE_WIRE quic_header {
	uint8_t form_type;
	uint8_t version[4];
	uint8_t dcid_bytes; /* the destination's connection id follows, then the source's length */
};

enum {
	/* A client pads a datagram with an Initial to 1200 bytes at least: RFC 9000 §14.1. */
	QUIC_INITIAL_UDP_BYTES_MIN = 1200 + sizeof(struct udp_header),
	/* Of the destination's id, which a client makes up for its first Initial: RFC 9000 §7.2. */
	QUIC_DCID_BYTES_MIN = 8,
	QUIC_CID_BYTES_MAX = 20, /* RFC 9000 §17.2 */
};

/*
 * Whether a payload begins as a client's first Initial does: type 0 of version 1 (RFC 9000
 * §17.2.2), type 1 of version 2 (RFC 9369 §3.2). A client that tries another version is told so, and
 * comes again with one of these. packet_opens_quic() looks at the source's id as well.
 */
SLUICE_INLINE bool packet_is_quic_initial(const struct quic_header *quic)
{
	const be32 version = wire_load32(quic->version);
	const uint32_t type = quic->form_type & 0xf0U;

	return ((type == 0xc0 && version == be32_from(1)) ||
		(type == 0xd0 && version == be32_from(0x6b3343cf))) &&
	       quic->dcid_bytes >= QUIC_DCID_BYTES_MIN && quic->dcid_bytes <= QUIC_CID_BYTES_MAX;
}

/* Whether a payload that is long enough opens a flow; `c` stands at its first byte. */
SLUICE_INLINE bool packet_opens_quic(struct cursor *c)
{
	const struct quic_header *quic = cursor_take(c, sizeof(*quic));
	const uint8_t *scid_bytes;

	if (!quic || !packet_is_quic_initial(quic) || !cursor_take(c, quic->dcid_bytes))
		return false;
	scid_bytes = cursor_take(c, sizeof(*scid_bytes));
	return scid_bytes && *scid_bytes <= QUIC_CID_BYTES_MAX;
}

SLUICE_INLINE enum verdict packet_parse_udp(struct cursor *c, struct packet *p, uint32_t l4_bytes)
{
	const struct udp_header *udp = cursor_take(c, sizeof(*udp));
	uint32_t udp_bytes;

	if (!udp || l4_bytes < sizeof(*udp))
		return VERDICT_bad_udp;
	udp_bytes = be16_to(udp->length_bytes);
	if (udp_bytes < sizeof(*udp) || udp_bytes > l4_bytes)
		return VERDICT_bad_udp;
	p->flow.last |= wire_load32(udp); /* both ports */
	if (udp->checksum != 0 && udp_bytes == l4_bytes)
		p->flags |= PACKET_SUM_KNOWN;
	if (udp_bytes >= QUIC_INITIAL_UDP_BYTES_MIN && packet_opens_quic(c))
		p->flags |= PACKET_OPENS;
	return VERDICT_forward;
}

/*
 * A first fragment: its transport header may go on in the next, the ports are all that's sure.
 * Returns fragment when they are there: so packets that are none needn't be asked.
 */
SLUICE_INLINE enum verdict packet_parse_ports(struct cursor *c, struct packet *p, uint32_t l4_bytes)
{
	const struct port_pair *ports = cursor_take(c, sizeof(*ports));

	if (!ports || l4_bytes < sizeof(*ports))
		return p->proto == PROTO_TCP ? VERDICT_bad_tcp : VERDICT_bad_udp;
	p->flow.last |= wire_load32(ports); /* both ports */
	return VERDICT_fragment;
}

/*
 * The packet that an ICMPv4 error quotes (RFC 792: its IP header and 8 bytes) was sent by the
 * vip: its source is the flow's destination, and where the error was sent to. On bad_quote, and on
 * no_service for a packet of another protocol than TCP and UDP, which the kernel sent if anyone did,
 * p->flow keeps the error's own addresses.
 */
SLUICE_INLINE enum verdict packet_parse_quote_v4(struct cursor *c, struct packet *p,
						 uint32_t quote_bytes)
{
	const struct ipv4_header *ip = cursor_take(c, sizeof(*ip));
	const struct port_pair *ports;
	uint32_t header_bytes;

	if (!ip || ip->version_ihl >> 4 != 4 || ip->src != (be32)(p->flow.addrs[0] >> 32))
		return VERDICT_bad_quote;
	header_bytes = (ip->version_ihl & 0xfU) * 4;
	if (header_bytes < sizeof(*ip) || header_bytes > quote_bytes)
		return VERDICT_bad_quote;
	if (ip->proto != PROTO_TCP && ip->proto != PROTO_UDP)
		return VERDICT_no_service;
	if (header_bytes + sizeof(*ports) > quote_bytes ||
	    (be16_to(ip->fragment) & IPV4_OFFSET) != 0)
		return VERDICT_bad_quote;
	if (!cursor_take(c, cursor_bound(header_bytes - (uint32_t)sizeof(*ip), 63)))
		return VERDICT_bad_quote;
	ports = cursor_take(c, sizeof(*ports));
	if (!ports)
		return VERDICT_bad_quote;
	p->flow.addrs[0] = (uint64_t)ip->dst | (uint64_t)ip->src << 32;
	p->flow.last = flow_last(ports->dst, ports->src, ip->proto, FLOW_BYTES_V4);
	p->flags |= PACKET_ICMP_ERROR;
	return VERDICT_forward;
}

SLUICE_INLINE enum verdict packet_parse_icmp_v4(struct cursor *c, struct packet *p,
						uint32_t l4_bytes)
{
	const struct icmp_header *icmp = cursor_take(c, sizeof(*icmp));

	if (!icmp || l4_bytes < sizeof(*icmp))
		return VERDICT_bad_icmp;
	p->flags |= PACKET_SUM_KNOWN;
	switch (icmp->type) {
	case ICMP_ECHO:
		p->flags |= PACKET_ECHO;
		return VERDICT_forward;
	case ICMP_UNREACHABLE:
	case ICMP_SOURCE_QUENCH:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETER:
		return packet_parse_quote_v4(c, p, l4_bytes - (uint32_t)sizeof(*icmp));
	}
	return VERDICT_no_service;
}

/*
 * An IPv4 packet's identification. Fragments of one datagram share theirs, but each gets an outer
 * packet of its own, which a router may fragment again: so they are told apart by their offset,
 * times an odd number, which gives each offset another result (all modulo 2^16).
 */
SLUICE_INLINE be16 packet_id(const struct ipv4_header *ip)
{
	uint32_t offset = be16_to(ip->fragment) & IPV4_OFFSET;

	return ip->id ^ be16_from((uint16_t)(offset * 0x9e37U));
}

SLUICE_INLINE enum verdict packet_parse_v4(struct cursor *c, struct packet *p)
{
	const struct ipv4_header *ip = cursor_take(c, sizeof(*ip));
	uint32_t header_bytes;

	if (!ip)
		return VERDICT_short_ip;
	if (ip->version_ihl >> 4 != 4)
		return VERDICT_bad_ip_version;
	header_bytes = (ip->version_ihl & 0xfU) * 4;
	if (header_bytes < sizeof(*ip))
		return VERDICT_bad_ip_header;
	p->ip_bytes = be16_to(ip->total_bytes);
	if (p->ip_bytes < header_bytes || p->ip_bytes > c->frame_bytes - p->l3_offset)
		return VERDICT_bad_ip_length;
	p->flow.addrs[0] = (uint64_t)ip->src | (uint64_t)ip->dst << 32;
	p->flow.last = flow_last(0, 0, ip->proto, FLOW_BYTES_V4);
	p->tos = ip->tos;
	p->proto = ip->proto;
	p->flags = ip->fragment & be16_from(IPV4_DF) ? PACKET_DF : 0;
	p->ip_id = packet_id(ip);
	if (ip->fragment & be16_from(IPV4_MF | IPV4_OFFSET))
		p->flags |= PACKET_FRAGMENT;
	if (!cursor_take(c, cursor_bound(header_bytes - (uint32_t)sizeof(*ip), 63)))
		return VERDICT_bad_ip_header;
	if (source_is_bad_v4(ip->src, ip->dst))
		return VERDICT_bad_source;
	if (ip->fragment & be16_from(IPV4_OFFSET)) {
		p->flags |= PACKET_NO_PORTS;
		return VERDICT_fragment;
	}
	p->l4_offset = (uint16_t)(p->l3_offset + header_bytes);
	switch (ip->proto) {
	case PROTO_TCP:
	case PROTO_UDP:
		if (p->flags & PACKET_FRAGMENT)
			return packet_parse_ports(c, p, p->ip_bytes - header_bytes);
		if (ip->proto == PROTO_TCP)
			return packet_parse_tcp(c, p, p->ip_bytes - header_bytes);
		return packet_parse_udp(c, p, p->ip_bytes - header_bytes);
	case PROTO_ICMP:
		/* Of a fragmented message no checksum covers what is here. */
		if (p->flags & PACKET_FRAGMENT)
			return VERDICT_fragment;
		return packet_parse_icmp_v4(c, p, p->ip_bytes - header_bytes);
	}
	return VERDICT_no_service;
}

/* The extension headers among the protocols below 64, one bit each. */
#define PACKET_EXTENSIONS                                                             \
	(1ULL << PROTO_HOP_BY_HOP | 1ULL << PROTO_ROUTING | 1ULL << PROTO_DEST_OPTS | \
	 1ULL << PROTO_FRAGMENT | 1ULL << PROTO_AH)

SLUICE_INLINE bool packet_is_extension(uint8_t kind)
{
	return kind < 64 && PACKET_EXTENSIONS >> kind & 1;
}

/*
 * Whether a fragment behind the first is of a protocol that Sluice passes on when it is whole: GRE, ESP,
 * SCTP and so on. Of IPv6 options within the fragments, what follows stands in the first alone.
 */
SLUICE_INLINE bool packet_is_passed_on(const struct packet *p)
{
	const bool v6 = p->flags & PACKET_V6;

	return p->flags & PACKET_NO_PORTS && p->proto != PROTO_TCP && p->proto != PROTO_UDP &&
	       p->proto != (v6 ? PROTO_ICMPV6 : PROTO_ICMP) &&
	       !(v6 && packet_is_extension(p->proto));
}

/* What an IPv6 header chain leads to. */
struct packet_chain {
	uint32_t bytes;       /* of the extension headers walked over */
	uint8_t next;         /* the first header that is not one of them */
	bool fragment_header; /* there is one, if only of an atomic fragment */
	bool fragment;
	bool no_ports; /* behind a fragment's first: no header follows */
	be32 id;       /* of the fragment header */
};

/*
 * What an extension header counts its length in, beyond its first 8 bytes; 0: it has no length.
 * Without branches, so that the BPF verifier sees one way through the walk, not one per kind.
 */
SLUICE_INLINE uint32_t packet_extension_unit(uint8_t kind)
{
	const uint64_t by8 =
		1ULL << PROTO_HOP_BY_HOP | 1ULL << PROTO_ROUTING | 1ULL << PROTO_DEST_OPTS;
	const uint64_t by4 = 1ULL << PROTO_AH; /* RFC 4302 §2.2 */

	return (uint32_t)((by8 >> kind & 1) << 3 | (by4 >> kind & 1) << 2);
}

/*
 * Walks over IPv6 extension headers (RFC 8200 §4) within `limit_bytes`. False where the chain is
 * broken: cut, longer than the packet, hop-by-hop options behind another header, a second
 * fragment header, more than PACKET_EXTENSIONS_MAX.
 */
SLUICE_INLINE bool packet_walk(struct cursor *c, struct packet_chain *chain, uint32_t limit_bytes)
{
	for (int i = 0; i <= PACKET_EXTENSIONS_MAX; i++) {
		const struct ipv6_fragment *header; /* as long as the shortest of any kind */
		uint32_t more_bytes;
		uint8_t kind = chain->next;

		if (kind == PROTO_HOP_BY_HOP && i > 0)
			return false;
		if (!packet_is_extension(kind))
			return true;
		if (i == PACKET_EXTENSIONS_MAX ||
		    (kind == PROTO_FRAGMENT && chain->fragment_header))
			return false;
		header = cursor_take(c, sizeof(*header));
		if (!header)
			return false;
		chain->next = header->next;
		more_bytes = cursor_bound(header->reserved * packet_extension_unit(kind), 2047);
		if (kind == PROTO_FRAGMENT) {
			/* An atomic fragment (RFC 6946: offset 0, no more) is a whole packet. */
			chain->fragment_header = true;
			chain->fragment = (be16_to(header->offset_more) & 0xfff9) != 0;
			chain->no_ports = be16_to(header->offset_more) >> 3 != 0;
			chain->id = header->id;
		}
		chain->bytes += (uint32_t)sizeof(*header) + more_bytes;
		if (chain->bytes > limit_bytes)
			return false;
		if (chain->no_ports)
			return true;
		if (!cursor_take(c, more_bytes))
			return false;
	}
	return false;
}

#ifdef __bpf__
/* packet_walk() in a function of its own, which the verifier looks at once: ebpf/frame.bpf.h. */
bool packet_walk_apart(struct cursor *c, struct packet_chain *chain, uint32_t limit_bytes);
#endif

/* Nearly no packet has any. */
SLUICE_INLINE bool packet_walk_extensions(struct cursor *c, struct packet_chain *chain,
					  uint32_t limit_bytes)
{
	if (!packet_is_extension(chain->next))
		return true;
#ifdef __bpf__
	return packet_walk_apart(c, chain, limit_bytes);
#else
	return packet_walk(c, chain, limit_bytes);
#endif
}

/* As for IPv4; an error message quotes as much as fits (RFC 4443 §2.4 c). */
SLUICE_INLINE enum verdict packet_parse_quote_v6(struct cursor *c, struct packet *p,
						 uint32_t quote_bytes)
{
	const struct ipv6_header *ip = cursor_take(c, sizeof(*ip));
	struct packet_chain chain = {0};
	const struct port_pair *ports;

	if (!ip || quote_bytes < sizeof(*ip) || (be32_to(ip->version_class_label) >> 28) != 6 ||
	    ip->src[0] != p->flow.addrs[2] || ip->src[1] != p->flow.addrs[3])
		return VERDICT_bad_quote;
	chain.next = ip->next;
	if (!packet_walk_extensions(c, &chain, quote_bytes - (uint32_t)sizeof(*ip)) ||
	    (chain.no_ports && packet_is_extension(chain.next)))
		return VERDICT_bad_quote;
	if (chain.next != PROTO_TCP && chain.next != PROTO_UDP)
		return VERDICT_no_service;
	if (chain.no_ports || chain.bytes + sizeof(*ip) + sizeof(*ports) > quote_bytes)
		return VERDICT_bad_quote;
	ports = cursor_take(c, sizeof(*ports));
	if (!ports)
		return VERDICT_bad_quote;
	p->flow.addrs[0] = ip->dst[0];
	p->flow.addrs[1] = ip->dst[1];
	p->flow.addrs[2] = ip->src[0];
	p->flow.addrs[3] = ip->src[1];
	p->flow.last = flow_last(ports->dst, ports->src, chain.next, FLOW_BYTES_V6);
	p->flags |= PACKET_ICMP_ERROR;
	return VERDICT_forward;
}

SLUICE_INLINE enum verdict packet_parse_icmp_v6(struct cursor *c, struct packet *p,
						uint32_t l4_bytes)
{
	const struct icmp_header *icmp = cursor_take(c, sizeof(*icmp));

	if (!icmp || l4_bytes < sizeof(*icmp))
		return VERDICT_bad_icmp;
	p->flags |= PACKET_SUM_KNOWN;
	if (icmp->type == ICMPV6_ECHO) {
		p->flags |= PACKET_ECHO;
		return VERDICT_forward;
	}
	if (icmp->type >= 1 && icmp->type <= ICMPV6_ERROR_LAST)
		return packet_parse_quote_v6(c, p, l4_bytes - (uint32_t)sizeof(*icmp));
	return VERDICT_no_service;
}

SLUICE_INLINE enum verdict packet_parse_v6(struct cursor *c, struct packet *p)
{
	const struct ipv6_header *ip = cursor_take(c, sizeof(*ip));
	struct packet_chain chain = {0};
	uint32_t payload_bytes, l4_bytes;
	enum verdict verdict;

	if (!ip)
		return VERDICT_short_ip;
	if (be32_to(ip->version_class_label) >> 28 != 6)
		return VERDICT_bad_ip_version;
	payload_bytes = be16_to(ip->payload_bytes);
	p->ip_bytes = payload_bytes + (uint32_t)sizeof(*ip);
	if (p->ip_bytes > c->frame_bytes - p->l3_offset)
		return VERDICT_bad_ip_length;
	p->flow.addrs[0] = ip->src[0];
	p->flow.addrs[1] = ip->src[1];
	p->flow.addrs[2] = ip->dst[0];
	p->flow.addrs[3] = ip->dst[1];
	p->tos = (uint8_t)(be32_to(ip->version_class_label) >> 20);
	p->flags |= PACKET_V6 | PACKET_DF;
	chain.next = ip->next;
	p->proto = ip->next;
	p->flow.last = flow_last(0, 0, ip->next, FLOW_BYTES_V6);
	if (source_is_bad_v6(&p->flow.addrs[0], &p->flow.addrs[2]))
		return VERDICT_bad_source;
	if (!packet_walk_extensions(c, &chain, payload_bytes))
		return VERDICT_bad_extension;
	p->proto = chain.next;
	p->flow.last = flow_last(0, 0, chain.next, FLOW_BYTES_V6);
	if (chain.fragment)
		p->flags |= PACKET_FRAGMENT;
	if (chain.no_ports) {
		p->flags |= PACKET_NO_PORTS;
		return VERDICT_fragment;
	}
	l4_bytes = payload_bytes - chain.bytes;
	p->l4_offset = (uint16_t)(p->l3_offset + sizeof(*ip) + chain.bytes);
	switch (chain.next) {
	case PROTO_TCP:
	case PROTO_UDP:
		if (chain.fragment)
			return packet_parse_ports(c, p, l4_bytes);
		verdict = chain.next == PROTO_TCP ? packet_parse_tcp(c, p, l4_bytes)
						  : packet_parse_udp(c, p, l4_bytes);
		break;
	case PROTO_ICMPV6:
		if (chain.fragment)
			return VERDICT_fragment;
		verdict = packet_parse_icmp_v6(c, p, l4_bytes);
		break;
	default:
		return VERDICT_no_service;
	}
	/* The transport checksum doesn't cover extension headers. */
	if (chain.bytes > 0)
		p->flags &= (uint8_t)~PACKET_SUM_KNOWN;
	return verdict;
}

/*
 * Parses a frame. `c` stands at its first byte, and is used up. Returns
 *  - forward: `p` is whole: a flow (TCP, UDP, or that of an ICMP error) or an echo request;
 *  - fragment: any fragment, of which the IP header is sane. p->flow is a flow if it is the first
 *    of TCP or UDP; others lack the ports, see fragment.h;
 *  - not_ip, no_service: nothing that a service could want (the IP header is parsed for the latter);
 *  - bad_extension, bad_tcp, bad_udp, bad_icmp, bad_quote: the IP header is sane and the packet's
 *    addresses stand in p->flow, what follows isn't usable;
 *  - bad_source: the same, and it comes from no host (source.h); what follows was not looked at;
 *  - short_frame, short_ip, bad_ip_*: not even that.
 */
SLUICE_INLINE enum verdict packet_parse(struct cursor *c, struct packet *p)
{
	const struct ether_header *ether = cursor_take(c, sizeof(*ether));
	be16 type;

	*p = (struct packet){0};
	if (!ether)
		return VERDICT_short_frame;
	p->l3_offset = sizeof(*ether);
	type = ether->type;
	for (int i = 0; i < 2; i++) {
		const struct vlan_tag *tag;

		if (type != be16_from(ETHER_VLAN) && type != be16_from(ETHER_QINQ))
			break;
		tag = cursor_take(c, sizeof(*tag));
		if (!tag)
			return VERDICT_short_frame;
		type = tag->type;
		p->l3_offset = (uint16_t)(p->l3_offset + sizeof(*tag));
	}
	if (type == be16_from(ETHER_IPV4))
		return packet_parse_v4(c, p);
	if (type == be16_from(ETHER_IPV6))
		return packet_parse_v6(c, p);
	return VERDICT_not_ip;
}

/*
 * What becomes of packet_parse()'s word on a frame to a MAC that the port doesn't take frames to
 * (mac.h): whatever it was, it's the kernel's, and if it is to a vip, that is counted.
 */
SLUICE_INLINE enum verdict packet_not_ours(const struct packet *p, enum verdict parsed)
{
	if (parsed == VERDICT_not_ip || parsed == VERDICT_no_service)
		return parsed;
	if (parsed == VERDICT_fragment && packet_is_passed_on(p))
		return VERDICT_no_service;
	return VERDICT_other_mac;
}

/*
 * The identification that all fragments of a datagram have in common. `c` stands at the first byte
 * of a frame of which packet_parse() said `fragment`, and is used up. False: never then.
 */
SLUICE_INLINE bool packet_fragment_id(struct cursor *c, uint32_t l3_offset, bool v6, uint32_t *id)
{
	struct packet_chain chain = {0};
	const struct ipv6_header *ip6;

	if (!cursor_take(c, cursor_bound(l3_offset, 31))) /* 22 at most */
		return false;
	if (!v6) {
		const struct ipv4_header *ip4 = cursor_take(c, sizeof(*ip4));

		*id = ip4 ? ip4->id : 0;
		return ip4;
	}
	ip6 = cursor_take(c, sizeof(*ip6));
	if (!ip6)
		return false;
	chain.next = ip6->next;
	if (!packet_walk(c, &chain, be16_to(ip6->payload_bytes)))
		return false;
	*id = chain.id;
	return chain.fragment;
}

#endif
