/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control server's methods (methods_*.c) need from the rest of the daemon, and all that
 * they need: the publisher implements it, unit tests with a fake. Every function is called on
 * the control thread, from the event loop, and may not run the loop.
 */
#ifndef SLUICE_PUBLISH_API_H
#define SLUICE_PUBLISH_API_H

#include "files.h"
#include "health.h"
#include "log.h"
#include "model.h"
#include "nexthop.h"
#include "packet_probe.h"
#include "reload.h"
#include "sluice/counters.h"
#include "sluice/module.h"
#include "trace.h"

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

/* X(identifier, word); words.h */
#define DRAIN_STATES(X)                                                                           \
	X(DRAIN_NONE, "none")           /* neither draining, nor disabled by a drain's timeout */ \
	X(DRAIN_RUNNING, "running")     /* flows are left, or may be */                           \
	X(DRAIN_DONE, "done")           /* no flow is left: disabling or removing it is safe */   \
	X(DRAIN_TIMED_OUT, "timed_out") /* the timeout came first: it was disabled */

enum daemon_drain_state { DRAIN_STATES(ENUM_ID) };

ENUM_DECLARE(drain_state);

struct daemon_drain {
	enum daemon_drain_state state;
	uint32_t quiet_s;    /* since a packet went to it; at most since the drain began */
	int64_t started_us;  /* since the epoch */
	int64_t deadline_us; /* since the epoch; 0: it has no timeout */
	uint64_t flows_cut;  /* DRAIN_TIMED_OUT: how many remembered flows it still had */
};

/* A backend as it runs. */
struct daemon_backend {
	struct nexthop next_hop; /* NEXTHOP_NO_ROUTE and zeroes while nothing is known */
	int32_t port;            /* index of the port its packets leave by; -1: none, for it is not
				  * resolved, or its interface is no port of the fast path */
	uint32_t slots;          /* of its service's lookup table that lead to it now */
	struct backend_counters counters; /* since it was added */
	bool down;        /* its checks say so, or it starts so and none has come yet */
	bool unreachable; /* packets can't be sent to it for too long: it counts as down */
	uint32_t weight;  /* in force: configured, as slow start and drain leave of it */
	uint64_t flows;   /* remembered ones that belong to it, as counted a second ago or
				  * later (with millions, some seconds ago). Flows whose way the
				  * lookup table alone tells are not remembered. */
	struct daemon_drain drain;
};

#define TRANSITION_STATES(X)                                                                     \
	X(TRANSITION_NONE, "none")     /* the lookup table alone tells where each flow goes */   \
	X(TRANSITION_ACTIVE, "active") /* unknown flows of changed slots stay where they went */ \
	X(TRANSITION_SETTLING, "settling") /* over, but some remembered flows still go elsewhere */

enum daemon_transition_state { TRANSITION_STATES(ENUM_ID) };

ENUM_DECLARE(transition_state);

/* How far a service is from its last change. */
struct daemon_transition {
	enum daemon_transition_state state;
	int64_t started_us;     /* of the last change, since the epoch; 0: TRANSITION_NONE */
	uint32_t ends_in_s;     /* TRANSITION_ACTIVE: at the latest */
	uint32_t slots;         /* of the lookup table */
	uint32_t changed_slots; /* whose packets look for their flow */
	uint32_t
		previous_slots; /* that know where older flows belong: of the lookup table, or of the
				  * one before it, where another way than now led to a slot */
};

struct daemon_preview_walk; /* a preview under way */

/* What a change would do to one service. */
struct daemon_preview {
	char service[MODEL_NAME_MAX];
	uint32_t slots; /* after the change; 0: the service would be gone */
	uint32_t
		slots_moved; /* whose backend would be another; all, of a service that comes or goes,
				 * and where another scheduler, hash or number of slots is to find
				 * them; 0 from one scheduler that doesn't hash to another */
	uint64_t flows_touched; /* remembered ones whose slot moves, or who are cut; where a flow's
				 * slot isn't known (session affinity, or slots of another way than
				 * before), all if any moves. But for the cut all stay where they are */
	uint64_t flows_cut;     /* remembered ones whose backend would be disabled or gone */
	/*
	 * Shares, 0 to 1, of the flows that are under way and not remembered: those that would come
	 * to another backend or to none if there were no transition, and those that will.
	 */
	double moved_without, moved_with;
	uint32_t transition_s; /* that it lasts, at most */
};

