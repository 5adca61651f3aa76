/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service is to become. Control thread.
 */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "maglev.h"
#include "slow_start.h"
#include "transition.h"
#include "wrr.h"

bool plan_lives(const struct service_conf *conf, const struct course *courses, uint32_t i)
{
	return conf->backends[i].admin != BACKEND_DISABLED &&
	       !(courses[i].out && courses[i].spared_us == 0 &&
		 service_conf_on_down(conf, i) == ON_DOWN_CUT);
}

int64_t plan_spare_us(const struct service_conf *conf, uint32_t i)
{
	struct health_timing t;

	if (!service_conf_checks(conf, i))
		return 0;
	t = health_timing_of(&conf->health, &conf->backends[i].health, conf->port);
	return ((int64_t)t.interval_ms * t.rise + t.timeout_ms) * 1000;
}

uint16_t plan_flags(const struct service_conf *conf)
{
	switch ((enum scheduler)conf->scheduler) {
	case SCHEDULER_RR:
	case SCHEDULER_WRR:
		return SERVICE_ROUND_ROBIN;
	case SCHEDULER_RANDOM:
		return SERVICE_RANDOM;
	case SCHEDULER_LEAST_CONN:
		return SERVICE_LEAST_CONN;
	case SCHEDULER_MAGLEV:
		break;
	}
	return conf->hash_source ? SERVICE_HASH_SOURCE : 0;
}

/* ---- health ---- */

bool course_is_down(const struct course *course)
{
	return course->down || course->unreachable;
}

bool plan_all_down(const struct service_conf *conf, const struct course *courses)
{
	uint32_t candidates = 0;

	for (uint32_t i = 0; i < conf->backends_n; i++) {
		if (conf->backends[i].admin != BACKEND_ENABLED || conf->backends[i].weight == 0)
			continue;
		if (!course_is_down(&courses[i]))
			return false;
		candidates++;
	}
	return candidates > 0;
}

void plan_tell_all_down(const struct service_conf *conf, const char *who)
{
	events_warn(EVENT_HEALTH, who, conf->name, NULL, "all its backends are down: %s",
		    conf->all_down == ALL_DOWN_ALL
			    ? "its flows are spread over all of them (all_down = \"all\")"
			    : "its packets are dropped (all_down = \"none\")");
}

/* Whether those that are down are to be out. */
static bool down_counts(const struct service_conf *conf, const struct course *courses)
{
	return conf->all_down == ALL_DOWN_NONE || !plan_all_down(conf, courses);
}

bool plan_health_is_due(const struct service_conf *conf, const struct course *courses)
{
	bool counts = down_counts(conf, courses);

	for (uint32_t i = 0; i < conf->backends_n; i++) {
		bool down = course_is_down(&courses[i]);

		if (courses[i].out != (down && counts) ||
		    courses[i].last_resort != (down && !counts))
			return true;
	}
	return false;
}

/*
 * As it was; or as a process before this one knew it, by its notes and by its tables, in which a
 * backend that is to be checked and took nothing was down; until a first result says otherwise. Of
 * one that is new, `start` tells.
 */
static bool was_down(const struct plan *plan, const struct former *was, const struct course *course,
		     uint32_t i)
{
	const struct service_conf *conf = plan->conf;
	const struct backend_conf *backend = &conf->backends[i];

	if (course)
		return course->down;
	if (!service_conf_checks(conf, i))
		return false;
	if (was && !was->conf && backend->admin != BACKEND_DISABLED && was->indices &&
	    indices_find(was->indices, &backend->addr) == SLOT_NONE)
		return true;
	if (was && was->noted)
		return was->noted[i].down;
	return service_conf_starts_down(conf, i);
}

/* ---- backends ---- */

/*
 * Where the address stood in `was`; MODEL_NOWHERE: nowhere. Changes keep the order, so the search
 * begins behind the one found before.
 */
static uint32_t position_of(const struct service_conf *was, const struct ip_addr *addr,
			    uint32_t *cursor)
{
	const struct backend_conf *found = service_conf_find_addr(was, addr, *cursor);

	if (!found)
		return MODEL_NOWHERE;
	*cursor = (uint32_t)(found - was->backends) + 1;
	return *cursor - 1;
}

