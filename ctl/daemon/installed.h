/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service as it runs: its lookup table and its backends' entries, in the arena, and its rows of
 * counters. Immutable and shared by reference count, so that a change of one service leaves the
 * others' tables where they are. Control thread.
 */
#ifndef SLUICE_INSTALLED_H
#define SLUICE_INSTALLED_H

#include "ledger.h"
#include "nexthop.h"
#include "part.h"

/* What the entries are made with; the publisher's, and outlives every call. */
struct surroundings {
	const struct settings *settings;
	struct arena_space *space;
	struct ledger *ledger;
	const struct nexthops *hops;
	int port_ifindex[FAST_PATH_PORTS_MAX]; /* 0: the port's interface is gone */
	uint32_t ports_n;
};

struct installed {
	uint32_t refs;
	const struct service_conf *conf; /* kept by the model that it is installed for */
	uint32_t row, vip_row;
	struct part *slots;
	struct part *backends; /* NULL: none */
	uint32_t backend_rows[];
};

/* Builds the tables of a service. On failure NULL, and *error. */
struct installed *installed_new(const struct surroundings *around, const struct service_conf *conf,
				struct model_error *error);

/*
 * The same service with its entries written anew, as the ways to the backends are now; a new
 * reference to `was` itself when nothing differs. NULL: the arena is full, or no memory.
 */
struct installed *installed_refresh(const struct surroundings *around, struct installed *was);

struct installed *installed_ref(struct installed *installed);
void installed_unref(struct installed *installed); /* NULL is allowed */

/* The port that a hop's frames leave by; -1: none of ours. */
int32_t surroundings_port(const struct surroundings *around, const struct nexthop *hop);

#endif
