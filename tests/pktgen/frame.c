/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from a client to a service. frame_write() is the packet path of the generator.
 */
#include "frame.h"
#include "bytes.h"

enum {
	TTL = 64,
	TCP_WINDOW = 64240,
	IP4_DF = 0x4000,
};

void filler_fill(struct filler *filler, uint64_t seed)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < FRAME_MAX_BYTES; i++)
		filler->bytes[i] = (uint8_t)random_draw(&seed);
	for (uint32_t i = 0; i < FRAME_MAX_BYTES / 2; i++) {
		filler->sums[i] = sum;
		sum = (uint32_t)sum_add(sum, filler->bytes + 2 * i, 2);
	}
	filler->sums[FRAME_MAX_BYTES / 2] = sum;
}

static void ip4_make(uint8_t *ip, const struct target *target)
{
	ip[0] = 0x45;
	bytes_put16(ip + 6, IP4_DF);
	ip[8] = TTL;
	ip[9] = target->proto;
	memcpy(ip + 16, target->address.bytes, 4);
}

static void ip6_make(uint8_t *ip, const struct target *target)
{
	ip[0] = 0x60;
	ip[6] = target->proto;
	ip[7] = TTL;
	memcpy(ip + 24, target->address.bytes, 16);
}

void frame_template_make(struct frame_template *template, const struct target *target)
{
	uint32_t l4_offset = ETH_BYTES + (target->address.v6 ? IP6_BYTES : IP4_BYTES);
	uint8_t *l4 = template->header + l4_offset;

	memset(template, 0, sizeof(*template));
	template->v6 = target->address.v6;
	template->proto = target->proto;
	template->payload_offset =
		(uint8_t)(l4_offset + (target->proto == PROTO_TCP ? TCP_BYTES : UDP_BYTES));
	if (template->v6)
		ip6_make(template->header + ETH_BYTES, target);
	else
		ip4_make(template->header + ETH_BYTES, target);
	bytes_put16(template->header + 12, template->v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	bytes_put16(l4 + 2, target->port);
	if (target->proto == PROTO_TCP) {
		l4[12] = TCP_BYTES / 4 << 4;
		bytes_put16(l4 + 14, TCP_WINDOW);
	}
	template->ip_sum = sum_fold(sum_add(0, template->header + ETH_BYTES, IP4_BYTES));
	template->l4_sum = sum_fold(sum_add16(
		sum_add(sum_add(0, target->address.bytes, 16), l4, TCP_BYTES), target->proto));
}

void frame_template_set_macs(struct frame_template *template, const uint8_t dst[6],
			     const uint8_t src[6])
{
	memcpy(template->header, dst, 6);
	memcpy(template->header + 6, src, 6);
}

/*
 * Sums are made of the values, not of the bytes that have just been written: a load of 4 bytes over
 * stores of 2 waits until those have left the store buffer, several times a packet.
 */
static void ip4_write(const struct frame_template *template, const struct frame_fields *fields,
		      uint32_t ip_bytes, uint64_t client_sum, uint8_t *ip)
{
	uint64_t sum = template->ip_sum + client_sum;

	bytes_put16(ip + 2, ip_bytes);
	bytes_put16(ip + 4, (uint32_t)fields->number);
	memcpy(ip + 12, fields->client->bytes, 4);
	sum_put(ip + 10, sum_add16(sum_add16(sum, ip_bytes), (uint32_t)fields->number));
}

static void ip6_write(const struct frame_fields *fields, uint32_t ip_bytes, uint64_t client_sum,
		      uint8_t *ip)
{
	/* RFC 6437: one flow label a flow. */
	uint32_t label = (uint32_t)random_mix(client_sum << 16 | fields->client_port);

	bytes_put32(ip, 6U << 28 | (label & 0xfffff));
	bytes_put16(ip + 4, ip_bytes - IP6_BYTES);
	memcpy(ip + 8, fields->client->bytes, 16);
}

static uint64_t tcp_write(const struct frame_fields *fields, uint64_t sum, uint8_t *tcp)
{
	const struct segment *s = &fields->segment;

	bytes_put16(tcp, fields->client_port);
	bytes_put32(tcp + 4, s->seq);
	bytes_put32(tcp + 8, s->ack);
	tcp[13] = s->flags;
	return sum_add16(sum_add32(sum_add32(sum, s->seq), s->ack), s->flags);
}

static uint64_t udp_write(const struct frame_fields *fields, uint64_t sum, uint32_t l4_bytes,
			  uint8_t *udp)
{
	bytes_put16(udp, fields->client_port);
	bytes_put16(udp + 4, l4_bytes);
	return sum_add16(sum, l4_bytes);
}

/* Stamp and filler; returns their sum. */
static uint64_t payload_write(const struct filler *filler, uint64_t number, uint32_t bytes,
			      uint8_t *payload)
{
	uint32_t rest = bytes - FRAME_STAMP_BYTES;
	uint64_t sum = sum_add16(filler->sums[rest / 2], (uint32_t)(number >> 32));

	bytes_put48(payload, number);
	if (rest > 0)
		memcpy(payload + FRAME_STAMP_BYTES, filler->bytes, rest);
	sum = sum_add32(sum, (uint32_t)number);
	return rest % 2 ? sum + filler->bytes[rest - 1] : sum;
}

void frame_write(const struct frame_template *template, const struct filler *filler,
		 const struct frame_fields *fields, uint32_t bytes, uint8_t *out)
{
	uint32_t header_bytes = template->payload_offset;
	uint32_t l4_offset = ETH_BYTES + (template->v6 ? IP6_BYTES : IP4_BYTES);
	uint32_t l4_bytes = bytes - l4_offset;
	uint64_t client_sum = sum_add(0, fields->client->bytes, template->v6 ? 16 : 4);
	uint64_t sum =
		sum_add16(sum_add16(template->l4_sum + client_sum, l4_bytes), fields->client_port);
	uint8_t *l4 = out + l4_offset, *checksum = l4 + 6;

	memcpy(out, template->header, sizeof(template->header));
	if (template->v6)
		ip6_write(fields, bytes - ETH_BYTES, client_sum, out + ETH_BYTES);
	else
		ip4_write(template, fields, bytes - ETH_BYTES, client_sum, out + ETH_BYTES);
	if (template->proto == PROTO_TCP) {
		sum = tcp_write(fields, sum, l4);
		checksum = l4 + 16;
	} else {
		sum = udp_write(fields, sum, l4_bytes, l4);
	}
	sum += payload_write(filler, fields->number, bytes - header_bytes, out + header_bytes);
	sum_put(checksum, sum);
	if (template->proto == PROTO_UDP && checksum[0] == 0 && checksum[1] == 0)
		checksum[0] = checksum[1] = 0xff; /* RFC 768: 0 means none */
}
