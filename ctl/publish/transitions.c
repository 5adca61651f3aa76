/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time makes of the services in force. A tick looks at every service once (some nanoseconds
 * for one in a steady state), counts the remembered flows if somebody needs that, and publishes
 * all that comes of it as one generation. Control thread.
 */
#include "transitions.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "drains.h"
#include "events.h"
#include "loads.h"
#include "log.h"

enum {
	TICK_S = 1,
	/* Between two counts, where somebody waits for what they tell. */
	COUNT_S = 2,
	/* The longest, where counts have told nothing new for a while. */
	COUNT_RARELY_S = 32,
};

struct transitions {
	struct running *running;
	struct event *timer;
	transitions_begin_fn *begin;
	drains_disable_fn *disable;
	transitions_went_on_fn *went_on;
	void *ctx;
	int64_t counted_us;  /* when a count was last gone by */
	uint32_t patience_s; /* from count to count that only clear up; doubles */
	bool waits;          /* for a count that goes on between other events */
	bool failed;         /* the last tick's generation could not be published */
};

static uint32_t idle_longest_s(const struct settings *settings)
{
	uint32_t longest_s = 0;

	for (int i = 0; i < MEMORY_STATES; i++)
		if (settings->idle_s[i] > longest_s)
			longest_s = settings->idle_s[i];
	return longest_s;
}

/*
 * How long no remembered flow need be seen on a previous choice for the transition to be over
 * before its time: as long as a flow may be silent.
 */
static uint32_t quiet_enough_s(const struct settings *settings, const struct service_conf *conf)
{
	uint32_t idle_s = settings->idle_s[conf->proto == PROTO_TCP ? MEMORY_TCP : MEMORY_UDP];

	return idle_s < conf->transition_s ? idle_s : conf->transition_s;
}

/* ---- who needs what ---- */

/* Whether time alone will change something: plan_step_is_due() will say when. */
static bool has_step(const struct installed *s)
{
	for (uint32_t i = 0; i < s->conf->backends_n; i++)
		if (s->courses[i].ramp_us != 0 || s->courses[i].spared_us != 0)
			return true;
	return false;
}

static bool can_end_early(const struct transitions *t, const struct installed *s)
{
	return installed_in_transition(s) &&
	       quiet_enough_s(&t->running->settings, s->conf) < s->conf->transition_s;
}

static bool is_under_way(const struct installed *s)
{
	return s->phase.changed_slots > 0 || installed_in_transition(s) ||
	       s->flags & SERVICE_LEAST_CONN || s->indices->freed_n > 0 || has_step(s) ||
	       drains_any(s);
}

/* Seconds from count to count; 0: nobody needs one. */
static uint32_t count_every_s(const struct transitions *t, const struct installed *s)
{
	if (s->flags & SERVICE_LEAST_CONN)
		return TICK_S;
	if (can_end_early(t, s) || drains_any(s))
		return COUNT_S;
	return installed_settling(s) || s->indices->freed_n > 0 ? t->patience_s : 0;
}

static const struct census *counted(struct transitions *t)
{
	t->waits = false;
	t->counted_us = t->running->around.now_us();
	t->patience_s = t->patience_s < COUNT_RARELY_S ? 2 * t->patience_s : COUNT_RARELY_S;
	return &t->running->census;
}

/* A count of what is in force, if it is time for one, and it is soon done. */
static const struct census *count(struct transitions *t)
{
	struct running *r = t->running;
	int64_t now_us = r->around.now_us(), age_us = now_us - r->census.taken_us;
	uint32_t every_s = 0;
	int err;

	for (uint32_t i = 0; i < r->model->services_n; i++) {
		uint32_t wanted_s = count_every_s(t, r->installed[i]);

		if (wanted_s != 0 && (every_s == 0 || wanted_s < every_s))
			every_s = wanted_s;
	}
	if (every_s == 0 || now_us - t->counted_us < every_s * 1000000LL)
		return NULL;
	/* One that was taken to be shown to somebody is as good. */
	if (r->census.number != r->number || age_us > TICK_S * 1000000LL) {
		if (r->census.number != 0 && age_us < census_rest_us(&r->census))
			return NULL;
		err = counting_run(r->counting);
		t->waits = err == -EINPROGRESS;
		if (err && !t->waits)
			log_warning("remembered flows can't be counted: %s", strerror(-err));
		if (err)
			return NULL;
	}
	return counted(t);
}

