/* SPDX-License-Identifier: (Apache-2.0 OR BSD-2-Clause) */
/*
 * What is remembered of a flow, and what a packet in a changed slot makes of it. Only flows that
 * the lookup table alone would send elsewhere are remembered: in a steady state no slot is changed,
 * and none of this is read. docs/consistency.md has the reasoning.
 *
 * The table itself belongs to a path (an array of its own per DPDK worker, LRU maps for XDP); which
 * entries it gives up first, half-open ones, follows from memory_is_half_open().
 */
#ifndef SLUICE_MEMORY_H
#define SLUICE_MEMORY_H

#include "sluice/generation.h"
#include "sluice/packet.h"

/* X(identifier, word): a flow's state, as far as the client's side alone tells it. */
#define MEMORY_STATE_WORDS(X)                                                           \
	X(MEMORY_NONE, "none")         /* nothing is remembered */                      \
	X(MEMORY_SYN, "syn")           /* half-open: a SYN was seen, nothing else */    \
	X(MEMORY_TCP_ONCE, "tcp_once") /* one packet of an older connection was seen */ \
	X(MEMORY_TCP, "tcp")           /* established */                                \
	X(MEMORY_CLOSING, "closing")   /* a FIN or RST was seen */                      \
	X(MEMORY_UDP_ONCE, "udp_once") /* one packet was seen */                        \
	X(MEMORY_UDP, "udp")

enum memory_state {
#define X(id, word) id,
	MEMORY_STATE_WORDS(X)
#undef X
		MEMORY_STATES
};

/*
 * Of one flow, beside its hash. 8 bytes: one store, so that who reads it meanwhile sees all of
 * it or nothing.
 */
struct memory {
	uint32_t seen_state; /* memory_stamp() of the last packet, with its enum memory_state */
	uint16_t backend;    /* index within its service: stable while anything may refer to it */
	uint16_t service;    /* service.id */
};

/* As it lies in a DPDK worker's table, and as a walk hands it out. */
struct memory_entry {
	uint64_t hash; /* the flow's identity */
	struct memory memory;
};

_Static_assert(sizeof(struct memory) == 8, "one store");
_Static_assert(sizeof(struct memory_entry) == 16, "four a line");

enum {
	/* A stamp's clock: it wraps after 17 years, which no machine runs without a restart. */
	MEMORY_SECONDS_MASK = 0x1fffffff,
	MEMORY_WHAT_MASK = 7,
	/* Another core or the control plane may have read the clock so much before. */
	MEMORY_AHEAD_S = 60,
};

_Static_assert((int)MEMORY_STATES <= (int)MEMORY_WHAT_MASK,
	       "a stamp has room for each, and one that is none");

/*
 * A second of the clock and 3 bits of what was there then, as one word. From the top: the second's lower
 * 24 bits, its upper 5, the 3 bits; so that builds whose clock had 24 bits wrote the same in a
 * machine's first 194 days.
 */
SLUICE_INLINE uint32_t memory_stamp(uint32_t now_s, uint32_t what)
{
	return now_s << 8 | (now_s >> 24 & 0x1f) << 3 | what;
}

SLUICE_INLINE uint32_t memory_stamp_s(uint32_t stamp)
{
	return stamp >> 8 | (stamp & 0xf8) << 21;
}

/* The same, `seconds` later. */
SLUICE_INLINE uint32_t memory_stamp_move(uint32_t stamp, int32_t seconds)
{
	return memory_stamp(memory_stamp_s(stamp) + (uint32_t)seconds, stamp & MEMORY_WHAT_MASK);
}

SLUICE_INLINE uint32_t memory_pack(uint32_t now_s, enum memory_state state)
{
	return memory_stamp(now_s, (uint32_t)state);
}

SLUICE_INLINE enum memory_state memory_state(const struct memory *m)
{
	return (enum memory_state)(m->seen_state & MEMORY_WHAT_MASK);
}

/* Seconds since a stamp. 0 where that is up to MEMORY_AHEAD_S after `now_s`. */
SLUICE_INLINE uint32_t memory_seconds_since(uint32_t stamp, uint32_t now_s)
{
	uint32_t since_s = (now_s - memory_stamp_s(stamp)) & MEMORY_SECONDS_MASK;

	return since_s <= MEMORY_SECONDS_MASK - MEMORY_AHEAD_S ? since_s : 0;
}

/* Since the last packet. */
SLUICE_INLINE uint32_t memory_idle_s(const struct memory *m, uint32_t now_s)
{
	return memory_seconds_since(m->seen_state, now_s);
}

