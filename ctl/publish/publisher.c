// SPDX-License-Identifier: Apache-2.0
/*
 * Brings a model into the fast path. A change goes: tables of the changed services aside, next
 * hops, the generation aside, one store, wait until no packet sees the old one, free it. Control
 * thread.
 */
#include "publisher_internal.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adopted.h"
#include "events.h"
#include "link_table.h"
#include "log.h"

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

static int64_t now_real_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

/* ---- a new model ---- */

/* The tables of one service; those of an unchanged one are shared. NULL: *error. */
static struct installed *install(const struct publisher *p, const struct service_conf *conf,
				 struct adopted *adopted, struct model_error *error)
{
	struct installed *found = running_find(&p->running, conf->name);
	struct former was;

	if (found && found->conf == conf)
		return installed_ref(found);
	if (found && running_goes_on(found, conf)) {
		was = installed_former(found);
		return installed_new(&p->running.around, conf, &was, error);
	}
	return installed_new(&p->running.around, conf,
			     adopted ? adopted_former(adopted, conf) : NULL, error);
}

/* NULL: *error. */
static struct installed **install_all(const struct publisher *p, const struct model *next,
				      struct adopted *adopted, struct model_error *error)
{
	struct installed **all = calloc(next->services_n + 1, sizeof(struct installed *));

	error->kind = MODEL_FULL;
	snprintf(error->text, sizeof(error->text), "no memory");
	for (uint32_t i = 0; all && i < next->services_n; i++) {
		all[i] = install(p, next->services[i], adopted, error);
		if (!all[i]) {
			running_unref_all(all, next->services_n);
			return NULL;
		}
	}
	return all;
}

/* What each change since `asked_us` means for the flows. */
static void tell_transitions(const struct running *r, int64_t asked_us, const char *who)
{
	for (uint32_t i = 0; i < r->model->services_n; i++) {
		const struct installed *s = r->installed[i];

		if (s->phase.changed_us < asked_us || s->phase.changed_slots == 0)
			continue;
		events_add(EVENT_TRANSITION, who, s->conf->name, NULL,
			   "%u of %u slots look for their flows, %u of them have a previous "
			   "backend for at most %u s",
			   s->phase.changed_slots, installed_slots_n(s), s->phase.previous_slots,
			   s->conf->transition_s);
	}
}

/* What a process before this one left, while none of this one's is in force. */
static int read_adopted(struct publisher *p, const struct model *next, struct adopted **adopted,
			struct model_error *error)
{
	int err;

	*adopted = NULL;
	if (p->running.model || !p->running.laid)
		return 0;
	err = adopted_read(&p->running, next, adopted);
	if (err)
		snprintf(error->text, sizeof(error->text),
			 "the running tables can't be gone on from: %s", strerror(-err));
	return err;
}

int publisher_apply(void *ctx, struct model *next, const char *who, struct model_error *error)
{
	struct publisher *p = ctx;
	struct running *r = &p->running;
	int64_t asked_us = r->around.now_us();
	char text[LAYOUT_ERROR_MAX];
	struct adopted *adopted = NULL;
	struct installed **all;
	int err = watched_follow(&p->watched, p->hops, next);

	error->kind = MODEL_FULL;
	if (err) {
		snprintf(error->text, sizeof(error->text), "next hops: %s", strerror(-err));
		goto err_model;
	}
	err = read_adopted(p, next, &adopted, error);
	if (err)
		goto err_model;
	all = install_all(p, next, adopted, error);
	if (!all) {
		err = -ENOMEM;
		goto err_rows;
	}
	err = running_publish(r, all, next->services_n, asked_us, text);
	if (err) {
		snprintf(error->text, sizeof(error->text), "%s", text);
		goto err_installed;
	}
	adopted_free(adopted);
	if (r->model)
		ledger_sweep(r->around.ledger, r->model, next);
	model_free(r->model);
	r->model = next;
	census_clear(&r->census);
	events_add(EVENT_GENERATION, who, NULL, NULL, "generation %llu: published in %llu us",
		   (unsigned long long)r->number, (unsigned long long)r->took_us);
	tell_transitions(r, asked_us, who);
	hop_news_tell(p->hop_news, &p->watched, p->hops, r->model);
	transitions_kick(p->transitions);
	if (p->changed)
		p->changed(p->changed_ctx, next);
	return 0;

err_installed:
	running_unref_all(all, next->services_n);
err_rows:
	adopted_free(adopted);
	if (r->model) {
		ledger_sweep(r->around.ledger, next, r->model);
		watched_follow(&p->watched, p->hops, r->model);
	}
err_model:
	model_free(next);
	return err;
}

