/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that wait for the next generation. Whoever changes something says so here, and all that
 * is asked for within one turn of the event loop becomes one generation: at the turn's end if
 * nothing was published for CHANGES_WINDOW_US, else when so much time is over. A change by itself
 * doesn't wait; 1,000 a second make at most 500 generations; and while one is published, what comes
 * meanwhile waits for the next. For changes of the model, of next hops, of health. Used by
 * publisher.c; control thread.
 */
#ifndef SLUICE_CHANGES_H
#define SLUICE_CHANGES_H

#include <sys/queue.h>

#include "api.h"

struct event_base;

enum {
	CHANGES_WINDOW_US = 2000,
	CHANGES_MAX = 1000, /* so many don't wait for the window's end */
};

struct change {
	STAILQ_ENTRY(change) link;
	daemon_done_fn *done;
	void *ctx;
	char who[]; /* asked for what */
};

STAILQ_HEAD(change_list, change);

struct changes;

/*
 * Whether a generation with `next` (NULL: the model stays) is to be prepared elsewhere first:
 * changes_prepared() says when it is. What comes meanwhile waits for the next one.
 */
typedef bool changes_prepare_fn(void *ctx, const struct model *next);

/* Finishes now what is being prepared, which calls changes_prepared(). */
typedef void changes_hurry_fn(void *ctx);

/*
 * Brings all that waits into force as one generation: `next`, which is taken over in any case
 * (NULL: the model stays, but something beside it changed), asked for by `list` of `n` changes
 * since `asked_us`. Returns 0, or -errno with *error and nothing changed.
 */
typedef int changes_publish_fn(void *ctx, struct model *next, const struct change_list *list,
			       uint32_t n, int64_t asked_us, struct model_error *error);

/* NULL: no memory. `now_us`: the clock that asked_us is of. */
struct changes *changes_new(struct event_base *base, int64_t (*now_us)(void),
			    changes_publish_fn *publish, void *ctx);
/* What waits is brought into force. NULL is allowed. */
void changes_free(struct changes *changes);

void changes_set_clock(struct changes *changes, int64_t (*now_us)(void));

/* The model that the changes that wait have led to; NULL: none waits that changes the model. */
const struct model *changes_newest(const struct changes *changes);

/*
 * As daemon_api.submit(); `next` stands for all changes before it, too. If the generation can't be
 * published, a change that was alone in it is told why. Several are all told -EAGAIN: one of them
 * may have taken the room that the others would have had, and each, made anew by itself, comes in
 * or is told why not.
 */
void changes_add(struct changes *changes, struct model *next, const char *who, bool alone,
		 daemon_done_fn *done, void *ctx);

/*
 * Something beside the model changed: publish() is called, with the next generation's changes. If
 * it fails for that alone, it is called again 100 ms later.
 */
void changes_soon(struct changes *changes);

/* With the publish function's ctx. Without, nothing is prepared. */
void changes_prepare_by(struct changes *changes, changes_prepare_fn *prepare,
			changes_hurry_fn *hurry);
void changes_prepared(struct changes *changes);

/* Brings what waits into force now, whatever it takes. Calls the changes' done(). */
void changes_flush(struct changes *changes);

/* The same, but for what is to be prepared: false, that is under way then. */
bool changes_go(struct changes *changes);

#endif
