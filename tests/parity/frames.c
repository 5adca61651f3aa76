/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from their descriptions, inside out: transport, IPv6 extension headers, IP, Ethernet.
 */
#include "frames.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where things stand while they are built: offsets into `bytes`. */
struct builder {
	const struct frame_spec *spec;
	uint8_t *bytes;
	size_t n, max;
	size_t l3, chain, l4;
	uint8_t src[16], dst[16];
	size_t addr_bytes;
};

static void give_up(const char *what)
{
	fprintf(stderr, "tests/parity: a row describes no frame: %s\n", what);
	abort();
}

void frame_put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void frame_put32(uint8_t *at, uint32_t value)
{
	frame_put16(at, (uint16_t)(value >> 16));
	frame_put16(at + 2, (uint16_t)value);
}

uint16_t frame_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] * 256 + at[1]);
}

uint16_t frame_sum(uint16_t sum, const uint8_t *bytes, size_t n)
{
	uint64_t total = sum;

	for (size_t i = 0; i < n; i++)
		total += i % 2 ? bytes[i] : (uint64_t)bytes[i] << 8;
	while (total > 0xffff)
		total = total % 0x10000 + total / 0x10000;
	return (uint16_t)total;
}

uint16_t frame_pseudo_sum(const uint8_t *src, const uint8_t *dst, size_t addr_bytes, uint8_t proto,
			  uint32_t l4_bytes)
{
	uint8_t rest[8] = {0};

	frame_put32(rest, l4_bytes);
	rest[7] = proto;
	return frame_sum(frame_sum(frame_sum(0, src, addr_bytes), dst, addr_bytes), rest,
			 sizeof(rest));
}

size_t frame_address(const char *text, uint8_t bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	if (inet_pton(AF_INET6, text, bytes) == 1)
		return 16;
	give_up(text);
	return 0;
}

/* The next `n` bytes, zeroed. */
static uint8_t *append(struct builder *b, size_t n)
{
	uint8_t *at = b->bytes + b->n;

	if (b->n + n > b->max)
		give_up("too long");
	memset(at, 0, n);
	b->n += n;
	return at;
}

/* The first of `n` bytes. */
static void put_hex(uint8_t *at, size_t n, const char *hex)
{
	for (size_t i = 0; hex && *hex; i++) {
		unsigned int byte = 0;
		int used = 0;

		if (i == n || sscanf(hex, "%2x %n", &byte, &used) != 1)
			give_up("bytes that are no hex, or too many");
		at[i] = (uint8_t)byte;
		hex += used;
	}
}

static void append_payload(struct builder *b, size_t n)
{
	uint8_t *at = append(b, n);

	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(i * 7 + 1);
	put_hex(at, n, b->spec->payload);
}

static void append_ethernet(struct builder *b)
{
	static const uint8_t receivers[][6] = {
		[TO_OWN] = FRAME_MAC_OWN,
		[TO_VIRTUAL] = FRAME_MAC_VIRTUAL,
		[TO_OTHER] = {0x02, 0, 0, 0, 0, 0x0a},
		[TO_OTHER_TOO] = {0x06, 0, 0, 0, 0, 0x0b},
		[TO_BROADCAST] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		[TO_MULTICAST] = {0x01, 0, 0x5e, 0, 0, 1},
	};
	static const uint8_t sender[6] = {0x02, 0, 0, 0, 0, 0x0c};
	const struct frame_spec *spec = b->spec;
	uint16_t type = spec->ether_type;

	if (type == 0)
		type = spec->dst && strchr(spec->dst, ':') ? 0x86dd : 0x0800;
	memcpy(append(b, 6), receivers[spec->to], 6);
	memcpy(append(b, 6), sender, sizeof(sender));
	for (int i = 0; i < spec->tags; i++) {
		uint8_t *tag = append(b, 4);

		frame_put16(tag, i == 0 && spec->tag_type ? spec->tag_type : 0x8100);
		frame_put16(tag + 2, (uint16_t)(0x6000 + 100 + i));
	}
	frame_put16(append(b, 2), type);
}

/*
 * An extension header of a chain:
 *   h H  hop-by-hop options, of 8 and 16 bytes     d D O  destination options, 8, 24, 1032
 *   r    routing header, 24 bytes, none left       u U  AH, of 12 bytes of value and of none
 *   f    first fragment       l m  last one; with more behind   a A  atomic; reserved bits set
 *   x    destination options of 2048 bytes that are only 8; X: AH of 1028 that is only 8
 */
static uint8_t chain_kind(char letter)
{
	switch (letter) {
	case 'h':
	case 'H':
		return 0;
	case 'd':
	case 'D':
	case 'O':
	case 'x':
		return 60;
	case 'r':
		return 43;
	case 'u':
	case 'U':
	case 'X':
		return 51;
	case 'f':
	case 'l':
	case 'm':
	case 'a':
	case 'A':
		return 44;
	}
	give_up("an unknown extension header");
	return 0;
}

