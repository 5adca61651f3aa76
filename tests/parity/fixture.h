/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generation that the parity table is about: services of every kind, as a table of plain
 * text, and its layout in an arena with the control plane's own functions. The oracle reads the
 * table, the paths read the arena.
 */
#ifndef SLUICE_TESTS_PARITY_FIXTURE_H
#define SLUICE_TESTS_PARITY_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/generation.h"
#include "sluice/mac.h"

enum {
	FIXTURE_BACKENDS_MAX = 5,
	FIXTURE_ARENA_BYTES = 4 << 20,
	FIXTURE_ROWS_MAX = 256, /* of counters: services and vips */
	FIXTURE_PORTS = 3,
	FIXTURE_GUE_PORT = 6080,
	FIXTURE_OUTER_TTL = 61,
	FIXTURE_MTU = 1500,
	FIXTURE_ERRORS_PER_S = 1000000000, /* all of them */
	FIXTURE_FLOW_SLOT = 3,             /* that the flows of test_flows.c have by their hash */
	FIXTURE_WAY_SLOTS =
		14, /* of a previous way; and one that those flows have by their source's */
	FIXTURE_WAY_SOURCE_SLOT = 6,
};

/* vips */
#define WEB4    "203.0.113.1" /* tcp 80, udp 53 */
#define WEB6    "2001:db8:f::1"
#define ALL4    "203.0.113.2" /* tcp and udp on all ports; tcp 443 on its own */
#define ALL6    "2001:db8:f::2"
#define DNS4    "203.0.113.3" /* udp 53 only */
#define DNS6    "2001:db8:f::3"
#define SPREAD4 "203.0.113.4" /* tcp 80 over backends of all kinds */
#define SPREAD6 "2001:db8:f::4"
#define EMPTY4  "203.0.113.5" /* tcp 80 without backends */
#define EMPTY6  "2001:db8:f::5"
#define LOST4   "203.0.113.6" /* tcp 80, whose backend's next hop is unknown */
#define LOST6   "2001:db8:f::6"
#define TIGHT4  "203.0.113.7"   /* tcp 80 over a way with an MTU of 400 */
#define NARROW4 "203.0.113.8"   /* tcp 80 over a first link of 1500, and one of 1400 behind it */
#define NARROW6 "2001:db8:f::8" /* the same, 1300 behind it, over IPv6 */
/* tcp 80, and what else comes is refused; the same, dropped */
#define REFUSE4 "203.0.113.9"
#define REFUSE6 "2001:db8:f::9"
#define DEAF4   "203.0.113.10"
#define DEAF6   "2001:db8:f::a"
#define VACANT4 "203.0.113.11" /* tcp 80 and udp 53 without backends, refused */
#define VACANT6 "2001:db8:f::b"
#define CLAMP4  "203.0.113.12"  /* tcp 80, SYNs' segment size lowered to 1360; over gue */
#define CLAMP6  "2001:db8:f::c" /* likewise, 1220; over ipip */
/* tcp 80; service_fold() makes of it what it makes of WEB6. test_parity.c sees to that. */
#define TWIN6 "2001:db8:aa:0:21:6b6e:3386:4862"
/* Likewise, but no vip: with both halves of its own, and with WEB6's upper and lower half. */
#define NOT_TWIN6       "2001:db8:bb:0:6c:ae0d:bec3:2950"
#define NOT_TWIN6_UPPER "2001:db8:f:0:a500:aea8:e28d:610f"
#define NOT_TWIN6_LOWER "41b9:ccab:70f1:2ca0::1"
/* tcp 80 and udp 53 with one way of going there each: FIXTURE_WAYS of them, from this number on */
#define WAYS4 "203.0.113.%u"
#define WAYS6 "2001:db8:f::%x"
enum {
	FIXTURE_WAYS_FIRST = 16,
	FIXTURE_WAYS = 12,
};

