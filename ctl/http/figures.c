/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the daemon's numbers, a slice at a time. Control thread.
 */
#include "figures.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void figures_init(struct figures *f, const struct daemon_api *api)
{
	*f = (struct figures){.api = api};
}

void figures_free(struct figures *f)
{
	for (uint32_t i = 0; i < f->services_n; i++)
		service_conf_unref(f->services[i].conf);
	free(f->services);
	free(f->backends);
	free(f->vips);
	free(f->workers);
	free(f->scratch);
}

/* ---- the node ---- */

static int read_workers(struct figures *f)
{
	int n;

	f->workers = calloc(FAST_PATH_WORKERS_MAX, sizeof(*f->workers));
	if (!f->workers)
		return -ENOMEM;
	n = f->api->workers_read(f->api->ctx, f->workers, FAST_PATH_WORKERS_MAX);
	if (n < 0)
		return n;
	f->workers_n = n < FAST_PATH_WORKERS_MAX ? (uint32_t)n : FAST_PATH_WORKERS_MAX;
	for (uint32_t i = 0; i < f->workers_n; i++)
		for (int v = 0; v < VERDICT_COUNT; v++)
			f->packets[v] += f->workers[i].verdicts.packets[v];
	return 0;
}

static int addr_compare(const void *a, const void *b)
{
	return ip_compare(a, b);
}

/* The services that there are now, to be read one by one, and their vips. */
static int list_services(struct figures *f)
{
	const struct model *model = f->api->model(f->api->ctx);
	uint32_t n = model->services_n;
	struct ip_addr *vips = calloc(n + 1, sizeof(*vips));

	f->services = calloc(n + 1, sizeof(*f->services));
	f->vips = calloc(n + 1, sizeof(*f->vips));
	if (!vips || !f->services || !f->vips) {
		free(vips);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++) {
		f->services[i].conf = service_conf_ref(model->services[i]);
		vips[i] = model->services[i]->vip;
	}
	f->services_n = n;
	qsort(vips, n, sizeof(*vips), addr_compare);
	for (uint32_t i = 0; i < n; i++)
		if (i == 0 || !ip_equal(&vips[i], &vips[i - 1]))
			f->vips[f->vips_n++].addr = vips[i];
	free(vips);
	return 0;
}

static int read_node(struct figures *f)
{
	const struct daemon_api *api = f->api;
	struct service_counters others;
	struct daemon_dataplane dataplane;
	int err;

	api->info(api->ctx, &f->info);
	api->generation(api->ctx, &f->generation);
	api->stats(api->ctx, &f->stats);
	api->dataplane(api->ctx, &dataplane);
	snprintf(f->path, sizeof(f->path), "%s", dataplane.path);
	snprintf(f->description, sizeof(f->description), "%s", dataplane.description);
	for (int i = 0; i < EVENT_N_KINDS; i++)
		f->events[i] = events_count((enum event_kind)i);
	while (f->ports_n < FAST_PATH_PORTS_MAX &&
	       api->port_read(api->ctx, f->ports_n, &f->ports[f->ports_n].info) != -ENOENT)
		f->ports_n++;
	err = f->cut ? 0 : api->memory_read(api->ctx, &f->memory);
	if (!err)
		err = api->other_counters(api->ctx, &others);
	if (err)
		return err;
	memcpy(f->no_vip, others.packets, sizeof(f->no_vip));
	err = read_workers(f);
	return err ? err : list_services(f);
}

/* ---- services, their backends and vips ---- */