static void append_extension(struct builder *b, char letter, uint8_t next)
{
	static const struct {
		char letter;
		uint16_t bytes;
		uint8_t length; /* second byte */
		uint16_t word;  /* bytes 2 and 3: of a fragment header its offset and flags */
	} kinds[] = {
		{'h', 8, 0, 0x0104},   {'H', 16, 1, 0x010c},     {'d', 8, 0, 0x0104},
		{'D', 24, 2, 0x0114},  {'O', 1032, 128, 0x01fe}, {'r', 24, 2, 0x0400},
		{'u', 24, 4, 0},       {'U', 12, 1, 0},          {'f', 8, 0, 0x0001},
		{'l', 8, 0, 64 << 3},  {'a', 8, 0, 0},           {'A', 8, 0xff, 0x0006},
		{'x', 8, 255, 0x0104}, {'X', 8, 255, 0},         {'m', 8, 0, 32 << 3 | 1},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint8_t *at;

		if (kinds[i].letter != letter)
			continue;
		at = append(b, kinds[i].bytes);
		at[0] = next;
		at[1] = kinds[i].length;
		frame_put16(at + 2, kinds[i].word);
		if (chain_kind(letter) == 44)
			frame_put32(at + 4, b->spec->id6);
		return;
	}
}

static void append_ip(struct builder *b)
{
	const struct frame_spec *spec = b->spec;
	uint8_t ttl = spec->ttl ? spec->ttl : 57;
	uint8_t *ip;

	b->l3 = b->n;
	b->chain = b->n + 40;
	if (b->addr_bytes == 4) {
		if (spec->options_bytes > 40 || spec->options_bytes % 4)
			give_up("IPv4 options");
		ip = append(b, 20U + spec->options_bytes);
		ip[0] = (uint8_t)(0x45 + spec->options_bytes / 4);
		ip[1] = spec->tos;
		frame_put16(ip + 4, spec->id);
		frame_put16(ip + 6, spec->fragment);
		ip[8] = ttl;
		ip[9] = spec->proto;
		memcpy(ip + 12, b->src, 4);
		memcpy(ip + 16, b->dst, 4);
		memset(ip + 20, 1, spec->options_bytes); /* "no operation" */
		return;
	}
	ip = append(b, 40);
	frame_put32(ip, 6U << 28 | (uint32_t)spec->tos << 20 | 0xabcde);
	ip[6] = spec->chain ? chain_kind(spec->chain[0]) : spec->proto;
	ip[7] = ttl;
	memcpy(ip + 8, b->src, 16);
	memcpy(ip + 24, b->dst, 16);
	for (const char *letter = spec->chain; letter && *letter; letter++)
		append_extension(b, *letter, letter[1] ? chain_kind(letter[1]) : spec->proto);
}

static void build_packet(const struct frame_spec *spec, struct builder *b);

static void append_quote(struct builder *b)
{
	uint8_t bytes[FRAME_MAX];
	struct builder quote = {.bytes = bytes, .max = sizeof(bytes)};
	size_t n;

	build_packet(b->spec->quote, &quote);
	n = b->spec->quote_bytes ? b->spec->quote_bytes : quote.n;
	if (n > quote.n)
		give_up("quotes more than there is");
	memcpy(append(b, n), bytes, n);
}

/* Returns where the checksum field stands; 0: this kind has none. */
static size_t append_l4(struct builder *b)
{
	const struct frame_spec *spec = b->spec;
	uint16_t sport = spec->sport ? spec->sport : CLIENT_PORT;
	uint8_t *l4;

	b->l4 = b->n;
	switch (spec->proto) {
	case IP_TCP:
		l4 = append(b, 20U + spec->tcp_options_bytes);
		frame_put16(l4, sport);
		frame_put16(l4 + 2, spec->dport);
		frame_put32(l4 + 4, 0x01020304);
		frame_put32(l4 + 8, 0x05060708);
		l4[12] = (uint8_t)((5 + spec->tcp_options_bytes / 4) << 4);
		l4[13] = spec->flags ? spec->flags : TCP_PLAIN;
		frame_put16(l4 + 14, 64240);
		memset(l4 + 20, 1, spec->tcp_options_bytes); /* "no operation" */
		put_hex(l4 + 20, spec->tcp_options_bytes, spec->tcp_options);
		append_payload(b, spec->payload_bytes);
		return b->l4 + 16;
	case IP_UDP:
		l4 = append(b, 8);
		frame_put16(l4, sport);
		frame_put16(l4 + 2, spec->dport);
		frame_put16(l4 + 4, (uint16_t)(8 + spec->payload_bytes));
		append_payload(b, spec->payload_bytes);
		return spec->no_sum ? 0 : b->l4 + 6;
	case IP_ICMP:
	case IP_ICMP6:
		l4 = append(b, 8);
		l4[0] = spec->type;
		l4[1] = spec->code;
		frame_put32(l4 + 4, spec->rest);
		if (spec->quote)
			append_quote(b);
		append_payload(b, spec->payload_bytes);
		return b->l4 + 2;
	}
	append_payload(b, spec->payload_bytes);
	return 0;
}

