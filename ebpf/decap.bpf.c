/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The decapsulation that backends load: takes IPIP and GUE off, any family in any, and gives the
 * inner packet to the stack. XDP, on the interface where the balancer's packets arrive; loaded
 * by sluice-decap (decap_main.c).
 *
 * What it leaves to others:
 *  - Whether the outer destination is an address of this host. A frame for another MAC reaches
 *    the stack as before, which drops it as it would have dropped the outer packet. So whoever
 *    can reach this host can hand it inner packets of any source, as with any tunnel: keep the
 *    outer protocols out at the network's edge.
 *  - The outer UDP checksum. The transport checksum of the inner packet is verified by the stack
 *    and covers what matters; the NIC verifies the outer one, where there is one (the balancer
 *    may send 0: RFC 6935). The same holds for the outer IPv4 header's.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/checksum.h"
#include "sluice/cursor.h"
#include "sluice/wire.h"

#include "decap.h"

/* RFC 3168 §5 */
enum ecn {
	ECN_NOT_ECT = 0,
	ECN_ECT_1 = 1,
	ECN_ECT_0 = 2,
	ECN_CE = 3,
	ECN_ILLEGAL, /* none on the wire: see ecn_decapsulate() */
};

enum {
	GUE_VARIANT_SHIFT = 6,
	GUE_CONTROL = 0x20,
	GUE_HLEN = 0x1f,
	IPV6_ECN_SHIFT = 4, /* in the header's second byte, where IPv4 has it at 0 */
};

/* What the outer headers say. */
struct tunnel {
	uint32_t outer_bytes; /* of all outer headers, from IP to GUE */
	uint32_t inner_bytes; /* how many they leave to the inner packet, at most */
	uint8_t inner_proto;  /* PROTO_IPIP, PROTO_IPV6 */
	uint8_t ecn;
	bool split; /* the cursor's end is not the frame's */
};

/* A tagged Ethernet header, or a plain one in its first 14 bytes. */
struct SLUICE_WIRE link_header {
	struct ether_header ether;
	struct vlan_tag tag;
};

_Static_assert(sizeof(struct link_header) == 18, "no padding");

const volatile struct decap_config decap_config = {
	.gue_port = (be16)__builtin_bswap16(DECAP_GUE_PORT),
	.frags = true,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DECAP_VERDICT_COUNT);
	__type(key, uint32_t);
	__type(value, uint64_t);
} decap_counters SEC(".maps");

/* A header wasn't wholly there: was the packet cut, or only this buffer? */
SLUICE_INLINE enum decap_verdict cut(const struct tunnel *t, enum decap_verdict verdict)
{
	return t->split ? DECAP_split_headers : verdict;
}

/* The cursor stands behind the UDP header. draft-ietf-intarea-gue-09 §3, §4. */
SLUICE_INLINE enum decap_verdict gue_parse(struct cursor *c, struct tunnel *t)
{
	struct gue_header *gue = cursor_take(c, sizeof(*gue));
	uint32_t header_bytes;

	if (t->inner_bytes < sizeof(*gue))
		return DECAP_bad_gue;
	if (!gue)
		return cut(t, DECAP_bad_gue);
	switch (gue->variant_hlen >> GUE_VARIANT_SHIFT) {
	case 0:
		break;
	case 1: /* no header at all: the first bits are those of an IP version */
		t->inner_proto = gue->variant_hlen >> 4 == 4 ? PROTO_IPIP : PROTO_IPV6;
		c->pos = (uint8_t *)gue;
		return DECAP_decapsulated;
	default:
		return DECAP_gue_unknown;
	}
	if (gue->variant_hlen & GUE_CONTROL)
		return DECAP_gue_control;
	/* A flag may change what the payload means (encryption, fragments). */
	if (gue->flags != 0 || (gue->proto != PROTO_IPIP && gue->proto != PROTO_IPV6))
		return DECAP_gue_unknown;
	/* Without flags what follows is private data: to be skipped by who doesn't know it. */
	header_bytes = (gue->variant_hlen & GUE_HLEN) * 4U;
	if (t->inner_bytes < sizeof(*gue) + header_bytes)
		return DECAP_bad_gue;
	t->inner_bytes -= (uint32_t)sizeof(*gue) + header_bytes;
	t->outer_bytes += (uint32_t)sizeof(*gue) + header_bytes;
	t->inner_proto = gue->proto;
	if (!cursor_take(c, header_bytes))
		return cut(t, DECAP_bad_gue);
	return DECAP_decapsulated;
}

