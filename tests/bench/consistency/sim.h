/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service in simulation: its tables are made by the control plane's functions (maglev.h,
 * transition.h) and laid out by hand in one arena; balancers take packets by a worker's own burst,
 * each with a flow table of its own; the clock is a number. For bench_consistency.c; one thread.
 * Each function aborts with a message where it can't.
 */
#ifndef SLUICE_TESTS_BENCH_CONSISTENCY_SIM_H
#define SLUICE_TESTS_BENCH_CONSISTENCY_SIM_H

#include "burst.h"
#include "flow_table.h"
#include "transition.h"

enum {
	SIM_BALANCERS = 2,
	SIM_BACKENDS_MAX = 512, /* indices; none is used twice */
	SIM_TRANSITION_S = 300,
	SIM_WEIGHT = 100,
};

struct sim_backend {
	uint32_t weight;  /* 0: drains, or doesn't live */
	bool was_removed; /* or disabled: the same to its flows */
};

struct sim {
	uint32_t slots_n;
	uint32_t backends_n; /* indices in use so far */
	uint32_t now_s, changed_s;
	uint32_t changed_n; /* slots with SLOT_CHANGED */
	struct sim_backend backends[SIM_BACKENDS_MAX];
	bool lives[SIM_BACKENDS_MAX];
	uint32_t slots_max;
	/* In the arena. */
	struct service *service;
	uint16_t *slots, *previous; /* previous: of as many slots, or of the way before */
	struct way *way;            /* in front of previous[] */
	struct backend *rows;
	struct flow_table tables[SIM_BALANCERS];
};

/* One TCP packet of the flow with this number. */
struct sim_packet {
	uint32_t flow;
	uint8_t tcp_flags;
	uint8_t balancer;
	/* By sim_send(): its backend's index; and the one of a lookup table without memory. */
	uint16_t backend, plain;
};

/* EAL and buffers, once. */
void sim_eal_open(void);

/* `backends_n` of equal weight in a steady state, at second 1,000. */
struct sim *sim_new(uint32_t backends_n, uint32_t flows_max);
void sim_free(struct sim *s);

/* Any number of packets, in order, of one balancer. */
void sim_send(struct sim *s, struct sim_packet *packets, uint32_t n);

/* A change: after weights, removals or additions in s->backends, the slots follow. */
struct transition_counts sim_change(struct sim *s);

/*
 * Likewise, and flows find their slot in another way: `flags` are 0, SERVICE_HASH_SOURCE or
 * SERVICE_ROUND_ROBIN; `slots_n` is a prime up to s->slots_max.
 */
void sim_change_way(struct sim *s, uint16_t flags, uint32_t slots_n);

/* As much as a daemon would do by s->now_s: ends the transition, settles, sweeps the tables. */
void sim_tick(struct sim *s);

bool sim_in_transition(const struct sim *s);
uint64_t sim_entries(const struct sim *s, uint32_t balancer);

/* SplitMix64. */
uint64_t sim_random(uint64_t *state);

#endif
