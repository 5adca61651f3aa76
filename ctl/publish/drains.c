/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows the drains of the backends in force. Control thread.
 */
#include "drains.h"

#include <stdio.h>

#include "events.h"

enum {
	RETRY_US = 1000000,
};

bool drains_any(const struct installed *s)
{
	for (uint32_t i = 0; i < s->conf->backends_n; i++)
		if (drain_is_running(&s->courses[i].drain))
			return true;
	return false;
}

static void look(const struct running *r, struct installed *s, uint32_t i,
		 const struct census *census, int64_t now_us)
{
	const struct backend_conf *backend = &s->conf->backends[i];
	struct course *course = &s->courses[i];
	struct backend_counters counters;

	if (ledger_read_backend(r->around.ledger, s->conf, backend, &counters) == 0)
		drain_sample(&course->drain, counters.packets, now_us);
	if (course->drain.told || !census ||
	    !drain_is_done(&course->drain, census_flows(census, s->row, course->index),
			   installed_in_transition(s), now_us))
		return;
	course->drain.told = true;
	events_add(EVENT_DRAIN, "daemon", s->conf->name, backend->name, "drained");
}

/* Disables a backend whose drain is late. False: it could not be, and is tried again. */
static bool cut(struct running *r, struct installed *s, uint32_t i, drains_disable_fn *disable,
		void *ctx)
{
	struct drain *drain = &s->courses[i].drain;
	char service[MODEL_NAME_MAX], backend[MODEL_NAME_MAX];
	uint32_t timeout_s = drain->timeout_s;
	const struct census *census = running_count(r);
	uint64_t flows_cut = census ? census_flows(census, s->row, s->courses[i].index) : 0;

	drain->flows_cut = flows_cut;
	drain->timed_out = true; /* goes on into the disabled backend's course */
	snprintf(service, sizeof(service), "%s", s->conf->name);
	snprintf(backend, sizeof(backend), "%s", s->conf->backends[i].name);
	if (disable(ctx, service, backend) != 0) {
		drain->timed_out = false;
		drain->deadline_us += RETRY_US;
		return false;
	}
	/* From here on `s` may be gone. */
	events_warn(EVENT_DRAIN, "daemon", service, backend,
		    "drain timed out after %u s: disabled, which cut %llu remembered flows",
		    timeout_s, (unsigned long long)flows_cut);
	return true;
}

/* True: one was, and what is in force is another now. */
static bool cut_one(struct running *r, int64_t now_us, drains_disable_fn *disable, void *ctx)
{
	for (uint32_t i = 0; i < r->model->services_n; i++) {
		struct installed *s = r->installed[i];

		for (uint32_t j = 0; j < s->conf->backends_n; j++)
			if (drain_is_late(&s->courses[j].drain, now_us) &&
			    cut(r, s, j, disable, ctx))
				return true;
	}
	return false;
}

void drains_tick(struct running *r, const struct census *census, drains_disable_fn *disable,
		 void *ctx)
{
	int64_t now_us = r->around.now_us();

	for (uint32_t i = 0; i < r->model->services_n; i++) {
		struct installed *s = r->installed[i];

		for (uint32_t j = 0; j < s->conf->backends_n; j++)
			if (drain_is_running(&s->courses[j].drain))
				look(r, s, j, census, now_us);
	}
	while (cut_one(r, now_us, disable, ctx))
		;
}
