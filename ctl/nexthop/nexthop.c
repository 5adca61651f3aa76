/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the picture of the ways to the backends up to date: listens to the kernel, and has what may
 * have changed asked anew (nexthop_update.c). Called by the daemon and the event loop, on the control
 * thread.
 */
#include "clock.h"
#include "nexthop_update.h"
#include "shortage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

static const unsigned int groups[] = {
	RTNLGRP_LINK,        RTNLGRP_NEIGH,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
	RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV6_RULE,
	RTNLGRP_IPV6_IFINFO, RTNLGRP_NEXTHOP,
};

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

	int rc = netlink_drain(&hops->events, announcement_take, hops);

	if (rc < 0) {
		hops->stats.lost++;
		hops->all_dirty = true;
	}
	/* One that can't be read stays readable, and the loop would do nothing else: it rests
	 * until all has been asked again. */
	if (rc < 0) {
		shortage_note(SHORTAGE_NEXT_HOPS, rc);
		event_del(hops->readable);
		hops->deaf = true;
	}
	if (hops->all_dirty || hops->neighbours_dirty)
		update_soon(hops);
}

static void on_debounce(evutil_socket_t fd, short what, void *ctx)
{
	struct nexthops *hops = ctx;
	bool changed = false;
	int rc;

	if (hops->deaf && event_add(hops->readable, NULL) == 0)
		hops->deaf = false;
	if (hops->making)
		return; /* its end sees to it */
	if (hops->all_dirty) {
		update_begin(hops);
		return;
	}
	rc = update_neighbours(hops, NEIGHBOUR_NEW, &changed);
	update_finish(hops, rc, changed);
}

static void on_solicit(evutil_socket_t fd, short what, void *ctx)
{
	struct nexthops *hops = ctx;
	bool changed = false;
	int rc = update_neighbours(hops, NEIGHBOUR_UNUSABLE, &changed);

	update_finish(hops, rc, changed);
}

static void on_refresh(evutil_socket_t fd, short what, void *ctx)
{
	struct nexthops *hops = ctx;

	if (hops->deaf && event_add(hops->readable, NULL) == 0)
		hops->deaf = false;
	hops->confirms = true;
	update_begin(hops);
}

static int events_add(struct nexthops *hops, struct event_base *base)
{
	const struct timeval refresh = {.tv_sec = hops->timing.refresh_ms / 1000,
					.tv_usec = hops->timing.refresh_ms % 1000 * 1000};

	hops->readable =
		event_new(base, netlink_fd(&hops->events), EV_READ | EV_PERSIST, on_readable, hops);
	hops->debounce = event_new(base, -1, 0, on_debounce, hops);
	hops->solicit = event_new(base, -1, 0, on_solicit, hops);
	hops->refresh = event_new(base, -1, EV_PERSIST, on_refresh, hops);
	hops->step = event_new(base, -1, 0, update_on_step, hops);
	if (!hops->readable || !hops->debounce || !hops->solicit || !hops->refresh || !hops->step)
		return -ENOMEM;
	if (event_add(hops->readable, NULL) < 0 || event_add(hops->refresh, &refresh) < 0)
		return -ENOMEM;
	return 0;
}

int nexthops_new(struct event_base *base, const struct nexthop_timing *timing,
		 nexthops_changed *changed, void *ctx, struct nexthops **out)
{
	static const struct nexthop_timing defaults = {10, 1000, 10000};
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
		rc = netlink_open_events(&hops->events, groups, sizeof(groups) / sizeof(groups[0]));
	if (rc == 0)
		rc = events_add(hops, base);
	if (rc == 0)
		rc = update_all(hops, NULL, 0, NULL, 0, &ignored);
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
	event_remove(hops->step);
	event_remove(hops->path_mtu_end);
	path_mtu_listener_free(hops->listener);
	path_mtus_free(&hops->path_mtus);
	netlink_close(&hops->ask);
	netlink_close(&hops->events);
	picture_free(&hops->now);
	picture_free(&hops->next);
	free(hops->link_names);
	free(hops);
}

/* ---- path MTUs ---- */

