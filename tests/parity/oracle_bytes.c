/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle's frames: outer headers and answers, written byte by byte.
 *
 * Where the frame that came carries a wrong checksum, Sluice, which doesn't read payloads, hands
 * the error on: the checksum that it writes is off by as much. So an expected checksum is the
 * right one, over all bytes, plus the error of those that it was derived from.
 */
#include "oracle.h"

#include <string.h>

enum {
	TTL = 64,
	QUOTE_BYTES = 512,
	/* How far behind a transport header may begin to be refused, or lowered in its size. */
	L4_MAX = 480,
	CLAMP_L4_MAX = 1023,
};

/* How far a sum is from that of a valid checksum (0xffff): 0, if valid. */
static uint16_t sum_error(uint16_t sum)
{
	return sum == 0xffff ? 0 : sum;
}

/* One's complement addition; never gives 0 unless both are. */
static uint16_t sum_add(uint16_t a, uint16_t b)
{
	uint32_t sum = (uint32_t)a + b;

	return (uint16_t)(sum > 0xffff ? sum - 0xffff : sum);
}

/* What a checksum field gets, for a sum over the rest and the error that it hands on. */
static uint16_t sum_field(uint16_t rest, uint16_t error)
{
	uint16_t sum = error ? sum_add(rest, (uint16_t)~error) : rest;

	return (uint16_t)~sum;
}

static uint32_t ip_header_bytes(const uint8_t *ip)
{
	return ip[0] % 16 * 4U;
}

/* How wrong the IPv4 header's checksum is. */
static uint16_t header_error(const uint8_t *ip)
{
	return sum_error(frame_sum(0, ip, ip_header_bytes(ip)));
}

/* How wrong the transport checksum is. */
static uint16_t l4_error(const struct view *view, const uint8_t *l4)
{
	uint16_t sum = 0;

	if (view->v6 || view->proto != IP_ICMP)
		sum = frame_pseudo_sum(view->src, view->dst, view->addr_bytes, view->proto,
				       view->l4_bytes);
	return sum_error(frame_sum(sum, l4, view->l4_bytes));
}

uint32_t oracle_outer_bytes(const struct fixture_backend *backend)
{
	uint32_t ip_bytes = strchr(backend->addr, ':') ? 40 : 20;

	switch (backend->encap) {
	case ENCAP_GUE:
		return ip_bytes + 8;
	case ENCAP_GUE_VARIANT0:
		return ip_bytes + 8 + 4;
	case ENCAP_IPIP:
		break;
	}
	return ip_bytes;
}

static uint8_t *put_ethernet(uint8_t *at, const struct fixture_backend *b, uint32_t service,
			     uint32_t backend, bool v6)
{
	fixture_macs(service, backend, at, at + 6);
	at += 12;
	if (b->vlan_tci) {
		frame_put16(at, 0x8100);
		frame_put16(at + 2, b->vlan_tci);
		at += 4;
	}
	frame_put16(at, v6 ? 0x86dd : 0x0800);
	return at + 2;
}

/* The source's low bits are the flow hash's low bytes, in the order in which a CPU stores them. */
static void put_entropy(uint8_t *last_word, uint32_t bits, uint64_t hash)
{
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t from_end = 3 - i, here = bits > from_end * 8 ? bits - from_end * 8 : 0;
		uint32_t mask = here >= 8 ? 0xff : (1U << here) - 1;

		last_word[i] = (uint8_t)(last_word[i] | (hash >> (8 * i) & mask));
	}
}

/*
 * The client's own, told apart from other flows' by the hash's bytes 4 and 5, and from that of the
 * datagram's other fragments by the offset.
 */
static uint16_t outer_id(const struct view *view, uint64_t hash)
{
	uint16_t flow = (uint16_t)((hash >> 32 & 0xff) * 256 + (hash >> 40 & 0xff));

	return (uint16_t)((view->v6 ? 0 : view->id) ^ flow ^ view->offset * 0x9e37);
}