/* A drain's time is up. */
static int disable(void *ctx, const char *service, const char *backend)
{
	struct publisher *p = ctx;
	struct model_error error = {.text = ""};
	struct model *next = model_backend_admin(p->running.model, service, backend,
						 BACKEND_DISABLED, &error);
	char who[2 * MODEL_NAME_MAX + 32];
	int err = -ENOMEM;

	snprintf(who, sizeof(who), "drain: timeout of %s/%s", service, backend);
	if (next)
		err = publisher_apply(p, next, who, &error);
	if (err)
		log_error("%s: %s", who, error.text);
	return err;
}

/* ---- the kernel's changes ---- */

static void ports_refresh(struct publisher *p)
{
	struct surroundings *around = &p->running.around;

	for (uint32_t i = 0; i < around->ports_n; i++) {
		const struct link *link = nexthops_link(p->hops, p->port_names[i]);

		around->port_ifindex[i] = link ? link->ifindex : 0;
	}
}

/* A way to a backend changed, or a port's interface did: the entries are written anew. */
static void hops_changed(void *ctx)
{
	struct publisher *p = ctx;
	struct running *r = &p->running;
	int64_t asked_us = r->around.now_us();
	char text[LAYOUT_ERROR_MAX] = "no memory";
	struct installed **all;
	bool differs = false;
	uint32_t i, n;

	r->path->module->ports_changed();
	ports_refresh(p);
	if (!r->model)
		return;
	hop_news_tell(p->hop_news, &p->watched, p->hops, r->model);
	n = r->model->services_n;
	all = calloc(n + 1, sizeof(struct installed *));
	for (i = 0; all && i < n; i++) {
		all[i] = installed_refresh(&r->around, r->installed[i]);
		if (!all[i])
			goto err_free;
		differs = differs || all[i] != r->installed[i];
	}
	if (!all)
		goto err_free;
	if (!differs) {
		running_unref_all(all, n);
		return;
	}
	if (running_publish(r, all, n, asked_us, text) != 0)
		goto err_free;
	events_add(EVENT_GENERATION, "kernel: next hops changed", NULL, NULL,
		   "generation %llu: published in %llu us", (unsigned long long)r->number,
		   (unsigned long long)r->took_us);
	return;

err_free:
	running_unref_all(all, n);
	log_error("next hops changed, but the tables could not be written: %s", text);
}

/* ---- life ---- */

static int publisher_open(struct publisher *p, struct event_base *base, struct arena *arena,
			  uint64_t arena_bytes)
{
	const char *names[FAST_PATH_PORTS_MAX];
	struct running *r = &p->running;
	int err;

	r->around.space = arena_space_new(arena, arena_bytes);
	r->around.ledger = ledger_new(r->path->module, &r->settings, r->path->started.adopted);
	if (!r->around.space || !r->around.ledger)
		return -ENOMEM;
	err = nexthops_new(base, NULL, hops_changed, p, &p->hops);
	if (err)
		return err;
	r->around.hops = p->hops;
	for (uint32_t i = 0; i < r->around.ports_n; i++) {
		struct fast_path_port_info info;

		err = r->path->module->port_read(i, &info);
		if (err)
			return err;
		memcpy(p->port_names[i], info.interface, sizeof(info.interface));
		names[i] = p->port_names[i];
	}
	err = nexthops_watch_links(p->hops, names, r->around.ports_n);
	if (!err)
		ports_refresh(p);
	return err;
}

