/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings a model into the fast path: lookup tables, backends' entries, next hops and counter rows
 * become a generation, which is published whole or not at all. Follows the kernel's routes and
 * neighbours from then on, and carries transitions, drains and slow starts on as time goes by
 * (transitions.h). One per daemon; control thread.
 */
#ifndef SLUICE_PUBLISHER_H
#define SLUICE_PUBLISHER_H

#include <jansson.h>

#include "api.h"
#include "path.h"

struct event_base;
struct publisher;

/*
 * `path` has started and outlives the publisher. Nothing is published yet; a running arena that
 * the path adopted goes on until the first publisher_apply(). Takes over `model`'s settings only.
 * Returns 0, or -errno with `error`.
 */
int publisher_new(struct event_base *base, struct path *path, const struct settings *settings,
		  struct publisher **publisher, char error[MODEL_ERROR_MAX]);

/* The fast path must have stopped, or must go on alone with the last generation (xdp). */
void publisher_free(struct publisher *publisher);

/*
 * Brings what waits into force, and then `next`, which is taken over in any case. Returns 0, or
 * -errno as daemon_done_fn has it (never -EAGAIN), with *error.
 */
int publisher_apply(void *ctx, struct model *next, const char *who, struct model_error *error);

/* Brings what was submitted, and what changed beside the model, into force now. */
void publisher_flush(struct publisher *publisher);

/* What daemon_api promises (api.h); ctx is the publisher. */
const struct model *publisher_model(void *ctx);
const struct model *publisher_newest(void *ctx);
void publisher_submit(void *ctx, struct model *next, const char *who, bool alone,
		      daemon_done_fn *done, void *done_ctx);
int publisher_service_counters(void *ctx, const struct service_conf *service,
			       struct service_counters *out);
int publisher_vip_counters(void *ctx, const struct ip_addr *vip, struct service_counters *out);
int publisher_other_counters(void *ctx, struct service_counters *out);
int publisher_backends_read(void *ctx, const struct service_conf *service,
			    struct daemon_backend *rows);
int publisher_backend_counters(void *ctx, const struct service_conf *service,
			       struct backend_counters *rows);
void publisher_generation(void *ctx, struct daemon_generation *out);
void publisher_next_hops(void *ctx, struct nexthops_stats *out);
void publisher_transition_read(void *ctx, const struct service_conf *service,
			       struct daemon_transition *out);
int publisher_preview_begin(void *ctx, const struct model *next, struct daemon_preview_walk **walk);
int publisher_preview_next(struct daemon_preview_walk *walk);
bool publisher_preview_row(const struct daemon_preview_walk *walk, uint32_t i,
			   struct daemon_preview *row);
void publisher_preview_end(struct daemon_preview_walk *walk);
struct daemon_flow_walk *publisher_flows_begin(void *ctx, const struct daemon_flow_filter *filter);
int publisher_flows_next(struct daemon_flow_walk *walk,
			 void (*each)(void *each_ctx, const struct daemon_flow *flow),
			 void *each_ctx, uint64_t *matching);
void publisher_flows_end(struct daemon_flow_walk *walk);
int publisher_explain(void *ctx, const struct packet_probe *probe, uint32_t port,
		      struct daemon_explanation *out);

/*
 * The whole of a preview at once: writes `max` rows at most, and returns how many there are, or as
 * daemon_api.preview_begin() and preview_next() say.
 */
int publisher_preview(struct publisher *publisher, const struct model *next,
		      struct daemon_preview *rows, uint32_t max);

/*
 * `changed` is called when another model is in force, `went_on` when transitions, slow starts,
 * drains or health made something else of the same.
 */
void publisher_watch(struct publisher *publisher,
		     void (*changed)(void *ctx, const struct model *model),
		     void (*went_on)(void *ctx), void *ctx);

/*
 * What a later process needs beside the model to go on from here (notes.h): publisher_notes() gives
 * the services, to be compared with those of another time, and publisher_notes_stamp() what
 * publisher_go_on() takes. New references; NULL: no memory.
 */
json_t *publisher_notes(const struct publisher *publisher);
json_t *publisher_notes_stamp(const struct publisher *publisher, json_t *services);

/*
 * Before the first publisher_apply(): goes on from an earlier process's notes (NULL: there are
 * none), and from the tables that the path adopted. `file`'s services whose slots were chosen get
 * those that they had.
 */
void publisher_go_on(struct publisher *publisher, const json_t *notes, struct model *file);

/*
 * A backend's checks say that it is down, or up: it takes no flows, and those it had go elsewhere,
 * or takes flows again. It comes with the next generation, 2 ms later at most (changes.h), in which
 * other changes may be, too. Of a service or backend that there isn't nothing is kept.
 */
void publisher_health_set(void *ctx, const char *service, const char *backend, bool down);

/* Whether service->backends[i], of the model in force, counts as down for its checks. */
bool publisher_is_down(void *ctx, const struct service_conf *service, uint32_t i);

/* What a packet to the backend is sent with (vip_way.h). */
void publisher_outer(void *ctx, const struct service_conf *service,
		     const struct backend_conf *backend, struct vip_outer *out);

/*
 * Rows of counters of a service of the model, and of its backends (backends_n of them, in their
 * order), as fast_path.capture_* name them. -ENOENT: it is of another model.
 */
int publisher_rows(struct publisher *publisher, const struct service_conf *service, uint32_t *row,
		   uint32_t *backend_rows);

/*
 * For tests: another monotonic clock (microseconds, never 0), before the first publisher_apply();
 * and a look at what time made of the services, as the publisher's own timer takes once a second
 * while there is something under way. Returns whether there still is.
 */
void publisher_set_clock(struct publisher *publisher, int64_t (*monotonic_us)(void));
bool publisher_tick(struct publisher *publisher);

#endif
