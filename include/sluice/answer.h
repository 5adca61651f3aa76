/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * Frames that the balancer answers itself, out of the port they came by, their VLAN tags kept:
 * an echo request to a vip (RFC 792, RFC 4443 §4.2), and a packet that would not fit with its
 * outer headers (RFC 1191 §4, RFC 4443 §3.2). reject.h has those to packets that are refused.
 */
#ifndef SLUICE_ANSWER_H
#define SLUICE_ANSWER_H

#include "sluice/checksum.h"
#include "sluice/packet.h"

enum {
	ANSWER_TTL = 64,
	ANSWER_FRAME_BYTES_MIN = 60, /* of Ethernet, without its checksum: IEEE 802.3 §3.2.8 */
	/*
	 * Of the packet that was too big, this much is quoted. IPv4 hosts need 28 bytes, and may
	 * get 576 in all (RFC 1812 §4.3.2.3); for IPv6 as much as fits 1,280 bytes is asked for,
	 * but what a sender reads is in the first headers, and the checksum runs over it all.
	 */
	ANSWER_QUOTE_BYTES = 512,
};

SLUICE_INLINE void answer_swap_macs(struct ether_header *ether)
{
	struct ether_header was;

	__builtin_memcpy(&was, ether, sizeof(was));
	__builtin_memcpy(ether->dst, was.src, sizeof(was.src));
	__builtin_memcpy(ether->src, was.dst, sizeof(was.dst));
}

SLUICE_INLINE bool answer_echo_v4(struct cursor c, struct cursor l4)
{
	struct ipv4_header *ip = cursor_take(&c, sizeof(*ip));
	struct icmp_header *icmp;
	be32 client;

	if (!ip) /* at once: of two open bounds the verifier forgets one */
		return false;
	icmp = cursor_take(&l4, sizeof(*icmp));
	if (!icmp)
		return false;
	client = ip->src;
	ip->src = ip->dst;
	ip->dst = client;
	/* TTL and protocol share a word. */
	ip->checksum = checksum_update(ip->checksum, (uint16_t)(ip->ttl | ip->proto << 8),
				       (uint16_t)(ANSWER_TTL | ip->proto << 8));
	ip->ttl = ANSWER_TTL;
	icmp->checksum = checksum_update(icmp->checksum, ICMP_ECHO, ICMP_ECHO_REPLY);
	/* An update can't tell 0 from -0. All ones is right in both cases; 0 is wrong where the
	 * whole message is zeros: a reply of id 0, sequence 0 and no payload. */
	if (icmp->checksum == 0)
		icmp->checksum = 0xffff;
	icmp->type = ICMP_ECHO_REPLY;
	return true;
}

SLUICE_INLINE bool answer_echo_v6(struct cursor c, struct cursor l4)
{
	struct ipv6_header *ip = cursor_take(&c, sizeof(*ip));
	struct icmp_header *icmp;
	uint64_t client[2];

	if (!ip)
		return false;
	icmp = cursor_take(&l4, sizeof(*icmp));
	if (!icmp)
		return false;
	client[0] = ip->src[0];
	client[1] = ip->src[1];
	ip->src[0] = ip->dst[0];
	ip->src[1] = ip->dst[1];
	ip->dst[0] = client[0];
	ip->dst[1] = client[1];
	ip->hop_limit = ANSWER_TTL;
	icmp->checksum = checksum_update(icmp->checksum, ICMPV6_ECHO, ICMPV6_ECHO_REPLY);
	icmp->type = ICMPV6_ECHO_REPLY;
	return true;
}

/* Turns the request, whose first byte `c` stands at, into its reply. False: out of reach. */
SLUICE_INLINE bool answer_echo(struct cursor c, const struct packet *p)
{
	struct cursor l3 = c, l4 = c;
	struct ether_header *ether = cursor_take(&c, sizeof(*ether));

	if (!ether || p->l3_offset > 31 || p->l4_offset > 1023 ||
	    !cursor_take(&l3, cursor_bound(p->l3_offset, 31)) ||
	    !cursor_take(&l4, cursor_bound(p->l4_offset, 1023)))
		return false;
	if (p->flags & PACKET_V6 ? !answer_echo_v6(l3, l4) : !answer_echo_v4(l3, l4))
		return false;
	answer_swap_macs(ether);
	return true;
}