/*
 * `before`: NULL if it wasn't there, with its course. A process's first generation starts at full
 * weight, but for ramps that an earlier one noted (was, without `before`).
 */
static void ramp_go_on(const struct plan *plan, const struct backend_conf *now,
		       const struct backend_conf *before, const struct course *was,
		       bool service_ran, int64_t now_us, struct course *course)
{
	uint32_t slow_start_s = plan->conf->slow_start_s;
	bool took_flows = before ? before->admin == BACKEND_ENABLED && !was->out : !service_ran;

	if ((service_ran || was) && now->admin == BACKEND_ENABLED && !course->out)
		course->ramp_us = took_flows ? was->ramp_us : now_us;
	course->step = slow_start_step(course->ramp_us, now_us, slow_start_s);
	if (course->step == slow_start_steps(slow_start_s))
		course->ramp_us = 0;
}

static void drain_go_on(const struct backend_conf *now, const struct course *was, int64_t now_us,
			int64_t now_real_us, struct course *course)
{
	if (now->admin == BACKEND_DRAINING) {
		if (!was || !drain_is_running(&was->drain)) {
			course->drain = drain_begin(now->drain_timeout_s, now_us, now_real_us);
			return;
		}
		course->drain = was->drain;
		if (was->drain.timeout_s != now->drain_timeout_s)
			drain_set_timeout(&course->drain, now->drain_timeout_s, now_us);
	} else if (now->admin == BACKEND_DISABLED && was && was->drain.timed_out) {
		course->drain = was->drain;
	}
}

/*
 * Sets `out`, and what it means for the flows it has. The first of several to come up says that the others are
 * down after all, but their flows were sent on to them until now, and the check may have been wrong: cutting
 * these at once would break connections of those that come up with the next check.
 */
static void out_set(const struct service_conf *conf, uint32_t i, bool counts,
		    const struct course *was, int64_t now_us, struct course *course)
{
	bool down = course_is_down(course);

	course->out = down && counts;
	course->last_resort = down && !counts;
	if (!course->out || !was || course->unreachable)
		return;
	course->spared_us = was->last_resort ? now_us : was->spared_us;
	if (course->spared_us != 0 && now_us - course->spared_us >= plan_spare_us(conf, i))
		course->spared_us = 0;
}

static int courses_make(struct plan *plan, const struct former *was, int64_t now_us,
			int64_t now_real_us)
{
	const struct service_conf *conf = plan->conf;
	const struct service_conf *before = was ? was->conf : NULL;
	uint32_t *places = calloc(conf->backends_n + 1, sizeof(*places));
	uint32_t cursor = 0;
	bool counts;

	plan->places = places;
	plan->courses = calloc(conf->backends_n + 1, sizeof(*plan->courses));
	if (!plan->courses || !places)
		return -ENOMEM;
	for (uint32_t i = 0; i < conf->backends_n; i++) {
		const struct course *course = NULL;

		places[i] = before ? position_of(before, &conf->backends[i].addr, &cursor)
				   : MODEL_NOWHERE;
		if (places[i] != MODEL_NOWHERE)
			course = &was->courses[places[i]];
		plan->courses[i].down = was_down(plan, was, course, i);
		if (course && conf->unresolved_s > 0) {
			plan->courses[i].unreachable = course->unreachable;
			plan->courses[i].unsent_us = course->unsent_us;
		}
	}
	counts = down_counts(conf, plan->courses);
	for (uint32_t i = 0; i < conf->backends_n; i++) {
		const struct backend_conf *now = &conf->backends[i];
		const struct course *course =
			places[i] != MODEL_NOWHERE ? &was->courses[places[i]] : NULL;

		if (was && was->noted)
			course = &was->noted[i];
		out_set(conf, i, counts, course, now_us, &plan->courses[i]);
		ramp_go_on(plan, now,
			   places[i] != MODEL_NOWHERE ? &before->backends[places[i]] : NULL, course,
			   before != NULL, now_us, &plan->courses[i]);
		drain_go_on(now, course, now_us, now_real_us, &plan->courses[i]);
		if (course)
			plan->courses[i].load = course->load;
	}
	return 0;
}

