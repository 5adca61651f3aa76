/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backends of a model are down, by checks that a process of its own makes (health_process.c):
 * what is done here is to tell it whom to check, and to take what it finds. Nothing here waits for it,
 * and what it waits for stops nobody else. Control thread.
 */
#ifndef SLUICE_HEALTH_H
#define SLUICE_HEALTH_H

#include "checker.h"

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

	/*
	 * Called once in the process that makes the checks, when it has what takes rights: gives up
	 * those that it doesn't need from then on. False: it may not go on. NULL: it keeps all.
	 */
	bool (*confine)(void *ctx);

	/*
	 * For tests: how long the process may go without a turn of its event loop before it counts as hung,
	 * ends itself, and another is started. 0: 30 s.
	 */
	uint32_t hang_ms;
};

/*
 * Forks, so it is called before there are threads, with the rights that checks take: CAP_NET_RAW (icmp, via
 * = "vip"), CAP_NET_ADMIN (via = "vip"), and for exec checks CAP_SETUID, CAP_SETGID and CAP_KILL.
 * `settings` and `ops` outlive it. 0 or -errno.
 */
int health_new(struct event_base *base, const struct settings *settings,
	       const struct health_ops *ops, struct health **health);

/* Ends the process, and waits for that. NULL is allowed. */
void health_free(struct health *health);

/*
 * Checks the backends of `model` from now on. What is known of a backend that was there before, by
 * its service's vip, port and protocol and its own address, stays known. 0; or -ENOMEM: some backends are not checked.
 */
int health_follow(struct health *health, const struct model *model);

/* Of service->backends[i], of the model followed. */
void health_read(const struct health *health, const struct service_conf *service, uint32_t i,
		 struct health_report *out);

/* So many checks at once have a file of their own; those beyond wait for their turn. */
void health_files_set(struct health *health, uint32_t n);

/* Of the process that makes checks, since the start. */
struct health_life {
	uint64_t deaths;  /* it was started again so often */
	int64_t still_us; /* it has given no sign of life for so long; it gives one each 100 ms */
};

void health_life(const struct health *health, struct health_life *out);

/* Of all checks, since the start, at most 0.1 s old. */
void health_totals(const struct health *health, struct health_totals *out);

#endif