static int room_for(struct figures *f, uint32_t backends_n)
{
	if (backends_n > f->scratch_room) {
		free(f->scratch);
		f->scratch_room = backends_n;
		f->scratch = calloc(backends_n, sizeof(*f->scratch));
		if (!f->scratch) {
			f->scratch_room = 0;
			return -ENOMEM;
		}
	}
	if (f->backends_n + backends_n > f->backends_room) {
		uint32_t room = (f->backends_n + backends_n) * 2;
		struct figures_backend *more = realloc(f->backends, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->backends = more;
		f->backends_room = room;
	}
	return 0;
}

static enum health_state health_of(const struct figures *f, const struct service_conf *conf,
				   uint32_t i)
{
	struct health_report report;

	f->api->health_read(f->api->ctx, conf, i, &report);
	return report.state;
}

static void take_backend(struct figures *f, uint32_t service, uint32_t i)
{
	struct figures_service *s = &f->services[service];
	const struct daemon_backend *row = &f->scratch[i];
	struct figures_backend *b = &f->backends[f->backends_n++];

	*b = (struct figures_backend){
		.service = service,
		.index = i,
		.packets = row->counters.packets,
		.bytes = row->counters.bytes,
		.flows = row->flows,
		.weight = row->weight,
		.slots = row->slots,
		.resolved = row->next_hop.state == NEXTHOP_RESOLVED && row->port >= 0,
		.hop = row->next_hop.state,
		.drain = row->drain.state,
		.health = health_of(f, s->conf, i),
	};
	f->drains[b->drain]++;
	f->unresolved += !b->resolved;
	s->unreachable += row->unreachable;
	f->unreachable += row->unreachable;
}

static void count_states(struct figures *f, struct figures_service *s)
{
	for (uint32_t i = 0; i < s->conf->backends_n; i++) {
		enum backend_admin admin = s->conf->backends[i].admin;
		enum health_state health = health_of(f, s->conf, i);

		s->states[admin]++;
		f->states[admin]++;
		s->health[health]++;
		f->health[health]++;
	}
	f->api->transition_read(f->api->ctx, s->conf, &s->transition);
	f->transitions[s->transition.state]++;
	f->services_live++;
}

/* The vip of a service that there is, unless another of its services came before. */
static int read_vip(struct figures *f, const struct ip_addr *addr)
{
	struct figures_vip *vip = bsearch(addr, f->vips, f->vips_n, sizeof(*vip), addr_compare);
	struct service_counters counters;
	int err;

	if (!vip || vip->read)
		return 0;
	err = f->api->vip_counters(f->api->ctx, addr, &counters);
	if (err)
		return err;
	memcpy(vip->packets, counters.packets, sizeof(vip->packets));
	vip->read = true;
	return 0;
}

/* Bytes are counted by backend alone. */
static int read_bytes(struct figures *f, struct figures_service *s)
{
	struct backend_counters *rows = calloc(s->conf->backends_n + 1, sizeof(*rows));
	int err;

	if (!rows)
		return -ENOMEM;
	err = f->api->backend_counters(f->api->ctx, s->conf, rows);
	for (uint32_t i = 0; i < s->conf->backends_n; i++)
		s->bytes += rows[i].bytes;
	free(rows);
	return err;
}

static int read_counters(struct figures *f, struct figures_service *s)
{
	struct service_counters counters;
	int err = f->api->service_counters(f->api->ctx, s->conf, &counters);

	if (!err)
		memcpy(s->packets, counters.packets, sizeof(s->packets));
	if (!err)
		err = f->cut ? read_bytes(f, s) : read_vip(f, &s->conf->vip);
	return err;
}

static int read_backends(struct figures *f, uint32_t service)
{
	const struct service_conf *conf = f->services[service].conf;
	int err = room_for(f, conf->backends_n);

	f->services[service].first_backend = f->backends_n;
	if (!err && conf->backends_n > 0)
		err = f->api->backends_read(f->api->ctx, conf, f->scratch);
	for (uint32_t i = 0; !err && i < conf->backends_n; i++)
		take_backend(f, service, i);
	return err;
}

static bool matches(const struct service_conf *conf, const char *search)
{
	char vip[IP_TEXT_MAX];

	return search[0] == 0 || strcasestr(conf->name, search) ||
	       strcasestr(ip_format(&conf->vip, vip), search);
}

/* Whether the numbers of a service are wanted. */
static bool is_listed(struct figures *f, const struct service_conf *conf)
{
	uint32_t number = f->services_matching;

	if (!f->cut)
		return true;
	if (!matches(conf, f->cut->search))
		return false;
	f->services_matching++;
	return number >= f->cut->offset && number - f->cut->offset < f->cut->limit;
}

static int read_service(struct figures *f, uint32_t i)
{
	const struct daemon_api *api = f->api;
	struct figures_service *s = &f->services[i];
	struct service_conf *now = model_find(api->model(api->ctx), s->conf->name);
	bool detailed = now && (!f->cut || strcmp(f->cut->service, now->name) == 0);
	int err = 0;

	if (now)
		service_conf_ref(now);
	service_conf_unref(s->conf);
	s->conf = now;
	s->first_backend = f->backends_n;
	if (!now)
		return 0;
	s->listed = is_listed(f, now);
	if (s->listed || detailed)
		err = read_counters(f, s);
	if (!err && detailed)
		err = read_backends(f, i);
	if (!err)
		count_states(f, s);
	return err;
}

int figures_read(struct figures *f)
{
	int64_t start_us = clock_now_us(), spent_us;
	int err = 0;

	if (!f->started)
		err = read_node(f);
	f->started = true;
	do {
		if (!err && f->services_read < f->services_n)
			err = read_service(f, f->services_read++);
		spent_us = clock_now_us() - start_us;
	} while (!err && spent_us < FIGURES_SLICE_US && f->services_read < f->services_n);
	f->spent_us += (uint64_t)spent_us;
	if (err)
		return err;
	return f->services_read < f->services_n;
}
