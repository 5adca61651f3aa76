/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the backends' health means for what is in force: who is down takes no flows. Control thread.
 */
#include "publisher_internal.h"

#include <string.h>

#include "entry.h"

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
		plan_tell_all_down(s->conf, "health");
	if (plan_health_is_due(s->conf, s->courses))
		changes_soon(p->changes);
	publisher_went_on(p);
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
	const struct nexthop *hop = surroundings_hop(&r->around, service, &backend->addr);

	memset(out, 0, sizeof(*out));
	out->generation.key = r->settings.seed;
	out->generation.gue_port = be16_from(r->settings.gue_port);
	out->generation.outer_ttl = r->settings.outer_ttl;
	if (!hop)
		hop = &unknown;
	entry_fill(&out->entry, &r->settings, service->encap, backend, hop,
		   surroundings_port(&r->around, hop), 0);
}
