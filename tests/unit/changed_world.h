/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of changed slots share: EAL without devices, a generation that is laid out by
 * hand, so that each slot can be set, and a worker's burst over it. One thread.
 */
#ifndef SLUICE_TESTS_UNIT_CHANGED_WORLD_H
#define SLUICE_TESTS_UNIT_CHANGED_WORLD_H

#include "burst.h"
#include "counters.h"
#include "flow_table.h"
#include "sluice/service.h"

#include "../parity/frames.h"

enum {
	CHANGED_SLOTS = 61, /* of each service, to begin with */
	CHANGED_SLOTS_MAX = 128,
	CHANGED_BACKENDS = 8,
	CHANGED_WORKERS = 2,
	CHANGED_FLOWS_MAX = 8192, /* of each worker's table */
};

enum changed_service {
	WEB,    /* tcp */
	DNS,    /* udp */
	SOURCE, /* tcp, slots by source address */
	ROUND,  /* tcp, round robin */
	ROUND2, /* likewise */
	CHANCE, /* tcp, random */
	LEAST,  /* tcp, least-conn */
	CHANGED_SERVICES,
};

/* A service's tables, as the control plane would lay them out. */
struct changed_tables {
	uint16_t slots[CHANGED_SLOTS_MAX];
	struct way way; /* in front of previous[], which is its slots then */
	uint16_t previous[CHANGED_SLOTS_MAX];
	struct backend backends[CHANGED_BACKENDS] __attribute__((aligned(64)));
};

struct changed_world {
	struct rte_mempool *pool;
	struct arena *arena;
	struct generation *generation;
	struct changed_tables *tables[CHANGED_SERVICES];
	struct service *services[CHANGED_SERVICES];
	struct counters counters;
	uint32_t tickets[CHANGED_SERVICES + 1];
	struct flow_table flows[CHANGED_WORKERS];
	const struct flow_table *flow_tables[CHANGED_WORKERS];
	const struct flow_table *orphans; /* of workers that are no more: keep.h; [orphans_n] */
	uint32_t orphans_n;
	struct burst_context contexts[CHANGED_WORKERS];
	struct burst burst;
	bool over_budget; /* the next burst spends more on errors than it may, of which a trace knows nothing */
};

extern struct changed_world cw;

/* For cmocka_run_group_tests(). */
int changed_open(void **state);
int changed_close(void **state);

/*
 * For cmocka's setup of each test: no flow is remembered, every backend lives, slot i holds
 * backend i % CHANGED_BACKENDS, none is changed.
 */
int changed_reset(void **state);

/* The transition of a service is under way (or over): `previous` is there to be read. */
void changed_transition(enum changed_service service, bool under_way);

/*
 * Flows find their slot in another way: `flags` of enum service_flags, among `slots_n`. With
 * SERVICE_WAY (and maybe SERVICE_WAY_SOURCE) in them the way before, of `previous_n` slots, is in
 * `previous`.
 */
void changed_way(enum changed_service service, uint16_t flags, uint32_t slots_n,
		 uint32_t previous_n);

/* A packet to send. */
enum changed_kind {
	CHANGED_SYN,
	CHANGED_ACK,
	CHANGED_FIN,
	CHANGED_UDP,
	CHANGED_FRAGMENT, /* UDP's first */
	CHANGED_ERROR,    /* an ICMP error about a packet to this client */
};

struct changed_packet {
	enum changed_service service;
	enum changed_kind kind;
	uint32_t client; /* number of the flow; clients of one address: see below */
	uint16_t sport;  /* 0: 40000; SOURCE's clients have several */
};

/* The slot that the flow has; and in a table of so many, by its source or itself. */
uint32_t changed_slot(const struct changed_packet *p);
uint32_t changed_slot_in(const struct changed_packet *p, uint32_t slots_n, bool by_source);
uint64_t changed_hash(const struct changed_packet *p);

/* A flow of `service` whose slot is `slot`: the first client from `client` on. */
uint32_t changed_client(enum changed_service service, uint32_t slot, uint32_t client);

/*
 * Sends them in one burst, by worker `worker`; at[i] is the backend that packet i went to, or
 * SLOT_NONE where it was dropped.
 */
void changed_send(uint32_t worker, const struct changed_packet *packets, uint16_t n, uint16_t *at);
uint16_t changed_send_one(uint32_t worker, const struct changed_packet *packet);

#endif
