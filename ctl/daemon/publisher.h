/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings a model into the fast path: lookup tables, backends' entries, next hops and counter rows
 * become a generation, which is published whole or not at all. Follows the kernel's routes and
 * neighbours from then on. One per daemon; control thread.
 */
#ifndef SLUICE_PUBLISHER_H
#define SLUICE_PUBLISHER_H

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

/* What daemon_api.apply and the readers of daemon_api promise (api.h); ctx is the publisher. */
const struct model *publisher_model(void *ctx);
int publisher_apply(void *ctx, struct model *next, const char *who, struct model_error *error);
int publisher_service_counters(void *ctx, const struct service_conf *service,
			       struct service_counters *out);
int publisher_vip_counters(void *ctx, const struct ip_addr *vip, struct service_counters *out);
int publisher_other_counters(void *ctx, struct service_counters *out);
int publisher_backends_read(void *ctx, const struct service_conf *service,
			    struct daemon_backend *rows);
void publisher_generation(void *ctx, struct daemon_generation *out);

#endif