/* The addresses of a packet of which the rest is known; `c` stands at the frame's first byte. */
SLUICE_INLINE bool answer_read_addresses(struct cursor c, struct packet *p)
{
	if (!cursor_take(&c, cursor_bound(p->l3_offset, 31)))
		return false;
	if (p->flags & PACKET_V6) {
		const struct ipv6_header *ip = cursor_take(&c, sizeof(*ip));

		if (!ip)
			return false;
		__builtin_memcpy(p->flow.addrs, ip->src, sizeof(p->flow.addrs));
	} else {
		const struct ipv4_header *ip = cursor_take(&c, sizeof(*ip));

		if (!ip)
			return false;
		p->flow.addrs[0] = wire_load64(&ip->src);
	}
	return true;
}

/*
 * How long a reply's frame is at most; the path cuts the rest off: padding beyond what Ethernet asks for
 * isn't carried back.
 */
SLUICE_INLINE uint32_t answer_echo_bytes(const struct packet *p)
{
	uint32_t bytes = p->l3_offset + p->ip_bytes;

	return bytes < ANSWER_FRAME_BYTES_MIN ? ANSWER_FRAME_BYTES_MIN : bytes;
}

/* How far the frame's head moves for a "too big" answer: an IP and an ICMP header. */
SLUICE_INLINE uint32_t answer_too_big_growth(const struct packet *p)
{
	return (uint32_t)sizeof(struct icmp_header) +
	       (p->flags & PACKET_V6 ? (uint32_t)sizeof(struct ipv6_header)
				     : (uint32_t)sizeof(struct ipv4_header));
}

/* How long the answer's frame is; the path cuts the rest off. */
SLUICE_INLINE uint32_t answer_too_big_bytes(const struct packet *p)
{
	return p->l3_offset + answer_too_big_growth(p) + ANSWER_QUOTE_BYTES;
}

/* The sum over the quote, at which `c` stands. */
SLUICE_INLINE bool answer_quote_sum(struct cursor *c, uint64_t *sum)
{
	const struct {
		uint32_t word[ANSWER_QUOTE_BYTES / 4];
	} SLUICE_WIRE *quote = cursor_take(c, ANSWER_QUOTE_BYTES);

	if (!quote)
		return false;
	*sum = 0;
	for (int i = 0; i < ANSWER_QUOTE_BYTES / 4; i++)
		*sum += quote->word[i];
	return true;
}

SLUICE_INLINE uint32_t answer_sum_64(uint64_t sum)
{
	return checksum_word((uint32_t)sum) + checksum_word((uint32_t)(sum >> 32));
}

/* Ethernet and tags, from `was` (at the old frame) to `c`, sender and receiver swapped. */
SLUICE_INLINE bool answer_copy_l2(struct cursor *c, struct cursor was, uint32_t l3_offset)
{
	const struct ether_header *old = cursor_take(&was, sizeof(*old));
	struct ether_header *ether;

	if (!old)
		return false;
	ether = cursor_take(c, sizeof(*ether));
	if (!ether)
		return false;
	__builtin_memcpy(ether->dst, old->src, sizeof(ether->dst));
	__builtin_memcpy(ether->src, old->dst, sizeof(ether->src));
	ether->type = old->type;
	for (uint32_t at = sizeof(*ether); at < 22; at += sizeof(struct vlan_tag)) {
		const struct vlan_tag *old_tag;
		struct vlan_tag *tag;

		if (at >= l3_offset)
			break;
		old_tag = cursor_take(&was, sizeof(*old_tag));
		tag = cursor_take(c, sizeof(*tag));
		if (!old_tag || !tag)
			return false;
		tag->tci = old_tag->tci;
		tag->type = old_tag->type;
	}
	return true;
}

/* From the address that the packet was for, to its sender, with `payload_bytes` of `proto` behind. */
SLUICE_INLINE void answer_write_v4(struct ipv4_header *ip, const struct packet *p, uint8_t proto,
				   uint32_t payload_bytes)
{
	uint32_t src = (uint32_t)(p->flow.addrs[0] >> 32), dst = (uint32_t)p->flow.addrs[0];
	be16 total = be16_from((uint16_t)(sizeof(*ip) + payload_bytes));

	ip->version_ihl = 0x45;
	ip->tos = 0;
	ip->total_bytes = total;
	ip->id = 0;
	ip->fragment = be16_from(IPV4_DF);
	ip->ttl = ANSWER_TTL;
	ip->proto = proto;
	ip->checksum = checksum_finish(0x45U + total + be16_from(IPV4_DF) +
				       (ANSWER_TTL | (uint32_t)proto << 8) + checksum_word(src) +
				       checksum_word(dst));
	ip->src = src;
	ip->dst = dst;
}

