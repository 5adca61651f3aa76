// SPDX-License-Identifier: Apache-2.0
/*
 * Brings a model into the fast path. A change goes: tables of the changed services aside, next
 * hops, the generation aside, one store, wait until no packet sees the old one, free it. Control
 * thread.
 */
#include "publisher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "installed.h"
#include "layout.h"
#include "link_table.h"
#include "log.h"
#include "watched.h"

struct publisher {
	const struct path *path;
	struct settings settings;
	struct surroundings around;
	struct nexthops *hops;
	char port_names[FAST_PATH_PORTS_MAX][FAST_PATH_NAME_MAX];
	struct watched watched; /* backend addresses whose next hops are followed */

	struct model *model;
	struct installed **installed; /* model->services_n of them, in their order */
	struct laid_generation *laid;
	uint64_t number;
	int64_t published_us;
	uint64_t took_us;
};

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- one generation ---- */

/* The vips of all services, each once: sorted by address, as layout_vip[]. */
static int vip_compare(const void *a, const void *b)
{
	return ip_compare(&((const struct layout_vip *)a)->addr,
			  &((const struct layout_vip *)b)->addr);
}

static uint32_t vips_of(struct installed *const *installed, uint32_t n, struct layout_vip *vips)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		vips[i] = (struct layout_vip){installed[i]->conf->vip, installed[i]->vip_row};
	if (n > 0)
		qsort(vips, n, sizeof(*vips), vip_compare);
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || !ip_equal(&vips[kept - 1].addr, &vips[i].addr))
			vips[kept++] = vips[i];
	return kept;
}

static int lay_out(const struct publisher *p, struct installed *const *installed, uint32_t n,
		   struct laid_generation **laid, char error[LAYOUT_ERROR_MAX])
{
	struct layout_service *services = calloc(n + 1, sizeof(*services));
	struct layout_vip *vips = calloc(n + 1, sizeof(*vips));
	struct layout_spec spec = {
		.number = p->number + 1,
		.key = p->settings.seed,
		.gue_port = p->settings.gue_port,
		.outer_ttl = p->settings.outer_ttl,
		.services = services,
		.services_n = n,
		.vips = vips,
	};
	int err = -ENOMEM;

	snprintf(error, LAYOUT_ERROR_MAX, "no memory");
	if (!services || !vips)
		goto out;
	for (uint32_t i = 0; i < n; i++) {
		const struct service_conf *conf = installed[i]->conf;

		services[i] = (struct layout_service){
			.vip = conf->vip,
			.port = conf->port,
			.proto = conf->proto,
			.id = installed[i]->row,
			.slots = installed[i]->slots,
			.backends = installed[i]->backends,
		};
	}
	spec.vips_n = vips_of(installed, n, vips);
	err = laid_generation_new(p->around.space, &spec, laid, error);
out:
	free(services);
	free(vips);
	return err;
}

static void unref_all(struct installed **installed, uint32_t n)
{
	for (uint32_t i = 0; installed && i < n; i++)
		installed_unref(installed[i]);
	free(installed);
}

/*
 * Publishes what is laid out of `installed`, of which it takes the references over, and frees what
 * it replaces. Returns 0, or -errno with nothing changed and the references left.
 */
static int publish(struct publisher *p, struct installed **installed, uint32_t n,
		   int64_t asked_us, char error[LAYOUT_ERROR_MAX])
{
	struct laid_generation *laid;
	uint32_t installed_n = p->model ? p->model->services_n : 0;
	int err = lay_out(p, installed, n, &laid, error);

	if (err)
		return err;
	p->path->module->publish(laid_generation_offset(laid));
	p->took_us = (uint64_t)(clock_us(CLOCK_MONOTONIC) - asked_us);
	p->published_us = clock_us(CLOCK_REALTIME);
	p->number++;
	p->path->module->quiesce();
	laid_generation_free(p->laid);
	p->laid = laid;
	unref_all(p->installed, installed_n);
	p->installed = installed;
	return 0;
}

/* ---- a new model ---- */

/* By their conf's address: what a model shares with the one before it is found by pointer. */
static int installed_compare(const void *a, const void *b)
{
	const struct service_conf *x = (*(struct installed *const *)a)->conf;
	const struct service_conf *y = (*(struct installed *const *)b)->conf;

	return x < y ? -1 : x > y;
}

/* Tables for every service of `next`: those of unchanged ones are shared. NULL: *error. */
static struct installed **install_all(const struct publisher *p, const struct model *next,
				      struct model_error *error)
{
	uint32_t known_n = p->model ? p->model->services_n : 0;
	struct installed **known = calloc(known_n + 1, sizeof(*known));
	struct installed **all = calloc(next->services_n + 1, sizeof(struct installed *));