static uint8_t *put_ip(uint8_t *at, const struct fixture_backend *b, const struct view *view,
		       uint8_t proto, uint64_t hash)
{
	uint32_t n = oracle_outer_bytes(b) + view->ip_bytes, bits;

	if (strchr(b->addr, ':')) {
		frame_put32(at, 6U << 28 | (uint32_t)view->tos << 20);
		frame_put16(at + 4, (uint16_t)(n - 40));
		at[6] = proto;
		at[7] = FIXTURE_OUTER_TTL;
		bits = fixture_source(b, true, at + 8);
		put_entropy(at + 20, bits, hash);
		frame_address(b->addr, at + 24);
		return at + 40;
	}
	memset(at, 0, 20);
	at[0] = 0x45;
	at[1] = view->tos;
	frame_put16(at + 2, (uint16_t)n);
	frame_put16(at + 4, outer_id(view, hash));
	frame_put16(at + 6, view->df ? V4_DF : 0);
	at[8] = FIXTURE_OUTER_TTL;
	at[9] = proto;
	bits = fixture_source(b, false, at + 12);
	put_entropy(at + 12, bits, hash);
	frame_address(b->addr, at + 16);
	frame_put16(at + 10, (uint16_t)~frame_sum(0, at, 20));
	return at + 20;
}

static uint8_t *put_gue(uint8_t *at, const struct fixture_backend *b, const struct view *view,
			uint8_t inner_proto, uint64_t hash)
{
	bool header = b->encap == ENCAP_GUE_VARIANT0;

	frame_put16(at, (uint16_t)(49152 + hash % 16384));
	frame_put16(at + 2, FIXTURE_GUE_PORT);
	frame_put16(at + 4, (uint16_t)((header ? 12U : 8U) + view->ip_bytes));
	frame_put16(at + 6, 0);
	if (!header)
		return at + 8;
	memset(at + 8, 0, 4);
	at[9] = inner_proto;
	return at + 12;
}

/* The outer UDP checksum over IPv6, over all bytes: `udp` is followed by the whole packet. */
static void put_udp_sum(uint8_t *ip, uint8_t *udp, const struct frame *frame,
			const struct view *view)
{
	uint32_t udp_bytes = frame_get16(udp + 4);
	uint16_t sum = frame_pseudo_sum(ip + 8, ip + 24, 16, IP_UDP, udp_bytes), error, field;

	sum = frame_sum(sum, udp, udp_bytes);
	error = l4_error(view, frame->bytes + view->l4);
	/* Of ICMP for IPv4 nothing of the IP header is needed: all the same, it counts as valid. */
	if (!view->v6)
		error = sum_add(error, header_error(frame->bytes + view->l3));
	field = sum_field(sum, sum_error(error));
	frame_put16(udp + 6, field ? field : 0xffff);
}

void oracle_encap(const struct fixture *fixture, const struct frame *frame, const struct view *view,
		  uint32_t service, uint32_t backend, uint64_t hash, struct parity_result *expected)
{
	const struct fixture_backend *b = &fixture->services[service].backends[backend];
	bool v6 = strchr(b->addr, ':') != NULL, gue = b->encap != ENCAP_IPIP;
	uint8_t inner_proto = view->v6 ? 41 : 4, *at, *ip, *udp;

	ip = put_ethernet(expected->bytes, b, service, backend, v6);
	udp = put_ip(ip, b, view, gue ? IP_UDP : inner_proto, hash);
	at = gue ? put_gue(udp, b, view, inner_proto, hash) : udp;
	/* Padding behind the packet stays behind. */
	memcpy(at, frame->bytes + view->l3, view->ip_bytes);
	expected->n = (uint32_t)(at - expected->bytes) + view->ip_bytes;
	expected->port = b->port;
	if (gue && v6 && view->sums)
		put_udp_sum(ip, udp, frame, view);
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t was[16];

	memcpy(was, a, n);
	memcpy(a, b, n);
	memcpy(b, was, n);
}

