/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plans of a generation (plan.h) made beforehand, on a thread of their own (worker_thread.h),
 * where their lookup tables are so long that the control thread would be held up. The thread has
 * copies of what others write meanwhile, and references on the rest. What is published afterwards
 * is what would be without: a plan that no longer fits is not used.
 */
#ifndef SLUICE_PREPARATION_H
#define SLUICE_PREPARATION_H

#include "running.h"

enum {
	/* Slots in all, from where on it is worth a thread: some 5 ms' worth. */
	PREPARATION_SLOTS_MIN = 200000,
};

struct preparation;

/*
 * What is to be planned for `next` (NULL: the model stays, health is due). NULL: it is soon done, or
 * there is no memory. Control thread.
 */
struct preparation *preparation_new(const struct running *running, const struct model *next);
void preparation_free(struct preparation *preparation); /* NULL is allowed */

/* worker_thread_fn, of a struct preparation: makes the plans. Any thread. */
void preparation_run(void *preparation);

/*
 * Hands out the plan of `conf`, which was made for a service that was `was` (NULL: it is new), with
 * what became of its backends' health meanwhile. To be asked in the order of the services. False:
 * there is none that fits. NULL is allowed for `preparation`. Control thread.
 */
bool preparation_take(struct preparation *preparation, const struct service_conf *conf,
		      const struct installed *was, struct plan *plan);

#endif
