/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes back, taken apart. Packet path of the generator.
 */
#include "decode.h"
#include "bytes.h"
#include "headers.h"

enum {
	IP4_FRAGMENT_MASK = 0x3fff, /* more fragments, and the offset */
	GUE_VARIANT0_BYTES = 4,
	GUE_PORT_ENTROPY_MIN = 49152,
};

/* What is left to be read of a packet. */
struct rest {
	const uint8_t *at;
	size_t n;
};

static void skip(struct rest *r, size_t n)
{
	r->at += n;
	r->n -= n;
}

/* Ethernet and up to two tags; returns the type, 0 for a frame that is too short. */
static uint32_t ethernet_take(struct rest *r)
{
	uint32_t type;

	if (r->n < ETH_BYTES)
		return 0;
	type = bytes_get16(r->at + 12);
	skip(r, ETH_BYTES);
	for (int tag = 0; tag < 2 && (type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ); tag++) {
		if (r->n < ETH_VLAN_BYTES)
			return 0;
		type = bytes_get16(r->at + 2);
		skip(r, ETH_VLAN_BYTES);
	}
	return type;
}

/* What stands behind the outer IP header, and the sum over its addresses. */
struct outer_ip {
	uint8_t proto;
	uint64_t pseudo;
};

static enum decode_result outer_ip4_take(struct rest *r, struct decoded *d, struct outer_ip *ip)
{
	uint32_t header_bytes, total_bytes;

	if (r->n < IP4_BYTES || r->at[0] >> 4 != 4)
		return DECODE_OUTER_SHORT;
	header_bytes = (r->at[0] & 15U) * 4;
	total_bytes = bytes_get16(r->at + 2);
	if (header_bytes < IP4_BYTES || header_bytes > r->n)
		return DECODE_OUTER_SHORT;
	if (total_bytes < header_bytes || total_bytes > r->n)
		return DECODE_OUTER_LENGTH;
	if (sum_fold(sum_add(0, r->at, header_bytes)) != 0xffff)
		return DECODE_OUTER_CHECKSUM;
	if (bytes_get16(r->at + 6) & IP4_FRAGMENT_MASK)
		return DECODE_OUTER_FRAGMENT;
	if (r->at[8] == 0)
		return DECODE_OUTER_TTL;
	d->outer_dst = r->at + 16;
	*ip = (struct outer_ip){r->at[9], sum_add(0, r->at + 12, 8)};
	r->n = total_bytes; /* Ethernet may have padded it */
	skip(r, header_bytes);
	return DECODE_OK;
}

static enum decode_result outer_ip6_take(struct rest *r, struct decoded *d, struct outer_ip *ip)
{
	if (r->n < IP6_BYTES || r->at[0] >> 4 != 6)
		return DECODE_OUTER_SHORT;
	if (bytes_get16(r->at + 4) > r->n - IP6_BYTES)
		return DECODE_OUTER_LENGTH;
	if (r->at[7] == 0)
		return DECODE_OUTER_TTL;
	d->outer_dst = r->at + 24;
	*ip = (struct outer_ip){r->at[6], sum_add(0, r->at + 8, 32)};
	r->n = IP6_BYTES + (size_t)bytes_get16(r->at + 4);
	skip(r, IP6_BYTES);
	return DECODE_OK;
}

/* UDP's checksum may be 0 in both families: RFC 768, RFC 6935 §5. */
static enum decode_result outer_udp_take(struct rest *r, const struct decode_rules *rules,
					 const struct outer_ip *ip)
{
	uint64_t sum;

	if (r->n < UDP_BYTES)
		return DECODE_OUTER_SHORT;
	if (bytes_get16(r->at + 2) != rules->gue_port || bytes_get16(r->at) < GUE_PORT_ENTROPY_MIN)
		return DECODE_UDP_PORT;
	if (bytes_get16(r->at + 4) != r->n)
		return DECODE_UDP_LENGTH;
	sum = sum_add16(sum_add16(ip->pseudo, PROTO_UDP), (uint32_t)r->n);
	if (bytes_get16(r->at + 6) != 0 && sum_fold(sum_add(sum, r->at, r->n)) != 0xffff)
		return DECODE_UDP_CHECKSUM;
	skip(r, UDP_BYTES);
	return DECODE_OK;
}

