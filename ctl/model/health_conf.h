/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the backends of a service are checked: a value within service_conf, and what a backend has
 * otherwise. No pointers and no padding that isn't 0, so that memcmp compares. Control thread.
 */
#ifndef SLUICE_HEALTH_CONF_H
#define SLUICE_HEALTH_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "words.h"

enum {
	HEALTH_MS_MAX = 3600000,
	HEALTH_COUNT_MAX = 100, /* of rise and fall */
	HEALTH_JITTER_MAX = 50,
	HEALTH_FAST_MS_DEFAULT = 500,
	HEALTH_STATUSES_MAX = 8,
	HEALTH_BYTES_MAX = 256, /* that udp sends, or expects */
};

/* X(identifier, word); words.h */
#define HEALTH_TYPE_WORDS(X)       \
	X(HEALTH_NO_CHECK, "none") \
	X(HEALTH_TCP, "tcp")       \
	X(HEALTH_HTTP, "http")     \
	X(HEALTH_HTTPS, "https")   \
	X(HEALTH_UDP, "udp")       \
	X(HEALTH_ICMP, "icmp")     \
	X(HEALTH_EXEC, "exec")

enum health_type { HEALTH_TYPE_WORDS(ENUM_ID) HEALTH_TYPES };

#define HEALTH_VIAS(X)                                                            \
	X(HEALTH_VIA_NODE, "node") /* from the node's address to the backend's */ \
	X(HEALTH_VIA_VIP, "vip")   /* to the vip, in the service's outer headers */

enum health_via { HEALTH_VIAS(ENUM_ID) };

#define HEALTH_METHODS(X)      \
	X(HEALTH_GET, "GET")   \
	X(HEALTH_HEAD, "HEAD") \
	X(HEALTH_OPTIONS, "OPTIONS")

enum health_method { HEALTH_METHODS(ENUM_ID) };

/* What a service does when none of its backends that could take flows is up. */
#define ALL_DOWNS(X)                                     \
	X(ALL_DOWN_ALL, "all")   /* as if all were up */ \
	X(ALL_DOWN_NONE, "none") /* its packets are dropped, as no_backend */

enum all_down { ALL_DOWNS(ENUM_ID) };

/* What becomes of a backend's flows while it is down. */
#define ON_DOWNS(X)                                                                \
	X(ON_DOWN_CUT, "cut")   /* they go to other backends: it counts as dead */ \
	X(ON_DOWN_KEEP, "keep") /* they stay; it takes no new ones */

enum on_down { ON_DOWNS(ENUM_ID) };

/* What a backend counts as before its first check. */
#define START_STATES(X)   \
	X(START_UP, "up") \
	X(START_DOWN, "down")

enum start_state { START_STATES(ENUM_ID) };

ENUM_DECLARE(health_type);
ENUM_DECLARE(health_via);
ENUM_DECLARE(health_method);
ENUM_DECLARE(all_down);
ENUM_DECLARE(on_down);
ENUM_DECLARE(start_state);

/* The last two of a backend: 0 is "service" (as the service has it), else 1 + the enum. */
ENUM_DECLARE(own_on_down);
ENUM_DECLARE(own_start);

/* What a backend can have of its own; in one, 0 (jitter: not set) means as the service. */
struct health_timing {
	uint32_t interval_ms;      /* from start to start, while the state is sure */
	uint32_t fast_interval_ms; /* while it isn't; 0: HEALTH_FAST_MS_DEFAULT, or the interval */
	uint32_t timeout_ms;       /* of one check */
	uint16_t rise, fall;       /* so many in a row make it up, down */
	uint16_t port;             /* 0: the service's */
	uint8_t jitter_percent;    /* an interval is up to so much shorter */
	bool jitter_set;
};

struct health_status_range {
	uint16_t low, high;
};

struct health_bytes {
	uint16_t n;
	uint8_t bytes[HEALTH_BYTES_MAX];
};

/* Of a service. `type` HEALTH_NO_CHECK: the rest means nothing. */
struct health_conf {
	uint8_t type;   /* enum health_type */
	uint8_t via;    /* enum health_via */
	uint8_t method; /* http: enum health_method */
	bool verify;    /* https: the certificate */
	struct health_timing timing;
	uint32_t flap_count; /* going down so often within flap_window_s is flapping; 0: never */
	uint32_t flap_window_s;
	uint32_t flap_hold_s; /* how long it is held down then, at first */
	struct health_status_range statuses[HEALTH_STATUSES_MAX]; /* low 0: the rest is unused */
	char path[256];
	char host[128]; /* "": the address */
	char sni[128];  /* "": the host */
	char body[128]; /* that the answer must have in it; "": any */
	struct health_bytes send, expect;
	char program[128];
	char args[512]; /* each with its 0 */
	uint16_t args_bytes;
};

/* Of a backend. */
struct health_override {
	struct health_timing timing;
	bool off; /* isn't checked */
};

/* As a file's `health = { }` has it. */
struct health_conf health_conf_default(void);

/* What holds for a backend: `own` over the service's, and what 0 stands for filled in. */
struct health_timing health_timing_of(const struct health_conf *conf,
				      const struct health_override *own, uint16_t service_port);

/* Reads "200-399" or "200,204,301-302". False: it is none. */
bool health_statuses_parse(const char *text, struct health_status_range out[HEALTH_STATUSES_MAX]);

/* "200-399,404". Returns buf, which may be cut. */
const char *health_statuses_format(const struct health_status_range *ranges, char *buf,
				   size_t buf_bytes);

bool health_status_expected(const struct health_conf *conf, long status);

/* Reads a text as it is, or "hex:00ff17". False: too long, or no hex digits. */
bool health_bytes_parse(const char *text, struct health_bytes *out);

/* The way back: a text, or else as hex. `buf`: 5 + 2 * HEALTH_BYTES_MAX. Returns it. */
const char *health_bytes_format(const struct health_bytes *bytes, char *buf);

/*
 * Why an http check can't ask for such a path: what a request's target can't have (RFC 9112, 3.2.1; RFC
 * 3986, 3.3 and 3.4) and what libcurl would leave out. NULL: it can.
 */
const char *health_path_refusal(const char *path);

/*
 * Why such a text can't name a host in a check: letters, digits, "-", "." and "_", or an IPv6 address in
 * brackets; with `port`, a ":80" may follow. NULL: it can.
 */
const char *health_host_refusal(const char *host, bool port);

#endif
