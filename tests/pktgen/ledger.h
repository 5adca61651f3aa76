/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books: which packets are under way, when they were sent, and what each flow has seen. Every
 * packet has a number, counted from 0 through the run. Written by the generator's core alone.
 */
#ifndef SLUICE_PKTGEN_LEDGER_H
#define SLUICE_PKTGEN_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	/* A packet that comes back after so many younger ones were sent is counted, but neither
	 * its latency nor whether it came twice is known any more. */
	LEDGER_WINDOW_LOG2 = 18,
	LEDGER_NO_BACKEND = UINT32_MAX,
};

/* One life of a flow's place. */
struct ledger_flow {
	uint32_t life;
	uint32_t backend; /* the first one seen; LEDGER_NO_BACKEND: nothing came back yet */
	uint64_t last;    /* number of the latest packet seen, and in bit 63: it moved */
};

struct ledger {
	uint64_t *sent_tsc; /* of number n at n % window; 0: came back */
	uint64_t next;      /* number of the next packet */
	uint64_t received;  /* each packet once */
	uint64_t duplicates;
	uint64_t too_late;
	uint64_t reordered;
	uint64_t flows_seen;
	uint64_t flows_moved;      /* on more than one backend */
	struct ledger_flow *flows; /* two lives of each place, the later in the other one's stead */
	uint32_t places;
	uint64_t moved_example; /* a flow that moved: place + life × places */
};

enum ledger_return {
	RETURN_FIRST,
	RETURN_DUPLICATE,
	RETURN_TOO_LATE, /* counted as received */
	RETURN_UNKNOWN,  /* no such packet was sent */
};

/* -ENOMEM. */
int ledger_create(struct ledger *l, uint32_t places);
void ledger_destroy(struct ledger *l);

/* A packet is made; returns its number. When it is sent, ledger_sent() must follow. */
static inline uint64_t ledger_number(struct ledger *l)
{
	return l->next++;
}

static inline void ledger_sent(struct ledger *l, uint64_t number, uint64_t tsc)
{
	l->sent_tsc[number & ((1U << LEDGER_WINDOW_LOG2) - 1)] = tsc;
}

/* A packet has come back at `tsc`. `latency_tsc` is set with RETURN_FIRST only. */
enum ledger_return ledger_return(struct ledger *l, uint64_t number, uint64_t tsc,
				 uint64_t *latency_tsc);

/* Which backend it was sent to. Returns true if it is the first of its flow. */
bool ledger_flow(struct ledger *l, uint32_t place, uint32_t life, uint64_t number,
		 uint32_t backend);

/* A flow has shown a packet of this number or above, if it is not 0: what is below is late. */
static inline uint64_t ledger_passed(const struct ledger *l, uint32_t place, uint32_t life)
{
	const struct ledger_flow *f = &l->flows[2 * (uint64_t)place + (life & 1)];

	if (f->backend == LEDGER_NO_BACKEND || f->life != life)
		return 0;
	return (f->last & ~(1ULL << 63)) + 1;
}

static inline void ledger_prefetch(const struct ledger *l, uint32_t place)
{
	__builtin_prefetch(&l->flows[2 * (uint64_t)place], 1);
}

#endif
