/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the picture: links, then a route for each way, then the routes' neighbours. Called by
 * nexthop.c, on the control thread.
 */
#include "nexthop_picture.h"

#include "netlink.h"
#include "route_query.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct nexthop) == 84, "nexthops are compared with memcmp: no padding");

int nexthop_key_compare(const void *a, const void *b)
{
	const struct nexthop_key *x = a, *y = b;
	int order = ip_compare(&x->addr, &y->addr);

	return order ? order : ip_compare(&x->source, &y->source);
}

/* Fills in picture->ways, sorted and each once. */
static int ways_copy(struct picture *picture, const struct nexthop_key *ways, size_t n)
{
	size_t room = n > 0 ? n : 1;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (ip_length_bytes(ways[i].addr.family) == 0)
			return -EINVAL;
	}
	picture->ways = calloc(room, sizeof(*picture->ways));
	picture->routes = calloc(room, sizeof(*picture->routes));
	picture->hops = calloc(room, sizeof(*picture->hops));
	if (!picture->ways || !picture->routes || !picture->hops)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct ip_addr *source = &ways[i].source;

		picture->ways[i].addr = ip_from_bytes(ways[i].addr.family, ways[i].addr.bytes);
		if (source->family != IP_NONE)
			picture->ways[i].source = ip_from_bytes(source->family, source->bytes);
	}
	qsort(picture->ways, n, sizeof(*ways), nexthop_key_compare);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 ||
		    nexthop_key_compare(&picture->ways[i], &picture->ways[kept - 1]) != 0)
			picture->ways[kept++] = picture->ways[i];
	}
	picture->n = kept;
	return 0;
}

static int vip_compare(const void *a, const void *b)
{
	return ip_compare(a, b);
}

int picture_set_vips(struct picture *picture, const struct ip_addr *vips, size_t n)
{
	size_t room = n > 0 ? n : 1;
	size_t kept = 0;

	picture->vips = calloc(room, sizeof(*picture->vips));
	picture->vips_asked = calloc(room, sizeof(*picture->vips_asked));
	picture->vip_routes = calloc(room, sizeof(*picture->vip_routes));
	if (!picture->vips || !picture->vips_asked || !picture->vip_routes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (ip_length_bytes(vips[i].family) == 0)
			return -EINVAL;
		picture->vips[i] = ip_from_bytes(vips[i].family, vips[i].bytes);
	}
	qsort(picture->vips, n, sizeof(*picture->vips), vip_compare);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || !ip_equal(&picture->vips[i], &picture->vips[kept - 1]))
			picture->vips[kept++] = picture->vips[i];
	}
	for (size_t i = 0; i < kept; i++)
		picture->vips_asked[i].addr = picture->vips[i];
	picture->vips_n = kept;
	return 0;
}

/* The neighbours that the routes lead to over interfaces that have any. */
static int neighbours_collect(struct picture *picture, const struct neighbour_table *old)
{
	struct neighbour *list = calloc(picture->n > 0 ? picture->n : 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < picture->n; i++) {
		const struct route *route = &picture->routes[i];
		const struct link *link = link_by_index(&picture->links, route->ifindex);

		if (route->kind != ROUTE_UNICAST || !link || !link->up || !link->ethernet)
			continue;
		list[n].ifindex = route->ifindex;
		list[n++].addr = route->via;
	}
	neighbour_table_init(&picture->neighbours, list, n, old);
	return 0;
}

int picture_begin(struct netlink *nl, const struct nexthop_key *ways, size_t n,
		  const struct ip_addr *vips, size_t vips_n, struct picture *out)
{
	int rc;

	*out = (struct picture){0};
	rc = ways_copy(out, ways, n);
	if (rc == 0)
		rc = picture_set_vips(out, vips, vips_n);
	return rc < 0 ? rc : link_table_read(nl, &out->links);
}

