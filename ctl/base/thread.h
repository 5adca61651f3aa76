/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a thread of the daemon's own. Any thread.
 */
#ifndef SLUICE_THREAD_H
#define SLUICE_THREAD_H

#include <pthread.h>

/*
 * With all signals blocked, for they are the event loop's, but for FAST_PATH_SIGNAL, which module.h
 * wants in every thread. 0; or -errno, as pthread_create() has it: -EAGAIN.
 */
int thread_start(pthread_t *thread, void *(*run)(void *ctx), void *ctx);

#endif
