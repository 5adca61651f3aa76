/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator as a whole: what goes out (traffic or replay), what comes back (arrival.c), and
 * when (generator.c). Made and read on the main thread; generator_run() is one core's, and all
 * below but `stopping` and `progress` is its own meanwhile.
 */
#ifndef SLUICE_PKTGEN_GENERATOR_H
#define SLUICE_PKTGEN_GENERATOR_H

#include "backend.h"
#include "decode.h"
#include "histogram.h"
#include "ledger.h"
#include "link.h"
#include "neighbour.h"
#include "options.h"
#include "replay.h"
#include "traffic.h"

enum {
	GENERATOR_ERROR_MAX = 512,
};

/* For the main thread, while the run goes on: relaxed stores and loads. */
struct progress {
	uint64_t running; /* the run has begun */
	uint64_t sent, received, under_way, faults, moved, reordered;
};

struct service_row {
	uint64_t sent, received;
};

/* Probes of all services; see probe.c. */
struct probes {
	uint32_t each;    /* to a service */
	uint32_t n, next; /* in a round; the next one to be sent */
	uint32_t missing; /* of the round */
	uint64_t round;
	bool *back; /* by probe, in this round */
};

struct generator {
	const struct options *options;
	struct link link;
	bool replays;           /* else it makes traffic */
	struct traffic traffic; /* with replays: for probes only, if there are targets */
	struct replay replay;
	struct ledger ledger;
	struct backends backends;
	struct neighbour neighbour;
	struct decode_rules rules;
	struct probes probes;

	uint64_t tsc_hz;
	uint64_t begin_tsc, end_tsc; /* first packet made, last one sent */
	uint64_t made;               /* packets, expected back or not */
	uint64_t pace_tsc;           /* when the rate is counted from; moves on after a gap */
	uint64_t pace_made;
	uint64_t renewed;
	uint64_t gaps;        /* times that the pace was lost, and not made up for */
	uint64_t arrival_tsc; /* the latest one */

	struct histogram latency; /* in TSC ticks */
	uint64_t results[DECODE_N_RESULTS];
	uint64_t kinds[KIND_N];
	uint64_t unknown;             /* encapsulated well, but nothing that was sent */
	uint64_t backends_lost;       /* packets to more backends than there is room for */
	uint64_t received_bytes;      /* of frames, with outer headers and FCS */
	struct service_row *services; /* by target */

	bool stopping; /* told to end: atomic */
	bool failed;   /* generator_run() could not, and says why: */
	char error[GENERATOR_ERROR_MAX];
	struct progress progress;
};

/* -errno, and why in `error`. `g` is zeroed. */
int generator_create(struct generator *g, const struct options *options,
		     char error[GENERATOR_ERROR_MAX]);
void generator_destroy(struct generator *g);

/* lcore_function_t: waits for the balancer, sends, takes back; returns 0. */
int generator_run(void *generator);

/* From any thread, also a signal handler. */
void generator_stop(struct generator *g);

/* Frames that are faulty, one way or another. */
uint64_t generator_faults(const struct generator *g);

/* Takes in what has arrived. Returns how many frames. arrival.c */
uint32_t arrival_poll(struct generator *g);

/*
 * Waits until the balancer's MAC is known and every service forwards. False, and why in g->error,
 * if that takes too long. probe.c
 */
bool probe_wait(struct generator *g);

/* A probe has come back. */
void probe_take(struct generator *g, uint64_t number);

/* -ENOMEM. */
int probe_create(struct generator *g);

static inline bool generator_is_stopping(const struct generator *g)
{
	return __atomic_load_n(&g->stopping, __ATOMIC_RELAXED);
}

#endif
