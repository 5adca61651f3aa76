/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle's reading of a frame: byte by byte, from the RFCs.
 */
#include "oracle.h"

#include <string.h>

/* The ports of TCP or UDP at `at`, from the client's side or from the vip's. */
static void read_ports(struct view *view, const uint8_t *at, bool from_vip)
{
	view->sport = frame_get16(at + (from_vip ? 2 : 0));
	view->dport = frame_get16(at + (from_vip ? 0 : 2));
}

/*
 * Walks over IPv6 extension headers from *at on, up to `end`. False: broken. *kind becomes what
 * follows them.
 */
static bool walk(const uint8_t *bytes, uint32_t *at, uint32_t end, uint8_t *kind, bool *fragment,
		 bool *later)
{
	bool fragment_header = false;

	*fragment = false;
	*later = false;
	for (int headers = 0;; headers++) {
		bool known = *kind == 0 || *kind == 43 || *kind == 44 || *kind == 51 || *kind == 60;
		const uint8_t *header = bytes + *at;
		uint32_t n;

		if (*kind == 0 && headers > 0)
			return false;
		if (!known || *later)
			return true;
		if (headers == 8 || *at + 8 > end)
			return false;
		n = *kind == 44 ? 8 : *kind == 51 ? (header[1] + 2U) * 4 : (header[1] + 1U) * 8;
		if (*at + n > end)
			return false;
		if (*kind == 44) {
			uint16_t word = frame_get16(header + 2);

			if (fragment_header)
				return false;
			fragment_header = true;
			*later = word / 8 != 0;
			*fragment = *later || word % 2 == 1;
		}
		*kind = header[0];
		*at += n;
		if (*later)
			return true;
	}
}

static enum verdict read_tcp(const uint8_t *l4, struct view *view)
{
	uint32_t header_bytes;

	if (view->l4_bytes < 20)
		return VERDICT_bad_tcp;
	header_bytes = l4[12] / 16 * 4U;
	if (header_bytes < 20 || header_bytes > view->l4_bytes)
		return VERDICT_bad_tcp;
	view->sums = true;
	read_ports(view, l4, false);
	return VERDICT_forward;
}

static enum verdict read_udp(const uint8_t *l4, struct view *view)
{
	uint32_t udp_bytes;

	if (view->l4_bytes < 8)
		return VERDICT_bad_udp;
	udp_bytes = frame_get16(l4 + 4);
	if (udp_bytes < 8 || udp_bytes > view->l4_bytes)
		return VERDICT_bad_udp;
	view->sums = udp_bytes == view->l4_bytes && frame_get16(l4 + 6) != 0;
	read_ports(view, l4, false);
	return VERDICT_forward;
}

