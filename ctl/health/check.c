/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of one backend. Of the process that makes checks; one thread.
 */
#include "check.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "shortage.h"

enum {
	/* So much later than its timeout a check doesn't end, but where the loop stood still. */
	LATE_US = 30000,
	AT_ONCE_MAX = 2, /* in a row: then at the next interval */
	LONGER_MAX = 4,  /* a check that counted for nothing has twice its time, then so often */
};

struct check {
	struct turn turn; /* first: on_turn() goes from it to us */
	struct check_world *world;
	bool unarmed;               /* its timer could not be set */
	struct probe_target target; /* what the probe goes by */
	const struct probe_kind *kind;
	void *probe;
	struct event *timer;
	struct health_known known;
	int64_t due_us;      /* of the run that is to come, or under way; monotonic */
	int64_t began_us;    /* of that one; monotonic */
	int64_t stood_us;    /* pace_stood_us(), when it began */
	uint32_t timeout_ms; /* as configured; target.timing's is this run's */
	bool placed;         /* runs at its place in the interval; not while in doubt */
	uint8_t excuses;     /* in a row: runs that count for nothing, because we were late */
	bool complained;     /* the log knows that it can't be made */
};

/* ---- when ---- */

/* SplitMix64 (Steele et al., 2014). */
static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static int64_t random_below(struct check_world *world, int64_t limit)
{
	world->random += 0x9e3779b97f4a7c15ULL;
	return limit <= 0 ? 0 : (int64_t)(mix(world->random) % (uint64_t)limit);
}

/* FNV-1a: where in its interval a backend has its place. */
static uint64_t place_hash(const struct check *c)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	const char *names[] = {c->target.service->name, c->target.backend->name};

	for (int i = 0; i < 2; i++)
		for (const char *p = names[i]; *p; p++)
			hash = (hash ^ (uint8_t)*p) * 0x100000001b3ULL;
	return mix(hash);
}

