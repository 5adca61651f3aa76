/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service as it runs: its lookup table and its backends' entries, in the arena, and its rows of
 * counters. What packets see of it is immutable, and shared by reference count, so that a change
 * of one service leaves the others' tables where they are. Control thread.
 */
#ifndef SLUICE_INSTALLED_H
#define SLUICE_INSTALLED_H

#include "ledger.h"
#include "nexthop.h"
#include "part.h"
#include "plan.h"

/* What the entries are made with; the publisher's, and outlives every call. */
struct surroundings {
	const struct settings *settings;
	struct arena_space *space;
	struct ledger *ledger;
	const struct nexthops *hops;
	int port_ifindex[FAST_PATH_PORTS_MAX]; /* 0: the port's interface is gone */
	uint32_t ports_n;
	int64_t (*now_us)(void);      /* monotonic, and never 0 */
	int64_t (*now_real_us)(void); /* since the epoch */
};

struct installed {
	uint32_t refs;
	const struct service_conf *conf; /* kept by the model that it is installed for */
	uint32_t row, vip_row;
	uint16_t flags;     /* enum service_flags, without the way's */
	uint16_t way;       /* what `previous` is, as struct former has it */
	uint16_t vip_flags; /* enum service_flags, of the vip's own entry */
	struct part *slots;
	struct part *previous; /* NULL: none; with `way`, a struct way and its slots */
	struct part *backends; /* NULL: none */
	struct indices *indices;
	uint32_t *backend_rows; /* of conf->backends */

	/* What goes on while packets see the same: written by transitions.c. */
	struct course *courses; /* of conf->backends */
	struct phase phase;
	bool remembers;   /* flows of it may be remembered */
	bool reach_known; /* reach.c has looked at it since it was made */
};

/*
 * Builds the tables of a service that was `was` until now (NULL: it is new); those that come out
 * as they were are shared. On failure NULL, and *error.
 */
struct installed *installed_new(const struct surroundings *around, const struct service_conf *conf,
				const struct former *was, struct model_error *error);

/* The same of a plan that was made before, which is taken over in any case. */
struct installed *installed_of_plan(const struct surroundings *around, const struct former *was,
				    struct plan *plan, struct model_error *error);

/* For installed_new() and plan_make(); valid as long as `installed`. */
struct former installed_former(const struct installed *installed);

/*
 * The same service
 *  - with its entries written anew, as the ways to the backends and their loads are now;
 *  - with its transition over: without previous choices;
 *  - settled: with the marks of slots that are not in `elsewhere` cleared (transition.h);
 *  - with other loads (by index; `loads_n` of them, the others are 0).
 * Each gives a new reference to `was` itself when nothing differs. NULL: the arena is full, or no
 * memory.
 */
struct installed *installed_refresh(const struct surroundings *around, struct installed *was);
struct installed *installed_end(struct installed *was);
struct installed *installed_settle(const struct surroundings *around, struct installed *was,
				   const uint64_t *elsewhere);
struct installed *installed_load(const struct surroundings *around, struct installed *was,
				 const uint16_t *loads, uint32_t loads_n);

struct installed *installed_ref(struct installed *installed);
void installed_unref(struct installed *installed); /* NULL is allowed */

/* How many slots its lookup table has, and where each leads. */
uint32_t installed_slots_n(const struct installed *installed);
const uint16_t *installed_slots(const struct installed *installed);

/* The previous choices, by slot of today's table or of the way before; NULL: none. */
const uint16_t *installed_previous(const struct installed *installed);
uint32_t installed_previous_n(const struct installed *installed);

/*
 * Where a flow with this hash belongs if it is older than the change; SLOT_NONE: nowhere. With
 * session affinity nothing follows from a flow's hash: false.
 */
bool installed_previous_of(const struct installed *installed, uint64_t hash, uint16_t *previous);

/* The backend with that index; NULL: none has it (any more). */
const struct backend_conf *installed_backend(const struct installed *installed, uint16_t index);

/* Whether older flows have a previous choice; and whether only marks are left of that. */
bool installed_in_transition(const struct installed *installed);
bool installed_settling(const struct installed *installed);

/* What is known of the way to a service's backend at `addr`; NULL: nothing yet. */
const struct nexthop *surroundings_hop(const struct surroundings *around,
				       const struct service_conf *conf, const struct ip_addr *addr);

/* The port that a hop's frames leave by; -1: none of ours. */
int32_t surroundings_port(const struct surroundings *around, const struct nexthop *hop);

#endif
