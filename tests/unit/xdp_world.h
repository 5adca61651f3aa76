/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small generation for tests of the XDP program's flow memory, laid out by hand in the arena of a
 * program that is on no interface, so that a test can change slots and backends between two
 * packets; the packets, by BPF_PROG_TEST_RUN; and a look at the maps. One program, one thread, one
 * CPU.
 */
#ifndef SLUICE_TESTS_UNIT_XDP_WORLD_H
#define SLUICE_TESTS_UNIT_XDP_WORLD_H

#include "flow_maps.h"
#include "program.h"
#include "sluice/generation.h"
#include "sluice/memory.h"

enum {
	WORLD_SLOTS = 13, /* of each service, to begin with */
	WORLD_SLOTS_MAX = 500,
	WORLD_BACKENDS = 6,
	WORLD_NOWHERE = -1, /* no backend: the packet was dropped */
};

enum world_service {
	WORLD_TCP,
	WORLD_UDP,
	WORLD_TCP6,
	WORLD_SOURCE, /* TCP, SERVICE_HASH_SOURCE */
	WORLD_TURN,   /* TCP, SERVICE_ROUND_ROBIN, and another */
	WORLD_TURN_TOO,
	WORLD_RANDOM,
	WORLD_LEAST, /* TCP, SERVICE_LEAST_CONN */
	WORLD_SERVICES,
};

enum world_packet {
	WORLD_SYN,
	WORLD_ACK,
	WORLD_FIN,
	WORLD_RST,
	WORLD_DATAGRAM,
	WORLD_QUIC_INITIAL,
	WORLD_QUIC_HANDSHAKE, /* a long header too, but no Initial */
	WORLD_ICMP_ERROR,     /* that quotes a packet of the flow */
	WORLD_PACKETS,
};

struct world_flow {
	enum world_service service;
	uint16_t client; /* lower half of its address */
	uint16_t port;
};

/* Into a network namespace of our own, and on one CPU: tickets are a CPU's own. False: no root. */
bool world_enter(void);

/*
 * Loads a program with maps for `flows_max` flows (struct program_config) and lays the world out:
 * slot n leads to backend n % WORLD_BACKENDS, nothing is changed, all backends live. Fails the
 * test.
 */
void world_open(uint32_t flows_max);
void world_close(void);

extern struct program world_program;
extern struct flow_maps world_maps;

/* To be written between two packets. */
struct generation *world_generation(void);
struct service *world_service(enum world_service service);
uint16_t *world_slots(enum world_service service);
uint16_t *world_previous(enum world_service service); /* also while previous_off is 0 */
struct backend *world_backend(enum world_service service, uint32_t index);

/* Whether slots of the service have a previous choice: previous_off. */
void world_transition(enum world_service service, bool is_on);

/* All slots of the service are changed: from `previous` to `current`. */
void world_change_all(enum world_service service, uint16_t current, uint16_t previous);

/* The service's flow number `n`: all differ below 2^30. */
struct world_flow world_flow(enum world_service service, uint32_t n);

/*
 * The way of today: `flags` are enum service_flags without SERVICE_WAY; what slots there are
 * beyond those before leads to no backend.
 */
void world_way(enum world_service service, uint32_t slots_n, uint16_t flags);

/*
 * The previous way, in the place of slots' previous choices: by the source's hash or the flow's.
 * Returns its slots, to be filled. world_transition(…, false) takes it away.
 */
uint16_t *world_previous_way(enum world_service service, uint32_t slots_n, bool by_source);

/* By the flow's hash, or its source's; and by the previous way. */
uint32_t world_slot(const struct world_flow *flow);
uint32_t world_previous_way_slot(const struct world_flow *flow);
uint64_t world_hash(const struct world_flow *flow);

/* Sends one packet of the flow through the program. Returns the index of its backend. */
int world_send(const struct world_flow *flow, enum world_packet packet);

/* In which map the flow lies, and with what; FASTPATH_CLASSES: in none. Fails if it is in both. */
enum fastpath_class world_look_up(const struct world_flow *flow, struct memory *memory);
/* Puts it there, or takes it out. */
void world_put(const struct world_flow *flow, enum fastpath_class class,
	       const struct memory *memory);

/* As if so much time had passed since each flow's last packet. */
void world_age(uint32_t seconds);

/* flow_maps_read() and flow_maps_walk(). */
struct memory_counters world_counters(void);
uint32_t world_walk(struct memory_entry *entries, uint32_t max);

#endif