/* The cursor stands behind the outer IP header, which leaves t->inner_bytes and names `proto`. */
SLUICE_INLINE enum decap_verdict payload_parse(struct cursor *c, struct tunnel *t, uint8_t proto)
{
	const struct udp_header *udp;
	uint32_t udp_bytes;

	if (proto == PROTO_IPIP || proto == PROTO_IPV6) {
		t->inner_proto = proto;
		return DECAP_decapsulated;
	}
	if (proto != PROTO_UDP)
		return DECAP_not_tunnel;
	udp = cursor_take(c, sizeof(*udp));
	if (!udp) /* to which port, nobody knows */
		return cut(t, DECAP_not_tunnel);
	if (udp->dst_port != decap_config.gue_port)
		return DECAP_not_tunnel;
	udp_bytes = be16_to(udp->length_bytes);
	if (udp_bytes < sizeof(*udp) || udp_bytes > t->inner_bytes)
		return DECAP_bad_udp;
	t->inner_bytes = udp_bytes - (uint32_t)sizeof(*udp);
	t->outer_bytes += (uint32_t)sizeof(*udp);
	return gue_parse(c, t);
}

/* The cursor stands at the outer IPv4 header, `frame_bytes` before the frame's end. */
SLUICE_INLINE enum decap_verdict outer_parse_v4(struct cursor *c, struct tunnel *t,
						uint32_t frame_bytes)
{
	const struct ipv4_header *ip = cursor_take(c, sizeof(*ip));
	uint32_t header_bytes, total_bytes;

	if (!ip)
		return cut(t, DECAP_bad_outer);
	header_bytes = (ip->version_ihl & 0xfU) * 4;
	total_bytes = be16_to(ip->total_bytes);
	if (ip->version_ihl >> 4 != 4 || header_bytes < sizeof(*ip) || total_bytes < header_bytes ||
	    total_bytes > frame_bytes)
		return DECAP_bad_outer;
	if (be16_to(ip->fragment) & (IPV4_MF | IPV4_OFFSET))
		return DECAP_outer_fragment;
	if (!cursor_take(c, header_bytes - (uint32_t)sizeof(*ip)))
		return cut(t, DECAP_bad_outer);
	t->ecn = ip->tos & ECN_CE;
	t->inner_bytes = total_bytes - header_bytes;
	t->outer_bytes = header_bytes;
	return payload_parse(c, t, ip->proto);
}

/* The same for IPv6. A balancer sends no extension headers; who else does is left alone. */
SLUICE_INLINE enum decap_verdict outer_parse_v6(struct cursor *c, struct tunnel *t,
						uint32_t frame_bytes)
{
	const struct ipv6_header *ip = cursor_take(c, sizeof(*ip));
	uint32_t class_word;

	if (!ip)
		return cut(t, DECAP_bad_outer);
	class_word = be32_to(ip->version_class_label);
	t->inner_bytes = be16_to(ip->payload_bytes);
	if (class_word >> 28 != 6 || sizeof(*ip) + t->inner_bytes > frame_bytes)
		return DECAP_bad_outer;
	if (ip->next == PROTO_FRAGMENT)
		return DECAP_outer_fragment;
	t->ecn = (class_word >> 20) & ECN_CE;
	t->outer_bytes = sizeof(*ip);
	return payload_parse(c, t, ip->next);
}

/* What the inner packet gets: RFC 6040 §4.2, figure 4. */
SLUICE_INLINE enum ecn ecn_decapsulate(enum ecn outer, enum ecn inner)
{
	if (inner == ECN_NOT_ECT)
		return outer == ECN_CE ? ECN_ILLEGAL : ECN_NOT_ECT;
	if (outer == ECN_CE || (outer == ECN_ECT_1 && inner == ECN_ECT_0))
		return outer;
	return inner;
}

/* The cursor stands at the inner header: is it sane? Gives it the outer ECN mark. */
SLUICE_INLINE enum decap_verdict inner_take_v4(struct cursor *c, const struct tunnel *t)
{
	struct ipv4_header *ip = cursor_take(c, sizeof(*ip));
	uint32_t header_bytes, total_bytes;
	uint16_t before, after; /* the header's first word as it lies in memory; tos comes second */
	enum ecn ecn;

	if (t->inner_bytes < sizeof(*ip))
		return DECAP_bad_inner;
	if (!ip)
		return cut(t, DECAP_bad_inner);
	header_bytes = (ip->version_ihl & 0xfU) * 4;
	total_bytes = be16_to(ip->total_bytes);
	if (ip->version_ihl >> 4 != 4 || header_bytes < sizeof(*ip) || total_bytes < header_bytes ||
	    total_bytes > t->inner_bytes)
		return DECAP_bad_inner;
	ecn = ecn_decapsulate(t->ecn, ip->tos & ECN_CE);
	if (ecn == ECN_ILLEGAL)
		return DECAP_ecn_not_capable;
	if (ecn == (ip->tos & ECN_CE))
		return DECAP_decapsulated;
	before = (uint16_t)(ip->version_ihl | ip->tos << 8);
	ip->tos = (uint8_t)((ip->tos & ~ECN_CE) | ecn);
	after = (uint16_t)(ip->version_ihl | ip->tos << 8);
	ip->checksum = checksum_update(ip->checksum, before, after);
	return DECAP_decapsulated_ecn;
}