	error->kind = MODEL_FULL;
	snprintf(error->text, sizeof(error->text), "no memory");
	if (!known || !all)
		goto err_free;
	if (known_n > 0) {
		memcpy(known, p->installed, known_n * sizeof(struct installed *));
		qsort(known, known_n, sizeof(struct installed *), installed_compare);
	}
	for (uint32_t i = 0; i < next->services_n; i++) {
		struct installed probe = {.conf = next->services[i]};
		struct installed *key = &probe, **found = NULL;

		if (known_n > 0)
			found = bsearch(&key, known, known_n, sizeof(struct installed *),
					installed_compare);
		all[i] = found ? installed_ref(*found) :
				 installed_new(&p->around, next->services[i], error);
		if (!all[i])
			goto err_free;
	}
	free(known);
	return all;

err_free:
	unref_all(all, all ? next->services_n : 0);
	free(known);
	return NULL;
}

int publisher_apply(void *ctx, struct model *next, const char *who, struct model_error *error)
{
	struct publisher *p = ctx;
	int64_t asked_us = clock_us(CLOCK_MONOTONIC);
	char text[LAYOUT_ERROR_MAX];
	struct installed **all;
	int err = watched_follow(&p->watched, p->hops, next);

	error->kind = MODEL_FULL;
	if (err) {
		snprintf(error->text, sizeof(error->text), "next hops: %s", strerror(-err));
		goto err_model;
	}
	all = install_all(p, next, error);
	if (!all) {
		err = -ENOMEM;
		goto err_rows;
	}
	err = publish(p, all, next->services_n, asked_us, text);
	if (err) {
		snprintf(error->text, sizeof(error->text), "%s", text);
		goto err_installed;
	}
	if (p->model)
		ledger_sweep(p->around.ledger, p->model, next);
	model_free(p->model);
	p->model = next;
	log_info("generation %llu: published in %llu us (%s)", (unsigned long long)p->number,
		 (unsigned long long)p->took_us, who);
	return 0;

err_installed:
	unref_all(all, next->services_n);
err_rows:
	if (p->model) {
		ledger_sweep(p->around.ledger, next, p->model);
		watched_follow(&p->watched, p->hops, p->model);
	}
err_model:
	model_free(next);
	return err;
}

/* ---- the kernel's changes ---- */

static void ports_refresh(struct publisher *p)
{
	for (uint32_t i = 0; i < p->around.ports_n; i++) {
		const struct link *link = nexthops_link(p->hops, p->port_names[i]);

		p->around.port_ifindex[i] = link ? link->ifindex : 0;
	}
}

/* A way to a backend changed, or a port's interface did: the entries are written anew. */
static void hops_changed(void *ctx)
{
	struct publisher *p = ctx;
	int64_t asked_us = clock_us(CLOCK_MONOTONIC);
	char text[LAYOUT_ERROR_MAX] = "no memory";
	struct installed **all;
	bool differs = false;
	uint32_t i, n;

	ports_refresh(p);
	if (!p->model)
		return;
	n = p->model->services_n;
	all = calloc(n + 1, sizeof(struct installed *));
	for (i = 0; all && i < n; i++) {
		all[i] = installed_refresh(&p->around, p->installed[i]);
		if (!all[i])
			goto err_free;
		differs = differs || all[i] != p->installed[i];
	}
	if (!all)
		goto err_free;
	if (!differs) {
		unref_all(all, n);
		return;
	}
	if (publish(p, all, n, asked_us, text) != 0)
		goto err_free;
	log_info("generation %llu: published in %llu us (next hops changed)",
		 (unsigned long long)p->number, (unsigned long long)p->took_us);
	return;

err_free:
	unref_all(all, n);
	log_error("next hops changed, but the tables could not be written: %s", text);
}

/* ---- life ---- */

static int publisher_open(struct publisher *p, struct event_base *base, struct arena *arena,
			  uint64_t arena_bytes)
{
	const char *names[FAST_PATH_PORTS_MAX];
	int err;

	p->around.space = arena_space_new(arena, arena_bytes);
	p->around.ledger = ledger_new(p->path->module, &p->settings, p->path->started.adopted);
	if (!p->around.space || !p->around.ledger)
		return -ENOMEM;
	err = nexthops_new(base, NULL, hops_changed, p, &p->hops);
	if (err)
		return err;
	p->around.hops = p->hops;
	for (uint32_t i = 0; i < p->around.ports_n; i++) {
		struct fast_path_port_info info;

		err = p->path->module->port_read(i, &info);
		if (err)
			return err;
		memcpy(p->port_names[i], info.interface, sizeof(info.interface));
		names[i] = p->port_names[i];
	}
	err = nexthops_watch_links(p->hops, names, p->around.ports_n);
	if (!err)
		ports_refresh(p);
	return err;
}

