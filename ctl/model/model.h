/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operator asked for: settings, services, backends. A model is a value: it and its
 * services are immutable once made, and shared by reference count, so that a change makes a new
 * model which differs from the old one in the changed services' pointers alone. Whoever applies
 * a model compares pointers to see what changed. Models are made and freed on the control thread, or
 * on a thread that makes one for it; their services may be shared with what another thread reads.
 *
 * Every function that makes a model validates it whole. On failure it returns NULL, and *error
 * says where and why; nothing has changed then.
 */
#ifndef SLUICE_MODEL_H
#define SLUICE_MODEL_H

#include <net/if.h>

#include "health_conf.h"
#include "ip.h"
#include "log.h"
#include "sluice/generation.h"
#include "sluice/memory.h"
#include "sluice/module.h"
#include "sluice/verdict.h"
#include "words.h"

enum {
	MODEL_NAME_MAX = 64, /* of a service or backend, with its 0: letters, digits, . _ - : */
	MODEL_ERROR_MAX = 512,
	MODEL_WEIGHT_MAX = 65535,
	MODEL_WEIGHT_DEFAULT = 100,
	MODEL_TRANSITION_S_DEFAULT = 300,
	MODEL_TRANSITION_S_MAX = 86400,
	MODEL_SLOW_START_S_MAX = 86400,
	MODEL_DRAIN_TIMEOUT_S_MAX = 7 * 86400,
	MODEL_UNRESOLVED_S_DEFAULT = 5,
	MODEL_UNRESOLVED_S_MAX = 86400,
	MODEL_MSS_AUTO = 1, /* what fits the way to each backend */
	MODEL_MSS_MIN = 88, /* Linux's smallest */
	SETTINGS_HTTP_ADDRS_MAX = 8,
	SETTINGS_HTTP_HOSTS_MAX = 16,
};

/* How a request failed, for JSON-RPC and for exit codes. */
enum model_error_kind {
	MODEL_INVALID,   /* a value that is wrong in itself */
	MODEL_NOT_FOUND, /* no such service or backend */
	MODEL_EXISTS,    /* the name, or vip:port/protocol, is taken */
	MODEL_CONFLICT,  /* right in itself, but not beside the rest */
	MODEL_FULL,      /* a limit of the settings is reached */
};

struct model_error {
	enum model_error_kind kind;
	char text[MODEL_ERROR_MAX]; /* "services[0].port: 70000 is not in 1-65535" */
};

/* X(identifier, word); words.h */
#define BACKEND_ADMINS(X)                                                        \
	X(BACKEND_ENABLED, "enabled")                                            \
	X(BACKEND_DRAINING, "draining") /* keeps its flows, takes no new ones */ \
	X(BACKEND_DISABLED, "disabled") /* takes nothing */

enum backend_admin { BACKEND_ADMINS(ENUM_ID) };

struct backend_conf {
	char name[MODEL_NAME_MAX];
	struct ip_addr addr;
	uint32_t weight; /* 0 to MODEL_WEIGHT_MAX; 0 takes no new flows */
	enum backend_admin admin;
	uint32_t drain_timeout_s; /* BACKEND_DRAINING: then it is disabled; 0: never */
	uint8_t on_down;          /* 0: as the service; else 1 + enum on_down */
	uint8_t start;            /* 0: as the service; else 1 + enum start_state */
	struct health_override health;
};

#define SCHEDULERS(X)                 \
	X(SCHEDULER_MAGLEV, "maglev") \
	X(SCHEDULER_RR, "rr")         \
	X(SCHEDULER_WRR, "wrr")       \
	X(SCHEDULER_RANDOM, "random") \
	X(SCHEDULER_LEAST_CONN, "least-conn")

enum scheduler { SCHEDULERS(ENUM_ID) };

/* What a scheduler's hash is made of. */
#define HASHES(X)            \
	X(HASH_FLOW, "flow") \
	X(HASH_SOURCE, "source")

enum hash_of { HASHES(ENUM_ID) };

/* What becomes of packets that find no backend. */
#define NO_BACKENDS(X)             \
	X(NO_BACKEND_DROP, "drop") \
	X(NO_BACKEND_REJECT, "reject") /* a TCP reset, or ICMP port unreachable */

enum no_backend { NO_BACKENDS(ENUM_ID) };

/*
 * What becomes of flows to a vip's port that no service has. AUTO: the kernel gets them if the vip
 * is an address of the node; else they are refused.
 */