SLUICE_INLINE enum decap_verdict inner_take_v6(struct cursor *c, const struct tunnel *t)
{
	struct ipv6_header *ip = cursor_take(c, sizeof(*ip));
	uint8_t *second;
	enum ecn inner, ecn;

	if (t->inner_bytes < sizeof(*ip))
		return DECAP_bad_inner;
	if (!ip)
		return cut(t, DECAP_bad_inner);
	if (be32_to(ip->version_class_label) >> 28 != 6 ||
	    sizeof(*ip) + be16_to(ip->payload_bytes) > t->inner_bytes)
		return DECAP_bad_inner;
	second = (uint8_t *)ip + 1;
	inner = (*second >> IPV6_ECN_SHIFT) & ECN_CE;
	ecn = ecn_decapsulate(t->ecn, inner);
	if (ecn == ECN_ILLEGAL)
		return DECAP_ecn_not_capable;
	if (ecn == inner)
		return DECAP_decapsulated;
	*second = (uint8_t)((*second & ~(ECN_CE << IPV6_ECN_SHIFT)) | ecn << IPV6_ECN_SHIFT);
	return DECAP_decapsulated_ecn;
}

/* Moves the frame's head so that its Ethernet header ends where the inner packet begins. */
SLUICE_INLINE bool outer_strip(struct xdp_md *ctx, uint32_t outer_bytes, bool tagged,
			       uint8_t inner_proto)
{
	const struct link_header *before = (void *)(long)ctx->data;
	be16 type = inner_proto == PROTO_IPIP ? be16_from(ETHER_IPV4) : be16_from(ETHER_IPV6);
	struct link_header saved = {0}, *now;
	const uint8_t *end = (void *)(long)ctx->data_end;

	/* There for sure, since an IP header follows; the verifier has forgotten. */
	if ((const uint8_t *)before + sizeof(*before) > end)
		return false;
	saved = *before;
	if (tagged)
		saved.tag.type = type;
	else
		saved.ether.type = type;
	if (bpf_xdp_adjust_head(ctx, (int)outer_bytes) != 0)
		return false;
	now = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if ((const uint8_t *)now + sizeof(*now) > end)
		return false;
	now->ether = saved.ether;
	if (tagged)
		now->tag = saved.tag;
	return true;
}

/* From the frame's first byte to the last word about it. */
SLUICE_INLINE enum decap_verdict frame_decapsulate(struct xdp_md *ctx)
{
	struct cursor c = {
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	const uint32_t linear_bytes = (uint32_t)(c.end - c.pos);
	const struct ether_header *ether = cursor_take(&c, sizeof(*ether));
	struct tunnel t = {0};
	uint32_t link_bytes = sizeof(*ether);
	enum decap_verdict verdict;
	bool tagged;
	be16 type;

	c.frame_bytes = linear_bytes;
	if (decap_config.frags) {
		c.frame_bytes = (uint32_t)bpf_xdp_get_buff_len(ctx);
		t.split = c.frame_bytes > linear_bytes;
	}
	if (!ether)
		return DECAP_short_frame;
	type = ether->type;
	tagged = type == be16_from(ETHER_VLAN) || type == be16_from(ETHER_QINQ);
	if (tagged) {
		const struct vlan_tag *tag = cursor_take(&c, sizeof(*tag));

		if (!tag)
			return DECAP_short_frame;
		type = tag->type;
		link_bytes += (uint32_t)sizeof(*tag);
	}
	if (type == be16_from(ETHER_IPV4))
		verdict = outer_parse_v4(&c, &t, c.frame_bytes - link_bytes);
	else if (type == be16_from(ETHER_IPV6))
		verdict = outer_parse_v6(&c, &t, c.frame_bytes - link_bytes);
	else
		return DECAP_not_tunnel;
	if (verdict != DECAP_decapsulated)
		return verdict;
	verdict = t.inner_proto == PROTO_IPIP ? inner_take_v4(&c, &t) : inner_take_v6(&c, &t);
	if (verdict != DECAP_decapsulated && verdict != DECAP_decapsulated_ecn)
		return verdict;
	if (!outer_strip(ctx, t.outer_bytes, tagged, t.inner_proto))
		return DECAP_no_room;
	return verdict;
}

SLUICE_INLINE int verdict_act(enum decap_verdict verdict)
{
	switch (verdict) {
#define X(name, action, text) \
	case DECAP_##name:    \
		return XDP_##action;
		DECAP_VERDICTS(X)
#undef X
	case DECAP_VERDICT_COUNT:
		break;
	}
	return XDP_DROP;
}

SEC("xdp")
int sluice_decap(struct xdp_md *ctx)
{
	enum decap_verdict verdict = frame_decapsulate(ctx);
	uint32_t key = verdict;
	uint64_t *count = bpf_map_lookup_elem(&decap_counters, &key);

	if (count)
		*count += 1;
	return verdict_act(verdict);
}

/* The word that the kernel knows for "GPL-2.0 or BSD-2-Clause". */
char program_license[] SEC("license") = "Dual BSD/GPL";