/* Whether an address begins with the first `bits` of `prefix`. */
static bool begins_with(const uint8_t *addr, const char *prefix, unsigned int bits)
{
	uint8_t bytes[16];

	frame_address(prefix, bytes);
	for (unsigned int i = 0; i < bits; i++)
		if ((addr[i / 8] ^ bytes[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

/* RFC 1122 §3.2.1.3, RFC 1112 §4; RFC 4291 §2.5.2, 2.5.3, 2.5.5, 2.7; and the receiver itself. */
static bool from_no_host(const struct view *view)
{
	static const struct {
		size_t addr_bytes;
		const char *prefix;
		unsigned int bits;
	} no_hosts[] = {
		{4, "0.0.0.0", 8},   {4, "127.0.0.0", 8}, {4, "224.0.0.0", 4},
		{4, "240.0.0.0", 4}, {16, "::", 64},      {16, "ff00::", 8},
	};

	if (memcmp(view->src, view->dst, view->addr_bytes) == 0)
		return true;
	for (size_t i = 0; i < sizeof(no_hosts) / sizeof(no_hosts[0]); i++)
		if (no_hosts[i].addr_bytes == view->addr_bytes &&
		    begins_with(view->src, no_hosts[i].prefix, no_hosts[i].bits))
			return true;
	return false;
}

/* Fragments behind the first are for Sluice if their datagram could be. */
static enum verdict read_later(const struct view *view)
{
	bool icmp = view->proto == (view->v6 ? IP_ICMP6 : IP_ICMP);
	/* Of IPv6 within the fragments: the first alone has what follows. */
	bool options = view->v6 && (view->proto == 0 || view->proto == 43 || view->proto == 44 ||
				    view->proto == 51 || view->proto == 60);

	if (icmp || options || view->proto == IP_TCP || view->proto == IP_UDP)
		return VERDICT_fragment;
	return VERDICT_no_service;
}

/* A packet that the error's receiver is said to have sent; `n` bytes of it. */
static enum verdict read_quote(const uint8_t *quote, uint32_t n, struct view *view)
{
	uint32_t at = view->v6 ? 40 : 20;
	const uint8_t *src, *dst;
	uint8_t proto;

	if (n < at || quote[0] / 16 != (view->v6 ? 6 : 4))
		return VERDICT_bad_quote;
	src = quote + (view->v6 ? 8 : 12);
	dst = src + view->addr_bytes;
	if (view->v6) {
		bool fragment, later;

		proto = quote[6];
		if (memcmp(src, view->dst, view->addr_bytes) != 0 ||
		    !walk(quote, &at, n, &proto, &fragment, &later))
			return VERDICT_bad_quote;
		if (later)
			n = 0;
		if (later &&
		    (proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60))
			return VERDICT_bad_quote;
	} else {
		at = quote[0] % 16 * 4U;
		proto = quote[9];
		if (at < 20 || n < at || memcmp(src, view->dst, view->addr_bytes) != 0)
			return VERDICT_bad_quote;
		if (frame_get16(quote + 6) % 0x2000 != 0)
			n = 0;
	}
	/* Sluice sends nothing else from there, so the kernel did. */
	if (proto != IP_TCP && proto != IP_UDP)
		return VERDICT_no_service;
	if (n < at + 4)
		return VERDICT_bad_quote;
	view->error = true;
	view->flow_src = dst;
	view->flow_dst = src;
	view->flow_proto = proto;
	read_ports(view, quote + at, true);
	return VERDICT_forward;
}

static enum verdict read_icmp(const uint8_t *l4, struct view *view)
{
	bool error;

	if (view->l4_bytes < 8)
		return VERDICT_bad_icmp;
	view->sums = true;
	view->echo = l4[0] == (view->v6 ? 128 : 8);
	if (view->echo)
		return VERDICT_forward;
	error = view->v6 ? l4[0] >= 1 && l4[0] <= 127
			 : l4[0] == 3 || l4[0] == 4 || l4[0] == 11 || l4[0] == 12;
	return error ? read_quote(l4 + 8, view->l4_bytes - 8, view) : VERDICT_no_service;
}

static enum verdict read_l4(const struct frame *frame, struct view *view)
{
	const uint8_t *l4 = frame->bytes + view->l4;
	bool icmp = view->proto == (view->v6 ? IP_ICMP6 : IP_ICMP);
	enum verdict verdict;

	if (icmp && view->fragment)
		return VERDICT_fragment;
	if (icmp) {
		verdict = read_icmp(l4, view);
	} else if (view->proto == IP_TCP || view->proto == IP_UDP) {
		bool tcp = view->proto == IP_TCP;

		if (!view->fragment) {
			verdict = tcp ? read_tcp(l4, view) : read_udp(l4, view);
		} else if (view->l4_bytes >= 4) {
			read_ports(view, l4, false);
			verdict = VERDICT_forward;
		} else {
			verdict = tcp ? VERDICT_bad_tcp : VERDICT_bad_udp;
		}
	} else {
		verdict = VERDICT_no_service;
	}
	if (view->chain_bytes > 0)
		view->sums = false;
	return verdict;
}

static enum verdict read_v4(const struct frame *frame, struct view *view)
{
	const uint8_t *ip = frame->bytes + view->l3;
	uint32_t left = frame->n - view->l3, header_bytes, flags;

	if (left < 20)
		return VERDICT_short_ip;
	if (ip[0] / 16 != 4)
		return VERDICT_bad_ip_version;
	header_bytes = ip[0] % 16 * 4U;
	if (header_bytes < 20)
		return VERDICT_bad_ip_header;
	view->ip_bytes = frame_get16(ip + 2);
	if (view->ip_bytes < header_bytes || view->ip_bytes > left)
		return VERDICT_bad_ip_length;
	view->tos = ip[1];
	view->id = frame_get16(ip + 4);
	flags = frame_get16(ip + 6);
	view->offset = flags % 0x2000;
	view->df = flags & V4_DF;
	view->fragment = (flags & V4_MF) || flags % 0x2000 != 0;
	view->proto = view->flow_proto = ip[9];
	view->src = view->flow_src = ip + 12;
	view->dst = view->flow_dst = ip + 16;
	if (from_no_host(view))
		return VERDICT_bad_source;
	if (flags % 0x2000 != 0)
		return read_later(view);
	view->l4 = view->l3 + header_bytes;
	view->l4_bytes = view->ip_bytes - header_bytes;
	return read_l4(frame, view);
}

static enum verdict read_v6(const struct frame *frame, struct view *view)
{
	const uint8_t *ip = frame->bytes + view->l3;
	uint32_t left = frame->n - view->l3, at = view->l3 + 40;
	bool later;

	if (left < 40)
		return VERDICT_short_ip;
	if (ip[0] / 16 != 6)
		return VERDICT_bad_ip_version;
	view->ip_bytes = 40U + frame_get16(ip + 4);
	if (view->ip_bytes > left)
		return VERDICT_bad_ip_length;
	view->tos = (uint8_t)(ip[0] % 16 * 16 + ip[1] / 16);
	view->df = true;
	view->proto = ip[6];
	view->src = view->flow_src = ip + 8;
	view->dst = view->flow_dst = ip + 24;
	if (from_no_host(view))
		return VERDICT_bad_source;
	if (!walk(frame->bytes, &at, view->l3 + view->ip_bytes, &view->proto, &view->fragment,
		  &later))
		return VERDICT_bad_extension;
	view->flow_proto = view->proto;
	if (later)
		return read_later(view);
	view->l4 = at;
	view->chain_bytes = at - view->l3 - 40;
	view->l4_bytes = view->ip_bytes - 40 - view->chain_bytes;
	return read_l4(frame, view);
}

enum verdict view_read(const struct frame *frame, struct view *view)
{
	uint32_t at = 12;
	uint16_t type;

	*view = (struct view){0};
	if (frame->n < 14)
		return VERDICT_short_frame;
	type = frame_get16(frame->bytes + at);
	while ((type == 0x8100 || type == 0x88a8) && at < 20) {
		at += 4;
		if (frame->n < at + 2)
			return VERDICT_short_frame;
		type = frame_get16(frame->bytes + at);
	}
	view->l3 = at + 2;
	view->v6 = type == 0x86dd;
	view->addr_bytes = view->v6 ? 16 : 4;
	if (type == 0x0800)
		return read_v4(frame, view);
	return view->v6 ? read_v6(frame, view) : VERDICT_not_ip;
}
