/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sorted lists of ways, gone through side by side. On the control thread.
 */
#include "picture_change.h"

#include "netlink.h"
#include "route_query.h"

#include <errno.h>
#include <stdlib.h>

/* Ways that the kernel is asked for, and its answers. */
struct asked {
	struct nexthop_key *ways;
	struct route *routes;
};

void picture_news_free(struct picture_news *news)
{
	free(news->at);
	neighbour_table_free(&news->neighbours);
	*news = (struct picture_news){0};
}

static int alloc(size_t n, struct picture *out, struct picture_news *news)
{
	out->ways = calloc(n, sizeof(*out->ways));
	out->routes = calloc(n, sizeof(*out->routes));
	out->hops = calloc(n, sizeof(*out->hops));
	news->at = calloc(n, sizeof(*news->at));
	if (!out->ways || !out->routes || !out->hops || !news->at)
		return -ENOMEM;
	return 0;
}

/* What stands in both is taken over; the rest is listed. */
static int ways_take(const struct picture *old, const struct nexthop_key *ways, size_t n,
		     struct picture *out, struct picture_news *news)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		int order = -1;

		if (ip_length_bytes(ways[i].addr.family) == 0)
			return -EINVAL;
		while (at < old->n && (order = nexthop_key_compare(&old->ways[at], &ways[i])) < 0)
			at++;
		out->ways[i] = ways[i];
		if (at == old->n || order != 0) {
			news->at[news->n++] = i;
			continue;
		}
		out->routes[i] = old->routes[at];
		out->hops[i] = old->hops[at];
	}
	out->n = out->asked_n = n;
	return 0;
}

static int asked_alloc(struct asked *asked, size_t n)
{
	asked->ways = calloc(n + 1, sizeof(*asked->ways));
	asked->routes = calloc(n + 1, sizeof(*asked->routes));
	return asked->ways && asked->routes ? 0 : -ENOMEM;
}

static void asked_free(struct asked *asked)
{
	free(asked->ways);
	free(asked->routes);
}

static int routes_new(struct netlink *nl, struct picture *out, const struct picture_news *news)
{
	struct asked asked;
	int rc = asked_alloc(&asked, news->n);

	for (size_t i = 0; rc == 0 && i < news->n; i++)
		asked.ways[i] = out->ways[news->at[i]];
	if (rc == 0)
		rc = routes_ask(nl, asked.ways, asked.routes, news->n);
	for (size_t i = 0; rc == 0 && i < news->n; i++)
		out->routes[news->at[i]] = asked.routes[i];
	asked_free(&asked);
	return rc;
}

/* The routes to vips: those that `old` has, and the kernel's answer for the others. */
static int vips_take(struct netlink *nl, const struct picture *old, struct picture *out)
{
	struct asked asked;
	size_t n = 0;
	int rc = asked_alloc(&asked, out->vips_n);

	for (size_t i = 0; rc == 0 && i < out->vips_n; i++) {
		const struct route *route = picture_route_to(old, &out->vips[i]);

		if (route)
			out->vip_routes[i] = *route;
		else
			asked.ways[n++] = out->vips_asked[i];
	}
	if (rc == 0)
		rc = routes_ask(nl, asked.ways, asked.routes, n);
	for (size_t i = 0, at = 0; rc == 0 && i < out->vips_n; i++)
		if (at < n && ip_equal(&asked.ways[at].addr, &out->vips[i]))
			out->vip_routes[i] = asked.routes[at++];
	out->asked_n += out->vips_n;
	asked_free(&asked);
	return rc;
}

/* Those that the old picture doesn't have. */
static int neighbours_new(struct netlink *nl, const struct picture *old, const struct picture *out,
			  struct picture_news *news)
{
	struct neighbour *list = calloc(news->n + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < news->n; i++) {
		const struct route *route = &out->routes[news->at[i]];
		const struct link *link = link_by_index(&old->links, route->ifindex);

		if (route->kind == ROUTE_UNICAST && !link) {
			free(list);
			return -ENODEV;
		}
		if (route->kind != ROUTE_UNICAST || !link->up || !link->ethernet ||
		    neighbour_find(&old->neighbours, route->ifindex, &route->via))
			continue;
		list[n].ifindex = route->ifindex;
		list[n++].addr = route->via;
	}
	neighbour_table_init(&news->neighbours, list, n, NULL);
	return neighbour_table_read(nl, &news->neighbours);
}

int picture_change_ways(struct netlink *nl, const struct picture *old,
			const struct nexthop_key *ways, size_t n, const struct ip_addr *vips,
			size_t vips_n, struct picture *out, struct picture_news *news)
{
	int rc;

	*out = (struct picture){0};
	*news = (struct picture_news){0};
	rc = alloc(n, out, news);
	if (rc == 0)
		rc = ways_take(old, ways, n, out, news);
	if (rc == 0)
		rc = routes_new(nl, out, news);
	if (rc == 0)
		rc = picture_set_vips(out, vips, vips_n);
	if (rc == 0)
		rc = vips_take(nl, old, out);
	if (rc == 0)
		rc = neighbours_new(nl, old, out, news);
	if (rc == 0)
		return 0;
	picture_free(out);
	picture_news_free(news);
	return rc;
}
