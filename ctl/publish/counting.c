/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the remembered flows in steps. Control thread.
 */
#include "counting.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "running.h"
#include "shortage.h"

enum {
	BUDGET_US = 10000,
};

struct counting {
	struct running *running;
	struct census_count *count; /* NULL: none is under way */
	struct event *stepper;
	void (*done)(void *ctx);
	void *ctx;
};

/* At once, but after what else waits. */
static void stepper_arm(struct counting *c)
{
	const struct timeval now = {0};

	if (!evtimer_pending(c->stepper, NULL) && evtimer_add(c->stepper, &now) != 0)
		log_error("no timer for counting remembered flows");
}

/* A count of another generation than that in force is begun anew. */
static int go_on(struct counting *c, int64_t budget_us)
{
	struct running *r = c->running;
	int rc = -ESTALE;

	for (int i = 0; i < 2 && rc == -ESTALE; i++) {
		if (!c->count)
			c->count = census_begin(r);
		if (!c->count)
			return -ENOMEM;
		rc = census_go_on(c->count, budget_us, &r->census);
		if (rc <= 0)
			c->count = NULL;
	}
	return rc;
}

static void on_step(evutil_socket_t fd, short events, void *ctx)
{
	struct counting *c = ctx;
	int rc;

	(void)fd;
	(void)events;
	if (!c->count) /* another has finished it */
		return;
	rc = go_on(c, 0);
	if (rc > 0)
		stepper_arm(c);
	else if (rc < 0 && !shortage_note(SHORTAGE_COUNTERS, rc))
		log_warning("remembered flows can't be counted: %s", strerror(-rc));
	else if (rc == 0 && c->done)
		c->done(c->ctx);
}

int counting_run(struct counting *c)
{
	int rc = go_on(c, BUDGET_US);

	if (rc <= 0)
		return rc;
	stepper_arm(c);
	return -EINPROGRESS;
}

int counting_finish(struct counting *c)
{
	return go_on(c, INT64_MAX);
}

void counting_on_done(struct counting *c, void (*done)(void *ctx), void *ctx)
{
	c->done = done;
	c->ctx = ctx;
}

struct counting *counting_new(struct event_base *base, struct running *running)
{
	struct counting *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->running = running;
	c->stepper = evtimer_new(base, on_step, c);
	if (c->stepper)
		return c;
	free(c);
	return NULL;
}

void counting_free(struct counting *c)
{
	if (!c)
		return;
	census_abandon(c->count);
	event_free(c->stepper);
	free(c);
}
