/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the kernel, and makes next hops of its answers. On the control thread.
 */
#include "nexthop_update.h"

#include "clock.h"
#include "picture_change.h"
#include "shortage.h"

#include <errno.h>
#include <stdint.h>

#include <event2/event.h>

enum {
	DEBOUNCE_MAX_MS = 1000,
	REST_FACTOR = 4,    /* rest this many times as long as the latest picture took */
	STEP_ROUTES = 4096, /* asked for at one go, which takes some 5 ms */
};

static void timer_arm(struct event *timer, unsigned int ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (!event_pending(timer, EV_TIMEOUT, NULL))
		event_add(timer, &tv);
}

/* A routing daemon that feeds its whole table to the kernel announces for minutes: a large set
 * of backends is then resolved less often. */
void update_soon(struct nexthops *hops)
{
	uint64_t rest_ms = REST_FACTOR * hops->stats.picture_us / 1000;
	unsigned int ms = rest_ms < DEBOUNCE_MAX_MS ? (unsigned int)rest_ms : DEBOUNCE_MAX_MS;

	timer_arm(hops->debounce, ms > hops->timing.debounce_ms ? ms : hops->timing.debounce_ms);
}

static void failure_note(struct nexthops *hops, int error)
{
	hops->stats.failures++;
	shortage_note(SHORTAGE_NEXT_HOPS, error);
	hops->stats.last_error = error;
}

/* Why single neighbours were refused shows in their next hops, but for a lack of privilege. */
static void update_solicit(struct nexthops *hops, struct neighbour_table *table,
			   enum neighbour_pick pick)
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

/* The picture in the making is not wanted any more. */
static void making_end(struct nexthops *hops)
{
	event_del(hops->step);
	picture_free(&hops->next);
	hops->making = hops->confirms = false;
}

/* Puts `fresh`, whose routes are known, in the old one's place. Takes it over in any case. */
static int picture_change(struct nexthops *hops, struct picture *fresh, bool *changed)
{
	int rc = picture_end(&hops->ask, fresh, &hops->now);

	if (rc < 0) {
		picture_free(fresh);
		return rc;
	}
	update_solicit(hops, &fresh->neighbours, NEIGHBOUR_NEW);
	*changed = picture_compose(fresh, &hops->path_mtus);
	*changed |= links_differ(hops, fresh) || picture_locals_differ(&hops->now, fresh);
	picture_free(&hops->now);
	hops->now = *fresh;
	hops->neighbours_dirty = false;
	hops->stats.pictures++;
	unresolved_count(hops);
	return 0;
}

int update_all(struct nexthops *hops, const struct nexthop_key *ways, size_t n,
	       const struct ip_addr *vips, size_t vips_n, bool *changed)
{
	uint64_t start_us = (uint64_t)clock_now_us();
	struct picture fresh;
	int rc = picture_begin(&hops->ask, ways, n, vips, vips_n, &fresh);

	if (rc == 0) {
		do {
			rc = picture_go_on(&hops->ask, &fresh, SIZE_MAX);
		} while (rc > 0);
	}
	if (rc < 0) {
		picture_free(&fresh);
		return rc;
	}
	rc = picture_change(hops, &fresh, changed);
	if (rc < 0)
		return rc;
	making_end(hops);
	hops->all_dirty = false;
	hops->stats.picture_us = (uint64_t)clock_now_us() - start_us;
	return 0;
}

/* Strictly rising: sorted, and each once. */
static bool is_sorted(const struct nexthop_key *ways, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (nexthop_key_compare(&ways[i - 1], &ways[i]) >= 0)
			return false;
	return true;
}

/* 1: the interfaces are as in the picture; 0: they aren't; or as link_table_read(). */
static int links_stand(struct nexthops *hops)
{
	const struct link_table *now = &hops->now.links;
	struct link_table fresh = {0};
	int rc = link_table_read(&hops->ask, &fresh);

	if (rc == 0) {
		rc = fresh.n == now->n;
		for (size_t i = 0; rc == 1 && i < now->n; i++)
			rc = link_equal(&fresh.links[i], &now->links[i]);
	}
	link_table_free(&fresh);
	return rc;
}

