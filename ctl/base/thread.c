/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new thread inherits the mask of the one that makes it. Any thread.
 */
#include "thread.h"

#include <signal.h>

#include "sluice/module.h"

int thread_start(pthread_t *thread, void *(*run)(void *ctx), void *ctx)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	sigdelset(&all, FAST_PATH_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, NULL, run, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}
