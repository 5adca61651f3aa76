/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * Refusals, sent back by the port that the packet came by, its VLAN tags kept: a TCP reset
 * (RFC 9293 §3.10.7.1) or, for UDP, ICMP port unreachable (RFC 1122 §4.1.3.1, RFC 4443 §3.1).
 *
 * A path calls reject_read(), moves the frame's head by reject_growth(), cuts the frame to
 * reject_bytes(), and calls reject_write().
 */
#ifndef SLUICE_REJECT_H
#define SLUICE_REJECT_H

#include "sluice/answer.h"

enum {
	/* Where a transport header may begin at most: within what is quoted. */
	REJECT_L4_MAX = 480,
};

/*
 * Whether a packet of a TCP or UDP flow may be refused: no reset is answered with one (RFC 9293
 * §3.10.7.1), no ICMP error with an error, nor a fragment but the first (RFC 1122 §3.2.2); of TCP
 * not the first either, for it doesn't tell how long the segment is.
 */
SLUICE_INLINE bool reject_may(const struct packet *p)
{
	if (p->flags & PACKET_TRACELESS || p->l4_offset > REJECT_L4_MAX)
		return false;
	if (p->proto != PROTO_TCP)
		return true;
	return !(p->flags & PACKET_FRAGMENT) && !(p->tcp_flags & TCP_RST);
}

/* How much of the packet an ICMP error quotes: whole words, always with both ports and UDP's length. */
SLUICE_INLINE uint32_t reject_quote_bytes(const struct packet *p)
{
	return (p->ip_bytes < ANSWER_QUOTE_BYTES ? p->ip_bytes : ANSWER_QUOTE_BYTES) & ~3U;
}

SLUICE_INLINE uint32_t reject_growth(const struct packet *p)
{
	return p->proto == PROTO_TCP ? 0 : answer_too_big_growth(p);
}

/* How long the answer's frame is. Ethernet pads it, where it is short. */
SLUICE_INLINE uint32_t reject_bytes(const struct packet *p)
{
	uint32_t ip_header =
		p->flags & PACKET_V6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);

	if (p->proto == PROTO_TCP)
		return p->l3_offset + ip_header + (uint32_t)sizeof(struct tcp_header);
	return p->l3_offset + answer_too_big_growth(p) + reject_quote_bytes(p);
}

/* The reset's header, but for its checksum. */
struct reject {
	be16 src_port, dst_port;
	be32 seq, ack;
	uint16_t offset_flags; /* as they lie in memory */
};

/*
 * What the answer needs of a packet that reject_may(); `c` stands at the frame's first byte. False:
 * out of reach.
 */
SLUICE_INLINE bool reject_read(struct cursor c, const struct packet *p, struct reject *r)
{
	const uint32_t offset = 0x50; /* 5 words */
	const struct tcp_header *tcp;
	uint32_t bytes;

	*r = (struct reject){0};
	if (p->proto != PROTO_TCP)
		return true;
	if (!cursor_take(&c, cursor_bound(p->l4_offset, 511)))
		return false;
	tcp = cursor_take(&c, sizeof(*tcp));
	if (!tcp)
		return false;
	r->src_port = tcp->dst_port;
	r->dst_port = tcp->src_port;
	if (tcp->flags & TCP_ACK) {
		r->seq = tcp->ack;
		r->offset_flags = (uint16_t)(offset | TCP_RST << 8);
		return true;
	}
	/* What the segment takes of the sequence: its data, SYN and FIN. */
	bytes = p->ip_bytes + p->l3_offset - p->l4_offset - (tcp->data_offset >> 2 & 0x3cU);
	bytes += (tcp->flags >> 1 & 1U) + (tcp->flags & TCP_FIN);
	r->ack = be32_from(be32_to(tcp->seq) + bytes);
	r->offset_flags = (uint16_t)(offset | (TCP_RST | TCP_ACK) << 8);
	return true;
}