struct daemon_flow_walk; /* through the remembered flows */

/* A remembered flow. Pointers are into model(). */
struct daemon_flow {
	uint64_t hash;
	const struct service_conf *service;
	const struct backend_conf *backend; /* NULL: removed, but not yet forgotten */
	enum memory_state state;
	uint32_t idle_s;
	uint32_t worker;
};

/* Where run-time changes are kept over a restart. */
struct daemon_state {
	const char *path;  /* "": nowhere */
	uint64_t failures; /* times that it could not be written */
	int error;         /* -errno of the last try; 0: it went well */
	bool pending; /* what is in force is not on disk yet; after a failure it is tried again */
	int64_t written_us; /* since the epoch; 0: not since the start */
};

/* Of the configuration file, since the start. */
struct daemon_reloads {
	uint64_t done, refused, failed; /* failed: the daemon could not */
	bool last_failed;               /* the last one did, or was refused */
	int64_t done_us;                /* the last that went well, since the epoch; 0: none */
};

/* Of a control socket. */
struct daemon_clients {
	uint32_t connected, connected_max;
	uint64_t accepted, refused, requests, long_lines, slow; /* struct control_stats has them */
};

#define DAEMON_SOCKET_WORDS(X)       \
	X(DAEMON_CONTROL, "control") \
	X(DAEMON_READ, "read")

enum daemon_socket { DAEMON_SOCKET_WORDS(ENUM_ID) DAEMON_SOCKETS };

ENUM_DECLARE(daemon_socket);

/* The daemon's own numbers: how it fares with the kernel, the disk and its clients. */
struct daemon_stats {
	struct nexthops_stats next_hops;
	struct daemon_state state;
	struct daemon_reloads reloads;
	struct daemon_clients clients[DAEMON_SOCKETS];
	struct log_stats log;
	struct files_budget files;
	struct health_totals checks;
	struct health_life life;
};

struct daemon_flow_filter {
	const struct service_conf *service; /* of model(); NULL: of any */
	const struct backend_conf *backend; /* of `service`; NULL: of any */
	uint32_t limit;                     /* how many are handed out at most */
};

/*
 * What became of a change: rc 0: packets see it; or -errno, with *error set, and what was in force
 * still is:
 * -EAGAIN: the generation that it was part of, with others, could not be published: make it anew
 *   from newest(), and submit it alone;
 * -EINVAL: refused, error->kind says how;
 * another: the daemon could not (-ENOMEM, -EIO ...), error->kind means nothing.
 */
typedef void daemon_done_fn(void *done_ctx, int rc, const struct model_error *error);

/*
 * What became of a reload, or would become of one. 0; -EINVAL: the file is refused, reload->error has
 * the lines; -ECANCELED: the daemon ends; another -errno: the daemon could not, reload->error says
 * why. What `reload` has is the callee's, to be freed.
 */
typedef void daemon_reloaded_fn(void *done_ctx, int rc, struct daemon_reload *reload);

/* The same of a save; `error`, or NULL, is the callee's. */
typedef void daemon_saved_fn(void *done_ctx, int rc, char *error);

struct daemon_candidate {
	const struct backend_conf *backend; /* NULL: the slots that lead to none */
	uint32_t slots;
	enum verdict verdict; /* that the packet would get there */
};

/*
 * What would become of a packet. Pointers are into model(); NULL: none, or one that was removed,
 * and whose flows are not forgotten yet.
 */
