/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * What the fast path reads, as it lies in the arena. A generation is one immutable version of
 * all of it: services, slots, backends. The control plane lays a new one out aside and publishes
 * it by one store to arena_head.current; a packet (DPDK: a burst) reads that word once, so it
 * sees all of one generation and nothing of another. Parts that did not change are shared
 * between generations. What a replaced generation alone referred to is free again once the path
 * has quiesced (module.h).
 *
 *   arena_head -> generation -> services[] -> slots[] -> backends[]
 *                                          -> previous[], or way -> slots[]
 *
 * Offsets are in bytes from the arena's start, each a multiple of what it leads to; 0 is "none".
 */
#ifndef SLUICE_GENERATION_H
#define SLUICE_GENERATION_H

#include "sluice/arena.h"
#include "sluice/flow.h"

#define ARENA_MAGIC 0x616e6572612d6c73ULL /* "sl-arena" */

enum {
	/*
	 * Rises with each change of this file's layouts. A daemon adopts arenas of its own layout, and
	 * those from ARENA_LAYOUT_OLDEST on, whose tables mean the same in its own: 2 has no ways,
	 * and no backend_first_mtu_bytes().
	 */
	ARENA_LAYOUT = 3,
	ARENA_LAYOUT_OLDEST = 2,
	/* No service is further than this from where its key's hash points. */
	SERVICE_PROBES_MAX = 8,
	/* A slot's value: index of a backend within its service, and a bit. */
	SLOT_INDEX = 0x7fff,
	SLOT_NONE = 0x7fff, /* no backend takes flows */
	SLOT_CHANGED = 0x8000,
	BACKENDS_PER_SERVICE_MAX = SLOT_NONE,
};

/* At offset 0. */
struct arena_head {
	uint64_t magic;
	uint32_t layout;
	uint32_t current; /* offset of the published generation; 0 before the first */
	uint64_t arena_bytes;
	uint64_t reserved[5];
};

/* Whether a daemon of this build can go on with an arena that was left by another. */
SLUICE_INLINE bool arena_layout_is_known(uint32_t layout)
{
	return layout >= ARENA_LAYOUT_OLDEST && layout <= ARENA_LAYOUT;
}

enum generation_flags {
	GENERATION_ALL_PORTS = 1 << 0, /* some service has port 0: a miss looks once more */
};

/* One line: read for every burst, or packet. */
struct generation {
	uint64_t number; /* counts from 1 in the life of an arena */
	struct flow_key key;
	uint32_t services_off;  /* struct service[services_mask + 1] */
	uint32_t services_mask; /* power of two less 1 */
	uint32_t vips6_off;     /* struct vip6[], by service.id */
	uint32_t flags;         /* enum generation_flags */
	be16 gue_port;          /* UDP destination of GUE */
	uint8_t outer_ttl;
	uint8_t reserved;
	uint32_t
		errors_per_s; /* ICMP errors that a worker sends at most: limit.h; 0: its default */
	uint8_t reserved2[2];
	uint16_t idle_s
		[7]; /* by enum memory_state (memory.h): how long a silent flow is remembered */
};

/*
 * A service, in an open-addressing table: half a line. A vip's own entry (protocol PROTO_ICMP,
 * port 0, no slots) stands in the same table and says that the address is one of ours.
 */
struct service {
	uint64_t key;          /* service_key(); 0: empty */
	uint32_t slots_off;    /* uint16_t[slots] */
	uint32_t slots;        /* 0 for a vip's own entry */
	uint32_t backends_off; /* struct backend[] */
	uint32_t id;           /* row of its counters; stable while the service exists, never 0 */
	/*
	 * Where flows older than the change belong, or SLOT_NONE. uint16_t[slots], read where
	 * SLOT_CHANGED is set; with SERVICE_WAY a struct way, read for every unknown flow. 0: no
	 * transition is under way, all are SLOT_NONE.
	 */
	uint32_t previous_off;
	uint16_t backends; /* length of backends[], holes included */
	uint16_t flags;    /* enum service_flags */
};

