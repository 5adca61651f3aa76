/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings a model into the fast path. A change goes: tables of the changed services aside, next
 * hops, the generation aside, one store, wait until no packet sees the old one, free it. Called by
 * changes.c; control thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adopted.h"
#include "events.h"
#include "log.h"
#include "publisher_internal.h"

enum {
	GENERATION_EVENTS_MAX = 256, /* of one, of those that are kept */
};

/* The tables of one service; those of an unchanged one are shared. NULL: *error. */
static struct installed *install(const struct publisher *p, const struct service_conf *conf,
				 struct adopted *adopted, struct model_error *error)
{
	struct installed *found = running_find_same(&p->running, conf);
	struct former was;
	struct plan plan;

	if (found && found->conf == conf && !plan_health_is_due(conf, found->courses))
		return p->hops_changed ? installed_refresh(&p->running.around, found)
				       : installed_ref(found);
	if (found)
		was = installed_former(found);
	if (preparation_take(p->preparation, conf, found, &plan))
		return installed_of_plan(&p->running.around, found ? &was : NULL, &plan, error);
	if (found)
		return installed_new(&p->running.around, conf, &was, error);
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

/* Flows older than a change of the way: scheduler, hash, or number of slots. */
static void tell_way(const struct installed *s, const char *who)
{
	events_add(
		EVENT_TRANSITION, who, s->conf->name, NULL,
		"another way to find a flow's backend: older flows stay where the way before has "
		"them (%u slots by %s), for at most %u s",
		installed_previous_n(s),
		s->way & SERVICE_WAY_SOURCE ? "source address" : "flow hash",
		s->conf->transition_s);
}

/* What each change since `asked_us` means for the flows. */
static void tell_transitions(const struct running *r, int64_t asked_us, const char *who)
{
	for (uint32_t i = 0; i < r->model->services_n; i++) {
		const struct installed *s = r->installed[i];

		if (s->phase.changed_us < asked_us)
			continue;
		if (s->way)
			tell_way(s, who);
		if (s->way || s->phase.changed_slots == 0)
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
	if (p->running.model)
		return 0;
	err = adopted_read(&p->running, next, p->notes, adopted);
	if (err)
		snprintf(error->text, sizeof(error->text),
			 "the running tables can't be gone on from: %s", strerror(-err));
	return err;
}

/* `next`, taken over in any case, in the place of the model in force. 0, or -errno with *error. */
static int put_in_force(struct publisher *p, struct model *next, int64_t asked_us,
			struct model_error *error)
{
	struct running *r = &p->running;
	char text[LAYOUT_ERROR_MAX];
	struct adopted *adopted = NULL;
	struct installed **all;
	int err = watched_follow(&p->watched, p->hops, r->model, next);

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
	notes_free(p->notes); /* from here on they are what is in force */
	p->notes = NULL;
	if (r->model)
		ledger_sweep(r->around.ledger, r->model, next);
	model_free(r->model);
	r->model = next;
	return 0;

err_installed:
	running_unref_all(all, next->services_n);
err_rows:
	adopted_free(adopted);
	if (r->model) {
		ledger_sweep(r->around.ledger, next, r->model);
		watched_follow(&p->watched, p->hops, NULL, r->model);
	}
err_model:
	model_free(next);
	return err;
}

/* running_version_fn: what changed beside the model. */
static struct installed *renew(void *ctx, struct installed *s, char error[LAYOUT_ERROR_MAX])
{
	struct model_error why;
	struct installed *next = install(ctx, s->conf, NULL, &why);

	if (!next && plan_health_is_due(s->conf, s->courses))
		snprintf(error, LAYOUT_ERROR_MAX, "%s", why.text);
	return next;
}

/* Who asked for it: one, or several; or what changed beside the model. */
static const char *cause_of(const struct publisher *p, const struct change_list *list, uint32_t n)
{
	if (n == 0)
		return p->hops_changed ? "kernel: next hops changed" : "health";
	return n == 1 ? STAILQ_FIRST(list)->who : "several";
}

static void tell_generation(const struct running *r, const char *who, uint32_t n)
{
	char changes[32] = "";

	if (n > 1)
		snprintf(changes, sizeof(changes), ", of %u changes", n);
	events_add(EVENT_GENERATION, who, NULL, NULL, "generation %llu: published in %llu us%s",
		   (unsigned long long)r->number, (unsigned long long)r->took_us, changes);
}

/* worker_thread_fn, on the control thread: the plans are there. */
static void prepared(void *ctx)
{
	changes_prepared(((struct publisher *)ctx)->changes);
}

static void prepare(void *ctx)
{
	preparation_run(((struct publisher *)ctx)->preparation);
}

bool publication_prepare(void *ctx, const struct model *next)
{
	struct publisher *p = ctx;

	p->preparation = preparation_new(&p->running, next);
	if (!p->preparation)
		return false;
	if (worker_thread_run(p->worker, prepare, prepared, p) == 0)
		return true;
	preparation_free(p->preparation);
	p->preparation = NULL;
	return false;
}

void publication_hurry(void *ctx)
{
	worker_thread_finish(((struct publisher *)ctx)->worker);
}

int publication_make(void *ctx, struct model *next, const struct change_list *list, uint32_t n,
		     int64_t asked_us, struct model_error *error)
{
	struct publisher *p = ctx;
	struct running *r = &p->running;
	const char *who = cause_of(p, list, n);
	char text[LAYOUT_ERROR_MAX];
	int rc;

	if (!next && !r->model)
		return 0;
	/* What becomes of it is part of this generation. */
	if (p->hops_changed && r->model)
		reach_look(p->reach);
	rc = next ? put_in_force(p, next, asked_us, error)
		  : running_renew(r, renew, p, asked_us, text);
	preparation_free(p->preparation);
	p->preparation = NULL;
	if (rc < 0) {
		if (!next)
			log_error("next hops or health changed, but the tables could not be "
				  "written: %s",
				  text);
		return rc;
	}
	if (next || rc > 0) {
		census_clear(&r->census);
		events_share_begin(GENERATION_EVENTS_MAX);
		tell_generation(r, who, n);
		tell_transitions(r, asked_us, who);
		events_share_end(who);
	}
	if (next)
		reach_look_new(p->reach);
	hop_news_tell(p->hop_news, &p->watched, p->hops, r->model, p->hops_changed);
	p->hops_changed = false;
	if (next || rc > 0)
		transitions_kick(p->transitions);
	if (next && p->changed)
		p->changed(p->changed_ctx, next);
	else if (rc > 0)
		publisher_went_on(p);
	return 0;
}