static void arm(struct check *c, int64_t due_us)
{
	int64_t left_us = due_us - clock_now_us();
	struct timeval left = {0};

	c->due_us = due_us;
	if (left_us > 0)
		left = (struct timeval){.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
	c->unarmed = evtimer_add(c->timer, &left) != 0;
	if (!c->unarmed)
		return;
	c->world->unarmed = true;
	shortage_note(SHORTAGE_TIMER, ENOMEM);
	log_error("service %s: backend %s: no memory to check it; tried again",
		  c->target.service->name, c->target.backend->name);
}

void check_rearm(struct check *c)
{
	if (c->unarmed)
		arm(c, c->due_us);
}

/* In doubt, and not so many are that its fast checks would be too many. */
static bool may_hurry(struct check *c)
{
	struct check_world *world = c->world;

	if (!track_in_doubt(&c->known.track, &c->target.timing) ||
	    c->target.timing.fast_interval_ms >= c->target.timing.interval_ms)
		return false;
	if (pace_take_fast(&world->turns.pace, clock_now_us()))
		return true;
	world->totals.unhurried++;
	return false;
}

/*
 * From start to start, so that the time a check takes counts in none. A jitter only shortens, so
 * that what is promised of the time to detect holds.
 */
static void arm_next(struct check *c)
{
	const struct health_timing *t = &c->target.timing;
	bool doubt = may_hurry(c);
	int64_t interval_us = (doubt ? t->fast_interval_ms : t->interval_ms) * 1000LL;
	int64_t now = clock_now_us();
	int64_t due_us;

	if (!doubt && !c->placed) /* to its place, for others may have come here with it */
		due_us = now + interval_us - 1 -
			 (now + (int64_t)(place_hash(c) % (uint64_t)interval_us)) % interval_us;
	else
		due_us = c->due_us + interval_us -
			 random_below(c->world, interval_us * t->jitter_percent / 100);
	if (c->known.track.held_until_us > now && c->known.track.held_until_us < due_us)
		due_us = c->known.track.held_until_us;
	c->placed = !doubt;
	c->turn.hurries = doubt;
	arm(c, due_us > now ? due_us : now);
}

/* Its turn has come. */
static void on_turn(struct turn *turn)
{
	struct check *c = (struct check *)turn;
	struct check_world *world = c->world;
	int64_t now = clock_now_us();

	if (world->ops->began)
		world->ops->began(world->ops->ctx, now - c->due_us);
	world->totals.begun++;
	health_totals_late(&world->totals, now - c->due_us);
	/* One that couldn't be made for a while is not made up for, nor could others be. */
	if (now - c->due_us > c->target.timing.interval_ms * 1000LL) {
		c->due_us = now;
		c->placed = false;
	}
	c->began_us = now;
	c->stood_us = pace_stood_us(&world->turns.pace, now);
	c->target.timing.timeout_ms =
		c->timeout_ms * (c->excuses < LONGER_MAX ? c->excuses + 1U : LONGER_MAX);
	c->kind->start(c->probe);
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	struct check *c = ctx;

	(void)fd;
	(void)events;
	c->turn.due_us = c->due_us;
	c->turn.wants_file = c->kind->has_file;
	turn_take(&c->turn);
}

/* ---- what comes of it ---- */

static void explain(struct check *c, const char *reason, bool passed, uint16_t streak)
{
	const struct health_timing *t = &c->target.timing;
	char until[32] = "";
	time_t seconds;
	struct tm utc;

	if (track_is_held(&c->known.track, clock_now_us())) {
		seconds = (time_t)((clock_us(CLOCK_REALTIME) + c->known.track.held_until_us -
				    clock_now_us()) /
					   1000000 +
				   1);
		gmtime_r(&seconds, &utc);
		strftime(until, sizeof(until), "%H:%M:%S UTC", &utc);
		snprintf(c->known.reason, sizeof(c->known.reason),
			 "flapping: held down until %s, %u times down in %u s; %s", until,
			 track_downs(&c->known.track, &c->target.service->health, clock_now_us()),
			 c->target.service->health.flap_window_s, reason);
	} else if (streak > 0) {
		snprintf(c->known.reason, sizeof(c->known.reason), "%s, %u of %u", reason, streak,
			 passed ? t->rise : t->fall);
	} else {
		snprintf(c->known.reason, sizeof(c->known.reason), "%s", reason);
	}
}

static uint32_t index_of(const struct check *c)
{
	return (uint32_t)(c->target.backend - c->target.service->backends);
}

static void tell(struct check *c, bool state_changed)
{
	const struct checker_ops *ops = c->world->ops;

	if (ops->told)
		ops->told(ops->ctx, c->target.service, index_of(c), &c->known, state_changed);
}

static void changed(struct check *c, enum health_state was)
{
	const struct checker_ops *ops = c->world->ops;

	c->known.since_us = c->known.checked_us;
	c->known.was = was;
	if (ops->set_down)
		ops->set_down(ops->ctx, c->target.service, index_of(c), c->known.track.out);
}

static void not_made(struct check *c, const char *reason)
{
	snprintf(c->known.reason, sizeof(c->known.reason), "not checked: %s", reason);
	if (!c->complained)
		log_error("service %s: backend %s: can't be checked: %s", c->target.service->name,
			  c->target.backend->name, reason);
	c->complained = true;
}

/*
 * Whether a failure is ours: where this process stood still for so long that three quarters of the time
 * that a check has were not left, an answer may lie about unread, or have been asked for too late. On a node that
 * is late all the time the next run has more time, so that who is down is found so.
 */
static bool was_late(const struct check *c)
{
	int64_t now = clock_now_us();
	int64_t stood_us = pace_stood_us(&c->world->turns.pace, now) - c->stood_us;
	int64_t given_us = c->target.timing.timeout_ms * 1000LL;

	if (now - c->began_us > given_us + LATE_US && c->excuses < LONGER_MAX)
		return true;
	return stood_us > given_us - c->timeout_ms * 1000LL * 3 / 4;
}

/* Nothing is known by it: it is made again, at once where that isn't so all the time. */
static void excuse(struct check *c, const char *reason)
{
	c->world->totals.not_made++;
	snprintf(c->known.reason, sizeof(c->known.reason),
		 "not checked: sluiced itself was late; %s", reason);
	log_debug("service %s: backend %s: %s", c->target.service->name, c->target.backend->name,
		  c->known.reason);
	tell(c, false);
	if (c->excuses < UINT8_MAX)
		c->excuses++;
	if (c->excuses <= AT_ONCE_MAX) {
		arm(c, clock_now_us());
	} else {
		c->placed = false;
		arm_next(c);
	}
}

static void take_result(struct check *c, enum probe_outcome outcome, const char *reason)
{
	enum health_state was = c->known.track.state;
	bool passed = outcome == PROBE_PASSED, differs, late;
	uint16_t before = c->known.track.streak;

	if (outcome == PROBE_NOT_MADE) {
		c->target.timing.timeout_ms = c->timeout_ms;
		c->world->totals.not_made++;
		not_made(c, reason);
		tell(c, false);
		arm_next(c);
		return;
	}
	late = !passed && was_late(c);
	c->target.timing.timeout_ms = c->timeout_ms;
	if (late) {
		excuse(c, reason);
		return;
	}
	if (passed)
		c->world->totals.passed++;
	else
		c->world->totals.failed++;
	c->excuses = 0;
	c->complained = false;
	c->known.checked_us = clock_us(CLOCK_REALTIME);
	differs = track_result(&c->known.track, &c->target.service->health, &c->target.timing,
			       passed, clock_now_us());
	/* The streak that made the change stands in its reason; an unknown one needs just one. */
	if (differs && was == HEALTH_UNKNOWN && passed)
		explain(c, reason, passed, 0);
	else
		explain(c, reason, passed,
			differs ? (uint16_t)(before + 1) : c->known.track.streak);
	if (differs)
		changed(c, was);
	tell(c, differs);
	arm_next(c);
}

static void on_done(void *ctx, enum probe_outcome outcome, const char *reason)
{
	struct check *c = ctx;

	take_result(c, outcome, reason);
	turn_end(&c->turn);
}

/* ---- life ---- */

static void target_set(struct check *c, const struct service_conf *service, uint32_t i)
{
	c->target.service = service;
	c->target.backend = &service->backends[i];
	c->target.timing =
		health_timing_of(&service->health, &service->backends[i].health, service->port);
	c->timeout_ms = c->target.timing.timeout_ms;
}

static bool via_vip(const struct service_conf *service)
{
	return service->health.via == HEALTH_VIA_VIP;
}

static void state_begin(struct check *c, const struct check *was, uint32_t i)
{
	const struct checker_ops *ops = c->world->ops;

	if (was)
		c->known = was->known;
	else if (!ops->known || !ops->known(ops->ctx, c->target.service, i, &c->known)) {
		c->known.track = track_new(ops->is_down(ops->ctx, c->target.service, i));
		c->known.since_us = clock_us(CLOCK_REALTIME);
		checker_first_reason(c->target.service, i, c->known.track.out, c->known.reason);
	}
	tell(c, false);
}

struct check *check_new(struct check_world *world, const struct service_conf *service, uint32_t i,
			const struct check *was)
{
	struct check *c = calloc(1, sizeof(*c));
	int64_t now = clock_now_us();

	if (!c)
		return NULL;
	c->world = world;
	c->turn = (struct turn){.turns = &world->turns, .run = on_turn};
	target_set(c, service, i);
	if (via_vip(service))
		c->target.vip_id = vip_way_add(world->env.vip, &c->target);
	c->kind = probe_kind_of((enum health_type)service->health.type);
	c->timer = evtimer_new(world->env.base, on_timer, c);
	c->probe = c->kind->new (&world->env, &c->target, on_done, c);
	if (!c->timer || !c->probe || (via_vip(service) && c->target.vip_id == 0)) {
		check_free(c);
		return NULL;
	}
	state_begin(c, was, i);
	if (world->begin_us < now)
		world->begin_us = now;
	arm(c, world->begin_us);
	/* With half the pace, so that others find theirs. */
	world->begin_us += 2000000 / world->turns.pace.rate;
	return c;
}

void check_free(struct check *c)
{
	if (!c)
		return;
	if (c->probe)
		c->kind->free(c->probe);
	turn_end(&c->turn);
	if (c->timer)
		event_free(c->timer);
	vip_way_remove(c->world->env.vip, c->target.vip_id);
	free(c);
}

bool check_does(const struct check *c, const struct service_conf *service, uint32_t i)
{
	const struct service_conf *mine = c->target.service;
	struct health_timing mine_timing = c->target.timing;
	struct health_timing timing =
		health_timing_of(&service->health, &service->backends[i].health, service->port);

	mine_timing.timeout_ms = c->timeout_ms; /* whatever this run has */
	return memcmp(&mine->health, &service->health, sizeof(mine->health)) == 0 &&
	       memcmp(&mine_timing, &timing, sizeof(timing)) == 0 &&
	       mine->proto == service->proto && ip_equal(&mine->vip, &service->vip);
}

void check_move(struct check *c, const struct service_conf *service, uint32_t i)
{
	target_set(c, service, i);
}

void check_read(const struct check *c, struct health_report *out)
{
	out->state = c->known.track.state;
	out->since_us = c->known.since_us;
	out->checked_us = c->known.checked_us;
	memcpy(out->reason, c->known.reason, sizeof(out->reason));
}
