/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the backends of a model, and says which of them are down. All checks go on in an event
 * loop and none waits for another. Of the process that makes checks (health_process.c); one thread.
 */
#ifndef SLUICE_HEALTH_CHECKER_H
#define SLUICE_HEALTH_CHECKER_H

#include "track.h"
#include "vip_way.h"

enum {
	HEALTH_REASON_MAX = PROBE_REASON_MAX + 64,
	HEALTH_LATE_STEPS = 4, /* of each doubling */
	HEALTH_LATE_N = 28 * HEALTH_LATE_STEPS,
};

struct event_base;
struct checker;

/* What is known of a backend. */
struct health_known {
	struct track track;
	enum health_state was; /* before the state that it has */
	int64_t since_us;      /* that state; since the epoch */
	int64_t checked_us;    /* when the latest result came, since the epoch; 0: none did */
	char reason[HEALTH_REASON_MAX]; /* "tcp connect timed out after 500 ms, 3 of 3" */
};

/* What is done for it; `ctx` is the first argument of all. */
struct checker_ops {
	void *ctx;

	/* From now on service->backends[i] takes flows, or doesn't. NULL: nobody asks. */
	void (*set_down)(void *ctx, const struct service_conf *service, uint32_t i, bool down);

	/* service->backends[i], which nothing is known of here, is kept out already. */
	bool (*is_down)(void *ctx, const struct service_conf *service, uint32_t i);

	/* Whether a process before this one knew something of it. NULL: there was none. */
	bool (*known)(void *ctx, const struct service_conf *service, uint32_t i,
		      struct health_known *out);

	/* Something came of a check, or it is a new one. NULL: nobody asks. */
	void (*told)(void *ctx, const struct service_conf *service, uint32_t i,
		     const struct health_known *known, bool state_changed);

	/* For checks via = "vip". */
	vip_outer_fn *outer;

	/* How late a check began, in microseconds; for tests. NULL: nobody asks. */
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
 * Opens what takes rights that the process may give up later, and forks the process for exec checks,
 * so it is called before there are threads. `settings` and `ops` outlive it. 0 or -errno.
 */
int checker_new(struct event_base *base, const struct settings *settings,
		const struct checker_ops *ops, struct checker **checker);
void checker_free(struct checker *checker); /* NULL is allowed */

/*
 * Checks the backends of `model` from now on. What is known of a backend that was there before, by
 * its service's vip, port and protocol and its own address, stays known. 0; or -ENOMEM: some backends are not checked.
 */
int checker_follow(struct checker *checker, const struct model *model);

/* Of service->backends[i], of the model followed. */
void checker_read(const struct checker *checker, const struct service_conf *service, uint32_t i,
		  struct health_report *out);

/* What is said of a backend before its first result: it is kept out, or not. Returns buf. */
const char *checker_first_reason(const struct service_conf *service, uint32_t i, bool out,
				 char buf[HEALTH_REASON_MAX]);

/* Of all checks, since the start. */
struct health_totals {
	uint64_t begun;
	uint64_t late_us;                  /* how much later than due they began, all together */
	uint64_t passed, failed, not_made; /* results; not made: for want of a file, a route ... */
	uint64_t queued; /* that waited for a file: more were due than may have one */
	uint32_t with_file, with_file_max; /* under way with a file of their own, and at most */
	uint32_t waiting;                  /* for one, now */
	uint64_t paced;                    /* began late since health.rate allows no more */
	uint32_t pacing;                   /* wait for that, now */
	uint64_t unhurried; /* of backends in doubt, that had to wait for their ordinary interval */
	uint64_t lost_answers;          /* echo replies that came faster than they were read */
	uint64_t late_n[HEALTH_LATE_N]; /* how many began so late: health_late_bound_us() */
};

/* Counts one that began so much later than it was due. */
void health_totals_late(struct health_totals *totals, int64_t late_us);

/* Those of totals.late_n[i] began at most so late, 19 % more from one to the next. The last one's has no end: INT64_MAX. */
int64_t health_late_bound_us(uint32_t i);

/* How late the given share of all that began was, at most: 0.99. Of what came since `before`. */
int64_t health_late_quantile_us(const struct health_totals *totals,
				const struct health_totals *before, double share);

/* So many checks at once have a file of their own; those beyond wait for their turn. */
void checker_files_set(struct checker *checker, uint32_t n);

void checker_totals(const struct checker *checker, struct health_totals *out);

#endif
