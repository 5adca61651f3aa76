/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer that compares the workers' counters with those of its last look.
 */
#include "watchdog.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "log.h"
#include "notify.h"

enum {
	LOOKS = 3, /* in the time that the manager waits */
};

struct watchdog {
	const struct fast_path *path;
	struct event *timer;
	bool still; /* a worker did at the last look, and the log says so */
	uint64_t polls[FAST_PATH_WORKERS_MAX];
	struct worker_counters rows[FAST_PATH_WORKERS_MAX];
};

bool watchdog_look(struct watchdog *watchdog)
{
	int n = watchdog->path->workers_read(watchdog->rows, FAST_PATH_WORKERS_MAX);
	bool still = n < 0 && watchdog->still;

	for (int i = 0; i < n && i < FAST_PATH_WORKERS_MAX; i++) {
		const struct worker_counters *row = &watchdog->rows[i];
		uint64_t polls = row->bursts + row->empty_bursts + row->sleeps;

		if (polls != 0 && polls == watchdog->polls[i]) {
			still = true;
			if (!watchdog->still)
				log_error("worker %d on core %u: stands still", i, row->core);
		}
		watchdog->polls[i] = polls;
	}
	if (watchdog->still && !still)
		log_info("workers: all go on");
	watchdog->still = still;
	return !still;
}

static void timer_fired(evutil_socket_t fd, short events, void *ctx)
{
	if (watchdog_look(ctx))
		notify_alive();
}

int watchdog_new(struct event_base *base, const struct fast_path *path, struct watchdog **out)
{
	uint64_t step_us = notify_watchdog_us() / LOOKS;
	const struct timeval step = {.tv_sec = (time_t)(step_us / 1000000),
				     .tv_usec = (suseconds_t)(step_us % 1000000)};
	struct watchdog *watchdog;

	*out = NULL;
	if (step_us == 0)
		return 0;
	watchdog = calloc(1, sizeof(*watchdog));
	if (!watchdog)
		return -ENOMEM;
	watchdog->path = path;
	watchdog->timer = event_new(base, -1, EV_PERSIST, timer_fired, watchdog);
	if (!watchdog->timer || event_add(watchdog->timer, &step) != 0) {
		watchdog_free(watchdog);
		return -ENOMEM;
	}
	notify_alive();
	*out = watchdog;
	return 0;
}

void watchdog_free(struct watchdog *watchdog)
{
	if (!watchdog)
		return;
	if (watchdog->timer)
		event_free(watchdog->timer);
	free(watchdog);
}