/* Of fixture_new_flows() alone. */
#define MOVED4     "203.0.113.201" /* tcp 80: every slot moved from backend 0 to 1 */
#define MOVED6     "2001:db8:f::201"
#define MOVED_UDP4 "203.0.113.205" /* udp 443: likewise */
#define MOVED_UDP6 "2001:db8:f::205"
#define TURNS4     "203.0.113.202" /* tcp 80: in turn over 5 backends */
#define CHANCE4    "203.0.113.203" /* tcp 80: by chance; see fixture_flows.odd_slot */
#define LEAST4     "203.0.113.204" /* tcp 80: to whom has fewer flows; likewise */
/*
 * tcp 80: another way than before, in which flows find their slot. New ones go to backend 1, or in
 * turn over 5; those of test_flows.c went to the last backend before, and all others to backend 0.
 */
#define LONGER4 "203.0.113.215" /* by flow, in a table of another length */
#define LONGER6 "2001:db8:f::215"
#define SOURCE4 "203.0.113.216" /* by source now, by flow before */
#define SOURCE6 "2001:db8:f::216"
#define FLOWS4  "203.0.113.217" /* the reverse */
#define FLOWS6  "2001:db8:f::217"
#define DRAWN4  "203.0.113.218"   /* in turn now, by flow before */
#define DRAWN6  "2001:db8:f::218" /* in turn now, by source before */

/* Not ours. */
#define OTHER4 "10.0.0.2"
#define OTHER6 "2001:db8::2"

/* Port 0's own MAC, as frames have it (frames.h), and a virtual one. */
extern const struct macs fixture_macs_of_port;

struct fixture_backend {
	const char *addr; /* NULL: no more backends */
	enum encap encap;
	uint16_t vlan_tci;
	uint16_t mtu_bytes;       /* [FIXTURE_MTU] */
	uint16_t first_mtu_bytes; /* [mtu_bytes] */
	uint16_t port;
	bool unresolved;
};

/* What makes more of a packet than its hash and its backends. */
struct fixture_flows {
	uint16_t flags; /* enum service_flags */
	bool moved;     /* all slots are changed: from backend 0 to 1 */
	/* Backend 0, with more load than any, has this slot alone; all others are backend 1's. */
	uint16_t odd_slot; /* [Maglev's choice] */
	uint16_t mss;      /* SYNs' segment size; [not lowered] */
	uint16_t
		unserved; /* of the vip, at its first service: SERVICE_UNSERVED_...; [the kernel's] */
};

struct fixture_service {
	const char *name;
	char vip[40];
	uint16_t port;
	uint8_t proto;
	uint16_t slots; /* [7] */
	struct fixture_backend backends[FIXTURE_BACKENDS_MAX];
	struct fixture_flows flows;
};

struct fixture {
	struct fixture_service services[FIXTURE_ROWS_MAX];
	uint32_t services_n;
	struct flow_key key;
	/* What a first fragment tells is kept for later ones; else each frame stands alone. */
	bool keeps_fragments;
	/* What each service's slots hold, as laid out: slots_n indices each. */
	uint16_t *slots[FIXTURE_ROWS_MAX];
};

/* The table. Needs no arena. Aborts when out of memory. */
struct fixture *fixture_new(void);

/* Services where what is remembered of a flow decides; of the table none. */
struct fixture *fixture_new_flows(void);

/* All of both, and what first fragments tell is kept. */
struct fixture *fixture_new_fragments(void);

void fixture_free(struct fixture *fixture);

/*
 * Lays the table out in a blank arena and stores it in arena_head.current. Returns the
 * generation's offset. Aborts where the control plane refuses.
 */
uint32_t fixture_lay(const struct fixture *fixture, struct arena *arena, uint64_t arena_bytes);

/* How many counter rows services and vips use, row 0 included; the same for backends. */
uint32_t fixture_service_rows(const struct fixture *fixture);
uint32_t fixture_backend_rows(const struct fixture *fixture);

/* The way to a backend, as both the layout and the oracle need it. */
void fixture_macs(uint32_t service, uint32_t backend, uint8_t dst[6], uint8_t src[6]);

/*
 * The outer source address for a backend and how many of its low bits carry entropy. `bytes`: 4
 * or 16, by the backend's family.
 */
uint32_t fixture_source(const struct fixture_backend *b, bool v6, uint8_t bytes[16]);

#endif