/* ---- what a count says of a service, without a new generation ---- */

static bool bears(const void *ctx, uint16_t index)
{
	const struct tally *tally = ctx;

	return tally && index < tally->indices_n && tally->by_index[index] > 0;
}

static void learn(const struct transitions *t, struct installed *s, const struct census *census,
		  int64_t now_us)
{
	const struct tally *tally = census_tally(census, s->row);

	if (tally && tally->on_previous > 0)
		s->phase.previous_seen_us = now_us;
	if (!tally && s->phase.changed_slots == 0 && !(s->flags & SERVICE_REMEMBERS))
		s->remembers = false;
	indices_release(s->indices, bears, tally, now_us,
			idle_longest_s(&t->running->settings) * 1000000LL);
}

/* ---- a service's next version ---- */

static bool is_over(const struct transitions *t, const struct installed *s,
		    const struct census *census, int64_t now_us)
{
	const struct phase *phase = &s->phase;

	if (!installed_in_transition(s))
		return false;
	if (now_us - phase->changed_us >= s->conf->transition_s * 1000000LL)
		return true;
	return census && can_end_early(t, s) &&
	       now_us - phase->previous_seen_us >=
		       quiet_enough_s(&t->running->settings, s->conf) * 1000000LL;
}

/* Clears marks by what was counted a moment ago. */
static struct installed *settle(const struct transitions *t, struct installed *s,
				const struct census *census)
{
	const struct tally *tally = census_tally(census, s->row);
	uint64_t *none = NULL;
	struct installed *next;

	if (tally && tally->flows > 0 && !tally->elsewhere)
		return installed_ref(s);
	if (!tally || tally->flows == 0) {
		none = calloc(installed_slots_n(s) / 64 + 1, sizeof(*none));
		if (!none)
			return NULL;
	}
	next = installed_settle(&t->running->around, s, none ? none : tally->elsewhere);
	free(none);
	if (next && next != s && next->phase.changed_slots == 0)
		events_add(EVENT_TRANSITION, "daemon", s->conf->name, NULL,
			   "settled: the lookup table alone tells where flows go");
	return next;
}

static struct installed *take_step(const struct transitions *t, struct installed *s)
{
	struct former was = installed_former(s);
	struct model_error error;
	struct installed *next = installed_new(&t->running->around, s->conf, &was, &error);

	if (!next)
		log_error("a step of slow start, or an end of flows that were spared: %s",
			  error.text);
	return next;
}

/* In the place of *s, whose reference it gives up. */
static bool replace(struct installed **s, struct installed *next)
{
	installed_unref(*s);
	*s = next;
	return next != NULL;
}

static void tell_end(const struct installed *s, int64_t now_us)
{
	long long took_s = (now_us - s->phase.changed_us) / 1000000;

	if (s->flags & SERVICE_REMEMBERS)
		events_add(EVENT_TRANSITION, "daemon", s->conf->name, NULL,
			   "transition over after %lld s; each packet still looks for its flow, as "
			   "the scheduler %s has it",
			   took_s, scheduler_name((enum scheduler)s->conf->scheduler));
	else
		events_add(EVENT_TRANSITION, "daemon", s->conf->name, NULL,
			   "transition over after %lld s; %u of %u slots still look for their "
			   "flows",
			   took_s, s->phase.changed_slots, installed_slots_n(s));
}

struct glance {
	const struct transitions *t;
	const struct census *census; /* of what is in force; NULL: none */
	int64_t now_us;
	bool went_on; /* some service's version differs by more than its loads */
};

/* running_version_fn */
static struct installed *next_version(void *ctx, struct installed *s, char error[LAYOUT_ERROR_MAX])
{
	struct glance *glance = ctx;
	const struct transitions *t = glance->t;
	const struct census *census = glance->census;
	int64_t now_us = glance->now_us;
	struct installed *next = installed_ref(s);

