/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread for what takes too long for the control thread: it runs one job at a time, and the event
 * loop takes the result. A job shares nothing with the control thread while it runs but what neither
 * of them writes. The thread is started for the first job, with all signals blocked but
 * FAST_PATH_SIGNAL. All functions: control thread.
 */
#ifndef SLUICE_WORKER_THREAD_H
#define SLUICE_WORKER_THREAD_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct worker_thread;

typedef void worker_thread_fn(void *job);

/* 0; -ENOMEM, or what eventfd() says. */
int worker_thread_new(struct event_base *base, struct worker_thread **worker);

/* What is under way is finished, and taken. NULL is allowed. */
void worker_thread_free(struct worker_thread *worker);

/*
 * The same for a process that ends: what is not finished within `ms` is left to the thread, with
 * all that it was given, and done() is not called. False: that is so. NULL is allowed.
 */
bool worker_thread_end(struct worker_thread *worker, uint32_t ms);

/*
 * Calls run(job) on the thread, and then done(job) from the event loop. 0; -EBUSY: another job is
 * under way; -EAGAIN: no thread can be had. Then neither is called.
 */
int worker_thread_run(struct worker_thread *worker, worker_thread_fn *run, worker_thread_fn *done,
		      void *job);

bool worker_thread_is_busy(const struct worker_thread *worker);

/* Waits for the job that is under way, if there is one, and calls its done() now. */
void worker_thread_finish(struct worker_thread *worker);

#endif