#define UNSERVEDS(X)                                            \
	X(UNSERVED_AUTO, "auto")                                \
	X(UNSERVED_KERNEL, "kernel")                            \
	X(UNSERVED_REJECT, "reject") /* as NO_BACKEND_REJECT */ \
	X(UNSERVED_DROP, "drop")

enum unserved { UNSERVEDS(ENUM_ID) };

struct backend_index;

struct service_conf {
	uint32_t refs;               /* counted atomically */
	struct backend_index *index; /* backend_index.h; NULL: not needed yet */
	char name[MODEL_NAME_MAX];
	struct ip_addr vip;
	uint16_t port;         /* host order; 0: all ports */
	uint8_t proto;         /* PROTO_TCP or PROTO_UDP */
	uint8_t encap;         /* enum encap */
	uint8_t scheduler;     /* enum scheduler */
	bool hash_source;      /* session affinity: all flows of a client go to one backend */
	uint32_t transition_s; /* how long flows older than a change are waited for; 0: not */
	uint32_t slow_start_s; /* how long a new backend takes to its full weight; 0: no time */
	uint32_t slots;        /* of its lookup table: a prime; chosen at creation, then kept */
	bool slots_chosen;     /* not configured: an earlier process's number may be kept */
	uint8_t all_down;      /* enum all_down */
	uint8_t on_down;       /* enum on_down */
	uint8_t start;         /* enum start_state */
	uint8_t no_backend;    /* enum no_backend */
	uint16_t mss;          /* at most, in SYNs: bytes; 0: as they come; MODEL_MSS_AUTO */
	/* A backend without a next hop for longer than this counts as down; 0: it never does. */
	uint32_t unresolved_s;
	struct health_conf health;
	uint32_t backends_n;
	struct backend_conf backends[]; /* in the order they were added */
};

#define PATH_MODES(X)                                                \
	X(PATH_AUTO, "auto") /* dpdk where it can start, else xdp */ \
	X(PATH_DPDK, "dpdk")                                         \
	X(PATH_XDP, "xdp")

enum path_mode { PATH_MODES(ENUM_ID) };

#define SETTING_SWITCHES(X)   \
	X(SETTING_OFF, "off") \
	X(SETTING_ON, "on")

enum setting_switch { SETTING_SWITCHES(ENUM_ID) };

struct port_conf {
	char device[256];                    /* "" when not given */
	char tap[IFNAMSIZ];                  /* "" when not given: then "sluice<index>" */
	char interface[IFNAMSIZ];            /* "" when not given */
	uint32_t mtu_bytes;                  /* 0 when not given */
	uint8_t macs[FAST_PATH_MACS_MAX][6]; /* virtual ones, beside the port's own */
	uint32_t macs_n;
};

/* What only a restart changes. */
struct settings {
	struct flow_key seed;
	enum path_mode mode;
	struct port_conf ports[FAST_PATH_PORTS_MAX];
	uint32_t ports_n;
	uint16_t cores[FAST_PATH_WORKERS_MAX];
	uint32_t cores_n;
	uint32_t idle_max_us; /* 0: busy */
	enum fast_path_hugepages hugepages;
	uint32_t memory_mb;
	char eal_args[512];
	enum fast_path_attach attach;
	char pin_dir[108];
	char memory_dir[108]; /* "": where it fits best */
	uint32_t tables_mb;   /* of the arena */
	uint32_t services_max;
	uint32_t backends_max;          /* of all services together */
	uint32_t flows_max;             /* remembered flows: per worker (dpdk), of all (xdp) */
	uint16_t idle_s[MEMORY_STATES]; /* how long a silent flow is remembered: memory.h */
	uint16_t gue_port;
	uint8_t outer_ttl;
	uint8_t unserved;      /* enum unserved, of all vips */
	uint32_t errors_per_s; /* ICMP errors that a worker sends, at most */
	uint32_t pmtu_s; /* how long a router's word about a path's MTU counts; 0: not at all */
	struct ip_addr source_v4, source_v6;             /* of GUE; family 0: from the route */
	struct ip_prefix ipip_source_v4, ipip_source_v6; /* host part: entropy; 0: as above */
	char socket_path[108];
	char socket_group[32];
	char read_socket_path[108]; /* for methods that change nothing; "": there is none */
	char read_socket_group[32]; /* "": everybody may use it */
	char user[32];              /* that sluiced becomes after its start; "": it stays root */
	char exec_user[32];         /* whom exec checks run as; "": there are none */
	uint32_t health_rate;       /* checks a second, at most */
	uint32_t vip_mark;          /* fwmark, and routing table, of checks via = "vip" */
	struct ip_addr http_addrs[SETTINGS_HTTP_ADDRS_MAX];
	uint32_t http_addrs_n; /* 0: no HTTP */
	uint16_t http_port;
	char http_hosts[SETTINGS_HTTP_HOSTS_MAX][128]; /* names that requests may call it by */
	uint32_t http_hosts_n;
	enum setting_switch http_backend_series; /* metrics of each backend */
	enum log_target log_target;
	enum fast_path_log log_level;
	char state_path[108]; /* where run-time changes are kept over restarts; "": nowhere */
};