/* Goes on from the generation that a process before this one published, if there is one. */
static int adopt(struct publisher *p, struct arena *arena, char error[MODEL_ERROR_MAX])
{
	struct running *r = &p->running;
	char text[LAYOUT_ERROR_MAX];
	int err;

	if (!r->path->started.adopted) {
		arena_init(arena, r->path->started.arena_bytes);
		return 0;
	}
	err = laid_generation_adopt(r->around.space, &r->laid, text);
	if (err) {
		snprintf(error, MODEL_ERROR_MAX,
			 "the running tables can't be taken over: %.300s; start afresh with "
			 "`sluiced --detach`, which interrupts forwarding",
			 text);
		return err;
	}
	r->number = laid_generation_header(r->laid)->number;
	events_add(EVENT_GENERATION, "daemon", NULL, NULL,
		   "adopted generation %llu, which goes on until the next",
		   (unsigned long long)r->number);
	return 0;
}

int publisher_new(struct event_base *base, struct path *path, const struct settings *settings,
		  struct publisher **publisher, char error[MODEL_ERROR_MAX])
{
	struct publisher *p = calloc(1, sizeof(*p));
	struct arena *arena = path->started.arena;
	struct running *r;
	int err = -ENOMEM;

	snprintf(error, MODEL_ERROR_MAX, "no memory");
	if (!p)
		return err;
	r = &p->running;
	r->path = path;
	r->settings = *settings;
	r->around.settings = &r->settings;
	r->around.ports_n = path->ports_n;
	r->around.now_us = now_us;
	r->around.now_real_us = now_real_us;
	err = publisher_open(p, base, arena, path->started.arena_bytes);
	if (err) {
		snprintf(error, MODEL_ERROR_MAX, "next hops: %s", strerror(-err));
		goto err_free;
	}
	err = adopt(p, arena, error);
	if (err)
		goto err_free;
	p->hop_news = hop_news_new(base);
	r->counting = counting_new(base, r);
	if (r->counting)
		p->transitions = transitions_new(base, r, disable, p);
	if (!p->transitions || !p->hop_news) {
		err = -ENOMEM;
		snprintf(error, MODEL_ERROR_MAX, "no memory");
		goto err_free;
	}
	err = publisher_health_open(p, base);
	if (err) {
		snprintf(error, MODEL_ERROR_MAX, "no memory");
		goto err_free;
	}
	*publisher = p;
	return 0;

err_free:
	publisher_free(p);
	return err;
}

void publisher_free(struct publisher *p)
{
	struct running *r;

	if (!p)
		return;
	r = &p->running;
	hop_news_free(p->hop_news);
	transitions_free(p->transitions);
	counting_free(r->counting);
	if (p->health)
		event_free(p->health);
	nexthops_free(p->hops);
	watched_free(&p->watched);
	ledger_free(r->around.ledger);
	/*
	 * The arena's bytes stay as they are: on xdp packets still read them. What is freed is
	 * the bookkeeping, in an order that allocates nothing.
	 */
	laid_generation_free(r->laid);
	running_unref_all(r->installed, r->model ? r->model->services_n : 0);
	arena_space_free(r->around.space);
	model_free(r->model);
	census_clear(&r->census);
	free(p);
}

void publisher_watch(struct publisher *p, void (*changed)(void *ctx, const struct model *model),
		     void *ctx)
{
	p->changed = changed;
	p->changed_ctx = ctx;
}

void publisher_set_clock(struct publisher *p, int64_t (*monotonic_us)(void))
{
	p->running.around.now_us = monotonic_us;
}

bool publisher_tick(struct publisher *p)
{
	return transitions_tick(p->transitions);
}
