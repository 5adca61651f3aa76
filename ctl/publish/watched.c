// SPDX-License-Identifier: Apache-2.0
/*
 * The ways to backends that are followed. Control thread.
 */
#include "watched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"

/* All ways, sorted, each once. -ENOMEM. */
static int collect(const struct model *model, struct watched *out)
{
	size_t total = 0, n = 0;

	for (uint32_t i = 0; i < model->services_n; i++)
		total += model->services[i]->backends_n;
	out->ways = calloc(total + 1, sizeof(*out->ways));
	if (!out->ways)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->services_n; i++) {
		const struct service_conf *s = model->services[i];

		for (uint32_t j = 0; j < s->backends_n; j++)
			out->ways[n++] = entry_key(&model->settings, (enum encap)s->encap,
						   &s->backends[j].addr);
	}
	qsort(out->ways, n, sizeof(*out->ways), nexthop_key_compare);
	out->n = 0;
	for (size_t i = 0; i < n; i++)
		if (out->n == 0 || nexthop_key_compare(&out->ways[out->n - 1], &out->ways[i]) != 0)
			out->ways[out->n++] = out->ways[i];
	return 0;
}

static int vip_compare(const void *a, const void *b)
{
	return ip_compare(a, b);
}

/* The vips of which is asked whether they are the node's own, sorted, each once. -ENOMEM. */
static int collect_vips(const struct model *model, struct watched *out)
{
	size_t n = 0;

	out->vips = calloc(model->services_n + 1U, sizeof(*out->vips));
	if (!out->vips)
		return -ENOMEM;
	out->vips_n = 0;
	if (model->settings.unserved != UNSERVED_AUTO)
		return 0;
	for (uint32_t i = 0; i < model->services_n; i++)
		out->vips[n++] = model->services[i]->vip;
	if (n > 0)
		qsort(out->vips, n, sizeof(*out->vips), vip_compare);
	for (size_t i = 0; i < n; i++)
		if (out->vips_n == 0 || !ip_equal(&out->vips[out->vips_n - 1], &out->vips[i]))
			out->vips[out->vips_n++] = out->vips[i];
	return 0;
}

static bool same_backends(const struct service_conf *a, const struct service_conf *b)
{
	if (a == b)
		return true;
	for (uint32_t i = 0; a->backends_n == b->backends_n && i < a->backends_n; i++)
		if (!ip_equal(&a->backends[i].addr, &b->backends[i].addr))
			return false;
	return a->backends_n == b->backends_n && a->encap == b->encap;
}

/* As after most changes: most services are the very same. */
static bool same_ways(const struct model *a, const struct model *b)
{
	if (a->services_n != b->services_n)
		return false;
	for (uint32_t i = 0; i < a->services_n; i++)
		if (!same_backends(a->services[i], b->services[i]) ||
		    !ip_equal(&a->services[i]->vip, &b->services[i]->vip))
			return false;
	return true;
}

static int follow(struct watched *watched, struct nexthops *hops, const struct model *model)
{
	struct watched next = {.version = watched->version + 1};
	int err = collect(model, &next);

	if (!err)
		err = collect_vips(model, &next);
	if (err)
		goto err_free;
	if (next.n == watched->n && next.vips_n == watched->vips_n && watched->ways &&
	    memcmp(next.ways, watched->ways, next.n * sizeof(*next.ways)) == 0 &&
	    memcmp(next.vips, watched->vips, next.vips_n * sizeof(*next.vips)) == 0)
		goto err_free;
	err = nexthops_watch_vips(hops, next.ways, next.n, next.vips, next.vips_n);
	if (err)
		goto err_free;
	watched_free(watched);
	*watched = next;
	return 0;

err_free: /* also where nothing differs */
	watched_free(&next);
	return err;
}

int watched_follow(struct watched *watched, struct nexthops *hops, const struct model *was,
		   const struct model *model)
{
	int err;

	if (was && watched->ways && !watched->stale && same_ways(was, model))
		return 0;
	err = follow(watched, hops, model);
	watched->stale = err != 0;
	return err;
}

void watched_free(struct watched *watched)
{
	free(watched->ways);
	free(watched->vips);
}
