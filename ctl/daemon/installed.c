// SPDX-License-Identifier: Apache-2.0
/*
 * A service as it runs. Control thread.
 */
#include "installed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "maglev.h"

int32_t surroundings_port(const struct surroundings *around, const struct nexthop *hop)
{
	if (hop->state != NEXTHOP_RESOLVED)
		return -1;
	for (uint32_t i = 0; i < around->ports_n; i++)
		if (around->port_ifindex[i] != 0 && around->port_ifindex[i] == hop->port_ifindex)
			return (int32_t)i;
	return -1;
}

static void entries_fill(const struct surroundings *around, const struct service_conf *conf,
			 const uint32_t *rows, struct backend *entries)
{
	static const struct nexthop unknown; /* state 0: no route */

	for (uint32_t i = 0; i < conf->backends_n; i++) {
		const struct backend_conf *backend = &conf->backends[i];
		const struct nexthop *hop = nexthops_get(around->hops, &backend->addr);

		if (!hop)
			hop = &unknown;
		entry_fill(&entries[i], around->settings, conf->encap, backend, hop,
			   surroundings_port(around, hop), rows[i]);
	}
}

/* NULL, with errno 0, when the service has no backends; with -ENOMEM, when it can't be had. */
static int entries_new(const struct surroundings *around, const struct service_conf *conf,
		       const uint32_t *rows, struct part **part)
{
	uint32_t bytes = conf->backends_n * (uint32_t)sizeof(struct backend);
	struct backend *entries;

	*part = NULL;
	if (bytes == 0)
		return 0;
	entries = malloc(bytes);
	if (!entries)
		return -ENOMEM;
	entries_fill(around, conf, rows, entries);
	*part = part_new(around->space, entries, bytes);
	free(entries);
	return *part ? 0 : -ENOMEM;
}

static struct part *slots_new(const struct surroundings *around, const struct service_conf *conf)
{
	struct maglev_backend *backends = calloc(conf->backends_n + 1, sizeof(*backends));
	uint16_t *slots = malloc(conf->slots * sizeof(*slots));
	struct part *part = NULL;

	if (!backends || !slots)
		goto out;
	for (uint32_t i = 0; i < conf->backends_n; i++) {
		const struct backend_conf *backend = &conf->backends[i];

		backends[i] = (struct maglev_backend){
			.identity = maglev_identity(&around->settings->seed, &backend->addr),
			.weight = backend->admin == BACKEND_ENABLED ? backend->weight : 0,
			.index = (uint16_t)i,
		};
	}
	if (maglev_build(slots, conf->slots, backends, conf->backends_n) == 0)
		part = part_new(around->space, slots, conf->slots * (uint32_t)sizeof(*slots));
out:
	free(backends);
	free(slots);
	return part;
}

static struct installed *installed_alloc(const struct service_conf *conf)
{
	struct installed *s = calloc(1, sizeof(*s) + conf->backends_n * sizeof(s->backend_rows[0]));

	if (s) {
		s->refs = 1;
		s->conf = conf;
	}
	return s;
}

struct installed *installed_new(const struct surroundings *around, const struct service_conf *conf,
				struct model_error *error)
{
	struct installed *s = installed_alloc(conf);
	int err;

	error->kind = MODEL_FULL;
	if (!s) {
		snprintf(error->text, sizeof(error->text), "service %s: no memory", conf->name);
		return NULL;
	}
	err = ledger_take(around->ledger, conf, &s->row, &s->vip_row, s->backend_rows);
	if (err) {
		snprintf(error->text, sizeof(error->text),
			 "service %s: no row of counters is free (%s): raise "
			 "dataplane.services_max or dataplane.backends_max",
			 conf->name, strerror(-err));
		goto err_free;
	}
	s->slots = slots_new(around, conf);
	if (!s->slots || entries_new(around, conf, s->backend_rows, &s->backends) != 0) {
		char full[ARENA_SPACE_ERROR_MAX];

		arena_space_explain_full(around->space, conf->slots * sizeof(uint16_t), full);
		snprintf(error->text, sizeof(error->text), "service %s: %s", conf->name, full);
		goto err_free;
	}
	return s;

err_free:
	installed_unref(s);
	return NULL;
}

struct installed *installed_refresh(const struct surroundings *around, struct installed *was)
{
	size_t rows_bytes = was->conf->backends_n * sizeof(was->backend_rows[0]);
	struct installed *s;

	s = installed_alloc(was->conf);
	if (!s)
		return NULL;
	s->row = was->row;
	s->vip_row = was->vip_row;
	memcpy(s->backend_rows, was->backend_rows, rows_bytes);
	s->slots = part_ref(was->slots);
	if (entries_new(around, was->conf, s->backend_rows, &s->backends) != 0) {
		installed_unref(s);
		return NULL;
	}
	if (!s->backends ||
	    memcmp(part_data(s->backends), part_data(was->backends), s->backends->bytes) == 0) {
		installed_unref(s);
		return installed_ref(was);
	}
	return s;
}

struct installed *installed_ref(struct installed *installed)
{
	installed->refs++;
	return installed;
}

void installed_unref(struct installed *installed)
{
	if (!installed || --installed->refs > 0)
		return;
	part_unref(installed->slots);
	part_unref(installed->backends);
	free(installed);
}
