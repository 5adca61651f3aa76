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
		if (!same_backends(a->services[i], b->services[i]))
			return false;
	return true;
}

static int follow(struct watched *watched, struct nexthops *hops, const struct model *model)
{
	struct watched next = {.version = watched->version + 1};
	int err = collect(model, &next);

	if (err)
		return err;
	if (next.n == watched->n && watched->ways &&
	    memcmp(next.ways, watched->ways, next.n * sizeof(*next.ways)) == 0) {
		free(next.ways);
		return 0;
	}
	err = nexthops_watch(hops, next.ways, next.n);
	if (err) {
		free(next.ways);
		return err;
	}
	free(watched->ways);
	*watched = next;
	return 0;
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
}