static int indices_make(struct plan *plan, const struct former *was, int64_t now_us)
{
	const struct service_conf *conf = plan->conf;
	struct ip_addr *living = calloc(conf->backends_n + 1, sizeof(*living));
	uint32_t n = 0;

	if (!living)
		return -ENOMEM;
	for (uint32_t i = 0; i < conf->backends_n; i++)
		if (plan_lives(conf, plan->courses, i))
			living[n++] = conf->backends[i].addr;
	plan->indices = indices_new(was ? was->indices : NULL, living, n, now_us);
	free(living);
	if (!plan->indices)
		return -ENOMEM;
	for (uint32_t i = 0; i < conf->backends_n; i++)
		plan->courses[i].index = indices_find(plan->indices, &conf->backends[i].addr);
	return 0;
}

/* ---- choices ---- */

uint32_t plan_weight(const struct service_conf *conf, const struct course *courses, uint32_t i)
{
	const struct backend_conf *backend = &conf->backends[i];

	if (backend->admin != BACKEND_ENABLED || backend->weight == 0 || courses[i].out)
		return 0;
	return slow_start_weight(conf->scheduler == SCHEDULER_RR ? 1 : backend->weight,
				 courses[i].step);
}

static int choose_by_hash(struct plan *plan, const struct flow_key *seed)
{
	const struct service_conf *conf = plan->conf;
	struct maglev_backend *backends = calloc(conf->backends_n + 1, sizeof(*backends));
	int err = -ENOMEM;

	plan->slots_n = conf->slots;
	plan->slots = calloc(conf->slots + 1, sizeof(*plan->slots));
	if (!backends || !plan->slots)
		goto out;
	for (uint32_t i = 0; i < conf->backends_n; i++) {
		uint32_t weight = plan_weight(conf, plan->courses, i);

		backends[i] = (struct maglev_backend){
			.identity = maglev_identity(seed, &conf->backends[i].addr),
			.weight = weight,
			.index = weight > 0 ? plan->courses[i].index : 0, /* 0: unused, but valid */
		};
	}
	err = maglev_build(plan->slots, plan->slots_n, backends, conf->backends_n);
out:
	free(backends);
	return err;
}

static int choose_in_turn(struct plan *plan)
{
	const struct service_conf *conf = plan->conf;
	struct wrr_backend *backends = calloc(conf->backends_n + 1, sizeof(*backends));
	int err;

	if (!backends)
		return -ENOMEM;
	for (uint32_t i = 0; i < conf->backends_n; i++)
		backends[i] = (struct wrr_backend){
			.weight = plan_weight(conf, plan->courses, i),
			.index = plan->courses[i].index,
		};
	err = wrr_build(backends, conf->backends_n, &plan->slots, &plan->slots_n);
	free(backends);
	return err;
}

/* ---- from what was to what is ---- */

/* Whether slot i of the one is slot i of the other: then flows of one slot moved together. */
static bool comparable(const struct plan *plan, const struct former *was)
{
	return was->slots_n == plan->slots_n && was->flags == plan->flags;
}

/* By index: whether the backend keeps its flows. For the caller to free. NULL: no memory. */
static bool *lives_make(const struct indices *indices)
{
	bool *lives = calloc(indices->length + 1U, sizeof(*lives));

	for (uint32_t i = 0; lives && i < indices->owners_n; i++)
		lives[indices->owners[i].index] = true;
	return lives;
}

/* Slot by slot. 0, or -ENOMEM. */
static int slots_mark(struct plan *plan, const struct transition_change *change,
		      struct transition_counts *counts)
{
	plan->previous_n = plan->slots_n;
	plan->previous = calloc(plan->previous_n, sizeof(*plan->previous));
	if (!plan->previous)
		return -ENOMEM;
	*counts = transition_begin(change, plan->slots, plan->previous);
	return 0;
}

/* The way before, as older flows know it: the one that was, unless that had one before it. */
static int way_keep(struct plan *plan, const struct former *was,
		    const struct transition_change *before, struct transition_counts *counts)
{
	struct transition_change change = *before;

	if (!change.waits || (was->flags & SERVICE_REMEMBERS && !was->way))
		return 0;
	plan->way = SERVICE_WAY | (was->flags & SERVICE_HASH_SOURCE ? SERVICE_WAY_SOURCE : 0);
	if (was->way) {
		plan->way = was->way;
		change.was_slots = NULL;
		change.slots_n = was->previous_n;
	}
	plan->previous_n = change.slots_n;
	plan->previous = calloc(plan->previous_n + 1, sizeof(*plan->previous));
	if (!plan->previous)
		return -ENOMEM;
	counts->previous = transition_way(&change, plan->previous);
	return 0;
}

