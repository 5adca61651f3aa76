/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What should be remembered of flows, in the plainest way: an entry for each flow, found by its
 * number; the rules of docs/consistency.md one after the other. What test_xdp_memory.c compares the
 * program with, on an xdp_world. Never full.
 */
#ifndef SLUICE_TESTS_UNIT_FLOW_MODEL_H
#define SLUICE_TESTS_UNIT_FLOW_MODEL_H

#include "xdp_world.h"

enum { MODEL_FLOWS = 600 };

struct model_entry {
	struct world_flow flow;
	uint64_t hash;
	bool is_there;
	int backend;
	enum memory_state state;
	uint32_t age_s; /* since its last packet */
};

struct flow_model {
	struct model_entry entries[MODEL_FLOWS];
	uint32_t tickets[WORLD_SERVICES];
	uint64_t lookups, hits, inserts, forgotten, expired;
};

/* Where the packet goes by the world's slots, as world_send(); the model is as after it. */
int model_send(struct flow_model *model, struct model_entry *e, enum world_packet packet);

void model_age(struct flow_model *model, uint32_t seconds);

/* What a walk does: those that were silent for too long are gone. */
void model_expire(struct flow_model *model);

/* How many are there. */
uint32_t model_count(const struct flow_model *model);

#endif
