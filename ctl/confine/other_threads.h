/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes every other thread of the process run a function, by a signal: the kernel keeps
 * capabilities by thread, and offers no way to change another's. Called by confine.c, on the
 * control thread.
 */
#ifndef SLUICE_OTHER_THREADS_H
#define SLUICE_OTHER_THREADS_H

/*
 * Runs `run` once on each other thread, those that come meanwhile included, and waits. It runs in a
 * signal handler: system calls only, no locks, no memory. Returns how many threads ran it; -EBUSY:
 * somebody else uses the signal; -ETIMEDOUT: a thread, *tid, blocks it (FAST_PATH_SIGNAL); another -errno of reading
 * /proc/self/task.
 */
int other_threads_run(void (*run)(void), int *tid);

#endif
