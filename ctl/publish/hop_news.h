/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells of the ways to the backends as events: found, lost, changed, each for the backends that it
 * is the way to. Called by the publisher, after what changed is in force; control thread.
 */
#ifndef SLUICE_HOP_NEWS_H
#define SLUICE_HOP_NEWS_H

#include "model.h"
#include "nexthop.h"
#include "watched.h"

struct event_base;
struct hop_news;

enum {
	HOP_NEWS_MAX = 64, /* backends told of one by one, of one change; of more only how many */
	HOP_NEWS_PENDING_S =
		3, /* a new backend's next hop has so long to answer before it is told */
};

/* NULL: no memory. */
struct hop_news *hop_news_new(struct event_base *base);
void hop_news_free(struct hop_news *news); /* NULL is allowed */

/*
 * Compares the ways to `watched` with those at the call before. Of an address that is new, what is
 * found at once isn't told, nor that it isn't found before HOP_NEWS_PENDING_S are over. Nothing
 * is compared where neither the ways (`hops_changed`) nor the set have changed since. The first three
 * outlive the next call, or hop_news_free().
 */
void hop_news_tell(struct hop_news *news, const struct watched *watched,
		   const struct nexthops *hops, const struct model *model, bool hops_changed);

#endif
