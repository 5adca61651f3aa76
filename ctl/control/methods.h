/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The methods of the control socket, by noun, and what they share. Used by methods_*.c, on the
 * control thread. docs/control.md tells each method's parameters and result; a unit test holds
 * the two together.
 */
#ifndef SLUICE_CONTROL_METHODS_H
#define SLUICE_CONTROL_METHODS_H

#include "api.h"
#include "rpc.h"
#include "rpc_params.h"

/* Each ends with a method without a name. */
extern const struct rpc_method methods_service[];
extern const struct rpc_method methods_backends[];
extern const struct rpc_method methods_backend[];
extern const struct rpc_method methods_host[];
extern const struct rpc_method methods_counters[];
extern const struct rpc_method methods_traffic[];
extern const struct rpc_method methods_flows[];
extern const struct rpc_method methods_capture[];
extern const struct rpc_method methods_explain[];
extern const struct rpc_method methods_events[];
extern const struct rpc_method methods_config[];
extern const struct rpc_method methods_daemon[];
extern const struct rpc_method methods_node[];

extern const struct rpc_param methods_no_params[];

/* Results are built without a look at each step: what fails for want of memory makes *object
 * NULL, which stays, and which a handler may return. `value` is taken over. */
void methods_put(json_t **object, const char *key, json_t *value);
void methods_put_text(json_t **object, const char *key, const char *text);
void methods_put_number(json_t **object, const char *key, uint64_t number);
void methods_put_addr(json_t **object, const char *key, const struct ip_addr *addr);
void methods_append(json_t **array, json_t *value);

/* The parameter "dry_run", for the tables of methods that have it. */
#define METHODS_DRY_RUN                                                                            \
	{                                                                                          \
		"dry_run", RPC_BOOLEAN, false, "true: says what would change, and leaves it", NULL \
	}

/* "cli uid 0 (root) pid 4711", as events_add() takes it. */
void methods_who(const struct rpc_call *call, char *buf, size_t buf_bytes);

/* A row of a preview. */
json_t *methods_preview_row(const struct daemon_preview *row);

/* Changes that become one: methods_apply() leaves `next` here, methods_newest() finds it. */
struct rpc_batch {
	struct model *model; /* NULL: none was made yet */
};

/* The model that a change is made from: what is in force, with the changes that wait. */
const struct model *methods_newest(const struct rpc_call *call);

/* Puts `next` in force, which model_*() made (NULL: refused; *error says why). The result of all
 * methods that change something, when packets see it: {"generation": 12, "took_us": 412}. With the
 * parameter "dry_run" nothing changes, and the result is {"preview": [...]}. */
json_t *methods_apply(struct rpc_call *call, struct model *next, struct model_error *error);

/* The service of `model` that the parameter "service" names. NULL: none; the call is refused. */
const struct service_conf *methods_service_named(struct rpc_call *call, const struct model *model);

/* What is in force. */
const struct model *methods_model(const struct rpc_call *call);

/* Packets by verdict, as an object. */
json_t *methods_verdicts(const struct service_counters *counters);

/* What was lost at a port, by reason, as an object. */
json_t *methods_drops(const struct fast_path_port_info *port);

/* A backend that is added, for the tables of methods that take one. */
#define METHODS_BACKEND_KEYS                                                                      \
	{"name", RPC_STRING, true, "of the new backend, within its service", NULL},               \
		{"address", RPC_STRING, true, "IPv4 or IPv6, whatever the vip's family", NULL},   \
		{"weight", RPC_INTEGER, false, "0 to 65535; 100 if missing", NULL},               \
		{"state", RPC_STRING, false, "enabled (if missing), draining or disabled", NULL}, \
		{"health", RPC_OBJECT, false, "what differs from the service's health checks",    \
		 NULL},                                                                           \
		METHODS_BACKEND_OWN

/* What differs from the service while it is down. */
#define METHODS_BACKEND_OWN                                                                      \
	{"on_down", RPC_STRING, false, "cut, keep, or service (if missing): as the service",     \
	 NULL},                                                                                  \
	{                                                                                        \
		"start", RPC_STRING, false, "up, down, or service (if missing): as the service", \
			NULL                                                                     \
	}

/* The parameters that are keys of the configuration: all but "service", "backend" and "dry_run". A
 * new reference; NULL: no memory. */
json_t *methods_keys(const struct rpc_call *call);

/* What config_tree.h found wrong in the parameters. Returns NULL. */
json_t *methods_refuse_tree(struct rpc_call *call, char *text);

/* Root, or whom sluiced runs as, by a socket that is for changes, too. */
bool methods_is_trusted(const struct rpc_call *call);

/* Whether it may be told of single flows: readers, by whose socket anybody may come, are refused. */
bool methods_may_see_flows(struct rpc_call *call);

/* Copies an address. False: it is none, and the call is refused. */
bool methods_addr(struct rpc_call *call, const json_t *object, const char *place, const char *name,
		  struct ip_addr *out);

#endif