/* The next end, if there is one. */
static void path_mtu_end_arm(struct nexthops *hops)
{
	int64_t left_us = path_mtus_next_us(&hops->path_mtus) - clock_now_us();
	struct timeval left = {0};

	if (hops->path_mtus.n == 0)
		return;
	if (left_us > 0)
		left = (struct timeval){.tv_sec = left_us / 1000000 + 1};
	event_add(hops->path_mtu_end, &left);
}

static void path_mtus_changed(struct nexthops *hops)
{
	path_mtu_end_arm(hops);
	if (picture_compose(&hops->now, &hops->path_mtus))
		hops->changed(hops->ctx);
}

static void on_path_mtu_end(evutil_socket_t fd, short what, void *ctx)
{
	struct nexthops *hops = ctx;

	if (path_mtus_expire(&hops->path_mtus, clock_now_us()))
		path_mtus_changed(hops);
	else
		path_mtu_end_arm(hops);
}

/* Whether this node sends outer packets from there, on that way. */
static bool is_our_source(const struct nexthops *hops, const struct nexthop *hop,
			  const struct ip_addr *source)
{
	const struct path_mtu_rules *rules = &hops->rules;

	for (size_t i = 0; i < sizeof(rules->sources) / sizeof(rules->sources[0]); i++) {
		if (rules->sources[i].addr.family != IP_NONE &&
		    ip_prefix_contains(&rules->sources[i], source))
			return true;
	}
	return ip_equal(&hop->source, source);
}

/* path_mtu_heard */
static void on_path_mtu(void *ctx, const struct path_mtu_message *message)
{
	struct nexthops *hops = ctx;
	size_t n;
	const struct nexthop *hop = picture_hops_to(&hops->now, &message->destination, &n);
	enum path_mtu_result result = PATH_MTU_NOT_OURS;

	/* One backend may be reached from several sources: GUE's, and IPIP's prefix. */
	while (n > 0 &&
	       (hop->first_mtu_bytes == 0 || !is_our_source(hops, hop, &message->source))) {
		hop++;
		n--;
	}
	if (n > 0)
		result = path_mtus_take(&hops->path_mtus, message, hop->first_mtu_bytes,
					clock_now_us(), (int64_t)hops->rules.keep_s * 1000000);
	hops->stats.path_mtu[result]++;
	if (result == PATH_MTU_LEARNED)
		path_mtus_changed(hops);
}

int nexthops_learn_path_mtus(struct nexthops *hops, const struct path_mtu_rules *rules)
{
	struct event_base *base = event_get_base(hops->readable);

	hops->rules = *rules;
	if (rules->keep_s == 0)
		return 0;
	hops->path_mtu_end = event_new(base, -1, 0, on_path_mtu_end, hops);
	if (!hops->path_mtu_end)
		return -ENOMEM;
	return path_mtu_listener_new(base, rules->gue_port, on_path_mtu, hops, &hops->listener);
}

int nexthops_watch(struct nexthops *hops, const struct nexthop_key *ways, size_t n)
{
	return nexthops_watch_vips(hops, ways, n, hops->now.vips, hops->now.vips_n);
}

int nexthops_watch_vips(struct nexthops *hops, const struct nexthop_key *ways, size_t n,
			const struct ip_addr *vips, size_t vips_n)
{
	return update_ways(hops, ways, n, vips, vips_n);
}

bool nexthops_is_local(const struct nexthops *hops, const struct ip_addr *vip)
{
	return picture_is_local(&hops->now, vip);
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
	rc = update_all(hops, hops->now.ways, hops->now.n, hops->now.vips, hops->now.vips_n,
			&ignored);
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

const struct nexthop *nexthops_get(const struct nexthops *hops, const struct nexthop_key *way)
{
	return picture_hop(&hops->now, way);
}

const struct link *nexthops_link(const struct nexthops *hops, const char *name)
{
	return link_by_name(&hops->now.links, name);
}

struct nexthops_stats nexthops_stats(const struct nexthops *hops)
{
	struct nexthops_stats stats = hops->stats;

	if (hops->listener)
		stats.path_mtu_lost = path_mtu_listener_lost(hops->listener);
	stats.n_path_mtus = hops->path_mtus.n;
	return stats;
}
