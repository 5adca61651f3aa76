/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events about the ways to the backends. Control thread.
 */
#include "hop_news.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "events.h"

/* What was told last of a way. */
struct told {
	struct nexthop hop;
	bool pending; /* it is new and not found yet, of which nothing was told */
};

struct hop_news {
	struct event *timer;      /* for those that are pending */
	struct nexthop_key *ways; /* sorted */
	struct told *told;        /* of `ways` */
	size_t n;
	uint64_t version; /* of `watched`, as it was compared last */
	const struct watched *watched;
	const struct nexthops *hops;
	const struct model *model;
};

/* What is to be told at a call, by index of the new ways. */
enum news { NEWS_NONE, NEWS_FOUND, NEWS_LOST, NEWS_CHANGED };

static bool same_way(const struct nexthop *a, const struct nexthop *b)
{
	return a->ifindex == b->ifindex && memcmp(a->dst_mac, b->dst_mac, 6) == 0 &&
	       ip_equal(&a->via, &b->via) && a->vlan == b->vlan && a->mtu_bytes == b->mtu_bytes &&
	       a->first_mtu_bytes == b->first_mtu_bytes;
}

/* Of one that was there before (`was`), or is new (NULL). */
static enum news compare(const struct told *was, struct told *now, bool late)
{
	bool resolved = now->hop.state == NEXTHOP_RESOLVED;

	if (!was || was->pending) {
		now->pending = now->hop.state == NEXTHOP_NO_NEIGHBOUR && !late;
		return resolved || now->pending ? NEWS_NONE : NEWS_LOST;
	}
	if (was->hop.state != now->hop.state)
		return resolved ? NEWS_FOUND : NEWS_LOST;
	return resolved && !same_way(&was->hop, &now->hop) ? NEWS_CHANGED : NEWS_NONE;
}

static void describe(const struct nexthop *hop, char *buf, size_t buf_bytes)
{
	char via[IP_TEXT_MAX], told[64] = "";

	if (hop->state != NEXTHOP_RESOLVED) {
		snprintf(buf, buf_bytes, "%s", nexthop_state_text(hop->state));
		return;
	}
	if (hop->mtu_bytes < hop->first_mtu_bytes)
		snprintf(told, sizeof(told), " (a router on the way said so; first link %u)",
			 hop->first_mtu_bytes);
	snprintf(buf, buf_bytes, "via %s, %s, %02x:%02x:%02x:%02x:%02x:%02x, MTU %u%s",
		 ip_format(&hop->via, via), hop->ifname, hop->dst_mac[0], hop->dst_mac[1],
		 hop->dst_mac[2], hop->dst_mac[3], hop->dst_mac[4], hop->dst_mac[5], hop->mtu_bytes,
		 told);
}

static void tell_one(const struct service_conf *service, const struct backend_conf *backend,
		     enum news what, const struct nexthop *hop)
{
	char way[320];

	describe(hop, way, sizeof(way));
	if (what == NEWS_LOST)
		events_warn(EVENT_NEXT_HOP, "kernel", service->name, backend->name,
			    "no way to it: %s", way);
	else
		events_add(EVENT_NEXT_HOP, "kernel", service->name, backend->name,
			   "next hop %s: %s", what == NEWS_FOUND ? "found" : "changed", way);
}

static size_t find(const struct nexthop_key *ways, size_t n, const struct nexthop_key *way)
{
	const struct nexthop_key *found =
		n > 0 ? bsearch(way, ways, n, sizeof(*way), nexthop_key_compare) : NULL;

	return found ? (size_t)(found - ways) : SIZE_MAX;
}

/* Of all backends, those whose way has news. */
static void tell_all(const struct hop_news *news, const uint8_t *what)
{
	uint32_t told = 0, lost = 0, rest = 0;

	for (uint32_t i = 0; i < news->model->services_n; i++) {
		const struct service_conf *service = news->model->services[i];

		for (uint32_t j = 0; j < service->backends_n; j++) {
			const struct backend_conf *backend = &service->backends[j];
			struct nexthop_key way = entry_key(
				&news->model->settings, (enum encap)service->encap, &backend->addr);
			size_t at = find(news->ways, news->n, &way);

			if (at == SIZE_MAX || what[at] == NEWS_NONE)
				continue;
			if (told++ < HOP_NEWS_MAX) {
				tell_one(service, backend, what[at], &news->told[at].hop);
				continue;
			}
			rest++;
			lost += what[at] == NEWS_LOST;
		}
	}
	if (rest > 0)
		events_warn(EVENT_NEXT_HOP, "kernel", NULL, NULL,
			    "%u more backends: no way to %u of them, %u with a new one; "
			    "sluicectl show backends has each",
			    rest, lost, rest - lost);
}

/* `all`: ways that there were before may lead elsewhere, too. */
static void look(struct hop_news *news, bool late, bool all)
{
	static const struct timeval soon = {.tv_sec = HOP_NEWS_PENDING_S};
	size_t n = news->watched->n;
	struct nexthop_key *ways = calloc(n + 1, sizeof(*ways));
	struct told *told = calloc(n + 1, sizeof(*told));
	uint8_t *what = calloc(n + 1, sizeof(*what));
	bool any = false, pending = false;
	size_t was = 0;

	for (size_t i = 0; ways && told && what && i < n; i++) {
		const struct nexthop_key *way = &news->watched->ways[i];
		const struct nexthop *hop;
		int order = 1;

		ways[i] = *way;
		while (was < news->n && (order = nexthop_key_compare(&news->ways[was], way)) < 0)
			was++;
		if (was < news->n && order == 0 && !all) {
			told[i] = news->told[was];
			pending |= told[i].pending;
			continue;
		}
		hop = nexthops_get(news->hops, way);
		if (hop)
			told[i].hop = *hop;
		what[i] = (uint8_t)compare(was < news->n && order == 0 ? &news->told[was] : NULL,
					   &told[i], late);
		any |= what[i] != NEWS_NONE;
		pending |= told[i].pending;
	}
	if (ways && told && what) {
		free(news->ways);
		free(news->told);
		news->ways = ways;
		news->told = told;
		news->n = n;
		if (any)
			tell_all(news, what);
		if (pending && !evtimer_pending(news->timer, NULL))
			evtimer_add(news->timer, &soon);
	} else {
		free(ways);
		free(told);
	}
	free(what);
}

static void on_timer(evutil_socket_t fd, short events, void *ctx)
{
	look(ctx, true, true);
}

void hop_news_tell(struct hop_news *news, const struct watched *watched,
		   const struct nexthops *hops, const struct model *model, bool hops_changed)
{
	news->watched = watched;
	news->hops = hops;
	news->model = model;
	if (!hops_changed && news->version == watched->version)
		return;
	news->version = watched->version;
	look(news, false, hops_changed);
}

struct hop_news *hop_news_new(struct event_base *base)
{
	struct hop_news *news = calloc(1, sizeof(*news));

	if (!news)
		return NULL;
	news->timer = evtimer_new(base, on_timer, news);
	if (news->timer)
		return news;
	free(news);
	return NULL;
}

void hop_news_free(struct hop_news *news)
{
	if (!news)
		return;
	event_free(news->timer);
	free(news->ways);
	free(news->told);
	free(news);
}
