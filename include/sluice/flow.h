/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * A flow (5-tuple) and its keyed 64-bit hash: SipHash-1-3 (Aumasson and Bernstein, 2012) of the
 * bytes  source address | destination address | source port | destination port | protocol  in
 * network order: 13 bytes for IPv4, 37 for IPv6. The top half picks the slot; the whole is the
 * flow's identity. Who doesn't know the key can't aim flows at one slot: docs/architecture.md.
 */
#ifndef SLUICE_FLOW_H
#define SLUICE_FLOW_H

#include "sluice/types.h"

/*
 * Words of the message as SipHash reads them. IPv4 uses addrs[0] alone: source in the lower
 * half, destination in the upper. IPv6: source in [0..1], destination in [2..3].
 * `last`: source port, destination port (16 bits each, network order), protocol (8 bits), zero,
 * and in the top byte the message's length, which also tells the families apart.
 */
struct flow {
	uint64_t addrs[4];
	uint64_t last;
};

enum flow_bytes {
	FLOW_BYTES_V4 = 13,
	FLOW_BYTES_V6 = 37,
};

struct flow_key {
	uint64_t k[2];
};

SLUICE_INLINE uint64_t flow_last(be16 src_port, be16 dst_port, uint8_t proto, enum flow_bytes bytes)
{
	return (uint64_t)src_port | (uint64_t)dst_port << 16 | (uint64_t)proto << 32 |
	       (uint64_t)bytes << 56;
}

SLUICE_INLINE bool flow_is_v4(const struct flow *f)
{
	return f->last >> 56 == FLOW_BYTES_V4;
}

SLUICE_INLINE be16 flow_src_port(const struct flow *f)
{
	return (be16)f->last;
}

SLUICE_INLINE be16 flow_dst_port(const struct flow *f)
{
	return (be16)(f->last >> 16);
}

SLUICE_INLINE uint8_t flow_proto(const struct flow *f)
{
	return (uint8_t)(f->last >> 32);
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

SLUICE_INLINE uint64_t sip_rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

SLUICE_INLINE void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = sip_rotate(s->v1, 13) ^ s->v0;
	s->v0 = sip_rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = sip_rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = sip_rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = sip_rotate(s->v1, 17) ^ s->v2;
	s->v2 = sip_rotate(s->v2, 32);
}

SLUICE_INLINE void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

SLUICE_INLINE uint64_t flow_hash(const struct flow *f, const struct flow_key *key)
{
	struct sip s = {
		.v0 = key->k[0] ^ 0x736f6d6570736575ULL,
		.v1 = key->k[1] ^ 0x646f72616e646f6dULL,
		.v2 = key->k[0] ^ 0x6c7967656e657261ULL,
		.v3 = key->k[1] ^ 0x7465646279746573ULL,
	};

	sip_word(&s, f->addrs[0]);
	if (!flow_is_v4(f)) {
		sip_word(&s, f->addrs[1]);
		sip_word(&s, f->addrs[2]);
		sip_word(&s, f->addrs[3]);
	}
	sip_word(&s, f->last);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/*
 * The hash of a flow's source address alone, which picks the slot of services with session affinity:
 * that of the flow with everything else 0, and lengths that no flow has (4 and 16 bytes).
 */
SLUICE_INLINE uint64_t flow_hash_source(const struct flow *f, const struct flow_key *key)
{
	struct flow source = {.last = (uint64_t)(flow_is_v4(f) ? 4 : 16) << 56};

	source.addrs[0] = flow_is_v4(f) ? (uint32_t)f->addrs[0] : f->addrs[0];
	source.addrs[1] = flow_is_v4(f) ? 0 : f->addrs[1];
	return flow_hash(&source, key);
}

#endif
