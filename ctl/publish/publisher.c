/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The publisher's life, and how changes come to it: from the control socket, from the kernel, from
 * drains. publication.c makes generations of them. Control thread.
 */
#include "clock.h"
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

enum {
	PORTS_EVERY_S = 1,
};

static int64_t now_real_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

/* ---- changes ---- */

const struct model *publisher_newest(void *ctx)
{
	const struct publisher *p = ctx;
	const struct model *newest = changes_newest(p->changes);

	return newest ? newest : p->running.model;
}

void publisher_submit(void *ctx, struct model *next, const char *who, bool alone,
		      daemon_done_fn *done, void *done_ctx)
{
	changes_add(((struct publisher *)ctx)->changes, next, who, alone, done, done_ctx);
}

void publisher_flush(struct publisher *p)
{
	changes_flush(p->changes);
}

struct outcome {
	int rc;
	struct model_error *error;
};

/* daemon_done_fn */
static void outcome_take(void *ctx, int rc, const struct model_error *error)
{
	struct outcome *outcome = ctx;

	outcome->rc = rc;
	*outcome->error = *error;
}

int publisher_apply(void *ctx, struct model *next, const char *who, struct model_error *error)
{
	struct publisher *p = ctx;
	struct outcome outcome = {.error = error};

	changes_flush(p->changes);
	changes_add(p->changes, next, who, true, outcome_take, &outcome);
	return outcome.rc;
}

/* transitions_begin_fn */
static bool begin_look(void *ctx)
{
	return changes_go(((struct publisher *)ctx)->changes);
}

/* A drain's time is up. */
static int disable(void *ctx, const char *service, const char *backend)
{
	struct publisher *p = ctx;
	struct model_error error = {.text = ""};
	struct model *next =
		model_backend_admin(p->running.model, service, backend, BACKEND_DISABLED, &error);
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

/* A way to a backend changed, or a port's interface did: the entries are to be written anew. */
static void hops_changed(void *ctx)
{
	struct publisher *p = ctx;

	path_ports_follow(p->running.path);
	ports_refresh(p);
	if (!p->running.model)
		return;
	p->hops_changed = true;
	changes_soon(p->changes);
}

/* What could not be done when the kernel told of it, and what it didn't tell. */
static void on_ports_timer(evutil_socket_t fd, short events, void *ctx)
{
	struct publisher *p = ctx;

	path_ports_follow(p->running.path);
}

static int ports_timer_start(struct publisher *p, struct event_base *base)
{
	static const struct timeval every = {.tv_sec = PORTS_EVERY_S};

	p->ports_timer = event_new(base, -1, EV_PERSIST, on_ports_timer, p);
	return p->ports_timer && event_add(p->ports_timer, &every) == 0 ? 0 : -ENOMEM;
}

/* Packets can't be sent to some backend for too long, or can again. */
static void reach_due(void *ctx)
{
	changes_soon(((struct publisher *)ctx)->changes);
}

/* ---- life ---- */

/* Without them packets go on as before: a path that is narrower than its first link drops them. */
static void path_mtus_learn(struct publisher *p)
{
	const struct settings *s = &p->running.settings;
	const struct path_mtu_rules rules = {
		.gue_port = s->gue_port,
		.keep_s = s->pmtu_s,
		.sources = {{s->source_v4, 32},
			    {s->source_v6, 128},
			    s->ipip_source_v4,
			    s->ipip_source_v6},
	};
	int err = nexthops_learn_path_mtus(p->hops, &rules);

	if (err)
		log_warning("path MTUs towards backends are not learned: %s%s", strerror(-err),
			    err == -EPERM ? " (it takes CAP_NET_RAW)" : "");
}

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
	path_mtus_learn(p);
	for (uint32_t i = 0; i < r->around.ports_n; i++) {
		struct fast_path_port_info info;

		err = path_port_read(r->path, i, &info);
		if (err)
			return err;
		memcpy(p->port_names[i], info.interface, sizeof(info.interface));
		names[i] = p->port_names[i];
	}
	err = nexthops_watch_links(p->hops, names, r->around.ports_n);
	if (err)
		return err;
	ports_refresh(p);
	return ports_timer_start(p, base);
}

