/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans that are made on another thread. preparation_run() reads what preparation_new() put together
 * and nothing else; it takes and gives up no references.
 */
#include "preparation.h"

#include <stdlib.h>
#include <string.h>

struct prepared {
	struct service_conf *conf;   /* a reference */
	struct installed *installed; /* a reference; NULL: it is new */
	struct course *courses;      /* a copy: health goes on writing the others */
	struct former was;
	struct plan plan; /* plan.conf NULL: there is none */
};

struct preparation {
	struct flow_key seed;
	int64_t now_us, now_real_us;
	struct prepared *services;
	uint32_t n, at; /* `at`: the next one to be taken */
};

/* Whether it is to be planned anew: install() in publication.c decides the same way. */
static bool is_due(const struct service_conf *conf, const struct installed *found)
{
	return !found || found->conf != conf || plan_health_is_due(conf, found->courses);
}

/* What `conf` goes on from: mostly at the same place. */
static struct installed *before(const struct running *r, struct service_conf *conf, uint32_t i)
{
	if (i < r->model->services_n && r->model->services[i] == conf)
		return r->installed[i];
	return running_find_same(r, conf);
}

static bool add(struct preparation *p, struct service_conf *conf, struct installed *found)
{
	struct prepared *one = &p->services[p->n++];

	one->conf = service_conf_ref(conf);
	if (!found)
		return true;
	one->installed = installed_ref(found);
	one->was = installed_former(found);
	one->courses = calloc(found->conf->backends_n + 1, sizeof(*one->courses));
	if (!one->courses)
		return false;
	memcpy(one->courses, found->courses, found->conf->backends_n * sizeof(*one->courses));
	one->was.courses = one->courses;
	return true;
}

struct preparation *preparation_new(const struct running *r, const struct model *next)
{
	const struct model *model = next ? next : r->model;
	struct preparation *p;
	uint64_t slots = 0;
	uint32_t n = 0;

	if (!r->model)
		return NULL;
	for (uint32_t i = 0; i < model->services_n; i++)
		if (is_due(model->services[i], before(r, model->services[i], i))) {
			slots += model->services[i]->slots;
			n++;
		}
	if (slots < PREPARATION_SLOTS_MIN)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (p)
		p->services = calloc(n, sizeof(*p->services));
	if (!p || !p->services)
		goto err_free;
	p->seed = r->settings.seed;
	p->now_us = r->around.now_us();
	p->now_real_us = r->around.now_real_us();
	for (uint32_t i = 0; i < model->services_n; i++) {
		struct installed *found = before(r, model->services[i], i);

		if (is_due(model->services[i], found) && !add(p, model->services[i], found))
			goto err_free;
	}
	return p;

err_free:
	preparation_free(p);
	return NULL;
}

void preparation_free(struct preparation *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; p->services && i < p->n; i++) {
		plan_free(&p->services[i].plan);
		free(p->services[i].courses);
		installed_unref(p->services[i].installed);
		service_conf_unref(p->services[i].conf);
	}
	free(p->services);
	free(p);
}

void preparation_run(void *preparation)
{
	struct preparation *p = preparation;

	for (uint32_t i = 0; i < p->n; i++) {
		struct prepared *one = &p->services[i];

		/* One that fails is made once more when it is wanted, which tells why. */
		(void)plan_make(one->conf, one->installed ? &one->was : NULL, &p->seed, p->now_us,
				p->now_real_us, &one->plan);
	}
}

/* What was learned meanwhile; another plan that is due for it follows. */
static void health_take_over(struct plan *plan, const struct installed *was)
{
	for (uint32_t i = 0; i < plan->conf->backends_n; i++) {
		const struct course *course;

		if (plan->places[i] == MODEL_NOWHERE)
			continue;
		course = &was->courses[plan->places[i]];
		plan->courses[i].down = course->down;
		if (plan->conf->unresolved_s > 0) {
			plan->courses[i].unreachable = course->unreachable;
			plan->courses[i].unsent_us = course->unsent_us;
		}
	}
}

bool preparation_take(struct preparation *p, const struct service_conf *conf,
		      const struct installed *was, struct plan *plan)
{
	struct prepared *one;

	while (p && p->at < p->n && p->services[p->at].conf != conf)
		p->at++;
	if (!p || p->at == p->n)
		return false;
	one = &p->services[p->at++];
	if (one->installed != was || !one->plan.conf)
		return false;
	*plan = one->plan;
	one->plan = (struct plan){0};
	if (was)
		health_take_over(plan, was);
	return true;
}
