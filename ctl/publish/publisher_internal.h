/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the publisher's files share: publisher.c takes changes, publication.c puts them in force,
 * publisher_read.c and preview.c tell of it. Control thread.
 */
#ifndef SLUICE_PUBLISHER_INTERNAL_H
#define SLUICE_PUBLISHER_INTERNAL_H

#include "changes.h"
#include "hop_news.h"
#include "notes.h"
#include "preparation.h"
#include "publisher.h"
#include "reach.h"
#include "running.h"
#include "transitions.h"
#include "watched.h"
#include "worker_thread.h"

struct publisher {
	struct running running;
	struct nexthops *hops;
	char port_names[FAST_PATH_PORTS_MAX][FAST_PATH_NAME_MAX];
	struct watched watched; /* backend addresses whose next hops are followed */
	struct event *ports_timer;
	struct transitions *transitions;
	struct hop_news *hop_news;
	struct reach *reach;
	void (*changed)(void *ctx, const struct model *model); /* NULL: no caller asked */
	void *changed_ctx;
	void (*went_on)(void *ctx); /* NULL: no caller asked */
	struct notes *notes;     /* of an earlier process, until a model is in force; NULL: none */
	struct changes *changes; /* what waits for the next generation */
	bool hops_changed;       /* entries are to be written anew with it */
	struct worker_thread *worker;
	struct preparation *preparation; /* what the worker makes for it; NULL: nothing */
};

/* Time or health made something else of a service: there may be something to note. */
void publisher_went_on(void *ctx);

/* changes_publish_fn, with the publisher for ctx: makes a generation of what waits. */
changes_publish_fn publication_make;

/* changes_prepare_fn and changes_hurry_fn. */
changes_prepare_fn publication_prepare;
changes_hurry_fn publication_hurry;

#endif