void oracle_echo(const struct frame *frame, const struct view *view, struct parity_result *expected)
{
	uint8_t *bytes = expected->bytes, *ip = bytes + view->l3, *icmp = bytes + view->l4;
	uint16_t error = l4_error(view, frame->bytes + view->l4), sum = 0;

	/* Padding up to Ethernet's shortest frame stays. */
	expected->n = view->l3 + view->ip_bytes;
	if (expected->n < 60)
		expected->n = frame->n < 60 ? frame->n : 60;
	memcpy(bytes, frame->bytes, expected->n);
	swap(bytes, bytes + 6, 6);
	swap(ip + (view->v6 ? 8 : 12), ip + (view->v6 ? 24 : 16), view->addr_bytes);
	icmp[0] = view->v6 ? 129 : 0;
	frame_put16(icmp + 2, 0);
	if (view->v6)
		sum = frame_pseudo_sum(ip + 8, ip + 24, 16, IP_ICMP6, view->l4_bytes);
	/* The other way round: what made the sum wrong stays in it. */
	sum = sum_field(frame_sum(sum, icmp, view->l4_bytes), 0);
	sum = error ? sum_add(sum, error) % 0xffff : sum;
	/* Of a message that is all zeros the checksum is all ones, which is right for any that
	 * has 0, too. ICMPv6 has a pseudo header, and so no such message. */
	frame_put16(icmp + 2, sum == 0 && !view->v6 ? 0xffff : sum);
	ip[view->v6 ? 7 : 8] = TTL;
	if (!view->v6) {
		error = header_error(frame->bytes + view->l3);
		frame_put16(ip + 10, 0);
		sum = sum_field(frame_sum(0, ip, ip_header_bytes(ip)), 0);
		frame_put16(ip + 10, error ? sum_add(sum, error) % 0xffff : sum);
	}
}

/* The IP header of an answer with `n` bytes behind it. Returns what comes next. */
static uint8_t *put_answer_ip(uint8_t *ip, const struct view *view, uint8_t proto, uint32_t n)
{
	if (view->v6) {
		memset(ip, 0, 40);
		ip[0] = 0x60;
		frame_put16(ip + 4, (uint16_t)n);
		ip[6] = proto;
		ip[7] = TTL;
		memcpy(ip + 8, view->dst, 16);
		memcpy(ip + 24, view->src, 16);
		return ip + 40;
	}
	memset(ip, 0, 20);
	ip[0] = 0x45;
	frame_put16(ip + 2, (uint16_t)(20 + n));
	frame_put16(ip + 6, V4_DF);
	ip[8] = TTL;
	ip[9] = proto;
	memcpy(ip + 12, view->dst, 4);
	memcpy(ip + 16, view->src, 4);
	frame_put16(ip + 10, (uint16_t)~frame_sum(0, ip, 20));
	return ip + 20;
}

/* An ICMP error with a quote that stands already where it belongs. `type4`, `type6`: type and code. */
static void put_error(uint8_t *ip, const struct view *view, uint16_t type4, uint16_t type6,
		      uint32_t rest, uint32_t quote_bytes)
{
	uint32_t n = 8 + quote_bytes;
	uint8_t *icmp = put_answer_ip(ip, view, view->v6 ? IP_ICMP6 : IP_ICMP, n);
	uint16_t sum = 0;

	memset(icmp, 0, 8);
	frame_put16(icmp, view->v6 ? type6 : type4);
	frame_put32(icmp + 4, rest);
	if (view->v6)
		sum = frame_pseudo_sum(ip + 8, ip + 24, 16, IP_ICMP6, n);
	frame_put16(icmp + 2, (uint16_t)~frame_sum(sum, icmp, n));
}

void oracle_too_big(const struct fixture_backend *backend, const struct frame *frame,
		    const struct view *view, struct parity_result *expected)
{
	uint32_t growth = view->v6 ? 48 : 28;
	uint32_t mtu_bytes = backend->mtu_bytes - oracle_outer_bytes(backend);
	uint8_t *bytes = expected->bytes, *ip = bytes + view->l3;

	if (view->v6 && mtu_bytes < 1280) /* RFC 8200 §5: no link has less */
		mtu_bytes = 1280;
	memcpy(bytes, frame->bytes, view->l3);
	swap(bytes, bytes + 6, 6);
	memcpy(ip + growth, frame->bytes + view->l3, QUOTE_BYTES);
	put_error(ip, view, 0x0304, 0x0200, mtu_bytes, QUOTE_BYTES);
	expected->n = view->l3 + growth + QUOTE_BYTES;
}