struct model {
	struct settings settings;
	uint32_t services_n;
	uint32_t backends_n;            /* of all services together */
	struct service_conf **services; /* in the order they were added */
	struct model_index *index;      /* model_index.h: by name, by vip; may be shared */
};

struct model *model_new(const struct settings *settings);
void model_free(struct model *m); /* NULL is allowed */

/*
 * A service to fill in (names as strings, with their 0): zeroed but for backends_n and one
 * reference. Who makes one unrefs it when the model has it. NULL: no memory.
 */
struct service_conf *service_conf_new(uint32_t backends_n);
struct service_conf *service_conf_ref(struct service_conf *s); /* returns s */
void service_conf_unref(struct service_conf *s);               /* NULL is allowed */

#define MODEL_NOWHERE UINT32_MAX

/* What a fault is about, for who knows better names for it: a line of a file. */
struct model_place {
	uint32_t service; /* index in `specs`; MODEL_NOWHERE: all of them together */
	uint32_t backend; /* index in its backends; MODEL_NOWHERE: the service itself */
	const char *key;  /* "vip"; NULL: the whole service or backend */
};

/* `text` says what is wrong, without the place; it is gone after the call. */
typedef void model_fault_fn(void *ctx, const struct model_place *place, enum model_error_kind kind,
			    const char *text);

/*
 * A model of all `specs` at once. Reports every fault that it finds, and returns NULL then. The
 * model takes references of its own; in each spec a `slots` of 0 is replaced by the size chosen.
 */
struct model *model_build(const struct settings *settings, struct service_conf *const specs[],
			  uint32_t specs_n, model_fault_fn *fault, void *ctx);

struct service_conf *model_find(const struct model *m, const char *service); /* NULL: none */

/*
 * Services of `m`, which shares none with another model yet, whose slots were chosen have as many as
 * `kept` says instead; 0, or a number that can't be: they keep what was chosen.
 */
void model_keep_slots(struct model *m, uint32_t (*kept)(void *ctx, const struct service_conf *s),
		      void *ctx);

/* The service that goes on from `like`, or from which `like` goes on. NULL: none. */
struct service_conf *model_find_same(const struct model *m, const struct service_conf *like);

/*
 * What becomes of `s`, a service of `from`, in `to`: the same; or one of the same name, where neither
 * goes on from any other: the operator gave it another vip, port or protocol. NULL: it is gone.
 */
struct service_conf *model_counterpart(const struct model *from, const struct service_conf *s,
				       const struct model *to);

/* The same of from->backends[i], for which the address stands. */
const struct backend_conf *service_conf_counterpart(const struct service_conf *from, uint32_t i,
						    const struct service_conf *to);

/* What holds for s->backends[i]: its own, or the service's. */
enum on_down service_conf_on_down(const struct service_conf *s, uint32_t i);

/* Whether s->backends[i] is checked, and whether it then counts as down before the first check. */
bool service_conf_checks(const struct service_conf *s, uint32_t i);
bool service_conf_starts_down(const struct service_conf *s, uint32_t i);

/* The same model once more: it shares every service. NULL: no memory. */
struct model *model_clone(const struct model *m);

/* Services of `m` that are just what `prior` has become those: nothing of them changes. */
void model_share(struct model *m, const struct model *prior);

/* Whether both share every service, in the same order. */
bool model_same(const struct model *a, const struct model *b);

/*
 * Whether one goes on from the other: vip, port and protocol are the same, so that packets of the one
 * are packets of the other. What it is called doesn't matter.
 */
