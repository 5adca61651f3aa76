/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps the picture of the ways to the backends up to date: listens to the kernel, asks anew what
 * may have changed, has unknown neighbours resolved and stale ones confirmed. Called by the
 * daemon and the event loop, on the control thread.
 */
#include "nexthop.h"

#include "netlink.h"
#include "nexthop_picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

enum {
	DEBOUNCE_MAX_MS = 1000,
	REST_FACTOR = 4, /* rest this many times as long as the latest picture took */
};

struct nexthops {
	struct netlink ask;    /* for questions, which are answered at once */
	struct netlink events; /* for announcements */
	struct event *readable, *debounce, *solicit, *refresh;
	struct nexthop_timing timing;
	nexthops_changed *changed;
	void *ctx;
	struct picture now;
	char (*link_names)[IFNAMSIZ];
	size_t n_link_names;
	bool neighbours_dirty; /* some neighbours, marked in the picture */
	bool all_dirty;
	struct nexthops_stats stats;
};

static const unsigned int groups[] = {
	RTNLGRP_LINK,	     RTNLGRP_NEIGH,	  RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
	RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV6_RULE,
	RTNLGRP_IPV6_IFINFO, RTNLGRP_NEXTHOP,
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void timer_arm(struct event *timer, unsigned int ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (!event_pending(timer, EV_TIMEOUT, NULL))
		event_add(timer, &tv);
}

/* A routing daemon that feeds its whole table to the kernel announces for minutes: a large set
 * of backends is then resolved less often. */
static void debounce_arm(struct nexthops *hops)
{
	uint64_t rest_ms = REST_FACTOR * hops->stats.picture_us / 1000;
	unsigned int ms = rest_ms < DEBOUNCE_MAX_MS ? (unsigned int)rest_ms : DEBOUNCE_MAX_MS;

	timer_arm(hops->debounce, ms > hops->timing.debounce_ms ? ms : hops->timing.debounce_ms);
}

static void failure_note(struct nexthops *hops, int error)
{
	hops->stats.failures++;
	hops->stats.last_error = error;
}

/* Why single neighbours were refused shows in their next hops, but for a lack of privilege. */
static void solicit(struct nexthops *hops, struct neighbour_table *table, enum neighbour_pick pick)
{
	int rc = neighbour_table_solicit(&hops->ask, table, pick);

	if (rc < 0)
		failure_note(hops, rc);
	else
		hops->stats.solicited += (uint64_t)rc;
	for (size_t i = 0; i < table->n; i++) {
		if (table->neighbours[i].solicit_error == -EPERM) {
			failure_note(hops, -EPERM);
			return;
		}
	}
}

/* After each update: counts what is open, and comes back to it. */
static void unresolved_count(struct nexthops *hops)
{
	size_t n = 0;

	for (size_t i = 0; i < hops->now.n; i++)
		n += hops->now.hops[i].state != NEXTHOP_RESOLVED;
	hops->stats.n_unresolved = n;
	if (neighbour_table_mark_unusable(&hops->now.neighbours) > 0)
		timer_arm(hops->solicit, hops->timing.solicit_ms);
}

static bool links_differ(const struct nexthops *hops, const struct picture *fresh)
{
	for (size_t i = 0; i < hops->n_link_names; i++) {
		const char *name = hops->link_names[i];

		if (!link_equal(link_by_name(&hops->now.links, name),
				link_by_name(&fresh->links, name)))
			return true;
	}
	return false;
}

/* Takes a new picture of these addresses, and puts it in the old one's place. */
static int all_update(struct nexthops *hops, const struct ip_addr *addrs, size_t n, bool *changed)
{
	uint64_t start_us = now_us();
	struct picture fresh;
	int rc = picture_take(&hops->ask, addrs, n, &hops->now, &fresh);

	if (rc < 0)
		return rc;
	solicit(hops, &fresh.neighbours, NEIGHBOUR_NEW);
	*changed = picture_compose(&fresh);
	*changed |= links_differ(hops, &fresh);
	picture_free(&hops->now);
	hops->now = fresh;
	hops->all_dirty = false;
	hops->neighbours_dirty = false;
	hops->stats.pictures++;
	hops->stats.picture_us = now_us() - start_us;
	unresolved_count(hops);
	return 0;
}

/* Asks for the neighbours marked dirty, and solicits those that `pick` names. */
static int neighbours_update(struct nexthops *hops, enum neighbour_pick pick, bool *changed)
{
	int rc = neighbour_table_read(&hops->ask, &hops->now.neighbours);

	if (rc < 0)
		return rc;
	solicit(hops, &hops->now.neighbours, pick);
	*changed = picture_compose(&hops->now);
	hops->neighbours_dirty = false;
	unresolved_count(hops);
	return 0;
}

/* Tells the owner; the last thing that a handler does, because the owner may call us. */
static void finish(struct nexthops *hops, int rc, bool changed)
{
	if (rc < 0) {
		failure_note(hops, rc);
		hops->all_dirty = true;
		timer_arm(hops->debounce, hops->timing.solicit_ms);
	} else if (changed) {
		hops->changed(hops->ctx);
	}
}

static void announcement_take(void *ctx, const struct nlmsghdr *nlh)
{
	struct nexthops *hops = ctx;

	if (nlh->nlmsg_type == RTM_NEWNEIGH || nlh->nlmsg_type == RTM_DELNEIGH)
		hops->neighbours_dirty |= neighbour_table_announce(&hops->now.neighbours, nlh);
	else
		hops->all_dirty = true;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct nexthops *hops = ctx;

	if (netlink_drain(&hops->events, announcement_take, hops) < 0) {
		hops->stats.lost++;
		hops->all_dirty = true;
	}
	if (hops->all_dirty || hops->neighbours_dirty)
		debounce_arm(hops);
}

static void on_debounce(evutil_socket_t fd, short what, void *ctx)
{
	struct nexthops *hops = ctx;
	bool changed = false;
	int rc = hops->all_dirty ?
			 all_update(hops, hops->now.addrs, hops->now.n, &changed) :
			 neighbours_update(hops, NEIGHBOUR_NEW, &changed);

	finish(hops, rc, changed);
}

static void on_solicit(evutil_socket_t fd, short what, void *ctx)
{
	struct nexthops *hops = ctx;
	bool changed = false;
	int rc = neighbours_update(hops, NEIGHBOUR_UNUSABLE, &changed);

	finish(hops, rc, changed);
}

static void on_refresh(evutil_socket_t fd, short what, void *ctx)
{
	struct nexthops *hops = ctx;
	bool changed = false;
	int rc = all_update(hops, hops->now.addrs, hops->now.n, &changed);

	/* The fast path's packets don't show the kernel that a neighbour is in use. */
	if (rc == 0)
		solicit(hops, &hops->now.neighbours, NEIGHBOUR_STALE);
	finish(hops, rc, changed);
}

static int events_add(struct nexthops *hops, struct event_base *base)
{
	const struct timeval refresh = { .tv_sec = hops->timing.refresh_ms / 1000,
					 .tv_usec = hops->timing.refresh_ms % 1000 * 1000 };

	hops->readable = event_new(base, netlink_fd(&hops->events), EV_READ | EV_PERSIST,
				   on_readable, hops);
	hops->debounce = event_new(base, -1, 0, on_debounce, hops);
	hops->solicit = event_new(base, -1, 0, on_solicit, hops);
	hops->refresh = event_new(base, -1, EV_PERSIST, on_refresh, hops);
	if (!hops->readable || !hops->debounce || !hops->solicit || !hops->refresh)
		return -ENOMEM;
	if (event_add(hops->readable, NULL) < 0 || event_add(hops->refresh, &refresh) < 0)
		return -ENOMEM;
	return 0;
}

int nexthops_new(struct event_base *base, const struct nexthop_timing *timing,
		 nexthops_changed *changed, void *ctx, struct nexthops **out)
{
	static const struct nexthop_timing defaults = { 10, 1000, 10000 };
	struct nexthops *hops = calloc(1, sizeof(*hops));
	bool ignored;
	int rc;

	if (!hops)
		return -ENOMEM;
	hops->timing = timing ? *timing : defaults;
	hops->changed = changed;
	hops->ctx = ctx;
	rc = netlink_open(&hops->ask);
	/* Listening begins before asking: no change falls between. */
	if (rc == 0)
		rc = netlink_open_events(&hops->events, groups,
					 sizeof(groups) / sizeof(groups[0]));
	if (rc == 0)
		rc = events_add(hops, base);
	if (rc == 0)
		rc = all_update(hops, NULL, 0, &ignored);
	if (rc < 0) {
		nexthops_free(hops);
		return rc;
	}
	*out = hops;
	return 0;
}

static void event_remove(struct event *event)
{
	if (event)
		event_free(event);
}

void nexthops_free(struct nexthops *hops)
{
	if (!hops)
		return;
	event_remove(hops->readable);
	event_remove(hops->debounce);
	event_remove(hops->solicit);
	event_remove(hops->refresh);
	netlink_close(&hops->ask);
	netlink_close(&hops->events);
	picture_free(&hops->now);
	free(hops->link_names);
	free(hops);
}

int nexthops_watch(struct nexthops *hops, const struct ip_addr *addrs, size_t n)
{
	bool ignored;

	return all_update(hops, addrs, n, &ignored);
}

int nexthops_watch_links(struct nexthops *hops, const char *const *names, size_t n)
{
	char(*copy)[IFNAMSIZ] = calloc(n > 0 ? n : 1, sizeof(*copy));
	bool ignored;
	int rc;

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(names[i]);

		if (length == 0 || length >= IFNAMSIZ) {
			rc = -EINVAL;
			goto err_copy;
		}
		memcpy(copy[i], names[i], length);
	}
	rc = all_update(hops, hops->now.addrs, hops->now.n, &ignored);
	if (rc < 0)
		goto err_copy;
	free(hops->link_names);
	hops->link_names = copy;
	hops->n_link_names = n;
	return 0;

err_copy:
	free(copy);
	return rc;
}

const struct nexthop *nexthops_get(const struct nexthops *hops, const struct ip_addr *addr)
{
	return picture_hop(&hops->now, addr);
}

const struct link *nexthops_link(const struct nexthops *hops, const char *name)
{
	return link_by_name(&hops->now.links, name);
}

struct nexthops_stats nexthops_stats(const struct nexthops *hops)
{
	return hops->stats;
}

const char *nexthop_state_word(enum nexthop_state state)
{
	static const char *const words[] = {
#define X(id, word, text) [NEXTHOP_##id] = word,
		NEXTHOP_STATES(X)
#undef X
	};

	return state < NEXTHOP_N_STATES ? words[state] : "unknown";
}

const char *nexthop_state_text(enum nexthop_state state)
{
	static const char *const texts[] = {
#define X(id, word, text) [NEXTHOP_##id] = text,
		NEXTHOP_STATES(X)
#undef X
	};

	return state < NEXTHOP_N_STATES ? texts[state] : "unknown";
}
