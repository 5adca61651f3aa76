/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force: the published generation, the services that it is made of, and the model that
 * they come from. A generation is published whole or not at all. Control thread.
 */
#ifndef SLUICE_RUNNING_H
#define SLUICE_RUNNING_H

#include "census.h"
#include "counting.h"
#include "installed.h"
#include "layout.h"
#include "path.h"

struct running {
	struct path *path;
	struct settings settings;
	struct surroundings around;
	struct model *model;          /* NULL: none yet */
	struct installed **installed; /* model->services_n of them, in their order */
	struct laid_generation *laid; /* NULL: none yet; without a model, an adopted one */
	uint64_t number;
	int64_t published_us; /* since the epoch */
	uint64_t took_us;
	struct census census; /* the latest */
	struct counting *counting;
};

/*
 * Publishes what is laid out of `installed`, of which it takes the references over, and frees what
 * it replaces. `asked_us`: when the change was asked for. `n` services, which is the number of
 * those of the model that is to be in force. Returns 0, or -errno with nothing changed and the
 * references left.
 */
int running_publish(struct running *r, struct installed **installed, uint32_t n, int64_t asked_us,
		    char error[LAYOUT_ERROR_MAX]);

/*
 * The next version of a service: a new reference, to `s` itself where it stays as it is. NULL: no
 * memory, or the arena is full; *error may say more.
 */
typedef struct installed *running_version_fn(void *ctx, struct installed *s,
					     char error[LAYOUT_ERROR_MAX]);

/*
 * Publishes the next versions of all services of the model in force, if any differs. Returns 1:
 * published; 0: none differs; or -errno with nothing changed, and `error`.
 */
int running_renew(struct running *r, running_version_fn *version, void *ctx, int64_t asked_us,
		  char error[LAYOUT_ERROR_MAX]);

/* The service as it runs, by its name; NULL: there is none. */
struct installed *running_find(const struct running *r, const char *service);

/* The service as it runs that `conf` goes on from (model.h), whatever it was called; NULL: it is new. */
struct installed *running_find_same(const struct running *r, const struct service_conf *conf);

/*
 * Services by their row (services_max of them, NULL where there is none), as remembered flows name
 * them. For the caller to free. NULL: no memory.
 */
struct installed **running_by_row(const struct running *r);

/* As the fast path reads it. */
const struct generation *running_generation(const struct running *r);

/*
 * A new census; where that takes longer than some 10 ms, the latest one, while the new one is
 * counted between other events. After each change of the model there is none yet: then this waits
 * for it. NULL: flows can't be counted.
 */
const struct census *running_count(struct running *r);

/*
 * The latest census, if it is not older than a second or more than a small share of the time would
 * go into counting again; else as running_count().
 */
const struct census *running_census(struct running *r);

/* Gives up what is installed. `installed` NULL is allowed. */
void running_unref_all(struct installed **installed, uint32_t n);

#endif