int picture_go_on(struct netlink *nl, struct picture *picture, size_t max)
{
	bool to_vips = picture->asked_n >= picture->n;
	size_t at = picture->asked_n - (to_vips ? picture->n : 0);
	size_t left = (to_vips ? picture->vips_n : picture->n) - at;
	int rc;

	max = left < max ? left : max;
	if (to_vips)
		rc = routes_ask(nl, picture->vips_asked + at, picture->vip_routes + at, max);
	else
		rc = routes_ask(nl, picture->ways + at, picture->routes + at, max);
	if (rc < 0)
		return rc;
	picture->asked_n += max;
	return picture->asked_n < picture->n + picture->vips_n;
}

static void hops_take_over(struct picture *picture, const struct picture *old)
{
	if (old->n == picture->n && old->n > 0 &&
	    memcmp(old->ways, picture->ways, old->n * sizeof(*old->ways)) == 0) {
		memcpy(picture->hops, old->hops, old->n * sizeof(*old->hops));
		return;
	}
	for (size_t i = 0; i < picture->n; i++) {
		const struct nexthop *hop = picture_hop(old, &picture->ways[i]);

		if (hop)
			picture->hops[i] = *hop;
	}
}

int picture_end(struct netlink *nl, struct picture *picture, const struct picture *old)
{
	int rc = neighbours_collect(picture, &old->neighbours);

	if (rc == 0)
		rc = neighbour_table_read(nl, &picture->neighbours);
	if (rc == 0)
		hops_take_over(picture, old);
	return rc;
}

void picture_free(struct picture *picture)
{
	free(picture->ways);
	free(picture->routes);
	free(picture->hops);
	free(picture->vips);
	free(picture->vips_asked);
	free(picture->vip_routes);
	link_table_free(&picture->links);
	neighbour_table_free(&picture->neighbours);
	*picture = (struct picture){0};
}

const struct route *picture_route_to(const struct picture *picture, const struct ip_addr *vip)
{
	const struct ip_addr *found = NULL;

	if (picture->vips_n > 0)
		found = bsearch(vip, picture->vips, picture->vips_n, sizeof(*vip), vip_compare);
	return found ? &picture->vip_routes[found - picture->vips] : NULL;
}

bool picture_is_local(const struct picture *picture, const struct ip_addr *vip)
{
	const struct route *route = picture_route_to(picture, vip);

	return route && route->kind == ROUTE_LOCAL;
}

bool picture_locals_differ(const struct picture *before, const struct picture *now)
{
	for (size_t i = 0; i < now->vips_n; i++) {
		if ((now->vip_routes[i].kind == ROUTE_LOCAL) !=
		    picture_is_local(before, &now->vips[i]))
			return true;
	}
	return false;
}

const struct nexthop *picture_hop(const struct picture *picture, const struct nexthop_key *way)
{
	const struct nexthop_key *found;

	if (picture->n == 0)
		return NULL;
	found = bsearch(way, picture->ways, picture->n, sizeof(*way), nexthop_key_compare);
	return found ? &picture->hops[found - picture->ways] : NULL;
}

static int addr_compare(const void *addr, const void *way)
{
	return ip_compare(addr, &((const struct nexthop_key *)way)->addr);
}

const struct nexthop *picture_hops_to(const struct picture *picture, const struct ip_addr *addr,
				      size_t *n)
{
	const struct nexthop_key *found = NULL, *end = picture->ways + picture->n;
	const struct nexthop_key *first, *last;

	*n = 0;
	if (picture->n > 0)
		found = bsearch(addr, picture->ways, picture->n, sizeof(*found), addr_compare);
	if (!found)
		return NULL;
	/* Sorted by address first, so they lie side by side. */
	for (first = found; first > picture->ways && ip_equal(&first[-1].addr, addr); first--)
		;
	for (last = found + 1; last < end && ip_equal(&last->addr, addr); last++)
		;
	*n = (size_t)(last - first);
	return &picture->hops[first - picture->ways];
}

static uint32_t mtu_min(uint32_t mtu_bytes, uint32_t limit_bytes)
{
	return limit_bytes != 0 && limit_bytes < mtu_bytes ? limit_bytes : mtu_bytes;
}

