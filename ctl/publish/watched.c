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

int watched_follow(struct watched *watched, struct nexthops *hops, const struct model *model)
{
	struct watched next;
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

void watched_free(struct watched *watched)
{
	free(watched->addrs);
}