static void finish_v4(struct builder *b)
{
	uint8_t *ip = b->bytes + b->l3;

	frame_put16(ip + 10, 0);
	frame_put16(ip + 10, (uint16_t)~frame_sum(0, ip, 20U + b->spec->options_bytes));
}

/* From the IP header on. */
static void build_packet(const struct frame_spec *spec, struct builder *b)
{
	size_t field, l4_bytes;
	uint16_t sum = 0;

	b->spec = spec;
	b->addr_bytes = frame_address(spec->dst, b->dst);
	if (frame_address(spec->src            ? spec->src
			  : b->addr_bytes == 4 ? CLIENT4
					       : CLIENT6,
			  b->src) != b->addr_bytes)
		give_up("addresses of two families");
	append_ip(b);
	field = append_l4(b);
	l4_bytes = b->n - b->l4;
	if (spec->proto != IP_ICMP)
		sum = frame_pseudo_sum(b->src, b->dst, b->addr_bytes, spec->proto,
				       (uint32_t)l4_bytes);
	if (field) {
		sum = (uint16_t)~frame_sum(sum, b->bytes + b->l4, l4_bytes);
		frame_put16(b->bytes + field, sum == 0 && spec->proto == IP_UDP ? 0xffff : sum);
	}
	if (b->addr_bytes == 4) {
		frame_put16(b->bytes + b->l3 + 2, (uint16_t)(b->n - b->l3));
		finish_v4(b);
	} else {
		frame_put16(b->bytes + b->l3 + 4, (uint16_t)(b->n - b->l3 - 40));
	}
}

static void poke(struct builder *b, const struct poke *p)
{
	uint8_t *l3 = b->bytes + b->l3, *l4 = b->bytes + b->l4, *chain = b->bytes + b->chain;
	bool v4 = b->addr_bytes == 4;
	size_t udp = b->spec->proto == IP_UDP ? 6 : 2;

	switch (p->field) {
	case POKE_NONE:
		break;
	case POKE_ETHER_TYPE:
		frame_put16(l3 - 2, p->value);
		break;
	case POKE_IP_FIRST:
		l3[0] = (uint8_t)p->value;
		break;
	case POKE_IP_BYTES:
		frame_put16(l3 + (v4 ? 2 : 4), p->value);
		break;
	case POKE_IP_PROTO:
		l3[v4 ? 9 : 6] = (uint8_t)p->value;
		break;
	case POKE_IP_CHECKSUM:
		break; /* after finish_v4() */
	case POKE_CHAIN_FIRST_BYTES:
		chain[1] = (uint8_t)p->value;
		break;
	case POKE_CHAIN_FRAGMENT:
		frame_put16(chain + 2, p->value);
		break;
	case POKE_TCP_OFFSET:
		l4[12] = (uint8_t)p->value;
		break;
	case POKE_UDP_BYTES:
		frame_put16(l4 + 4, p->value);
		break;
	case POKE_L4_CHECKSUM:
		frame_put16(l4 + (b->spec->proto == IP_TCP ? 16 : udp), p->value);
		break;
	case POKE_QUOTE_FIRST:
		l4[8] = (uint8_t)p->value;
		break;
	case POKE_QUOTE_PROTO:
		l4[8 + 9] = (uint8_t)p->value;
		break;
	}
}

void frame_build(const struct frame_spec *spec, struct frame *frame)
{
	struct builder b = {.spec = spec, .bytes = frame->bytes, .max = sizeof(frame->bytes)};
	uint8_t *padding;

	append_ethernet(&b);
	if (spec->dst) {
		build_packet(spec, &b);
		for (size_t i = 0; i < 2; i++)
			poke(&b, &spec->poke[i]);
		if (b.addr_bytes == 4)
			finish_v4(&b);
		for (size_t i = 0; i < 2; i++)
			if (spec->poke[i].field == POKE_IP_CHECKSUM)
				frame_put16(b.bytes + b.l3 + 10, spec->poke[i].value);
	} else {
		append_payload(&b, spec->payload_bytes);
	}
	if (spec->pad_to > b.n) {
		/* Not zeros, so that who sums over them is found out. */
		size_t n = spec->pad_to - b.n;

		padding = append(&b, n);
		memset(padding, 0xee, n);
	}
	if (spec->cut > b.n)
		give_up("cut behind its end");
	frame->n = (uint32_t)(spec->cut ? spec->cut : b.n);
}
