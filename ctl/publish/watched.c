// SPDX-License-Identifier: Apache-2.0
/*
 * The set of backend addresses whose next hops are followed. Control thread.
 */
#include "watched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int addr_compare(const void *a, const void *b)
{
	return ip_compare(a, b);
}

/* All backends' addresses, sorted, each once. -ENOMEM. */
static int collect(const struct model *model, struct watched *out)
{
	size_t total = 0, n = 0;

	for (uint32_t i = 0; i < model->services_n; i++)
		total += model->services[i]->backends_n;
	out->addrs = calloc(total + 1, sizeof(*out->addrs));
	if (!out->addrs)
		return -ENOMEM;
	for (uint32_t i = 0; i < model->services_n; i++)
		for (uint32_t j = 0; j < model->services[i]->backends_n; j++)
			out->addrs[n++] = model->services[i]->backends[j].addr;
	qsort(out->addrs, n, sizeof(*out->addrs), addr_compare);
	out->n = 0;
	for (size_t i = 0; i < n; i++)
		if (out->n == 0 || !ip_equal(&out->addrs[out->n - 1], &out->addrs[i]))
			out->addrs[out->n++] = out->addrs[i];
	return 0;
}

static bool same_backends(const struct service_conf *a, const struct service_conf *b)
{
	if (a == b)
		return true;
	for (uint32_t i = 0; a->backends_n == b->backends_n && i < a->backends_n; i++)
		if (!ip_equal(&a->backends[i].addr, &b->backends[i].addr))
			return false;
	return a->backends_n == b->backends_n;
}

/* As after most changes: most services are the very same. */
static bool same_addresses(const struct model *a, const struct model *b)
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
	if (next.n == watched->n && watched->addrs &&
	    memcmp(next.addrs, watched->addrs, next.n * sizeof(*next.addrs)) == 0) {
		free(next.addrs);
		return 0;
	}
	err = nexthops_watch(hops, next.addrs, next.n);
	if (err) {
		free(next.addrs);
		return err;
	}
	free(watched->addrs);
	*watched = next;
	return 0;
}

int watched_follow(struct watched *watched, struct nexthops *hops, const struct model *was,
		   const struct model *model)
{
	int err;

	if (was && watched->addrs && !watched->stale && same_addresses(was, model))
		return 0;
	err = follow(watched, hops, model);
	watched->stale = err != 0;
	return err;
}

void watched_free(struct watched *watched)
{
	free(watched->addrs);
}