/* What the route's kind makes of it; RESOLVED: leads somewhere. */
static enum nexthop_state state_of_route(enum route_kind kind)
{
	switch (kind) {
	case ROUTE_NONE:
		return NEXTHOP_NO_ROUTE;
	case ROUTE_UNICAST:
		return NEXTHOP_RESOLVED;
	case ROUTE_LOCAL:
		return NEXTHOP_LOCAL;
	case ROUTE_NOT_UNICAST:
		return NEXTHOP_NOT_UNICAST;
	case ROUTE_BLACKHOLE:
		return NEXTHOP_BLACKHOLE;
	case ROUTE_UNREACHABLE:
		return NEXTHOP_UNREACHABLE;
	case ROUTE_PROHIBITED:
		return NEXTHOP_PROHIBITED;
	case ROUTE_ENCAP:
		return NEXTHOP_ROUTE_ENCAP;
	}
	return NEXTHOP_NO_ROUTE;
}

/* Whether frames over the interface can be written by the fast path; RESOLVED: yes. */
static enum nexthop_state state_of_link(const struct link *link, const struct link_table *links)
{
	const struct link *parent = link_by_index(links, link->parent_ifindex);

	if (!link->up)
		return NEXTHOP_LINK_DOWN;
	if (!link->ethernet)
		return NEXTHOP_NO_MAC;
	if (link->is_vlan && (link->vlan_ethertype != ETH_P_8021Q || !parent || parent->is_vlan))
		return NEXTHOP_VLAN_UNSUPPORTED;
	return NEXTHOP_RESOLVED;
}

static enum nexthop_state state_of_neighbour(const struct neighbour *neighbour)
{
	if (neighbour && neighbour_usable(neighbour))
		return NEXTHOP_RESOLVED;
	if (neighbour && neighbour->solicit_error == -ENOBUFS)
		return NEXTHOP_NEIGHBOURS_FULL;
	return NEXTHOP_NO_NEIGHBOUR;
}

struct nexthop nexthop_compose(const struct ip_addr *addr, const struct route *route,
			       const struct link_table *links,
			       const struct neighbour_table *neighbours)
{
	const struct link *link = link_by_index(links, route->ifindex);
	const struct neighbour *neighbour = neighbour_find(neighbours, route->ifindex, &route->via);
	struct nexthop hop = {.state = state_of_route(route->kind)};

	if (hop.state != NEXTHOP_RESOLVED)
		return hop;
	hop.ifindex = route->ifindex;
	hop.via = route->via;
	hop.source = route->source;
	if (!link) { /* it went between the questions; its announcement is under way */
		hop.state = NEXTHOP_LINK_DOWN;
		return hop;
	}
	hop.port_ifindex = link->is_vlan ? link->parent_ifindex : link->ifindex;
	hop.vlan = link->is_vlan ? link->vlan : 0;
	hop.mtu_bytes = mtu_min(link->mtu_bytes, route->mtu_bytes);
	if (addr->family == IP_V6)
		hop.mtu_bytes = mtu_min(hop.mtu_bytes, link->mtu6_bytes);
	hop.first_mtu_bytes = hop.mtu_bytes;
	memcpy(hop.ifname, link->name, sizeof(hop.ifname));
	memcpy(hop.src_mac, link->mac, sizeof(hop.src_mac));
	hop.state = state_of_link(link, links);
	if (hop.state != NEXTHOP_RESOLVED)
		return hop;
	hop.state = state_of_neighbour(neighbour);
	if (hop.state == NEXTHOP_RESOLVED)
		memcpy(hop.dst_mac, neighbour->mac, sizeof(hop.dst_mac));
	return hop;
}

bool picture_compose_at(struct picture *picture, size_t i, const struct path_mtus *path_mtus)
{
	struct nexthop hop = nexthop_compose(&picture->ways[i].addr, &picture->routes[i],
					     &picture->links, &picture->neighbours);
	bool differs;

	hop.mtu_bytes = mtu_min(hop.mtu_bytes, path_mtus_get(path_mtus, &picture->ways[i].addr));
	differs = memcmp(&hop, &picture->hops[i], sizeof(hop)) != 0;
	picture->hops[i] = hop;
	return differs;
}

bool picture_compose(struct picture *picture, const struct path_mtus *path_mtus)
{
	bool differs = false;

	for (size_t i = 0; i < picture->n; i++)
		differs |= picture_compose_at(picture, i, path_mtus);
	return differs;
}
