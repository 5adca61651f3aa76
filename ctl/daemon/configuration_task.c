/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of reloads and saves. Control thread, but for read() of the first one.
 */
#include "configuration_task.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "clock.h"
#include "worker_thread.h"

enum {
	QUIET_US = 2000, /* a generation's time, more or less */
	QUIET_MAX_US = 1000000,
	END_MS = 500,
};

static void timer_set(struct configuration *c, int64_t us)
{
	const struct timeval delay = {.tv_usec = us};

	/* There is room for it since the last time. */
	evtimer_add(c->task_timer, &delay);
}

/* False: no memory. */
static bool models_take(struct task *t)
{
	model_free(t->was);
	model_free(t->now);
	t->was = model_clone(t->c->file);
	t->now = model_clone(publisher_model(t->c->publisher));
	return t->was && t->now;
}

/* worker_thread_fn, on the thread */
static void job_run(void *job)
{
	struct task *t = job;

	t->err = t->ops->read(t);
}

/* worker_thread_fn */
static void job_done(void *job)
{
	struct task *t = job;

	if (t->c->ending)
		return; /* tasks_close() has it */
	t->ops->take(t, t->err);
}

/* Changes that were asked for before come first, as long as there is an end to them. */
static bool is_quiet(const struct task *t)
{
	struct publisher *p = t->c->publisher;

	if (publisher_newest(p) == publisher_model(p))
		return true;
	if (clock_now_us() - t->waits_us < QUIET_MAX_US)
		return false;
	publisher_flush(p);
	return true;
}

static void task_begin(struct task *t)
{
	if (!is_quiet(t)) {
		timer_set(t->c, QUIET_US);
		return;
	}
	t->phase = TASK_READS;
	if (!models_take(t)) {
		task_end(t, -ENOMEM);
		return;
	}
	if (worker_thread_run(t->c->worker, job_run, job_done, t) == 0)
		return;
	job_run(t); /* there is no thread to be had: others wait */
	job_done(t);
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	struct configuration *c = ctx;
	struct task *t = STAILQ_FIRST(&c->tasks);

	(void)fd;
	(void)events;
	if (t && t->phase == TASK_WAITS)
		task_begin(t);
	else if (t && t->phase == TASK_STEPS)
		t->ops->step(t);
}

void task_again(struct task *t)
{
	t->phase = TASK_WAITS;
	t->waits_us = clock_now_us();
	task_begin(t);
}

void task_add(struct configuration *c, struct task *t, const struct task_ops *ops)
{
	t->ops = ops;
	t->c = c;
	t->path = c->path;
	STAILQ_INSERT_TAIL(&c->tasks, t, link);
	if (STAILQ_FIRST(&c->tasks) == t)
		task_again(t);
}

void task_step(struct task *t)
{
	t->phase = TASK_STEPS;
	timer_set(t->c, 0);
}

bool task_is_current(const struct task *t)
{
	return model_same(t->now, publisher_newest(t->c->publisher));
}

int task_read_here(struct task *t)
{
	publisher_flush(t->c->publisher);
	return models_take(t) ? t->ops->read(t) : -ENOMEM;
}

static void task_free(struct task *t, int err)
{
	model_free(t->was);
	model_free(t->now);
	t->was = t->now = NULL;
	t->ops->end(t, err);
}

void task_end(struct task *t, int err)
{
	struct configuration *c = t->c;
	struct task *next;

	STAILQ_REMOVE_HEAD(&c->tasks, link);
	task_free(t, err);
	next = STAILQ_FIRST(&c->tasks);
	if (!next)
		return;
	next->waits_us = clock_now_us();
	timer_set(c, 0);
}

bool task_is_over(const struct task *t)
{
	return __atomic_load_n(&t->ends, __ATOMIC_RELAXED);
}

int tasks_open(struct configuration *c, struct event_base *base)
{
	STAILQ_INIT(&c->tasks);
	c->task_timer = evtimer_new(base, on_timer, c);
	return c->task_timer ? worker_thread_new(base, &c->worker) : -ENOMEM;
}

/*
 * A thread that hangs on a disk doesn't keep the process: it keeps the first task, which nobody else
 * looks at from here on, and who asked for it isn't told.
 */
void tasks_close(struct configuration *c)
{
	struct task *t = STAILQ_FIRST(&c->tasks);

	c->ending = true;
	if (t)
		__atomic_store_n(&t->ends, true, __ATOMIC_RELAXED);
	if (!worker_thread_end(c->worker, END_MS))
		STAILQ_REMOVE_HEAD(&c->tasks, link);
	while ((t = STAILQ_FIRST(&c->tasks))) {
		STAILQ_REMOVE_HEAD(&c->tasks, link);
		task_free(t, -ECANCELED);
	}
	if (c->task_timer)
		event_free(c->task_timer);
}
