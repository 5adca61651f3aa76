/* SPDX-License-Identifier: Apache-2.0
 *
 * What the control server's methods (methods_*.c) need from the rest of the daemon, and all that
 * they need: the publisher implements it, unit tests with a fake. Every function is called on
 * the control thread, from the event loop, and may not run the loop.
 */
#ifndef CTL_DAEMON_API_H
#define CTL_DAEMON_API_H

#include "model.h"
#include "nexthop.h"
#include "sluice/counters.h"
#include "sluice/module.h"

/* Strings live as long as the daemon. */
struct daemon_info {
	const char *version;     /* "0.1.0" */
	const char *build;       /* what tells two builds of one version apart: "gcc 12.2.0, ..." */
	const char *config_path; /* as it was given */
	int64_t started_us;      /* since the epoch */
};

struct daemon_generation {
	uint64_t number;      /* 0: none published yet */
	int64_t published_us; /* since the epoch */
	uint64_t took_us;     /* from the change asked for to the store that published it */
	uint64_t arena_used_bytes;
	uint64_t arena_bytes;
};

/* Strings live until the event loop runs again. */
struct daemon_dataplane {
	const char *path;        /* struct fast_path.name: "dpdk", "xdp" */
	const char *reason;      /* why this one: "mode = \"dpdk\"", "auto: dpdk started" */
	const char *description; /* struct fast_path_started.description */
};

/* A backend as it runs. */
struct daemon_backend {
	struct nexthop next_hop; /* NEXTHOP_NO_ROUTE and zeroes while nothing is known */
	int32_t port;            /* index of the port its packets leave by; -1: none, for it is not
				  * resolved, or its interface is no port of the fast path */
	uint32_t slots;          /* of its service's lookup table that lead to it now */
	struct backend_counters counters; /* since it was added */
};

struct daemon_api {
	void *ctx; /* first argument of all of them */

	/* What is in force. Valid until the next apply(), or until the event loop runs again. */
	const struct model *(*model)(void *ctx);

	/*
	 * Takes `next` over, in any case, and puts it in force: whole, or not at all. `who` says
	 * for the log who asked for what, on one line: `uid 0 pid 4711: backend.set {"...`.
	 * Returns 0: packets see it; or -errno, with *error set, and what was in force still is:
	 * -EINVAL: refused, error->kind says how;
	 * another: the daemon could not (-ENOMEM, -EIO ...), error->kind means nothing.
	 */
	int (*apply)(void *ctx, struct model *next, const char *who, struct model_error *error);

	/* Packets since the service was added; `service` is of model(). 0, or -errno as
	 * struct fast_path.services_read says. */
	int (*service_counters)(void *ctx, const struct service_conf *service,
				struct service_counters *out);

	/* Of a vip of model(): packets to the address, but to no service of it. As above. */
	int (*vip_counters)(void *ctx, const struct ip_addr *vip, struct service_counters *out);

	/* Packets to no vip. As above. */
	int (*other_counters)(void *ctx, struct service_counters *out);

	/* rows[i] tells of service->backends[i], all service->backends_n of them; `service` is of
	 * model(). 0, or -errno as struct fast_path.backends_read says. */
	int (*backends_read)(void *ctx, const struct service_conf *service,
			     struct daemon_backend *rows);

	/* As struct fast_path's. */
	int (*port_read)(void *ctx, uint32_t port, struct fast_path_port_info *info);
	int (*workers_read)(void *ctx, struct worker_counters *rows, uint32_t max);

	void (*generation)(void *ctx, struct daemon_generation *out);
	void (*dataplane)(void *ctx, struct daemon_dataplane *out);
	void (*info)(void *ctx, struct daemon_info *out);
};

#endif
