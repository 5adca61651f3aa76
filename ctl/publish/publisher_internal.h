/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the publisher's files share: publisher.c changes what is in force, publisher_read.c tells of
 * it. Control thread.
 */
#ifndef SLUICE_PUBLISHER_INTERNAL_H
#define SLUICE_PUBLISHER_INTERNAL_H

#include "hop_news.h"
#include "publisher.h"
#include "running.h"
#include "transitions.h"
#include "watched.h"

struct publisher {
	struct running running;
	struct nexthops *hops;
	char port_names[FAST_PATH_PORTS_MAX][FAST_PATH_NAME_MAX];
	struct watched watched; /* backend addresses whose next hops are followed */
	struct transitions *transitions;
	struct hop_news *hop_news;
	void (*changed)(void *ctx, const struct model *model); /* NULL: nobody asks */
	void *changed_ctx;
	struct event *health; /* some backend's health is another than what is in force goes by */
};

/* Makes p->health. 0 or -ENOMEM. */
int publisher_health_open(struct publisher *p, struct event_base *base);

#endif