/* Those that a full table gives up first. A flow shows twice that it is one. */
SLUICE_INLINE bool memory_is_half_open(enum memory_state state)
{
	return state == MEMORY_SYN || state == MEMORY_TCP_ONCE || state == MEMORY_UDP_ONCE;
}

SLUICE_INLINE bool memory_is_expired(const struct generation *g, const struct memory *m,
				     uint32_t now_s)
{
	uint32_t state = (uint32_t)memory_state(m), limit_s;

#ifdef __bpf__
	/* Else clang asks whether it is 7, the only one of 3 bits that is none, from which the
	 * verifier of Linux 6.1 learns no bound. */
	asm("" : "+r"(state));
#endif
	limit_s = state < MEMORY_STATES ? g->idle_s[state] : 0;
	return memory_idle_s(m, now_s) > limit_s;
}

/* The state after a packet; MEMORY_NONE before the first. */
SLUICE_INLINE enum memory_state memory_next(enum memory_state state, const struct packet *p)
{
	if (p->proto == PROTO_UDP)
		return state == MEMORY_NONE ? MEMORY_UDP_ONCE : MEMORY_UDP;
	if (p->tcp_flags & (TCP_FIN | TCP_RST))
		return MEMORY_CLOSING;
	if (p->flags & PACKET_OPENS) /* a repeated SYN opens nothing anew */
		return state == MEMORY_NONE || state == MEMORY_CLOSING ? MEMORY_SYN : state;
	switch (state) {
	case MEMORY_NONE:
		return MEMORY_TCP_ONCE;
	case MEMORY_CLOSING:
		return MEMORY_CLOSING;
	default:
		return MEMORY_TCP;
	}
}

enum memory_action {
	MEMORY_LEAVE,  /* the table stays as it is */
	MEMORY_WRITE,  /* insert or update: choice.memory */
	MEMORY_FORGET, /* remove: the lookup table says the same by now */
};

struct memory_choice {
	uint16_t backend; /* index within the service, or SLOT_NONE */
	uint8_t action;   /* enum memory_action */
	struct memory memory;
};

/* What a changed slot says. */
struct memory_slot {
	uint16_t current;  /* index, or SLOT_NONE */
	uint16_t previous; /* index of a backend that lives, or SLOT_NONE */
	uint16_t service;  /* service.id */
	bool remember_all; /* nothing but memory tells where a flow is: steer_choices() */
};

/*
 * Where a packet of a changed slot goes, and what to remember. `known`: what the table has of its
 * flow, neither expired, nor of another service, nor of a backend that doesn't live any more; NULL
 * otherwise.
 *  - a known flow stays where it is, also when a SYN comes for it (so a spoofed SYN moves nobody),
 *    unless it was closing, when a SYN is the next connection from the same port;
 *  - an unknown one that opens (a TCP SYN, a QUIC Initial) goes to the current backend;
 *  - any other unknown one is older than the change, and goes to the previous backend.
 * An ICMP error and a fragment behind the first (PACKET_TRACELESS) go where their flow is, and
 * leave no trace: what a datagram has to tell, its first fragment told.
 */
SLUICE_INLINE struct memory_choice memory_choose(const struct memory *known, const struct packet *p,
						 const struct memory_slot *slot, uint32_t now_s)
{
	struct memory_choice choice = {.backend = slot->current, .action = MEMORY_LEAVE};
	bool opens = p->flags & PACKET_OPENS, in_transition = slot->previous != SLOT_NONE;
	enum memory_state before = known ? memory_state(known) : MEMORY_NONE;

	if (known && !(opens && before == MEMORY_CLOSING))
		choice.backend = known->backend;
	else if (!opens && in_transition)
		choice.backend = slot->previous;
	if (p->flags & PACKET_TRACELESS || choice.backend == SLOT_NONE)
		return choice;
	/* Would the tables alone send the flow's next packet there, now and after the transition? */
	if (!slot->remember_all && choice.backend == slot->current &&
	    (!in_transition || slot->previous == slot->current)) {
		choice.action = known ? MEMORY_FORGET : MEMORY_LEAVE;
		return choice;
	}
	choice.memory = (struct memory){
		.seen_state = memory_pack(now_s, memory_next(before, p)),
		.backend = choice.backend,
		.service = slot->service,
	};
	/* One store a second and flow is enough. */
	if (!known || known->seen_state != choice.memory.seen_state ||
	    known->backend != choice.backend)
		choice.action = MEMORY_WRITE;
	return choice;
}

#endif
