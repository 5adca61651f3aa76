/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encapsulated frames for test_decap.c, built field by field from a description, with checksums
 * summed over the whole header: nothing here is shared with the code under test.
 */
#ifndef SLUICE_DECAP_FRAMES_H
#define SLUICE_DECAP_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>

enum encap { ENCAP_NONE, ENCAP_IPIP, ENCAP_GUE1, ENCAP_GUE0 };

/* Where the headers of a frame begin; a part that it doesn't have begins where the next does. */
enum frame_part { PART_LINK, PART_OUTER, PART_UDP, PART_GUE, PART_INNER, PART_COUNT };

struct frame_spec {
	enum encap encap;           /* NONE: the inner packet alone */
	int outer_family;           /* 4, 6 */
	int inner_family;           /* 4, 6 */
	uint16_t vlan;              /* type of the tag, 0: none */
	size_t outer_options_bytes; /* IPv4 only */
	size_t inner_options_bytes; /* IPv4 only */
	size_t gue_private_bytes;   /* variant 0 only */
	size_t payload_bytes;       /* behind the inner UDP header; 0: 10 */
	size_t padding_bytes;       /* behind it all, as Ethernet's */
	uint16_t udp_checksum;      /* of the outer header */
	unsigned int outer_ecn, inner_ecn;
};

struct frame {
	uint8_t data[12288];
	size_t bytes;
	size_t offsets[PART_COUNT];
};

struct frame_kind {
	const char *name;
	enum encap encap;
	int inner_family, outer_family;
};

static const struct frame_kind frame_kinds[] = {
	{"ipip 4in4", ENCAP_IPIP, 4, 4}, {"ipip 6in4", ENCAP_IPIP, 6, 4},
	{"ipip 4in6", ENCAP_IPIP, 4, 6}, {"ipip 6in6", ENCAP_IPIP, 6, 6},
	{"gue1 4in4", ENCAP_GUE1, 4, 4}, {"gue1 6in4", ENCAP_GUE1, 6, 4},
	{"gue1 4in6", ENCAP_GUE1, 4, 6}, {"gue1 6in6", ENCAP_GUE1, 6, 6},
	{"gue0 4in4", ENCAP_GUE0, 4, 4}, {"gue0 6in4", ENCAP_GUE0, 6, 4},
	{"gue0 4in6", ENCAP_GUE0, 4, 6}, {"gue0 6in6", ENCAP_GUE0, 6, 6},
};

static inline void frame_kind_apply(struct frame_spec *spec, const struct frame_kind *kind)
{
	spec->encap = kind->encap;
	spec->outer_family = kind->outer_family;
	spec->inner_family = kind->inner_family;
}

static inline const struct frame_kind *frame_kind_find(const char *name)
{
	for (size_t k = 0; k < sizeof(frame_kinds) / sizeof(frame_kinds[0]); k++)
		if (strcmp(frame_kinds[k].name, name) == 0)
			return &frame_kinds[k];
	fprintf(stderr, "no frame kind %s\n", name);
	abort();
}

static inline void put8(struct frame *f, size_t value)
{
	f->data[f->bytes++] = (uint8_t)value;
}

static inline void put16(struct frame *f, size_t value)
{
	put8(f, value >> 8);
	put8(f, value);
}

static inline void put_fill(struct frame *f, size_t bytes, size_t value)
{
	memset(f->data + f->bytes, (int)value, bytes);
	f->bytes += bytes;
}