bool oracle_may_reject(const struct frame *frame, const struct view *view)
{
	/* RFC 1122 §3.2.2: no error about an error. Further behind, no port would be quoted. */
	if (view->error || view->l4 > L4_MAX)
		return false;
	if (view->proto == IP_UDP)
		return true;
	/* RFC 9293 §3.10.7.1: no reset about a reset; of a fragment the length isn't known. */
	return !view->fragment && !(frame->bytes[view->l4 + 13] & 0x04);
}

/* RFC 9293 §3.10.7.1, "If the connection does not exist (CLOSED)". */
static uint32_t put_reset(uint8_t *ip, const struct frame *frame, const struct view *view)
{
	const uint8_t *tcp = frame->bytes + view->l4;
	uint8_t flags = tcp[13], *rst = put_answer_ip(ip, view, IP_TCP, 20);
	uint32_t seq = (uint32_t)frame_get16(tcp + 4) << 16 | frame_get16(tcp + 6);
	uint32_t data_bytes = view->l4_bytes - tcp[12] / 16 * 4U;
	uint16_t sum;

	memset(rst, 0, 20);
	frame_put16(rst, view->dport);
	frame_put16(rst + 2, view->sport);
	rst[12] = 0x50;
	if (flags & 0x10) { /* <SEQ=SEG.ACK><CTL=RST> */
		memcpy(rst + 4, tcp + 8, 4);
		rst[13] = 0x04;
	} else { /* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
		frame_put32(rst + 8, seq + data_bytes + (flags & 1) + (flags >> 1 & 1));
		rst[13] = 0x14;
	}
	sum = frame_pseudo_sum(view->dst, view->src, view->addr_bytes, IP_TCP, 20);
	frame_put16(rst + 16, (uint16_t)~frame_sum(sum, rst, 20));
	return (uint32_t)(rst + 20 - ip);
}

void oracle_reject(const struct frame *frame, const struct view *view,
		   struct parity_result *expected)
{
	uint32_t growth = view->v6 ? 48 : 28;
	uint32_t quote_bytes = view->ip_bytes < QUOTE_BYTES ? view->ip_bytes / 4 * 4 : QUOTE_BYTES;
	uint8_t *bytes = expected->bytes, *ip = bytes + view->l3;

	memcpy(bytes, frame->bytes, view->l3);
	swap(bytes, bytes + 6, 6);
	if (view->proto == IP_TCP) {
		expected->n = view->l3 + put_reset(ip, frame, view);
		return;
	}
	memcpy(ip + growth, frame->bytes + view->l3, quote_bytes);
	put_error(ip, view, 0x0303, 0x0104, 0, quote_bytes);
	expected->n = view->l3 + growth + quote_bytes;
}

/* Where the size stands in a TCP header's options; 0: nowhere, or they are odd. */
static uint32_t find_mss(const uint8_t *tcp)
{
	uint32_t end = tcp[12] / 16 * 4U, found = 0;

	for (uint32_t at = 20; at < end && tcp[at] != 0;) {
		if (tcp[at] == 1) {
			at++;
			continue;
		}
		if (at + 1 == end || tcp[at + 1] < 2 || at + tcp[at + 1] > end)
			return 0;
		if (tcp[at] == 2 && (found || tcp[at + 1] != 4))
			return 0;
		if (tcp[at] == 2)
			found = at + 2;
		at += tcp[at + 1];
	}
	return found;
}

void oracle_clamp(const struct frame *frame, const struct view *view, uint16_t mss,
		  struct frame *clamped)
{
	uint8_t *tcp = clamped->bytes + view->l4;
	uint16_t error, sum;
	uint32_t at;

	*clamped = *frame;
	if (view->proto != IP_TCP || view->fragment || view->error || view->l4 > CLAMP_L4_MAX ||
	    (tcp[13] & 0x12) != 0x02)
		return;
	at = find_mss(tcp);
	if (at == 0 || frame_get16(tcp + at) <= mss)
		return;
	error = l4_error(view, frame->bytes + view->l4);
	frame_put16(tcp + at, mss);
	frame_put16(tcp + 16, 0);
	sum = frame_pseudo_sum(view->src, view->dst, view->addr_bytes, IP_TCP, view->l4_bytes);
	sum = sum_field(frame_sum(sum, tcp, view->l4_bytes), 0);
	frame_put16(tcp + 16, error ? sum_add(sum, error) % 0xffff : sum);
}
