/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * What the first fragment of a datagram tells about those behind it, which carry no ports: a path
 * keeps it for FRAGMENT_LIFE_S in a table of a fixed size, and completes later fragments by it
 * (steer.h, step 0), so that all of a datagram is one flow and goes to one backend. Packets that
 * are no fragments come nowhere here.
 *
 * The table belongs to a path: sets of an array for each DPDK worker, whose oldest entry gives way;
 * an LRU map of all CPUs for XDP.
 */
#ifndef SLUICE_FRAGMENT_H
#define SLUICE_FRAGMENT_H

#include "sluice/memory.h"
#include "sluice/packet.h"

enum {
	/* Fragments of a datagram come within milliseconds; the longer it is, the sooner a sender's
	 * next datagram of the same identification takes the ports of one whose first was lost. */
	FRAGMENT_LIFE_S = 5,
	/* Datagrams that a table has room for: of each worker (dpdk), of all CPUs (xdp). */
	FRAGMENT_ENTRIES = 16384,
};

/* The protocols with ports, in 3 bits: the lower ones of their numbers. */
enum fragment_proto {
	FRAGMENT_NONE, /* no datagram */
	FRAGMENT_UDP = PROTO_UDP & MEMORY_WHAT_MASK,
	FRAGMENT_TCP = PROTO_TCP & MEMORY_WHAT_MASK,
};

_Static_assert(FRAGMENT_UDP != FRAGMENT_NONE && FRAGMENT_UDP != FRAGMENT_TCP, "told apart");

/* Of one datagram. 8 bytes: one store, so that who reads it meanwhile sees all of it or nothing. */
struct fragment {
	uint32_t ports; /* both, as flow.last has them */
	uint32_t
		seen_proto; /* memory_stamp() of the first fragment, with its enum fragment_proto */
};

/* As it lies in a DPDK worker's table. */
struct fragment_entry {
	uint64_t key;
	struct fragment fragment; /* without protocol: free */
};

_Static_assert(sizeof(struct fragment) == 8, "one store");
_Static_assert(sizeof(struct fragment_entry) == 16, "four a line");

enum fragment_part {
	FRAGMENT_OTHER, /* of a protocol without ports */
	FRAGMENT_FIRST, /* with the ports */
	FRAGMENT_LATER, /* without */
};

/* Of a packet of which packet_parse() said `fragment`. */
SLUICE_INLINE enum fragment_part fragment_part(const struct packet *p)
{
	bool has_ports = p->proto == PROTO_TCP || p->proto == PROTO_UDP;

	/* Of IPv6 only the first fragment's word on the protocol counts: RFC 8200 §4.5. */
	if (p->flags & PACKET_NO_PORTS)
		return has_ports || p->flags & PACKET_V6 ? FRAGMENT_LATER : FRAGMENT_OTHER;
	return has_ports ? FRAGMENT_FIRST : FRAGMENT_OTHER;
}

/*
 * A datagram's identity: the keyed hash of source, destination, identification and, for IPv4, the
 * protocol (RFC 791 §3.2, RFC 8200 §4.5). Never that of a flow, since bit 40 of `last` is set.
 */
SLUICE_INLINE uint64_t fragment_key(const struct flow *f, uint32_t id, const struct flow_key *key)
{
	uint64_t proto = flow_is_v4(f) ? flow_proto(f) : 0;
	struct flow datagram = *f;

	datagram.last = (uint64_t)id | proto << 32 | 1ULL << 40 | f->last >> 56 << 56;
	return flow_hash(&datagram, key);
}

/* What the first fragment tells. */
SLUICE_INLINE struct fragment fragment_make(const struct flow *f, uint32_t now_s)
{
	return (struct fragment){
		.ports = (uint32_t)f->last,
		.seen_proto = memory_stamp(now_s, flow_proto(f) == PROTO_TCP ? FRAGMENT_TCP
									     : FRAGMENT_UDP),
	};
}

/* Whether there is one, and it isn't too old. */
SLUICE_INLINE bool fragment_lives(const struct fragment *f, uint32_t now_s)
{
	return (f->seen_proto & MEMORY_WHAT_MASK) != FRAGMENT_NONE &&
	       memory_seconds_since(f->seen_proto, now_s) <= FRAGMENT_LIFE_S;
}

/* A later fragment becomes a packet of the flow that its first is of. */
SLUICE_INLINE void packet_join(struct packet *p, const struct fragment *f)
{
	p->proto = (f->seen_proto & MEMORY_WHAT_MASK) == FRAGMENT_TCP ? PROTO_TCP : PROTO_UDP;
	p->flow.last = (uint64_t)f->ports | (uint64_t)p->proto << 32 | p->flow.last >> 56 << 56;
}

#endif