/* Without it nothing that is remembered can be found. */
static bool has_our_seed(const struct running *r)
{
	return memcmp(&running_generation(r)->key, &r->settings.seed, sizeof(struct flow_key)) == 0;
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
	if (!err && r->path->module->start_over && !has_our_seed(r)) {
		laid_generation_free(r->laid);
		r->laid = NULL;
		snprintf(text, sizeof(text), "the seed was another");
		err = -EPROTO;
	}
	if (err && r->path->module->start_over) {
		r->path->module->start_over();
		arena_init(arena, r->path->started.arena_bytes);
		events_warn(
			EVENT_GENERATION, "daemon", NULL, NULL,
			"the tables that an earlier sluiced left can't be gone on from: %s; flows "
			"that were elsewhere than the lookup tables say move",
			text);
		return 0;
	}
	if (err) {
		snprintf(error, MODEL_ERROR_MAX,
			 "the running tables can't be taken over: %.300s; start afresh with "
			 "`sluiced --detach`, which interrupts forwarding",
			 text);
		return err;
	}
	/* What is published from here on may have what an older layout doesn't know. */
	arena_label(arena);
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
	r->around.now_us = clock_now_us;
	r->around.now_real_us = now_real_us;
	err = worker_thread_new(base, &p->worker);
	if (err)
		goto err_free;
	err = -ENOMEM;
	p->changes = changes_new(base, clock_now_us, publication_make, p);
	if (!p->changes)
		goto err_free;
	changes_prepare_by(p->changes, publication_prepare, publication_hurry);
	err = publisher_open(p, base, arena, path->started.arena_bytes);
	if (err) {
		snprintf(error, MODEL_ERROR_MAX, "next hops: %s", strerror(-err));
		goto err_free;
	}
	err = adopt(p, arena, error);
	if (err)
		goto err_free;
	p->hop_news = hop_news_new(base);
	p->reach = reach_new(base, r, reach_due, p);
	r->counting = counting_new(base, r);
	if (r->counting)
		p->transitions =
			transitions_new(base, r, begin_look, disable, publisher_went_on, p);
	if (!p->transitions || !p->hop_news || !p->reach) {
		err = -ENOMEM;
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
	changes_free(p->changes);
	worker_thread_free(p->worker);
	hop_news_free(p->hop_news);
	reach_free(p->reach);
	transitions_free(p->transitions);
	if (p->ports_timer)
		event_free(p->ports_timer);
	counting_free(r->counting);
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
	notes_free(p->notes);
	free(p);
}

void publisher_watch(struct publisher *p, void (*changed)(void *ctx, const struct model *model),
		     void (*went_on)(void *ctx), void *ctx)
{
	p->changed = changed;
	p->went_on = went_on;
	p->changed_ctx = ctx;
}

void publisher_went_on(void *ctx)
{
	const struct publisher *p = ctx;

	if (p->went_on)
		p->went_on(p->changed_ctx);
}

/* ---- from process to process ---- */

json_t *publisher_notes(const struct publisher *p)
{
	return notes_make(&p->running);
}

json_t *publisher_notes_stamp(const struct publisher *p, json_t *services)
{
	const struct surroundings *around = &p->running.around;

	return notes_stamp(services, around->now_us(), around->now_real_us());
}

static uint32_t slots_kept(void *ctx, const struct service_conf *service)
{
	const struct publisher *p = ctx;
	uint32_t slots = adopted_slots(&p->running, service);

	return slots != 0 ? slots : notes_slots(p->notes, service);
}

void publisher_go_on(struct publisher *p, const json_t *notes, struct model *file)
{
	const struct surroundings *around = &p->running.around;

	p->notes = notes ? notes_read(notes, around->now_us(), around->now_real_us()) : NULL;
	model_keep_slots(file, slots_kept, p);
}

void publisher_set_clock(struct publisher *p, int64_t (*monotonic_us)(void))
{
	p->running.around.now_us = monotonic_us;
	changes_set_clock(p->changes, monotonic_us);
}

bool publisher_tick(struct publisher *p)
{
	reach_look(p->reach);
	return transitions_tick(p->transitions);
}
