/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the backends of a model, and says which of them are down. All checks go on in the event
 * loop and none waits for another. Control thread.
 */
#ifndef SLUICE_HEALTH_H
#define SLUICE_HEALTH_H

#include "track.h"
#include "vip_way.h"

enum {
	HEALTH_REASON_MAX = PROBE_REASON_MAX + 64,
};

struct event_base;
struct health;

/* What the daemon does for it; `ctx` is the first argument of all. */
struct health_ops {
	void *ctx;

	/* From now on the backend takes flows, or doesn't. */
	void (*set_down)(void *ctx, const char *service, const char *backend, bool down);

	/* service->backends[i], which nothing is known of here, is kept out already. */
	bool (*is_down)(void *ctx, const struct service_conf *service, uint32_t i);

	/* For checks via = "vip". */
	vip_outer_fn *outer;

	/* How late a check began, in microseconds; for measurements. NULL: nobody asks. */
	void (*began)(void *ctx, int64_t late_us);
};

/* Of one backend. */
struct health_report {
	enum health_state state; /* HEALTH_NONE: the rest means nothing */
	int64_t since_us;        /* that state; since the epoch */
	int64_t checked_us;      /* when the latest result came, since the epoch; 0: none did */
	char reason[HEALTH_REASON_MAX]; /* "tcp connect timed out after 500 ms, 3 of 3" */
};

/*
 * Opens what takes rights that the daemon may give up later, and forks the process for exec checks,
 * so it is called before there are threads. `settings` and `ops` outlive it. 0 or -errno.
 */
int health_new(struct event_base *base, const struct settings *settings,
	       const struct health_ops *ops, struct health **health);
void health_free(struct health *health); /* NULL is allowed */

/*
 * Checks the backends of `model` from now on. What is known of a backend that was there before, by
 * its service's vip, port and protocol and its own address, stays known. 0; or -ENOMEM: some backends are not checked.
 */
int health_follow(struct health *health, const struct model *model);

/* Of service->backends[i], of the model followed. */
void health_read(const struct health *health, const struct service_conf *service, uint32_t i,
		 struct health_report *out);

/* Of all checks, since the start. */
struct health_totals {
	uint64_t begun;
	uint64_t late_us; /* how much later than due they began, all together */
	uint64_t passed, failed, not_made; /* results; not made: for want of a file, a route ... */
	uint64_t queued;                   /* that waited for a file: more were due than may have one */
	uint32_t with_file, with_file_max; /* under way with a file of their own, and at most */
	uint32_t waiting;                  /* for one, now */
};

/* So many checks at once have a file of their own; those beyond wait for their turn. */
void health_files_set(struct health *health, uint32_t n);

void health_totals(const struct health *health, struct health_totals *out);

/* "none", "unknown", "up", "down" */
const char *health_state_name(enum health_state state);

#endif
