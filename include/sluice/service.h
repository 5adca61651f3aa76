/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * Whose packet is it? The look-up of a service by (address, port, protocol), shared with the
 * control plane, which lays the table out with the same hash and probe order.
 */
#ifndef SLUICE_SERVICE_H
#define SLUICE_SERVICE_H

#include "sluice/generation.h"
#include "sluice/wire.h"

/*
 * One step of multiplicative hashing (Knuth, TAOCP 6.4). Bit n of a product knows bits 0 to n of
 * its factors alone: so the upper half is mixed into the lower before, and of the product the
 * upper half is taken.
 */
SLUICE_INLINE uint32_t service_mix(uint64_t x)
{
	return (uint32_t)((x ^ x >> 32) * 0x9e3779b97f4a7c15ULL >> 32);
}

/*
 * IPv6: the address in 32 bits; service_find() compares the whole. Not a mere XOR of its words,
 * which would be the same for 2001:db8:0:1::1, 2001:db8:0:2::2 and so on, of which a table takes
 * no more than SERVICE_PROBES_MAX.
 */
SLUICE_INLINE uint32_t service_fold(const uint64_t addr[2])
{
	return service_mix((addr[0] ^ addr[0] >> 32) * 0x9e3779b97f4a7c15ULL ^ addr[1]);
}

/* Never 0, since the family is not. */
SLUICE_INLINE uint64_t service_key(uint32_t addr, be16 port, uint8_t proto, bool v6)
{
	return (uint64_t)addr | (uint64_t)port << 32 | (uint64_t)proto << 48 |
	       (v6 ? 6ULL : 4ULL) << 56;
}

/* The same with port 0. */
SLUICE_INLINE uint64_t service_key_all_ports(uint64_t key)
{
	return key & ~(0xffffULL << 32);
}

/*
 * The key of the service for a flow's own port: port and protocol lie side by side in flow.last as
 * they do in the key. `v6` is !flow_is_v4(f).
 */
SLUICE_INLINE uint64_t service_flow_key(const struct flow *f, bool v6)
{
	uint32_t addr = v6 ? service_fold(&f->addrs[2]) : (uint32_t)(f->addrs[0] >> 32);

	/* Two shifts drop what else is there. */
	return service_key(addr, 0, 0, v6) | f->last >> 16 << 32;
}

/* Where a key's probes start. All of the key counts in each bit: ports of one vip lie apart. */
SLUICE_INLINE uint32_t service_start(uint64_t key)
{
	return service_mix(key);
}

/*
 * One probe sequence. `v6`: the key is of an IPv6 address, which is `addr6`; a flag of its own, since
 * the BPF verifier of Linux 6.1 follows no pointer that is NULL for one family. NULL: no such service.
 */
SLUICE_INLINE const struct service *service_probe(const struct arena *arena,
						  const struct generation *g, uint64_t key, bool v6,
						  const uint64_t addr6[2])
{
	uint32_t start = service_start(key);

	for (uint32_t i = 0; i < SERVICE_PROBES_MAX; i++) {
		uint32_t index = (start + i) & g->services_mask;
		const struct service *s =
			arena_at(arena, g->services_off + index * (uint32_t)sizeof(*s), sizeof(*s));
		const struct vip6 *vip;

		if (!s || s->key == 0)
			return NULL;
		if (s->key != key)
			continue;
		if (!v6)
			return s;
		vip = arena_at(arena, g->vips6_off + s->id * (uint32_t)sizeof(*vip), sizeof(*vip));
		if (vip && vip->addr[0] == addr6[0] && vip->addr[1] == addr6[1])
			return s;
	}
	return NULL;
}

/* The service of a flow: its own port first, then all ports. NULL: none. */
SLUICE_INLINE const struct service *service_find(const struct arena *arena,
						 const struct generation *g, const struct flow *f)
{
	bool v6 = !flow_is_v4(f);
	uint64_t key = service_flow_key(f, v6);
	const struct service *s;

	s = service_probe(arena, g, key, v6, &f->addrs[2]);
	if (!s && (g->flags & GENERATION_ALL_PORTS))
		s = service_probe(arena, g, service_key_all_ports(key), v6, &f->addrs[2]);
	return s;
}

/* The entry of a vip, whatever its services. NULL: the address is none of ours. */
SLUICE_INLINE const struct service *service_find_vip(const struct arena *arena,
						     const struct generation *g,
						     const struct flow *f)
{
	bool v6 = !flow_is_v4(f);
	uint32_t addr = v6 ? service_fold(&f->addrs[2]) : (uint32_t)(f->addrs[0] >> 32);

	return service_probe(arena, g, service_key(addr, 0, PROTO_ICMP, v6), v6, &f->addrs[2]);
}

/* Multiply-shift by the hash's top half: any table size, no division (Lemire, 2019). */
SLUICE_INLINE uint32_t service_slot_of(uint32_t slots, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * slots >> 32);
}

SLUICE_INLINE uint32_t service_slot(const struct service *s, uint64_t hash)
{
	return service_slot_of(s->slots, hash);
}

/* The hash that picks the slot: the flow's own, or with session affinity its source's. */
SLUICE_INLINE uint64_t service_slot_hash(const struct service *s, const struct flow *f,
					 uint64_t hash, const struct flow_key *key)
{
	return s->flags & SERVICE_HASH_SOURCE ? flow_hash_source(f, key) : hash;
}

/* The same for the previous way. Only for a service with SERVICE_WAY. */
SLUICE_INLINE uint64_t service_way_hash(const struct service *s, const struct flow *f,
					uint64_t hash, const struct flow_key *key)
{
	return s->flags & SERVICE_WAY_SOURCE ? flow_hash_source(f, key) : hash;
}

/*
 * Where the values of a slot lie: the current one, and (not with previous_off 0) the previous, or
 * with SERVICE_WAY that of a slot of the previous way.
 */
SLUICE_INLINE uint32_t service_current_offset(const struct service *s, uint32_t slot)
{
	return s->slots_off + slot * (uint32_t)sizeof(uint16_t);
}

SLUICE_INLINE uint32_t service_previous_offset(const struct service *s, uint32_t slot)
{
	return s->previous_off + slot * (uint32_t)sizeof(uint16_t);
}

SLUICE_INLINE uint32_t service_way_offset(const struct service *s, uint32_t slot)
{
	return s->previous_off + (uint32_t)sizeof(struct way) + slot * (uint32_t)sizeof(uint16_t);
}

SLUICE_INLINE uint32_t service_backend_offset(const struct service *s, uint16_t index)
{
	return s->backends_off + (index & SLOT_INDEX) * (uint32_t)sizeof(struct backend);
}

/* Of a service with SERVICE_CLAMPS: where the hole lies that carries its segment size. */
SLUICE_INLINE uint32_t service_hole_offset(const struct service *s)
{
	return service_backend_offset(s, (uint16_t)(s->backends - 1));
}

/* The greatest segment size that a SYN may name, of a service with SERVICE_CLAMPS. 0: bad tables. */
SLUICE_INLINE uint16_t service_mss(const struct arena *arena, const struct service *s)
{
	const struct backend *hole = arena_at(arena, service_hole_offset(s), sizeof(*hole));

	return hole ? hole->mtu_bytes : 0;
}

#endif