struct daemon_explanation {
	struct trace trace;
	const struct service_conf *service;
	const struct backend_conf *backend;            /* where it goes, or would if it could */
	const struct backend_conf *current, *previous; /* of its slot */
	const struct backend_conf *remembered;         /* of trace.memory */
	uint32_t memory_idle_s;                        /* of trace.memory */
	struct nexthop next_hop;                       /* to `backend`, as the kernel knows it */
	int32_t port;                                  /* that it leaves by; -1: none */
	uint64_t generation;
	uint32_t mtu_bytes;       /* of the way to `backend`, for the outer packet */
	uint32_t inner_mtu_bytes; /* that a too_big answer names */
	int worker;               /* -ENOENT: can't be told beforehand */
	char worker_how[FAST_PATH_HOW_MAX];
	struct daemon_candidate *candidates; /* trace.draws: of candidates_n; to be freed */
	uint32_t candidates_n;
};

/* Whose packets to capture, and how many. `service` and `backend` are of model(). */
struct daemon_capture_request {
	const struct service_conf *service;
	const struct backend_conf *backend; /* of `service`; NULL: any */
	enum verdict verdict;               /* VERDICT_COUNT: any */
	uint32_t packets_max, snap_bytes, seconds;
	uint64_t bytes_max; /* of pcapng */
};

#define CAPTURE_ENDS(X)                                                                \
	X(CAPTURE_ON, "on")           /* it goes on */                                 \
	X(CAPTURE_STOPPED, "stopped") /* capture_stop(), or the client asks no more */ \
	X(CAPTURE_PACKETS, "packets") /* a bound: so many have come */                 \
	X(CAPTURE_BYTES, "bytes")                                                      \
	X(CAPTURE_SECONDS, "seconds")                                                  \
	X(CAPTURE_GONE, "service_removed")                                             \
	X(CAPTURE_FAILED, "failed") /* the fast path says so, or there is no memory */

enum daemon_capture_end { CAPTURE_ENDS(ENUM_ID) };

ENUM_DECLARE(capture_end);

struct daemon_capture {
	uint64_t id; /* 0: there was none yet */
	enum daemon_capture_end end;
	char service[MODEL_NAME_MAX];
	uint64_t packets, frames, bytes;                /* written */
	uint64_t missed;                                /* frames that could not be kept up with */
	uint64_t captures_all, packets_all, missed_all; /* since the daemon's start */
};

struct daemon_capture_chunk {
	struct daemon_capture capture;
	const uint8_t *bytes; /* pcapng, the next of it; until the event loop runs again */
	size_t bytes_n;
	bool last; /* it has ended, and this is the rest */
};

struct daemon_api {
	void *ctx; /* first argument of all of them */

	/* What is in force: for who reads. Valid until the event loop runs again, or flush(). */
	const struct model *(*model)(void *ctx);

	/* What is in force, with all that was submitted since: for who changes. As above. */
	const struct model *(*newest)(void *ctx);

	/*
	 * Takes `next` over, in any case, which was made from newest(), and puts it in force with
	 * the next generation, which other changes may be part of: whole, or not at all. `alone`:
	 * at once. `who` says for log and events who asked for what, as events_add() takes it, on
	 * one line: `cli uid 0 (root) pid 4711: backend.set {"...`. Calls `done` once, maybe before it returns.
	 */
	void (*submit)(void *ctx, struct model *next, const char *who, bool alone,
		       daemon_done_fn *done, void *done_ctx);

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

	/* Only what was sent: cheap. rows[i] is of service->backends[i]; as above. */
	int (*backend_counters)(void *ctx, const struct service_conf *service,
				struct backend_counters *rows);

	/* Of service->backends[i]; `service` is of model(). */
	void (*health_read)(void *ctx, const struct service_conf *service, uint32_t i,
			    struct health_report *out);

	/* `service` is of model(). */
	void (*transition_read)(void *ctx, const struct service_conf *service,
				struct daemon_transition *out);

	/*
	 * Begins to tell what submit(next) would do; changes nothing, and has no need of `next`
	 * afterwards. What was submitted before is brought into force first. 0 or -ENOMEM.
	 */
	int (*preview_begin)(void *ctx, const struct model *next,
			     struct daemon_preview_walk **walk);

	/*
	 * A step through the remembered flows, of some milliseconds. 1: there are more; 0: that was
	 * the last, and the rows are right; or as fast_path.memory_walk says.
	 */
	int (*preview_next)(struct daemon_preview_walk *walk);

