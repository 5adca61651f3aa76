/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that metrics and the status page tell, read off the daemon at one go, but in slices of a few
 * milliseconds, so that nothing waits for it. A service that goes meanwhile is left out, and one
 * that comes is not told yet. Made for each answer; control thread.
 */
#ifndef SLUICE_FIGURES_H
#define SLUICE_FIGURES_H

#include "api.h"
#include "events.h"

enum {
	FIGURES_SLICE_US = 2000, /* of the control thread's time, at one go */
	FIGURES_STATES = BACKEND_DISABLED + 1,
	FIGURES_DRAINS = DRAIN_TIMED_OUT + 1,
	FIGURES_TRANSITIONS = TRANSITION_SETTLING + 1,
	FIGURES_HEALTH = HEALTH_DOWN + 1,
};

/*
 * What is wanted of the services, where that is not all: of those that match `search` in their
 * name or address, in any case, `limit` from the one numbered `offset`, and the backends of one.
 */
struct figures_cut {
	char search[MODEL_NAME_MAX];  /* "": all match */
	char service[MODEL_NAME_MAX]; /* whose backends are read; "": none's */
	uint32_t offset, limit;
};

struct figures_service {
	struct service_conf *conf; /* a reference; NULL: it is gone */
	bool listed;               /* false: it is not among those of the cut, and has no numbers */
	uint64_t bytes;            /* to its backends; with a cut alone */
	uint64_t packets[VERDICT_COUNT];
	struct daemon_transition transition;
	uint32_t states[FIGURES_STATES], health[FIGURES_HEALTH]; /* of its backends */
	uint32_t unreachable;                                    /* backends */
	uint32_t first_backend;                                  /* of figures.backends */
};

struct figures_backend {
	uint32_t service, index; /* of figures.services; of its conf->backends */
	uint64_t packets, bytes, flows;
	uint32_t weight, slots;
	bool resolved; /* and by a port of ours */
	enum nexthop_state hop;
	enum daemon_drain_state drain;
	enum health_state health;
};

struct figures_vip {
	struct ip_addr addr;
	bool read; /* false: its services are gone */
	uint64_t packets[VERDICT_COUNT];
};

struct figures_port {
	struct fast_path_port_info info;
};

struct figures {
	const struct daemon_api *api;
	const struct figures_cut *cut; /* NULL: all is read. Else only what is quick to read, of the
					* node too: neither `memory` nor vips, drains, `unresolved` */
	uint64_t spent_us;             /* of the control thread's time, so far */

	struct daemon_info info;
	char path[FAST_PATH_NAME_MAX], description[256];
	struct daemon_generation generation;
	struct memory_counters memory;
	struct daemon_stats stats;
	uint64_t packets[VERDICT_COUNT], no_vip[VERDICT_COUNT];
	uint64_t events[EVENT_N_KINDS];
	struct worker_counters *workers;
	uint32_t workers_n;
	struct figures_port ports[FAST_PATH_PORTS_MAX];
	uint32_t ports_n;

	struct figures_vip *vips; /* sorted */
	uint32_t vips_n;
	struct figures_service *services;
	uint32_t services_n;
	struct figures_backend *backends;
	uint32_t backends_n, backends_room;

	/* Of all that is above. */
	uint32_t states[FIGURES_STATES], drains[FIGURES_DRAINS], transitions[FIGURES_TRANSITIONS];
	uint32_t health[FIGURES_HEALTH];
	uint32_t unresolved, unreachable, services_live;
	uint32_t services_matching; /* what is searched for; with a cut */

	/* How far reading has come. */
	bool started;
	uint32_t services_read;
	struct daemon_backend *scratch;
	uint32_t scratch_room;
};

/* Nothing is read yet; zeroed memory will do, too. `api` outlives it. */
void figures_init(struct figures *figures, const struct daemon_api *api);

/* Reads on, for FIGURES_SLICE_US or a little more. Returns 1: there is more; 0: all is read;
 * -ENOMEM, or what the daemon says of its counters. */
int figures_read(struct figures *figures);

void figures_free(struct figures *figures);

#endif