/* `proto` becomes what is said to follow. */
static enum decode_result gue_take(struct rest *r, struct decoded *d, uint8_t *proto)
{
	if (r->n < 1)
		return DECODE_OUTER_SHORT;
	if (r->at[0] >> 6 == 1) { /* variant 1: the IP version itself, 4 or 6, begins with 01 */
		d->kind = d->outer_v6 ? KIND_GUE1_V6 : KIND_GUE1_V4;
		*proto = r->at[0] >> 4 == 6 ? PROTO_IPV6 : PROTO_IPIP;
		return DECODE_OK;
	}
	if (r->n < GUE_VARIANT0_BYTES)
		return DECODE_OUTER_SHORT;
	/* Variant 0, data, no optional fields, no flags: all else would be lost on a backend. */
	if (r->at[0] != 0 || bytes_get16(r->at + 2) != 0)
		return DECODE_GUE_HEADER;
	d->kind = d->outer_v6 ? KIND_GUE0_V6 : KIND_GUE0_V4;
	*proto = r->at[1];
	skip(r, GUE_VARIANT0_BYTES);
	return *proto == PROTO_IPIP || *proto == PROTO_IPV6 ? DECODE_OK : DECODE_GUE_HEADER;
}

/* The inner packet's own length must fill what is left of the outer one. */
static enum decode_result inner_take(struct rest *r, struct decoded *d, uint8_t proto)
{
	bool v6 = proto == PROTO_IPV6;
	size_t bytes;

	if (r->n < (v6 ? IP6_BYTES : IP4_BYTES))
		return DECODE_INNER_LENGTH;
	if (r->at[0] >> 4 != (v6 ? 6 : 4))
		return DECODE_INNER_VERSION;
	bytes = v6 ? IP6_BYTES + (size_t)bytes_get16(r->at + 4) : bytes_get16(r->at + 2);
	if (bytes != r->n)
		return DECODE_INNER_LENGTH;
	d->inner = r->at;
	d->inner_bytes = (uint32_t)bytes;
	return DECODE_OK;
}

/* What a host may send of its own accord is no fault. */
static enum decode_result not_tunnelled(uint8_t proto, bool v6)
{
	switch (proto) {
	case PROTO_ICMP:
		return v6 ? DECODE_NOT_ENCAPSULATED : DECODE_ICMP;
	case PROTO_IGMP:
	case 0: /* hop-by-hop options: multicast listener reports */
		return DECODE_OTHER;
	case PROTO_ICMP6:
		return v6 ? DECODE_ICMP : DECODE_NOT_ENCAPSULATED;
	}
	return DECODE_NOT_ENCAPSULATED;
}

/* A packet without outer headers: it is its own inner one. */
static enum decode_result plain_take(struct rest *r, struct decoded *d, bool v6)
{
	size_t bytes;
	uint8_t proto;

	if (r->n < (v6 ? IP6_BYTES : IP4_BYTES))
		return DECODE_OUTER_SHORT;
	bytes = v6 ? IP6_BYTES + (size_t)bytes_get16(r->at + 4) : bytes_get16(r->at + 2);
	if (bytes > r->n)
		return DECODE_OUTER_LENGTH;
	proto = r->at[v6 ? 6 : 9];
	if (not_tunnelled(proto, v6) != DECODE_NOT_ENCAPSULATED)
		return not_tunnelled(proto, v6);
	r->n = bytes;
	d->kind = KIND_PLAIN;
	d->outer_v6 = v6;
	d->outer_dst = r->at + (v6 ? 24 : 16);
	return inner_take(r, d, v6 ? PROTO_IPV6 : PROTO_IPIP);
}

static enum decode_result outer_take(struct rest *r, const struct decode_rules *rules, bool v6,
				     struct decoded *d)
{
	struct outer_ip ip;
	enum decode_result result = v6 ? outer_ip6_take(r, d, &ip) : outer_ip4_take(r, d, &ip);

