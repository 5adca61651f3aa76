// SPDX-License-Identifier: Apache-2.0
/*
 * What the backends' health means for what is in force: who is down takes no flows. Control thread.
 */
#include "publisher_internal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "events.h"
#include "log.h"

enum {
	RETRY_US = 100000,
};

/* The next version of a service; a new reference to `was` where nobody's health changed. */
static struct installed *next_version(const struct running *r, struct installed *was)
{
	struct former former = installed_former(was);
	struct model_error error;
	struct installed *next;

	if (!plan_health_is_due(was->conf, was->courses))
		return installed_ref(was);
	next = installed_new(&r->around, was->conf, &former, &error);
	if (!next)
		log_error("health: %s", error.text);
	return next;
}

static int publish(struct publisher *p)
{
	struct running *r = &p->running;
	uint32_t n = r->model->services_n;
	struct installed **all = calloc(n + 1, sizeof(struct installed *));
	int64_t asked_us = r->around.now_us();
	char error[LAYOUT_ERROR_MAX] = "no memory, or tables are full: raise tables_mb";
	bool differs = false;
	int err = -ENOMEM;

	for (uint32_t i = 0; all && i < n; i++) {
		all[i] = next_version(r, r->installed[i]);
		if (!all[i])
			goto err_free;
		differs = differs || all[i] != r->installed[i];
	}
	if (!all)
		goto err_free;
	if (!differs) {
		running_unref_all(all, n);
		return 0;
	}
	err = running_publish(r, all, n, asked_us, error);
	if (err)
		goto err_free;
	events_add(EVENT_GENERATION, "health", NULL, NULL, "generation %llu: published in %llu us",
		   (unsigned long long)r->number, (unsigned long long)r->took_us);
	transitions_kick(p->transitions);
	return 0;

err_free:
	running_unref_all(all, n);
	log_error("health changed, but the tables could not be written: %s", error);
	return err;
}

static void on_event(evutil_socket_t fd, short events, void *ctx)
{
	const struct timeval retry = {.tv_usec = RETRY_US};
	struct publisher *p = ctx;

	(void)fd;
	(void)events;
	if (p->running.model && publish(p) != 0)
		evtimer_add(p->health, &retry);
}

int publisher_health_open(struct publisher *p, struct event_base *base)
{
	p->health = evtimer_new(base, on_event, p);
	return p->health ? 0 : -ENOMEM;
}

void publisher_health_set(void *ctx, const char *service, const char *backend, bool down)
{
	struct publisher *p = ctx;
	struct installed *s = running_find(&p->running, service);
	const struct backend_conf *conf = s ? service_conf_find(s->conf, backend) : NULL;
	bool before, after;
	struct course *course;

	if (!conf)
		return;
	course = &s->courses[conf - s->conf->backends];
	before = plan_all_down(s->conf, s->courses);
	course->down = down;
	after = plan_all_down(s->conf, s->courses);
	if (after && !before)
		events_warn(EVENT_HEALTH, "health", service, NULL, "all its backends are down: %s",
			    s->conf->all_down == ALL_DOWN_ALL ?
				    "its flows are spread over all of them (all_down = \"all\")" :
				    "its packets are dropped (all_down = \"none\")");
	/* Behind what else this turn of the loop still has to tell. */
	event_active(p->health, EV_TIMEOUT, 0);
}

bool publisher_is_down(void *ctx, const struct service_conf *service, uint32_t i)
{
	const struct publisher *p = ctx;
	const struct installed *s = running_find(&p->running, service->name);

	return s && s->conf == service && s->courses[i].down;
}

void publisher_outer(void *ctx, const struct service_conf *service,
		     const struct backend_conf *backend, struct vip_outer *out)
{
	static const struct nexthop unknown; /* state 0: no route */
	const struct running *r = &((struct publisher *)ctx)->running;
	const struct nexthop *hop = nexthops_get(r->around.hops, &backend->addr);

	memset(out, 0, sizeof(*out));
	out->generation.key = r->settings.seed;
	out->generation.gue_port = be16_from(r->settings.gue_port);
	out->generation.outer_ttl = r->settings.outer_ttl;
	if (!hop)
		hop = &unknown;
	entry_fill(&out->entry, &r->settings, service->encap, backend, hop,
		   surroundings_port(&r->around, hop), 0);
}
