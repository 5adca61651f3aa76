/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would become of a packet, step by step: include/sluice's own functions over the arena that
 * packets see, so that what is told here can't differ from what is done there. Changes nothing: no
 * table, no counter, no draw of a scheduler's. Control thread, between two publications.
 */
#ifndef SLUICE_TRACE_H
#define SLUICE_TRACE_H

#include "ip.h"
#include "sluice/steer.h"

enum {
	TRACE_GROWTH_MAX = 64, /* of any frame: by outer headers, or those of an answer */
};

_Static_assert((int)TRACE_GROWTH_MAX >= (int)ENCAP_GROWTH_MAX, "outer headers fit");

/* A frame with room in front of it; trace_packet() moves and rewrites it as the path would. */
struct trace_frame {
	uint8_t *bytes; /* of the frame; TRACE_GROWTH_MAX more lie before it */
	uint32_t n;
};

struct trace_tables {
	const struct arena *arena;
	const struct macs *macs; /* that the port takes frames to; NULL: any */
	uint32_t now_s;          /* the clock of what is remembered */
	/* What the path's table holds of the flow. False: nothing. */
	bool (*find)(void *ctx, const struct packet *packet, uint64_t hash, struct memory *memory);
	void *ctx;
};

/* Headers that a forwarded packet got, read from its bytes. */
struct trace_outer {
	struct ip_addr src, dst;
	uint16_t src_port, dst_port; /* GUE; else 0 */
	uint8_t ttl;
	uint8_t src_mac[6], dst_mac[6];
	uint16_t vlan;     /* 0: untagged */
	uint32_t ip_bytes; /* of the outer IP packet */
};

/* What is set holds up to where the packet's way ended. */
struct trace {
	enum verdict verdict;
	const struct generation *generation; /* NULL: none was published, all is the kernel's */
	const struct service *vip;           /* the address's own entry; NULL: it is no vip */
	bool hashed;                         /* steering.hash and .slot are set */
	struct packet packet;
	struct steering steering; /* backend: where it would go, also if it can't */
	struct memory_slot slot;  /* what stands in the slot; SLOT_NONE where nothing does */
	bool looked;              /* the flow table was asked: steer_looks_further() */
	bool found;               /* it holds `memory` of the flow */
	bool known;               /* that can be relied on */
	struct memory memory;
	/*
	 * The scheduler draws a slot for this packet, which nobody can tell beforehand: no backend
	 * is set, and the verdict, forward, stands for what trace_candidates() says.
	 */
	bool draws;
	uint16_t index;           /* of the backend within its service; SLOT_NONE: none, or drawn */
	struct trace_outer outer; /* verdict forward, icmp_forward */
};

/* Rewrites `frame` into what would be sent, if something would be; else leaves it. */
void trace_packet(const struct trace_tables *tables, struct trace_frame *frame,
		  struct trace *trace);

/* A backend that a draw may pick. */
struct trace_candidate {
	uint16_t index; /* SLOT_NONE: none takes flows */
	uint32_t slots;
	enum verdict verdict;
};

/*
 * Of a trace that draws: those that may come out, the one with most slots first. `rows` has room
 * for one more than the service's backends (trace->steering.service->backends). Returns how many.
 */
uint32_t trace_candidates(const struct trace_tables *tables, const struct trace *trace,
			  struct trace_candidate *rows);

#endif