enum service_flags {
	SERVICE_HASH_SOURCE = 1 << 0, /* the slot follows from the source address alone */
	/*
	 * The scheduler doesn't hash (rr, wrr, random, least-conn): the slot of a new flow follows
	 * from a count or a random number, and every flow is remembered.
	 */
	SERVICE_ROUND_ROBIN = 1 << 1, /* rr, wrr: slots in turn, as the control plane laid them */
	SERVICE_RANDOM = 1 << 2,      /* random: any slot */
	SERVICE_LEAST_CONN =
		1 << 3, /* of two random slots, the one whose backend has fewer flows */
	SERVICE_REMEMBERS = SERVICE_ROUND_ROBIN | SERVICE_RANDOM | SERVICE_LEAST_CONN,
	/*
	 * Flows older than the change found their slot in another way than those of today: in a table
	 * of another length, by another hash, or where today's scheduler doesn't hash. All slots of a
	 * service that hashes are SLOT_CHANGED then. docs/consistency.md.
	 */
	SERVICE_WAY = 1 << 4,
	SERVICE_WAY_SOURCE = 1 << 5, /* and it was by the source address alone */
	/* How today's flows find their slot. */
	SERVICE_FINDS = SERVICE_HASH_SOURCE | SERVICE_REMEMBERS,
	SERVICE_REJECTS = 1 << 6, /* packets that find no backend are answered, not dropped */
	/*
	 * SYNs have their maximum segment size lowered to that of service_mss(): the last of
	 * backends[] is no backend then, but a hole that carries it.
	 */
	SERVICE_CLAMPS = 1 << 7,
	/* Of a vip's own entry: what becomes of flows that no service has. Neither: the kernel's. */
	SERVICE_UNSERVED_REJECT = 1 << 8,
	SERVICE_UNSERVED_DROP = 1 << 9,
};

/* The previous way of a service. Behind it lie its slots: uint16_t[slots], without marks. */
struct way {
	uint32_t slots; /* at least 1 */
	uint32_t reserved;
};

/* The address of an IPv6 service, of which its key holds only a fold. */
struct vip6 {
	uint64_t addr[2];
};

/* X(identifier, word). The tables in the arena hold the numbers, so new ones go to the end. */
#define ENCAPS(X)                                                                     \
	X(ENCAP_IPIP, "ipip")         /* RFC 2003, RFC 2473, RFC 4213 */              \
	X(ENCAP_GUE, "gue")           /* variant 1: the inner IP header behind UDP */ \
	X(ENCAP_GUE_VARIANT0, "gue0") /* with the 4-byte header */

enum encap {
#define X(id, word) id,
	ENCAPS(X)
#undef X
};

enum backend_flags {
	BACKEND_OUTER_V6 = 1 << 0,
	BACKEND_RESOLVED = 1 << 1, /* the MACs are known */
	BACKEND_LIVES = 1 << 2,    /* keeps its flows: neither disabled, down nor removed */
};

/* A backend of one service, with the way to it: one line. */
struct backend {
	uint8_t dst_mac[6];
	uint8_t src_mac[6];
	be16 vlan_tci;      /* 0: untagged */
	uint8_t encap;      /* enum encap */
	uint8_t flags;      /* enum backend_flags */
	uint16_t mtu_bytes; /* of the whole way, for the outer IP packet */
	uint16_t port;      /* index of the port to send from */
	uint32_t counter;   /* row of its counters; stable while the backend exists, 0: a hole */
	uint16_t outer_sum; /* of the outer header's words that no packet changes: encap.h */
	uint16_t load;      /* least-conn: flows per weight, relative to the service's others */
	/* Bits of the source address's last word that carry flow entropy. 0 with GUE, whose port
	 * carries it: its UDP checksum is made of outer_sum alone, so of the plain address. */
	be32 entropy_mask;
	uint64_t outer_src[2]; /* IPv4: the first 4 bytes */
	uint64_t outer_dst[2]; /* the same; behind it, backend_first_mtu_bytes() */
};

/*
 * What fits the first link of the way, as mtu_bytes what fits all of it: less where a router told of
 * a narrower link. Routers fragment what is longer than mtu_bytes, if it may be fragmented: IPv4
 * without DF (RFC 791). They don't fragment IPv6, so nothing stands here then: it is mtu_bytes.
 */
SLUICE_INLINE uint32_t backend_first_mtu_bytes(const struct backend *b)
{
	return b->flags & BACKEND_OUTER_V6 ? b->mtu_bytes : (uint32_t)b->outer_dst[1];
}

SLUICE_INLINE void backend_set_first_mtu_bytes(struct backend *b, uint16_t bytes)
{
	if (!(b->flags & BACKEND_OUTER_V6))
		b->outer_dst[1] = bytes;
}

_Static_assert(sizeof(struct arena_head) == 64, "one line");
_Static_assert(sizeof(struct generation) == 64, "one line");
_Static_assert(sizeof(struct service) == 32, "half a line");
_Static_assert(sizeof(struct way) == 8, "a power of two, as arena_at() asks");
_Static_assert(sizeof(struct vip6) == 16, "a quarter line");
_Static_assert(sizeof(struct backend) == 64, "one line");

#endif