	if (result != DECODE_OK)
		return result;
	if (ip.proto == PROTO_IPIP || ip.proto == PROTO_IPV6) {
		d->kind = v6 ? KIND_IPIP_V6 : KIND_IPIP_V4;
	} else if (ip.proto == PROTO_UDP) {
		result = outer_udp_take(r, rules, &ip);
		if (result == DECODE_OK)
			result = gue_take(r, d, &ip.proto);
	} else {
		result = not_tunnelled(ip.proto, v6);
	}
	return result == DECODE_OK ? inner_take(r, d, ip.proto) : result;
}

enum decode_result decode_outer(const struct decode_rules *rules, const uint8_t *frame, size_t n,
				struct decoded *d)
{
	struct rest r = {frame, n};
	uint32_t type = ethernet_take(&r);
	bool v6 = type == ETH_TYPE_IPV6;

	if ((type != ETH_TYPE_IPV4 && !v6) || (frame[0] & 1)) /* multicast */
		return DECODE_OTHER;
	if (rules->plain)
		return plain_take(&r, d, v6);
	d->outer_v6 = v6;
	if (memcmp(frame, rules->mac, 6) != 0)
		return DECODE_DST_MAC;
	return outer_take(&r, rules, v6, d);
}

static enum decode_result inner_ip_check(const uint8_t *ip, struct inner *inner)
{
	if (inner->v6) {
		inner->proto = ip[6];
		inner->src = ip + 8;
		inner->dst = ip + 24;
		return DECODE_OK;
	}
	if (ip[0] != 0x45)
		return DECODE_INNER_L4;
	if (sum_fold(sum_add(0, ip, IP4_BYTES)) != 0xffff)
		return DECODE_INNER_CHECKSUM;
	inner->proto = ip[9];
	inner->src = ip + 12;
	inner->dst = ip + 16;
	return DECODE_OK;
}

enum decode_result decode_inner(const struct decoded *d, struct inner *inner)
{
	bool v6 = d->inner[0] >> 4 == 6;
	const uint8_t *l4 = d->inner + (v6 ? IP6_BYTES : IP4_BYTES);
	uint32_t l4_bytes = d->inner_bytes - (v6 ? IP6_BYTES : IP4_BYTES);
	uint32_t least_bytes, header_bytes;
	enum decode_result result;
	uint64_t sum;

	inner->v6 = v6;
	result = inner_ip_check(d->inner, inner);
	if (result != DECODE_OK)
		return result;
	least_bytes = inner->proto == PROTO_TCP ? TCP_BYTES : UDP_BYTES;
	if ((inner->proto != PROTO_TCP && inner->proto != PROTO_UDP) || l4_bytes < least_bytes)
		return DECODE_INNER_L4;
	header_bytes = inner->proto == PROTO_TCP ? (l4[12] >> 4) * 4U : UDP_BYTES;
	if (header_bytes < least_bytes || header_bytes > l4_bytes)
		return DECODE_INNER_L4;
	sum = sum_add(0, inner->src, v6 ? 32 : 8);
	sum = sum_add16(sum_add16(sum, inner->proto), l4_bytes);
	if (sum_fold(sum_add(sum, l4, l4_bytes)) != 0xffff)
		return DECODE_INNER_L4_CHECKSUM;
	inner->src_port = bytes_get16(l4);
	inner->dst_port = bytes_get16(l4 + 2);
	inner->payload = l4 + header_bytes;
	inner->payload_bytes = l4_bytes - header_bytes;
	return DECODE_OK;
}

static const struct {
	const char *word, *text;
} results[] = {
#define X(id, word, text) [DECODE_##id] = {word, text},
	DECODE_RESULTS(X)
#undef X
};

const char *decode_result_word(enum decode_result result)
{
	return results[result].word;
}

const char *decode_result_text(enum decode_result result)
{
	return results[result].text;
}

const char *decode_kind_word(enum decode_kind kind)
{
	static const char *const words[] = {
#define X(id, word) [KIND_##id] = word,
		DECODE_KINDS(X)
#undef X
	};

	return words[kind];
}
