/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force. Control thread.
 */
#include "running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "model_index.h"

enum {
	CENSUS_FRESH_US = 1000000,
};

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
		vips[i] = (struct layout_vip){installed[i]->conf->vip, installed[i]->vip_row,
					      installed[i]->vip_flags};
	if (n > 0)
		qsort(vips, n, sizeof(*vips), vip_compare);
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || !ip_equal(&vips[kept - 1].addr, &vips[i].addr))
			vips[kept++] = vips[i];
	return kept;
}

/* What the operator asked for, beside how flows find their backends. */
static uint16_t serving_flags(const struct installed *s)
{
	return (uint16_t)((s->conf->no_backend == NO_BACKEND_REJECT ? SERVICE_REJECTS : 0) |
			  (s->conf->mss != 0 && s->backends ? SERVICE_CLAMPS : 0));
}

static struct layout_service layout_of(const struct installed *s)
{
	const uint16_t flags = serving_flags(s);

	return (struct layout_service){
		.vip = s->conf->vip,
		.port = s->conf->port,
		.proto = s->conf->proto,
		.id = s->row,
		.flags = s->flags | s->way | flags,
		.slots = s->slots,
		.previous = s->previous,
		.backends = s->backends,
		.backends_n = (uint16_t)(s->indices->length + (flags & SERVICE_CLAMPS ? 1 : 0)),
	};
}

static int lay_out(const struct running *r, struct installed *const *installed, uint32_t n,
		   struct laid_generation **laid, char error[LAYOUT_ERROR_MAX])
{
	struct layout_service *services = calloc(n + 1, sizeof(*services));
	struct layout_vip *vips = calloc(n + 1, sizeof(*vips));
	struct layout_spec spec = {
		.number = r->number + 1,
		.key = r->settings.seed,
		.gue_port = r->settings.gue_port,
		.outer_ttl = r->settings.outer_ttl,
		.errors_per_s = r->settings.errors_per_s,
		.services = services,
		.services_n = n,
		.vips = vips,
	};
	int err = -ENOMEM;

	snprintf(error, LAYOUT_ERROR_MAX, "no memory");
	if (!services || !vips)
		goto out;
	memcpy(spec.idle_s, r->settings.idle_s, sizeof(spec.idle_s));
	for (uint32_t i = 0; i < n; i++)
		services[i] = layout_of(installed[i]);
	spec.vips_n = vips_of(installed, n, vips);
	err = laid_generation_new(r->around.space, &spec, laid, error);
out:
	free(services);
	free(vips);
	return err;
}

void running_unref_all(struct installed **installed, uint32_t n)
{
	for (uint32_t i = 0; installed && i < n; i++)
		installed_unref(installed[i]);
	free(installed);
}

int running_publish(struct running *r, struct installed **installed, uint32_t n, int64_t asked_us,
		    char error[LAYOUT_ERROR_MAX])
{
	struct laid_generation *laid;
	uint32_t before_n = r->model ? r->model->services_n : 0;
	int err = lay_out(r, installed, n, &laid, error);

	if (err)
		return err;
	r->path->module->publish(laid_generation_offset(laid));
	r->took_us = (uint64_t)(r->around.now_us() - asked_us);
	r->published_us = r->around.now_real_us();
	r->number++;
	r->path->module->quiesce();
	laid_generation_free(r->laid);
	r->laid = laid;
	running_unref_all(r->installed, before_n);
	r->installed = installed;
	return 0;
}

int running_renew(struct running *r, running_version_fn *version, void *ctx, int64_t asked_us,
		  char error[LAYOUT_ERROR_MAX])
{
	uint32_t n = r->model->services_n;
	struct installed **all = calloc(n + 1, sizeof(struct installed *));
	bool differs = false;
	int err = -ENOMEM;

	snprintf(error, LAYOUT_ERROR_MAX, "no memory, or tables are full: raise tables_mb");
	for (uint32_t i = 0; all && i < n; i++) {
		all[i] = version(ctx, r->installed[i], error);
		if (!all[i])
			goto err_free;
		differs = differs || all[i] != r->installed[i];
	}
	if (!all)
		return err;
	if (!differs) {
		running_unref_all(all, n);
		return 0;
	}
	err = running_publish(r, all, n, asked_us, error);
	if (!err)
		return 1;
err_free:
	running_unref_all(all, n);
	return err;
}

struct installed *running_find(const struct running *r, const char *service)
{
	uint32_t position;

	if (!r->model)
		return NULL;
	position = model_index_name(r->model->index, r->model->services, service);
	return position == MODEL_NOWHERE ? NULL : r->installed[position];
}

struct installed *running_find_same(const struct running *r, const struct service_conf *conf)
{
	uint32_t position;

	if (!r->model)
		return NULL;
	position = model_index_endpoint(r->model->index, r->model->services, conf);
	return position == MODEL_NOWHERE ? NULL : r->installed[position];
}

struct installed **running_by_row(const struct running *r)
{
	struct installed **rows = calloc(r->settings.services_max, sizeof(struct installed *));

	for (uint32_t i = 0; rows && r->model && i < r->model->services_n; i++)
		rows[r->installed[i]->row] = r->installed[i];
	return rows;
}

const struct generation *running_generation(const struct running *r)
{
	return laid_generation_header(r->laid);
}

const struct census *running_count(struct running *r)
{
	int err = counting_run(r->counting);

	if (err == -EINPROGRESS && r->census.number != 0)
		return &r->census;
	if (err == -EINPROGRESS)
		err = counting_finish(r->counting);
	if (err)
		log_debug("remembered flows can't be counted: %s", strerror(-err));
	return err ? NULL : &r->census;
}

const struct census *running_census(struct running *r)
{
	int64_t age_us = r->around.now_us() - r->census.taken_us;

	if (r->census.number != 0 &&
	    (age_us < CENSUS_FRESH_US || age_us < census_rest_us(&r->census)))
		return &r->census;
	return running_count(r);
}