	(void)error;
	/* The count is about the slots in force: so this first. */
	if (census && installed_settling(next)) {
		if (!replace(&next, settle(t, next, census)))
			return NULL;
	} else if (is_over(t, next, census, now_us)) {
		tell_end(s, now_us);
		if (!replace(&next, installed_end(next)))
			return NULL;
	}
	if (plan_step_is_due(next->conf, next->courses, now_us) &&
	    !replace(&next, take_step(t, next)))
		return NULL;
	glance->went_on = glance->went_on || next != s;
	if (census && next->flags & SERVICE_LEAST_CONN)
		replace(&next, loads_renew(&t->running->around, next, census));
	return next;
}

/* All services' next versions, published if any differs. */
static void advance(struct transitions *t, const struct census *census)
{
	struct running *r = t->running;
	struct glance glance = {.t = t, .census = census, .now_us = r->around.now_us()};
	char error[LAYOUT_ERROR_MAX];
	int rc = running_renew(r, next_version, &glance, glance.now_us, error);

	if (rc < 0 && !t->failed)
		log_error("a transition could not go on, and is tried again: %s", error);
	if (rc != 0)
		t->failed = rc < 0;
	if (rc <= 0)
		return;
	t->patience_s = COUNT_S;
	if (glance.went_on)
		t->went_on(t->ctx);
	log_debug("generation %llu: published in %llu us (time)", (unsigned long long)r->number,
		  (unsigned long long)r->took_us);
}

/* ---- life ---- */

/* `census`: of this moment, or NULL. Returns whether there is anything left to look for. */
static bool look(struct transitions *t, const struct census *census)
{
	const struct running *r = t->running;

	for (uint32_t i = 0; census && i < r->model->services_n; i++)
		learn(t, r->installed[i], census, r->around.now_us());
	drains_tick(t->running, census, t->disable, t->ctx);
	/* A drain that was cut changed what is in force, of which the count knows nothing. */
	advance(t, census && census->number == r->number ? census : NULL);
	for (uint32_t i = 0; i < r->model->services_n; i++)
		if (is_under_way(r->installed[i]))
			return true;
	return false;
}

bool transitions_tick(struct transitions *t)
{
	if (!t->running->model)
		return false;
	if (!t->begin(t->ctx))
		return true;
	return look(t, count(t));
}

static void timer_arm(struct transitions *t)
{
	const struct timeval tick = {.tv_sec = TICK_S};

	if (!evtimer_pending(t->timer, NULL) && evtimer_add(t->timer, &tick) != 0)
		log_error("no timer for transitions");
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	struct transitions *t = ctx;

	(void)fd;
	(void)events;
	if (transitions_tick(t))
		timer_arm(t);
}

static void on_counted(void *ctx)
{
	struct transitions *t = ctx;
	const struct census *census;

	if (!t->waits || !t->running->model)
		return;
	if (!t->begin(t->ctx)) {
		t->waits = false; /* the next tick counts anew */
		timer_arm(t);
		return;
	}
	census = counted(t);
	/* What waited may be in force now, of which the count knows nothing. */
	if (look(t, census->number == t->running->number ? census : NULL))
		timer_arm(t);
}

void transitions_kick(struct transitions *t)
{
	t->patience_s = COUNT_S;
	timer_arm(t);
}

struct transitions *transitions_new(struct event_base *base, struct running *running,
				    transitions_begin_fn *begin, drains_disable_fn *disable,
				    transitions_went_on_fn *went_on, void *ctx)
{
	struct transitions *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->running = running;
	t->begin = begin;
	t->disable = disable;
	t->went_on = went_on;
	t->ctx = ctx;
	t->patience_s = COUNT_S;
	t->timer = evtimer_new(base, on_timer, t);
	if (t->timer) {
		counting_on_done(running->counting, on_counted, t);
		return t;
	}
	free(t);
	return NULL;
}

void transitions_free(struct transitions *t)
{
	if (!t)
		return;
	event_free(t->timer);
	free(t);
}
