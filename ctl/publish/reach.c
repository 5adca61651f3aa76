/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for backends that packets can't be sent to. Control thread.
 */
#include "reach.h"

#include <event2/event.h>
#include <stdlib.h>

#include "entry.h"
#include "events.h"

enum {
	REACH_EVENTS_MAX = 20, /* of one look; of the rest only the number */
};

struct reach {
	struct running *running;
	struct event *timer;
	void (*due)(void *ctx);
	void *ctx;
	int64_t next_us;  /* when the timer fires, while it is pending */
	uint64_t asked_n; /* backends looked at since the start */
};

/* One look, at some services or at all of them. */
struct look {
	const struct running *r;
	int64_t now_us;
	int64_t next_us; /* when the next one has waited long enough; 0: none waits */
	uint32_t changed_n;
};

/* Why packets for the backend would be dropped; NULL: they can be sent. */
static const char *obstacle(const struct surroundings *around, const struct service_conf *conf,
			    uint32_t i)
{
	const struct nexthop *hop = surroundings_hop(around, conf, &conf->backends[i].addr);

	if (!hop)
		return NULL; /* not asked for yet */
	if (hop->state != NEXTHOP_RESOLVED)
		return nexthop_state_text(hop->state);
	if (surroundings_port(around, hop) < 0)
		return "its interface is no port of the fast path";
	if (!entry_has_source(around->settings, (enum encap)conf->encap,
			      conf->backends[i].addr.family, hop))
		return "there is no outer source address";
	return NULL;
}

static void become(struct look *look, const struct service_conf *conf, uint32_t i,
		   struct course *course, const char *why)
{
	course->unreachable = why != NULL;
	if (look->changed_n++ >= REACH_EVENTS_MAX)
		return;
	if (why)
		events_warn(EVENT_HEALTH, "kernel", conf->name, conf->backends[i].name,
			    "counts as down: packets can't be sent to it for %u s: %s",
			    conf->unresolved_s, why);
	else
		events_add(EVENT_HEALTH, "kernel", conf->name, conf->backends[i].name,
			   "counts as down no more: packets can be sent to it");
}

static void backend_look(struct look *look, const struct service_conf *conf, uint32_t i,
			 struct course *course)
{
	bool asked = conf->unresolved_s > 0 && conf->backends[i].admin != BACKEND_DISABLED;
	const char *why = asked ? obstacle(&look->r->around, conf, i) : NULL;
	int64_t at_us;

	if (!why) {
		course->unsent_us = 0;
		if (course->unreachable)
			become(look, conf, i, course, NULL);
		return;
	}
	if (course->unsent_us == 0)
		course->unsent_us = look->now_us;
	if (course->unreachable)
		return;
	at_us = course->unsent_us + conf->unresolved_s * 1000000LL;
	if (at_us <= look->now_us)
		become(look, conf, i, course, why);
	else if (look->next_us == 0 || at_us < look->next_us)
		look->next_us = at_us;
}

static void service_look(struct look *look, struct installed *s)
{
	bool before = plan_all_down(s->conf, s->courses);

	s->reach_known = true;

	for (uint32_t i = 0; i < s->conf->backends_n; i++)
		backend_look(look, s->conf, i, &s->courses[i]);
	if (!before && plan_all_down(s->conf, s->courses))
		plan_tell_all_down(s->conf, "kernel");
}

/* Comes back at look->next_us, unless an earlier look asked for an earlier time. */
static void timer_arm(struct reach *reach, const struct look *look)
{
	int64_t left_us = look->next_us - look->now_us;
	const struct timeval left = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};

	if (look->next_us == 0)
		return;
	if (evtimer_pending(reach->timer, NULL) && reach->next_us <= look->next_us)
		return;
	reach->next_us = look->next_us;
	evtimer_add(reach->timer, &left);
}

/* `all`: also at the services that have been looked at since they were made. */
static void services_look(struct reach *reach, bool all)
{
	const struct running *r = reach->running;
	struct look look = {.r = r, .now_us = r->around.now_us()};

	for (uint32_t i = 0; r->model && i < r->model->services_n; i++) {
		struct installed *s = r->installed[i];

		if (s->reach_known && !all)
			continue;
		reach->asked_n += s->conf->backends_n;
		service_look(&look, s);
	}
	if (look.changed_n > REACH_EVENTS_MAX)
		events_warn(EVENT_HEALTH, "kernel", NULL, NULL,
			    "%u more backends count as down, or no more, for their next hops; "
			    "sluicectl show backends has each",
			    look.changed_n - REACH_EVENTS_MAX);
	timer_arm(reach, &look);
	if (look.changed_n > 0)
		reach->due(reach->ctx);
}

void reach_look(struct reach *reach)
{
	services_look(reach, true);
}

void reach_look_new(struct reach *reach)
{
	services_look(reach, false);
}

uint64_t reach_asked(const struct reach *reach)
{
	return reach->asked_n;
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	reach_look(ctx);
}

struct reach *reach_new(struct event_base *base, struct running *running, void (*due)(void *ctx),
			void *ctx)
{
	struct reach *reach = calloc(1, sizeof(*reach));

	if (!reach)
		return NULL;
	*reach = (struct reach){.running = running, .due = due, .ctx = ctx};
	reach->timer = evtimer_new(base, on_timer, reach);
	if (reach->timer)
		return reach;
	free(reach);
	return NULL;
}

void reach_free(struct reach *reach)
{
	if (!reach)
		return;
	event_free(reach->timer);
	free(reach);
}