/* No slot is compared: another way than before, or the one before that is still asked. */
static int way_change(struct plan *plan, const struct former *was,
		      const struct transition_change *change, struct transition_counts *counts)
{
	bool hashes = !(plan->flags & SERVICE_REMEMBERS);
	uint32_t moved = plan->slots_n;
	int err = way_keep(plan, was, change, counts);

	if (err)
		return err;
	if (comparable(plan, was))
		moved = transition_moved(was->slots, plan->slots, plan->slots_n);
	if (hashes) {
		uint32_t previous = counts->previous;

		*counts = transition_restart(plan->slots, plan->slots_n,
					     was->remembers || previous > 0);
		counts->previous = previous;
	}
	/* What a scheduler draws in turn holds no flows: only its beginning is a change to them. */
	counts->moved = hashes || !(was->flags & SERVICE_REMEMBERS) ? moved : 0;
	return 0;
}

/* The new slots' marks, and where older flows belong. 0, or -ENOMEM. */
static int older_flows_place(struct plan *plan, const struct former *was,
			     struct transition_counts *counts)
{
	struct transition_change change = {
		.was_slots = was->slots,
		.was_previous = was->previous,
		.slots_n = was->slots_n,
		.lives_n = plan->indices->length,
		.waits = plan->conf->transition_s > 0,
		.remembers = was->remembers,
	};
	bool *lives = lives_make(plan->indices);
	int err;

	if (!lives)
		return -ENOMEM;
	change.lives = lives;
	if (comparable(plan, was) && !was->way && !(plan->flags & SERVICE_REMEMBERS))
		err = slots_mark(plan, &change, counts);
	else
		err = way_change(plan, was, &change, counts);
	free(lives);
	if (counts->previous == 0) {
		free(plan->previous);
		plan->previous = NULL;
		plan->previous_n = 0;
		plan->way = 0;
	}
	return err;
}

static int phase_make(struct plan *plan, const struct former *was, int64_t now_us,
		      int64_t now_real_us)
{
	struct transition_counts counts = {0};
	bool remembers_all = plan->flags & SERVICE_REMEMBERS;
	int err;

	plan->remembers = remembers_all;
	if (!was || !was->slots)
		return 0;
	err = older_flows_place(plan, was, &counts);
	if (err)
		return err;
	plan->moved = counts.moved;
	plan->phase = was->phase;
	plan->phase.changed_slots = counts.changed;
	plan->phase.previous_slots = counts.previous;
	if (counts.moved > 0) {
		plan->phase.changed_us = now_us;
		plan->phase.changed_real_us = now_real_us;
		plan->phase.previous_seen_us = now_us;
	}
	plan->remembers = remembers_all || was->remembers || counts.changed > 0;
	return 0;
}

int plan_make(const struct service_conf *conf, const struct former *was,
	      const struct flow_key *seed, int64_t now_us, int64_t now_real_us, struct plan *plan)
{
	int err;

	*plan = (struct plan){.conf = conf, .flags = plan_flags(conf)};
	err = courses_make(plan, was, now_us, now_real_us);
	if (!err)
		err = indices_make(plan, was, now_us);
	if (!err)
		err = plan->flags & SERVICE_REMEMBERS ? choose_in_turn(plan)
						      : choose_by_hash(plan, seed);
	if (!err)
		err = phase_make(plan, was, now_us, now_real_us);
	if (err)
		plan_free(plan);
	return err;
}

void plan_free(struct plan *plan)
{
	free(plan->courses);
	free(plan->places);
	free(plan->slots);
	free(plan->previous);
	indices_unref(plan->indices);
	*plan = (struct plan){0};
}

bool plan_step_is_due(const struct service_conf *conf, const struct course *courses, int64_t now_us)
{
	for (uint32_t i = 0; i < conf->backends_n; i++) {
		const struct course *course = &courses[i];

		if (course->ramp_us != 0 &&
		    slow_start_step(course->ramp_us, now_us, conf->slow_start_s) != course->step)
			return true;
		if (course->spared_us != 0 && now_us - course->spared_us >= plan_spare_us(conf, i))
			return true;
	}
	return false;
}