SLUICE_INLINE void answer_write_v6(struct ipv6_header *ip, const struct packet *p, uint8_t proto,
				   uint32_t payload_bytes)
{
	const uint64_t *addrs = p->flow.addrs;

	ip->version_class_label = be32_from(6U << 28);
	ip->payload_bytes = be16_from((uint16_t)payload_bytes);
	ip->next = proto;
	ip->hop_limit = ANSWER_TTL;
	ip->src[0] = addrs[2];
	ip->src[1] = addrs[3];
	ip->dst[0] = addrs[0];
	ip->dst[1] = addrs[1];
}

/* Of the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1), which is the same for both directions. */
SLUICE_INLINE uint32_t answer_pseudo_sum(const struct packet *p, uint8_t proto, uint32_t bytes)
{
	const uint64_t *addrs = p->flow.addrs;
	uint32_t sum =
		(uint32_t)be16_from(proto) + be16_from((uint16_t)bytes) + answer_sum_64(addrs[0]);

	if (p->flags & PACKET_V6)
		sum += answer_sum_64(addrs[1]) + answer_sum_64(addrs[2]) + answer_sum_64(addrs[3]);
	return sum;
}

/* An ICMP error, of which `rest` is the second word. */
struct answer_error {
	uint8_t type, code;
	be32 rest;
	uint32_t quote_bytes;
};

/* `sum`: over the quote, which stands behind. */
SLUICE_INLINE void answer_write_icmp(struct icmp_header *icmp, const struct packet *p,
				     const struct answer_error *error, uint64_t sum)
{
	uint32_t bytes = (uint32_t)sizeof(*icmp) + error->quote_bytes;
	uint32_t pseudo = p->flags & PACKET_V6 ? answer_pseudo_sum(p, PROTO_ICMPV6, bytes) : 0;

	icmp->type = error->type;
	icmp->code = error->code;
	icmp->rest = error->rest;
	icmp->checksum = checksum_finish((error->type | (uint32_t)error->code << 8) + pseudo +
					 checksum_word(error->rest) + answer_sum_64(sum));
}

SLUICE_INLINE bool answer_too_big_v4(struct cursor *c, const struct packet *p, uint32_t mtu_bytes)
{
	struct ipv4_header *ip = cursor_take(c, sizeof(*ip));
	struct icmp_header *icmp = cursor_take(c, sizeof(*icmp));
	const struct answer_error error = {
		.type = ICMP_UNREACHABLE,
		.code = ICMP_FRAG_NEEDED_CODE,
		.rest = be32_from(mtu_bytes & 0xffff),
		.quote_bytes = ANSWER_QUOTE_BYTES,
	};
	uint64_t sum;

	if (!ip || !icmp || !answer_quote_sum(c, &sum))
		return false;
	answer_write_v4(ip, p, PROTO_ICMP, sizeof(*icmp) + ANSWER_QUOTE_BYTES);
	answer_write_icmp(icmp, p, &error, sum);
	return true;
}

SLUICE_INLINE bool answer_too_big_v6(struct cursor *c, const struct packet *p, uint32_t mtu_bytes)
{
	struct ipv6_header *ip = cursor_take(c, sizeof(*ip));
	struct icmp_header *icmp = cursor_take(c, sizeof(*icmp));
	const struct answer_error error = {
		.type = ICMPV6_TOO_BIG,
		.rest = be32_from(mtu_bytes),
		.quote_bytes = ANSWER_QUOTE_BYTES,
	};
	uint64_t sum;

	if (!ip || !icmp || !answer_quote_sum(c, &sum))
		return false;
	answer_write_v6(ip, p, PROTO_ICMPV6, sizeof(*icmp) + ANSWER_QUOTE_BYTES);
	answer_write_icmp(icmp, p, &error, sum);
	return true;
}

/*
 * Writes the answer over a frame whose head has moved by answer_too_big_growth() and which has
 * been cut to answer_too_big_bytes(); `c` stands at its new first byte. `mtu_bytes`: the longest
 * IP packet that would have fitted. False: out of reach.
 */
SLUICE_INLINE bool answer_too_big(struct cursor c, const struct packet *p, uint32_t mtu_bytes)
{
	struct cursor was = c;

	if (!cursor_take(&was, answer_too_big_growth(p)))
		return false;
	if (!answer_copy_l2(&c, was, p->l3_offset))
		return false;
	return p->flags & PACKET_V6 ? answer_too_big_v6(&c, p, mtu_bytes)
				    : answer_too_big_v4(&c, p, mtu_bytes);
}

#endif
