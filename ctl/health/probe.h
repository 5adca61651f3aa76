/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check of one backend: tcp, http(s), udp, icmp or exec, each in a file of its own behind the
 * struct below. Nothing here waits: all goes on in the event loop. Control thread.
 */
#ifndef SLUICE_HEALTH_PROBE_H
#define SLUICE_HEALTH_PROBE_H

#include "model.h"

enum {
	PROBE_REASON_MAX = 192,
};

struct event_base;
struct http_loop;
struct echo;
struct exec_helper;
struct vip_way;

/* What all probes share. */
struct probe_env {
	struct event_base *base;
	struct http_loop *http;   /* probe_http.c */
	struct echo *echo;        /* probe_icmp.c */
	struct exec_helper *exec; /* exec_helper.h; NULL: exec checks are switched off */
	struct vip_way *vip;      /* vip_way.h */
	const char *exec_user;
};

/* Who is checked, and how. Its pointers are good while the probe is. */
struct probe_target {
	const struct service_conf *service;
	const struct backend_conf *backend;
	struct health_timing timing;
	uint32_t vip_id; /* of the backend in vip_way; 0: the check goes from the node */
};

enum probe_outcome {
	PROBE_PASSED,
	PROBE_FAILED,
	PROBE_NOT_MADE, /* for want of something here: says nothing of the backend */
};

/* `reason`: "tcp connect timed out after 500 ms"; gone after the call. */
typedef void probe_done_fn(void *ctx, enum probe_outcome outcome, const char *reason);

/*
 * new: for many runs, one after the other; `target` outlives it. NULL: no memory.
 * start: makes a run. done() is called once, from the event loop or from within start().
 * cancel: ends a run without done(); harmless when there is none.
 */
struct probe_kind {
	bool has_file; /* each run has a file of its own */
	void *(*new)(const struct probe_env *env, const struct probe_target *target,
		     probe_done_fn *done, void *ctx);
	void (*start)(void *probe);
	void (*cancel)(void *probe);
	void (*free)(void *probe); /* cancels */
};

extern const struct probe_kind probe_tcp, probe_http, probe_udp, probe_icmp, probe_exec;

/* NULL: none. */
const struct probe_kind *probe_kind_of(enum health_type type);

/* Where packets of a run go to: the backend, or the vip. */
const struct ip_addr *probe_address(const struct probe_target *target);

#endif