bool service_conf_goes_on(const struct service_conf *a, const struct service_conf *b);
const struct backend_conf *service_conf_find(const struct service_conf *s, const char *backend);

/* As many slots as are chosen for a service that is new and has that many backends. */
uint32_t service_conf_slots_fit(const struct service_conf *s);

/*
 * The backend that goes on from one with this address, which makes it the same, whatever it is
 * called; fast where it stands at `hint`. NULL: none.
 */
const struct backend_conf *service_conf_find_addr(const struct service_conf *s,
						  const struct ip_addr *addr, uint32_t hint);

/* The same, fast where the backend stands at `hint`, as it does in most versions of a service. */
const struct backend_conf *service_conf_find_at(const struct service_conf *s, const char *backend,
						uint32_t hint);

/*
 * Each makes a new model; `m` stays as it is. `spec` is copied; spec->slots 0 asks for a size that
 * fits (at least 100 slots a backend). A service may have no backends. A change that changes
 * nothing (a weight that is the same) gives a model that shares every service with `m`.
 */
struct model *model_service_add(const struct model *m, const struct service_conf *spec,
				struct model_error *error);
/* Of a service that there is: what `spec`, which goes on from it, has but for the backends. */
struct model *model_service_set(const struct model *m, const struct service_conf *spec,
				struct model_error *error);
struct model *model_service_remove(const struct model *m, const char *service,
				   struct model_error *error);
struct model *model_backend_add(const struct model *m, const char *service,
				const struct backend_conf *spec, struct model_error *error);
struct model *model_backend_remove(const struct model *m, const char *service, const char *backend,
				   struct model_error *error);
/* Of a backend that there is by spec's name: another weight, other health checks. */
struct model *model_backend_set(const struct model *m, const char *service,
				const struct backend_conf *spec, struct model_error *error);
struct model *model_backend_weight(const struct model *m, const char *service, const char *backend,
				   uint32_t weight, struct model_error *error);
struct model *model_backend_admin(const struct model *m, const char *service, const char *backend,
				  enum backend_admin admin, struct model_error *error);

/*
 * BACKEND_DRAINING; the publisher disables it once timeout_s are over (0: never). Undrain with
 * model_backend_admin(BACKEND_ENABLED). A drain of a draining backend sets another timeout.
 */
struct model *model_backend_drain(const struct model *m, const char *service, const char *backend,
				  uint32_t timeout_s, struct model_error *error);

enum host_change {
	HOST_ENABLE, /* all are enabled, those that drain too */
	HOST_DISABLE,
	HOST_DRAIN,   /* those that are enabled, or drain with another timeout; not disabled ones */
	HOST_UNDRAIN, /* those that drain */
};

/* Changes every backend with this address, of all services. MODEL_NOT_FOUND: there is none. */
struct model *model_host_change(const struct model *m, const struct ip_addr *addr,
				enum host_change change, uint32_t timeout_s,
				struct model_error *error);

/* Words of the values: noun_words[] and noun_name(); enum_parse() is the way back. */
ENUM_DECLARE(encap);
ENUM_DECLARE(scheduler);
ENUM_DECLARE(hash_of);
ENUM_DECLARE(no_backend);
ENUM_DECLARE(unserved);
ENUM_DECLARE(path_mode);
ENUM_DECLARE(setting_switch);
ENUM_DECLARE(fast_path_hugepages);
ENUM_DECLARE(fast_path_attach);
ENUM_DECLARE(memory_state);
ENUM_DECLARE(backend_admin);
ENUM_DECLARE(verdict); /* "forward" */

/* IP protocols have their own numbers. "tcp", "udp"; proto_parse() returns -EINVAL for others. */
extern const char *const proto_words[];
const char *proto_name(uint8_t proto);
int proto_parse(const char *text, uint8_t *proto);

/* Whether `name` can name a service or backend: 1-63 letters, digits, . _ - : */
bool model_name_valid(const char name[MODEL_NAME_MAX]);

/* "198.51.100.10:80/tcp", "[2001:db8::10]:all/udp". Returns buf. */
enum { ENDPOINT_TEXT_MAX = IP_TEXT_MAX + sizeof("[]:65535/tcp") };
const char *endpoint_format(const struct service_conf *s, char buf[ENDPOINT_TEXT_MAX]);

/*
 * Why an address can be neither a vip nor a backend nor an outer source ("is a multicast
 * address"); NULL: it can.
 */
const char *ip_refusal(const struct ip_addr *addr);

#endif