/* Goes on from the generation that a process before this one published, if there is one. */
static int adopt(struct publisher *p, struct arena *arena, char error[MODEL_ERROR_MAX])
{
	char text[LAYOUT_ERROR_MAX];
	int err;

	if (!p->path->started.adopted) {
		arena_init(arena, p->path->started.arena_bytes);
		return 0;
	}
	err = laid_generation_adopt(p->around.space, &p->laid, text);
	if (err) {
		snprintf(error, MODEL_ERROR_MAX,
			 "the running tables can't be taken over: %.300s; start afresh with "
			 "`sluiced --detach`, which interrupts forwarding",
			 text);
		return err;
	}
	p->number = laid_generation_header(p->laid)->number;
	log_info("adopted generation %llu, which goes on until the next",
		 (unsigned long long)p->number);
	return 0;
}

int publisher_new(struct event_base *base, struct path *path, const struct settings *settings,
		  struct publisher **publisher, char error[MODEL_ERROR_MAX])
{
	struct publisher *p = calloc(1, sizeof(*p));
	struct arena *arena = path->started.arena;
	int err = -ENOMEM;

	snprintf(error, MODEL_ERROR_MAX, "no memory");
	if (!p)
		return err;
	p->path = path;
	p->settings = *settings;
	p->around.settings = &p->settings;
	p->around.ports_n = path->ports_n;
	err = publisher_open(p, base, arena, path->started.arena_bytes);
	if (err) {
		snprintf(error, MODEL_ERROR_MAX, "next hops: %s", strerror(-err));
		goto err_free;
	}
	err = adopt(p, arena, error);
	if (err)
		goto err_free;
	*publisher = p;
	return 0;

err_free:
	publisher_free(p);
	return err;
}

void publisher_free(struct publisher *p)
{
	if (!p)
		return;
	nexthops_free(p->hops);
	watched_free(&p->watched);
	ledger_free(p->around.ledger);
	/*
	 * The arena's bytes stay as they are: on xdp packets still read them. What is freed is
	 * the bookkeeping, in an order that allocates nothing.
	 */
	laid_generation_free(p->laid);
	unref_all(p->installed, p->model ? p->model->services_n : 0);
	arena_space_free(p->around.space);
	model_free(p->model);
	free(p);
}

/* ---- what others ask ---- */

const struct model *publisher_model(void *ctx)
{
	return ((struct publisher *)ctx)->model;
}

int publisher_service_counters(void *ctx, const struct service_conf *service,
			       struct service_counters *out)
{
	return ledger_read_service(((struct publisher *)ctx)->around.ledger, service, out);
}

int publisher_vip_counters(void *ctx, const struct ip_addr *vip, struct service_counters *out)
{
	return ledger_read_vip(((struct publisher *)ctx)->around.ledger, vip, out);
}

int publisher_other_counters(void *ctx, struct service_counters *out)
{
	return ledger_read_service(((struct publisher *)ctx)->around.ledger, NULL, out);
}

int publisher_backends_read(void *ctx, const struct service_conf *service,
			    struct daemon_backend *rows)
{
	const struct publisher *p = ctx;
	const struct installed *s = NULL;
	const uint16_t *slots;
	int err = 0;

	for (uint32_t i = 0; i < p->model->services_n && !s; i++)
		if (p->installed[i]->conf == service)
			s = p->installed[i];
	if (!s)
		return -ENOENT;
	memset(rows, 0, service->backends_n * sizeof(*rows));
	for (uint32_t i = 0; !err && i < service->backends_n; i++) {
		const struct nexthop *hop = nexthops_get(p->hops, &service->backends[i].addr);

		rows[i].port = -1;
		if (hop) {
			rows[i].next_hop = *hop;
			rows[i].port = surroundings_port(&p->around, hop);
		}
		err = ledger_read_backend(p->around.ledger, service, &service->backends[i],
					  &rows[i].counters);
	}
	slots = part_data(s->slots);
	for (uint32_t i = 0; i < service->slots; i++)
		if ((slots[i] & SLOT_INDEX) != SLOT_NONE)
			rows[slots[i] & SLOT_INDEX].slots++;
	return err;
}

void publisher_generation(void *ctx, struct daemon_generation *out)
{
	const struct publisher *p = ctx;
	struct arena_space_stats stats = arena_space_stats(p->around.space);

	*out = (struct daemon_generation){
		.number = p->number,
		.published_us = p->published_us,
		.took_us = p->took_us,
		.arena_used_bytes = stats.used_bytes,
		.arena_bytes = stats.bytes,
	};
}
