/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread, and what the control thread shares with it: the members under the lock alone.
 */
#include "worker_thread.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "thread.h"

struct worker_thread {
	struct event *event;
	int fd; /* an eventfd: a job is done */
	bool started;
	pthread_t thread;
	worker_thread_fn *done;
	void *job; /* under way; NULL: none */
	pthread_mutex_t lock;
	pthread_cond_t wake, ran;

	/* Under the lock. */
	worker_thread_fn *run; /* what is to be run with `input`; NULL: nothing */
	void *input;
	bool finished; /* the job that is under way has run */
	bool ending;
};

static void *thread_run(void *ctx)
{
	struct worker_thread *w = ctx;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		uint64_t one = 1;
		worker_thread_fn *run;
		void *input;

		while (!w->run && !w->ending)
			pthread_cond_wait(&w->wake, &w->lock);
		if (!w->run)
			break;
		run = w->run;
		input = w->input;
		w->run = NULL;
		pthread_mutex_unlock(&w->lock);
		run(input);
		pthread_mutex_lock(&w->lock);
		w->finished = true;
		pthread_cond_signal(&w->ran);
		if (write(w->fd, &one, sizeof(one)) < 0)
			continue; /* it counts up already: the event comes anyway */
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void job_take(struct worker_thread *w)
{
	void *job = w->job;

	w->job = NULL;
	w->finished = false;
	w->done(job); /* may give the next one */
}

static void on_done(evutil_socket_t fd, short events, void *ctx)
{
	struct worker_thread *w = ctx;
	uint64_t count;
	bool finished;

	(void)events;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&w->lock);
	finished = w->finished;
	pthread_mutex_unlock(&w->lock);
	if (finished) /* else worker_thread_finish() has taken it */
		job_take(w);
}

int worker_thread_new(struct event_base *base, struct worker_thread **worker)
{
	struct worker_thread *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return err;
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->fd < 0) {
		err = -errno;
		goto err_free;
	}
	w->event = event_new(base, w->fd, EV_READ | EV_PERSIST, on_done, w);
	if (!w->event || event_add(w->event, NULL) != 0)
		goto err_event;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	pthread_cond_init(&w->ran, NULL);
	*worker = w;
	return 0;

err_event:
	if (w->event)
		event_free(w->event);
	close(w->fd);
err_free:
	free(w);
	return err;
}

int worker_thread_run(struct worker_thread *w, worker_thread_fn *run, worker_thread_fn *done,
		      void *job)
{
	int err = 0;

	if (w->job)
		return -EBUSY;
	if (!w->started)
		err = thread_start(&w->thread, thread_run, w);
	if (err)
		return -EAGAIN;
	w->started = true;
	w->job = job;
	w->done = done;
	pthread_mutex_lock(&w->lock);
	w->run = run;
	w->input = job;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

bool worker_thread_is_busy(const struct worker_thread *w)
{
	return w->job != NULL;
}

void worker_thread_finish(struct worker_thread *w)
{
	if (!w->job)
		return;
	pthread_mutex_lock(&w->lock);
	while (!w->finished)
		pthread_cond_wait(&w->ran, &w->lock);
	pthread_mutex_unlock(&w->lock);
	job_take(w);
}

/* Whether the job that is under way has run within `ms`. */
static bool has_run(struct worker_thread *w, uint32_t ms)
{
	struct timespec end;
	bool finished;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += (long)(ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	pthread_mutex_lock(&w->lock);
	while (!w->finished && rc == 0)
		rc = pthread_cond_clockwait(&w->ran, &w->lock, CLOCK_MONOTONIC, &end);
	finished = w->finished;
	pthread_mutex_unlock(&w->lock);
	return finished;
}

bool worker_thread_end(struct worker_thread *w, uint32_t ms)
{
	if (w && w->job && !has_run(w, ms)) {
		/* The thread still has the lock, and says in the end that it is done. */
		event_free(w->event);
		pthread_detach(w->thread);
		return false;
	}
	worker_thread_free(w);
	return true;
}

void worker_thread_free(struct worker_thread *w)
{
	if (!w)
		return;
	worker_thread_finish(w);
	if (w->started) {
		pthread_mutex_lock(&w->lock);
		w->ending = true;
		pthread_cond_signal(&w->wake);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
	}
	event_free(w->event);
	close(w->fd);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->ran);
	free(w);
}
