/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of the workers' counters. Control thread.
 */
#include "worker_load.h"

#include <event2/event.h>
#include <stdlib.h>

struct sample {
	uint64_t bursts, empty_bursts, sleeps;
};

struct worker_load {
	const struct daemon_api *api;
	struct event *timer;
	struct worker_counters *rows; /* scratch */
	struct sample last[FAST_PATH_WORKERS_MAX];
	double busy[FAST_PATH_WORKERS_MAX];
	uint32_t samples;
	int stuck;
};

static uint64_t looks(const struct sample *s)
{
	return s->bursts + s->empty_bursts;
}

void worker_load_sample(struct worker_load *load)
{
	int n = load->api->workers_read(load->api->ctx, load->rows, FAST_PATH_WORKERS_MAX);

	load->stuck = -1;
	for (int i = 0; i < n && i < FAST_PATH_WORKERS_MAX; i++) {
		const struct worker_counters *row = &load->rows[i];
		const struct sample now = {row->bursts, row->empty_bursts, row->sleeps};
		const struct sample *last = &load->last[i];
		uint64_t looked = looks(&now) - looks(last);

		load->busy[i] = -1;
		if (load->samples > 0 && looked > 0)
			load->busy[i] = (double)(now.bursts - last->bursts) / (double)looked;
		if (load->samples > 0 && looks(&now) > 0 && looked == 0 &&
		    now.sleeps == last->sleeps)
			load->stuck = i;
		load->last[i] = now;
	}
	load->samples++;
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	worker_load_sample(ctx);
}

double worker_load_busy(const struct worker_load *load, uint32_t worker)
{
	return worker < FAST_PATH_WORKERS_MAX ? load->busy[worker] : -1;
}

int worker_load_stuck(const struct worker_load *load)
{
	return load->stuck;
}

struct worker_load *worker_load_new(struct event_base *base, const struct daemon_api *api)
{
	static const struct timeval every = {.tv_sec = WORKER_LOAD_EVERY_S};
	struct worker_load *load = calloc(1, sizeof(*load));

	if (!load)
		return NULL;
	load->api = api;
	load->stuck = -1;
	for (int i = 0; i < FAST_PATH_WORKERS_MAX; i++)
		load->busy[i] = -1;
	load->rows = calloc(FAST_PATH_WORKERS_MAX, sizeof(*load->rows));
	load->timer = event_new(base, -1, EV_PERSIST, on_timer, load);
	if (!load->rows || !load->timer || event_add(load->timer, &every) != 0) {
		worker_load_free(load);
		return NULL;
	}
	worker_load_sample(load);
	return load;
}

void worker_load_free(struct worker_load *load)
{
	if (!load)
		return;
	if (load->timer)
		event_free(load->timer);
	free(load->rows);
	free(load);
}
