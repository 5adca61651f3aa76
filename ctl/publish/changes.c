/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of changes, and when it is emptied. Control thread.
 */
#include "changes.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

enum {
	RETRY_US = 100000,
};

/* What is to become one generation. */
struct flight {
	struct model *next; /* NULL: the model stays */
	struct change_list list;
	uint32_t n;
	int64_t asked_us;
};

struct changes {
	changes_publish_fn *publish;
	changes_prepare_fn *prepare; /* NULL: nothing is prepared */
	changes_hurry_fn *hurry;
	bool preparing; /* `flight` */
	struct flight flight;
	void *ctx;
	int64_t (*now_us)(void);
	struct event *timer;
	struct model *newest; /* NULL: the model stays */
	struct change_list list;
	uint32_t n;
	bool waiting;         /* there is something to publish */
	int64_t asked_us;     /* since when */
	int64_t published_us; /* when the last one began */
};

static void forget(struct changes *c)
{
	STAILQ_INIT(&c->list);
	c->n = 0;
	c->newest = NULL;
	c->waiting = false;
	event_del(c->timer);
}

static void tell(struct change_list *list, int rc, const struct model_error *error)
{
	struct change *change;

	while ((change = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, link);
		change->done(change->ctx, rc, error);
		free(change);
	}
}

/* Of what changed beside the model nobody else would come back. */
static void try_again(struct changes *c)
{
	const struct timeval retry = {.tv_usec = RETRY_US};

	if (c->waiting)
		return;
	c->waiting = evtimer_add(c->timer, &retry) == 0;
	c->asked_us = c->now_us();
}

/* Out of the queue: what comes from here on is for the next generation. */
static void flight_take(struct changes *c, struct flight *f)
{
	*f = (struct flight){.next = c->newest, .n = c->n, .asked_us = c->asked_us};
	STAILQ_INIT(&f->list);
	STAILQ_CONCAT(&f->list, &c->list);
	forget(c);
	c->published_us = c->now_us();
}

/* What was asked for while that was prepared which failed was made of it: it is to be made anew. */
static void late_take(struct changes *c, struct change_list *late)
{
	STAILQ_CONCAT(late, &c->list);
	model_free(c->newest);
	c->newest = NULL;
	c->n = 0;
}

static void flight_publish(struct changes *c, struct flight *f)
{
	struct change_list late = STAILQ_HEAD_INITIALIZER(late);
	struct model_error error = {.text = ""};
	int rc = c->publish(c->ctx, f->next, &f->list, f->n, f->asked_us, &error);

	if (rc != 0 && f->next)
		late_take(c, &late);
	if (rc != 0 && f->n > 1) {
		log_warning("%u changes could not become one generation (%s): each is tried alone",
			    f->n, error.text);
		rc = -EAGAIN;
	}
	tell(&f->list, rc, &error);
	tell(&late, -EAGAIN, &error);
	if (rc != 0 && f->n == 0)
		try_again(c);
}

void changes_flush(struct changes *c)
{
	struct flight f;

	if (c->preparing)
		c->hurry(c->ctx);
	if (!c->waiting)
		return;
	flight_take(c, &f);
	flight_publish(c, &f);
}

bool changes_go(struct changes *c)
{
	struct flight f;

	if (c->preparing)
		return false;
	if (!c->waiting)
		return true;
	flight_take(c, &f);
	if (!c->prepare || !c->prepare(c->ctx, f.next)) {
		flight_publish(c, &f);
		return true;
	}
	c->preparing = true;
	c->flight = f;
	STAILQ_INIT(&c->flight.list);
	STAILQ_CONCAT(&c->flight.list, &f.list);
	return false;
}

void changes_prepared(struct changes *c)
{
	static const struct timeval now = {0};
	struct flight f = c->flight;

	STAILQ_INIT(&f.list);
	STAILQ_CONCAT(&f.list, &c->flight.list);
	c->flight = (struct flight){.next = NULL};
	STAILQ_INIT(&c->flight.list);
	c->preparing = false;
	flight_publish(c, &f);
	/* Its timer came, in vain. */
	if (c->waiting)
		evtimer_add(c->timer, &now);
}

void changes_prepare_by(struct changes *c, changes_prepare_fn *prepare, changes_hurry_fn *hurry)
{
	c->prepare = prepare;
	c->hurry = hurry;
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	changes_go(ctx);
}

void changes_soon(struct changes *c)
{
	int64_t now_us = c->now_us(), since_us = now_us - c->published_us;
	struct timeval wait = {0};

	if (c->waiting)
		return;
	if (since_us >= 0 && since_us < CHANGES_WINDOW_US)
		wait.tv_usec = CHANGES_WINDOW_US - since_us;
	c->waiting = true;
	c->asked_us = now_us;
	/* Without a timer nothing would ever come in force. */
	if (evtimer_add(c->timer, &wait) != 0)
		changes_flush(c);
}

/* NULL: no memory. */
static struct change *change_new(const char *who, daemon_done_fn *done, void *ctx)
{
	size_t who_bytes = strlen(who) + 1;
	struct change *change = malloc(sizeof(*change) + who_bytes);

	if (!change)
		return NULL;
	change->done = done;
	change->ctx = ctx;
	memcpy(change->who, who, who_bytes);
	return change;
}

void changes_add(struct changes *c, struct model *next, const char *who, bool alone,
		 daemon_done_fn *done, void *ctx)
{
	static const struct model_error no_memory = {MODEL_FULL, "no memory"};
	struct change *change = change_new(who, done, ctx);

	if (alone)
		changes_flush(c);
	if (!change) {
		model_free(next);
		done(ctx, -ENOMEM, &no_memory);
		return;
	}
	model_free(c->newest);
	c->newest = next;
	STAILQ_INSERT_TAIL(&c->list, change, link);
	c->n++;
	changes_soon(c);
	if (alone)
		changes_flush(c);
	else if (c->n >= CHANGES_MAX)
		changes_go(c);
}

const struct model *changes_newest(const struct changes *c)
{
	return c->newest ? c->newest : c->flight.next;
}

void changes_set_clock(struct changes *c, int64_t (*now_us)(void))
{
	c->now_us = now_us;
	c->published_us = 0;
}

struct changes *changes_new(struct event_base *base, int64_t (*now_us)(void),
			    changes_publish_fn *publish, void *ctx)
{
	struct changes *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->publish = publish;
	c->ctx = ctx;
	c->now_us = now_us;
	STAILQ_INIT(&c->list);
	STAILQ_INIT(&c->flight.list);
	c->timer = evtimer_new(base, on_timer, c);
	if (c->timer)
		return c;
	free(c);
	return NULL;
}

void changes_free(struct changes *c)
{
	if (!c)
		return;
	changes_flush(c);
	event_free(c->timer);
	free(c);
}