SLUICE_INLINE void reject_write_tcp(struct tcp_header *tcp, const struct packet *p,
				    const struct reject *r)
{
	uint32_t sum = answer_pseudo_sum(p, PROTO_TCP, sizeof(*tcp)) + r->src_port + r->dst_port +
		       checksum_word(r->seq) + checksum_word(r->ack) + r->offset_flags;

	tcp->src_port = r->src_port;
	tcp->dst_port = r->dst_port;
	tcp->seq = r->seq;
	tcp->ack = r->ack;
	wire_store16(&tcp->data_offset, r->offset_flags);
	tcp->window = 0;
	tcp->checksum = checksum_finish(sum);
	tcp->urgent = 0;
}

/* In the place of the packet, whose head hasn't moved. */
SLUICE_INLINE bool reject_write_reset(struct cursor c, const struct packet *p,
				      const struct reject *r)
{
	struct cursor l3 = c;
	struct ether_header *ether = cursor_take(&c, sizeof(*ether));
	struct tcp_header *tcp;

	if (!ether || !cursor_take(&l3, cursor_bound(p->l3_offset, 31)))
		return false;
	if (p->flags & PACKET_V6) {
		struct ipv6_header *ip = cursor_take(&l3, sizeof(*ip));

		if (!ip)
			return false;
		tcp = cursor_take(&l3, sizeof(*tcp));
		if (!tcp)
			return false;
		answer_write_v6(ip, p, PROTO_TCP, sizeof(*tcp));
	} else {
		struct ipv4_header *ip = cursor_take(&l3, sizeof(*ip));

		if (!ip)
			return false;
		tcp = cursor_take(&l3, sizeof(*tcp));
		if (!tcp)
			return false;
		answer_write_v4(ip, p, PROTO_TCP, sizeof(*tcp));
	}
	reject_write_tcp(tcp, p, r);
	answer_swap_macs(ether);
	return true;
}

/* The sum over a quote of so many bytes, at which `c` stands. */
SLUICE_INLINE bool reject_quote_sum(struct cursor c, uint32_t quote_bytes, uint64_t *sum)
{
	*sum = 0;
	for (uint32_t at = 0; at < ANSWER_QUOTE_BYTES; at += 4) {
		const uint8_t *word;

		if (at >= quote_bytes)
			break;
		word = cursor_take(&c, 4);
		if (!word)
			return false;
		*sum += wire_load32(word);
	}
	return true;
}

SLUICE_INLINE bool reject_write_unreachable(struct cursor c, const struct packet *p)
{
	const bool v6 = p->flags & PACKET_V6;
	const struct answer_error error = {
		.type = v6 ? ICMPV6_UNREACHABLE : ICMP_UNREACHABLE,
		.code = v6 ? ICMPV6_PORT_CODE : ICMP_PORT_CODE,
		.quote_bytes = reject_quote_bytes(p),
	};
	const uint32_t bytes = (uint32_t)sizeof(struct icmp_header) + error.quote_bytes;
	struct cursor was = c;
	struct icmp_header *icmp;
	uint64_t sum;

	if (!cursor_take(&was, answer_too_big_growth(p)) || !answer_copy_l2(&c, was, p->l3_offset))
		return false;
	if (v6) {
		struct ipv6_header *ip = cursor_take(&c, sizeof(*ip));

		if (!ip)
			return false;
		icmp = cursor_take(&c, sizeof(*icmp));
		if (!icmp)
			return false;
		answer_write_v6(ip, p, PROTO_ICMPV6, bytes);
	} else {
		struct ipv4_header *ip = cursor_take(&c, sizeof(*ip));

		if (!ip)
			return false;
		icmp = cursor_take(&c, sizeof(*icmp));
		if (!icmp)
			return false;
		answer_write_v4(ip, p, PROTO_ICMP, bytes);
	}
	if (!reject_quote_sum(c, error.quote_bytes, &sum))
		return false;
	answer_write_icmp(icmp, p, &error, sum);
	return true;
}

/* `c` stands at the frame's new first byte. False: out of reach. */
SLUICE_INLINE bool reject_write(struct cursor c, const struct packet *p, const struct reject *r)
{
	return p->proto == PROTO_TCP ? reject_write_reset(c, p, r) : reject_write_unreachable(c, p);
}

#endif