int update_ways(struct nexthops *hops, const struct nexthop_key *ways, size_t n,
		const struct ip_addr *vips, size_t vips_n)
{
	struct picture fresh, *now = &hops->now;
	struct picture_news news;
	bool ignored;
	int rc;

	/* A few are asked for at once: then all that is known is of this moment. */
	if (now->n == 0 || n <= STEP_ROUTES || !is_sorted(ways, n))
		return update_all(hops, ways, n, vips, vips_n, &ignored);
	/* Not all that is said of them is announced: IPv6's MTU isn't. */
	rc = links_stand(hops);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return update_all(hops, ways, n, vips, vips_n, &ignored);
	rc = picture_change_ways(&hops->ask, now, ways, n, vips, vips_n, &fresh, &news);
	if (rc == -ENODEV)
		return update_all(hops, ways, n, vips, vips_n, &ignored);
	if (rc < 0)
		return rc;
	rc = neighbour_table_join(&now->neighbours, &news.neighbours);
	if (rc < 0) {
		picture_free(&fresh);
		goto out;
	}
	update_solicit(hops, &now->neighbours, NEIGHBOUR_NEW);
	fresh.neighbours = now->neighbours;
	fresh.links = now->links;
	now->neighbours = (struct neighbour_table){0};
	now->links = (struct link_table){0};
	picture_free(now);
	*now = fresh;
	for (size_t i = 0; i < news.n; i++)
		picture_compose_at(now, news.at[i], &hops->path_mtus);
	unresolved_count(hops);
	/* That in the making is of other ways. */
	if (hops->making) {
		making_end(hops);
		hops->all_dirty = true;
		update_soon(hops);
	}
out:
	picture_news_free(&news);
	return rc;
}

int update_neighbours(struct nexthops *hops, enum neighbour_pick pick, bool *changed)
{
	int rc = neighbour_table_read(&hops->ask, &hops->now.neighbours);

	if (rc < 0)
		return rc;
	update_solicit(hops, &hops->now.neighbours, pick);
	*changed = picture_compose(&hops->now, &hops->path_mtus);
	hops->neighbours_dirty = false;
	unresolved_count(hops);
	return 0;
}

void update_finish(struct nexthops *hops, int rc, bool changed)
{
	if (rc < 0) {
		failure_note(hops, rc);
		hops->all_dirty = true;
		timer_arm(hops->debounce, hops->timing.solicit_ms);
	} else if (changed) {
		hops->changed(hops->ctx);
	}
}

/* A new picture of the ways that there are: in steps, since they may be many. */
void update_on_step(evutil_socket_t fd, short what, void *ctx)
{
	struct nexthops *hops = ctx;
	uint64_t start_us = (uint64_t)clock_now_us();
	bool changed = false, confirms = hops->confirms;
	int rc = picture_go_on(&hops->ask, &hops->next, STEP_ROUTES);

	if (rc > 0) {
		hops->next_us += (uint64_t)clock_now_us() - start_us;
		timer_arm(hops->step, 0);
		return;
	}
	if (rc == 0) {
		rc = picture_change(hops, &hops->next, &changed);
		hops->next = (struct picture){0};
	}
	making_end(hops);
	hops->stats.picture_us = hops->next_us + (uint64_t)clock_now_us() - start_us;
	/* The fast path's packets don't show the kernel that a neighbour is in use. */
	if (rc == 0 && confirms)
		update_solicit(hops, &hops->now.neighbours, NEIGHBOUR_STALE);
	if (hops->all_dirty || hops->neighbours_dirty)
		update_soon(hops); /* announced meanwhile */
	update_finish(hops, rc, changed);
}

void update_begin(struct nexthops *hops)
{
	uint64_t start_us = (uint64_t)clock_now_us();
	int rc;

	if (hops->making)
		return;
	rc = picture_begin(&hops->ask, hops->now.ways, hops->now.n, hops->now.vips,
			   hops->now.vips_n, &hops->next);
	if (rc < 0) {
		making_end(hops);
		update_finish(hops, rc, false);
		return;
	}
	hops->making = true;
	hops->all_dirty = false; /* what is announced from now on is to be asked anew */
	hops->next_us = (uint64_t)clock_now_us() - start_us;
	update_on_step(-1, 0, hops);
}