	/* Row i: one for each service that it would touch. False: there are no more. */
	bool (*preview_row)(const struct daemon_preview_walk *walk, uint32_t i,
			    struct daemon_preview *row);

	/* At any step. NULL is allowed. */
	void (*preview_end)(struct daemon_preview_walk *walk);

	/*
	 * Begins to hand out remembered flows, in no order, in steps between which other things
	 * may be done; flows that come or go meanwhile may be missed. NULL: no memory.
	 */
	struct daemon_flow_walk *(*flows_begin)(void *ctx, const struct daemon_flow_filter *filter);

	/*
	 * A step, of some milliseconds: `each` for the next flows that the filter lets through, as
	 * far as its limit; *matching: how many it let through until now, beyond the limit too. 1:
	 * there are more; 0: that was the last; -ENOMEM, or as fast_path.memory_walk says.
	 */
	int (*flows_next)(struct daemon_flow_walk *walk,
			  void (*each)(void *each_ctx, const struct daemon_flow *flow),
			  void *each_ctx, uint64_t *matching);

	/* At any step. NULL is allowed. */
	void (*flows_end)(struct daemon_flow_walk *walk);

	/*
	 * What would become of such a packet, if it came by port `port` now; nothing is changed by
	 * the question. out->candidates is for the caller to free, also after an error.
	 * 0; -ENOMEM.
	 */
	int (*explain)(void *ctx, const struct packet_probe *probe, uint32_t port,
		       struct daemon_explanation *out);

	/*
	 * Begins a capture; *id is what the others take. -EBUSY: one is under way; -ENOMEM, or as
	 * fast_path.capture_start says.
	 */
	int (*capture_start)(void *ctx, const struct daemon_capture_request *request, uint64_t *id);

	/* What it has made since the last time. -ENOENT: there is no such capture (any more). */
	int (*capture_read)(void *ctx, uint64_t id, struct daemon_capture_chunk *chunk);

	/* Ends it; what it has made can still be read. -ENOENT. */
	int (*capture_stop)(void *ctx, uint64_t id);

	/* The latest capture, and counts of all. */
	void (*capture_show)(void *ctx, struct daemon_capture *out);

	/*
	 * Reads the configuration file again, and puts it in force, whole or not at all, with the
	 * run-time changes that it leaves (overlay.h) over it; `check`: tells only what would be. A
	 * thread reads and judges: `done` is called once, mostly later. Reloads and saves go one
	 * after the other, in the order in which they were asked for.
	 */
	void (*reload)(void *ctx, const char *who, bool check, daemon_reloaded_fn *done,
		       void *done_ctx);

	/*
	 * *text, to be freed: the file as it lies there (-errno of reading; -EACCES without
	 * `secrets`, for the seed is in it); `effective`: what is in force as a file has it, but
	 * for the services (config_json_service() has each), and for the seed without `secrets`.
	 * -ENOMEM.
	 */
	int (*config_text)(void *ctx, bool effective, bool secrets, char **text);

	/* From the file as it was loaded to what is in force: the run-time changes. -ENOMEM. */
	int (*config_diff)(void *ctx, struct model_diff *diff);

	/* Writes what is in force into the file, as a reload reads it. */
	void (*save)(void *ctx, const char *who, daemon_saved_fn *done, void *done_ctx);

	void (*state)(void *ctx, struct daemon_state *out);
	void (*stats)(void *ctx, struct daemon_stats *out);

	/* As path_port_read(). */
	int (*port_read)(void *ctx, uint32_t port, struct fast_path_port_info *info);

	/* As struct fast_path's. */
	int (*memory_read)(void *ctx, struct memory_counters *out);
	int (*workers_read)(void *ctx, struct worker_counters *rows, uint32_t max);

	void (*generation)(void *ctx, struct daemon_generation *out);
	void (*dataplane)(void *ctx, struct daemon_dataplane *out);
	void (*info)(void *ctx, struct daemon_info *out);
};

#endif
