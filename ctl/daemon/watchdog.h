/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sign of life that the service manager waits for (WatchdogSec=): given from the event loop,
 * so that a daemon that hangs gives none; and only while every worker of the fast path makes
 * progress, so that a stuck worker is noticed, too. Control thread.
 */
#ifndef SLUICE_WATCHDOG_H
#define SLUICE_WATCHDOG_H

#include "sluice/module.h"

struct event_base;
struct watchdog;

/*
 * Three looks in the time that the manager waits. `path` has started and outlives the watchdog.
 * Returns 0 with *out NULL where the manager wants none; -ENOMEM.
 */
int watchdog_new(struct event_base *base, const struct fast_path *path, struct watchdog **out);
void watchdog_free(struct watchdog *watchdog); /* NULL is allowed */

/*
 * A look, as the timer takes it: whether each worker has polled since the last one. A worker that
 * never polled (xdp's, which are the kernel's) is not waited for. Says in the log which one
 * stands still.
 */
bool watchdog_look(struct watchdog *watchdog);

#endif