static inline void set16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Sums an IPv4 header and stores the checksum: RFC 1071. */
static inline void ipv4_checksum_set(uint8_t *header)
{
	size_t sum = 0;

	set16(header + 10, 0);
	for (size_t i = 0; i < (header[0] & 0xfU) * 4; i += 2)
		sum += (size_t)header[i] << 8 | header[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	set16(header + 10, ~sum);
}

static inline void ip_put(struct frame *f, int family, size_t options_bytes, unsigned int ecn,
			  uint8_t proto, size_t payload_bytes)
{
	size_t start = f->bytes;

	if (family == 6) {
		put16(f, 0x6000 | 0xb8 << 4 | ecn << 4); /* DSCP 46 */
		put16(f, 0x1234);
		put16(f, payload_bytes);
		put8(f, proto);
		put8(f, 61);
		put_fill(f, 16, 0x20);
		put_fill(f, 16, 0x21);
		return;
	}
	put8(f, 0x45 + options_bytes / 4);
	put8(f, 0xb8 | ecn);
	put16(f, 20 + options_bytes + payload_bytes);
	put16(f, 0x4321);
	put16(f, 0x4000);
	put8(f, 61);
	put8(f, proto);
	put16(f, 0);
	put_fill(f, 4, 10);
	put_fill(f, 4, 11);
	put_fill(f, options_bytes, 1); /* no operation */
	ipv4_checksum_set(f->data + start);
}

static inline size_t ip_header_bytes(int family, size_t options_bytes)
{
	return family == 6 ? 40 : 20 + options_bytes;
}

static inline void outer_put(struct frame *f, const struct frame_spec *spec, size_t inner_bytes)
{
	uint8_t inner_proto = spec->inner_family == 6 ? 41 : 4;
	size_t gue_bytes = spec->encap == ENCAP_GUE0 ? 4 + spec->gue_private_bytes : 0;
	size_t udp_bytes = 8 + gue_bytes + inner_bytes;

	if (spec->encap == ENCAP_IPIP) {
		ip_put(f, spec->outer_family, spec->outer_options_bytes, spec->outer_ecn,
		       inner_proto, inner_bytes);
		return;
	}
	ip_put(f, spec->outer_family, spec->outer_options_bytes, spec->outer_ecn, 17, udp_bytes);
	f->offsets[PART_UDP] = f->bytes;
	put16(f, 50000);
	put16(f, 6080);
	put16(f, udp_bytes);
	put16(f, spec->udp_checksum);
	f->offsets[PART_GUE] = f->bytes;
	if (spec->encap == ENCAP_GUE0) {
		put8(f, spec->gue_private_bytes / 4);
		put8(f, inner_proto);
		put16(f, 0);
		put_fill(f, spec->gue_private_bytes, 0x55);
	}
}

static inline void frame_build(struct frame *f, const struct frame_spec *spec)
{
	size_t payload_bytes = spec->payload_bytes ? spec->payload_bytes : 10;
	size_t inner_bytes =
		ip_header_bytes(spec->inner_family, spec->inner_options_bytes) + 8 + payload_bytes;
	int family = spec->encap == ENCAP_NONE ? spec->inner_family : spec->outer_family;

	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < 12; i++)
		put8(f, 2 + 16 * i);
	if (spec->vlan) {
		put16(f, spec->vlan);
		put16(f, 0xe123);
	}
	put16(f, family == 6 ? 0x86dd : 0x0800);
	for (int part = PART_OUTER; part < PART_COUNT; part++)
		f->offsets[part] = f->bytes;
	if (spec->encap != ENCAP_NONE)
		outer_put(f, spec, inner_bytes);
	f->offsets[PART_INNER] = f->bytes;
	if (spec->encap == ENCAP_IPIP)
		f->offsets[PART_UDP] = f->offsets[PART_GUE] = f->bytes;
	ip_put(f, spec->inner_family, spec->inner_options_bytes, spec->inner_ecn, 17,
	       8 + payload_bytes);
	put16(f, 40000);
	put16(f, 443);
	put16(f, 8 + payload_bytes);
	put16(f, 0xabcd);
	for (size_t i = 0; i < payload_bytes; i++)
		put8(f, i * 7);
	put_fill(f, spec->padding_bytes, 0xee);
}

/* Makes the lengths of the outer headers say that the frame has only `bytes`, as far as they are
 * within those. */
static inline void frame_outer_cut(struct frame *f, const struct frame_spec *spec, size_t bytes)
{
	uint8_t *outer = f->data + f->offsets[PART_OUTER], *udp = f->data + f->offsets[PART_UDP];
	size_t left = bytes > f->offsets[PART_OUTER] ? bytes - f->offsets[PART_OUTER] : 0;

	if (left < ip_header_bytes(spec->outer_family, spec->outer_options_bytes))
		return;
	if (spec->outer_family == 6)
		set16(outer + 4, left - 40);
	else
		set16(outer + 2, left);
	if (spec->encap != ENCAP_IPIP && bytes >= f->offsets[PART_UDP] + 8)
		set16(udp + 4, bytes - f->offsets[PART_UDP]);
}

#endif
