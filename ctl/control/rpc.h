/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON-RPC 2.0 over lines: one request in, at most one answer out. Requests are checked against
 * a table of methods, so that a method's handler sees parameters of the right names and types
 * only. Called by control.c, on the control thread; docs/control.md is the protocol's text.
 */
#ifndef CTL_CONTROL_RPC_H
#define CTL_CONTROL_RPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct daemon_api;
struct event_follow;

/* X(identifier, code, when) */
#define RPC_ERRORS(X)                                                                         \
	X(PARSE, -32700, "the line is not JSON")                                              \
	X(REQUEST, -32600, "the JSON is not a request")                                       \
	X(METHOD, -32601, "there is no such method")                                          \
	X(PARAMS, -32602, "a parameter is missing, unknown or of the wrong type")             \
	X(INTERNAL, -32603, "the daemon ran out of memory")                                   \
	X(FAILED, -32000, "the daemon could not do it, or could not read what was asked for") \
	X(INVALID, -32001, "a value that is wrong in itself")                                 \
	X(NOT_FOUND, -32002, "no such service or backend")                                    \
	X(EXISTS, -32003, "the name, or vip:port/protocol, is taken")                         \
	X(CONFLICT, -32004, "right in itself, but not beside the rest")                       \
	X(FULL, -32005, "a limit is reached")                                                 \
	X(BUSY, -32006, "too many clients are connected")                                     \
	X(DENIED, -32007, "the method changes something, and this socket only reads")

enum rpc_error_code {
#define X(id, code, when) RPC_##id = (code),
	RPC_ERRORS(X)
#undef X
};

enum {
	RPC_ERROR_MAX = 640, /* text of an error, with its 0 */
};

enum {
	RPC_USER_MAX = 33, /* a user's name, with its 0 */
};

/* Who asks (SO_PEERCRED), and by which socket. */
struct rpc_peer {
	uid_t uid;
	pid_t pid;
	char user[RPC_USER_MAX];     /* of /etc/passwd; "": uid is not there */
	struct event_follow *follow; /* what the connection follows; NULL: it can't */
	bool reads_only; /* methods that change something are refused, and the log says so */
};

enum rpc_type {
	RPC_STRING,
	RPC_INTEGER,
	RPC_BOOLEAN,
	RPC_OBJECTS, /* an array of objects, each with `fields` */
};

struct rpc_param {
	const char *name; /* NULL ends a table */
	enum rpc_type type;
	bool required;
	const char *help;
	const struct rpc_param *fields; /* of RPC_OBJECTS */
};

/* A request under way. */
struct rpc_call {
	const struct daemon_api *api;
	const struct rpc_peer *peer;
	const struct rpc_method *method;
	json_t *params; /* an object, checked against the method's table */
	enum rpc_error_code error;
	char error_text[RPC_ERROR_MAX];
};

/* Returns the result (a new reference), or what rpc_refuse returned; NULL without that stands
 * for no memory. */
typedef json_t *rpc_handler(struct rpc_call *call);

struct rpc_method {
	const char *name; /* "backend.set"; NULL ends a table */
	rpc_handler *handler;
	bool changes; /* what is in force; or tells what only those may see who may change it */
	const struct rpc_param *params;
	const char *help; /* one line */
};

/* The methods, in the order in which methods.list tells them; NULL past the last. */
const struct rpc_method *rpc_method_at(size_t index);

/* "string", "integer", "boolean", "array of objects" */
const char *rpc_type_name(enum rpc_type type);

/*
 * Handles one line, without its line break. *answer is what to send (a new reference), or NULL
 * where nothing is: for a notification, and a blank line.
 * Returns 0, or -ENOMEM: nothing can be answered (a change may have been made).
 */
int rpc_answer(const struct daemon_api *api, const struct rpc_peer *peer, const char *line,
	       size_t line_bytes, json_t **answer);

/* An answer to a request that could not be read, with id null. NULL: no memory. */
json_t *rpc_error_answer(enum rpc_error_code error, const char *text);

/* Says why a call is refused. Returns NULL, for the handler to return. */
json_t *rpc_refuse(struct rpc_call *call, enum rpc_error_code error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A string of any bytes; those that are no UTF-8 become "?". NULL: no memory. */
json_t *rpc_text(const char *text);

#endif
