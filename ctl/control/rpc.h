/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0 over lines: one request in, at most one answer out. Requests are checked against
 * a table of methods, so that a method's handler sees parameters of the right names and types
 * only. Called by control.c, on the control thread; docs/control.md is the protocol's text.
 */
#ifndef SLUICE_CONTROL_RPC_H
#define SLUICE_CONTROL_RPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct daemon_api;
struct evbuffer;
struct event_follow;
struct rpc_stream;

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
	X(DENIED, -32007,                                                                     \
	  "it is for others to ask for: the socket only reads, or who asks isn't root")

enum rpc_error_code {
#define X(id, code, when) RPC_##id = (code),
	RPC_ERRORS(X)
#undef X
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
	RPC_OBJECT,  /* whose members somebody else checks */
	RPC_OBJECTS, /* an array of objects, each with `fields` */
};

struct rpc_param {
	const char *name; /* NULL ends a table */
	enum rpc_type type;
	bool required;
	const char *help;
	const struct rpc_param *fields; /* of RPC_OBJECTS */
};

/*
 * Tells what to send for a line: `answer` (a new reference), or `stream` (to be freed); neither:
 * nothing, for it was a notification or blank; rc -ENOMEM: nothing can be answered (a change may
 * have been made).
 */
typedef void rpc_answered_fn(void *ctx, int rc, json_t *answer, struct rpc_stream *stream);

/* A result that may be long, made in pieces, so that nothing else waits for it. */
struct rpc_pieces {
	/*
	 * Appends text, some microseconds' worth: all pieces together are the members of the result.
	 * Returns 1: there is more; 0: that was the last; -errno: it can't go on. The first one may
	 * refuse the call; later on the connection breaks.
	 */
	int (*piece)(void *ctx, struct evbuffer *out);
	void (*end)(void *ctx); /* called once */
	void *ctx;
};

/* A request under way. */
struct rpc_call {
	const struct daemon_api *api;
	struct rpc_peer peer;
	const struct rpc_method *method;
	json_t *params; /* an object, checked against the method's table */
	bool alone;     /* a change goes by itself: with others it failed */
	enum rpc_error_code error;
	char *error_text;        /* NULL: no memory for it */
	struct rpc_batch *batch; /* NULL: the change goes by itself (methods.h) */

	/* rpc.c's own, and rpc_stream.c's. */
	json_t *id; /* NULL: a notification */
	rpc_answered_fn *answered;
	void *ctx;
	enum { RPC_CALL_RUNS, RPC_CALL_LATER, RPC_CALL_ENDED, RPC_CALL_PIECES } state;
	bool handling; /* its handler has not returned */
	json_t *result;
	struct rpc_pieces pieces;
};

/* Returns the result (a new reference), or what rpc_refuse, rpc_later or rpc_in_pieces returned;
 * NULL without these stands for no memory. */
typedef json_t *rpc_handler(struct rpc_call *call);

enum rpc_effect {
	RPC_READS = false,
	RPC_CHANGES =
		true, /* what is in force; or tells what only those may see who may change it */
	RPC_CHANGES_ALL = 2, /* and what the same client asks behind it waits for its answer */
};

struct rpc_method {
	const char *name; /* "backend.set"; NULL ends a table */
	rpc_handler *handler;
	enum rpc_effect changes;
	const struct rpc_param *params;
	const char *help; /* one line */
};

struct rpc_batch;

/* The methods, in the order in which methods.list tells them; NULL past the last. */
const struct rpc_method *rpc_method_at(size_t index);

/* "string", "integer", "boolean", "object", "array of objects" */
const char *rpc_type_name(enum rpc_type type);

/*
 * Handles one line, without its line break. `answered` is called once: before this returns, or
 * later, where the line asks for a change, when packets see it.
 * `waiting`: changes of the same client are not in force yet. What reads is not handled then, so
 * that it finds them: returns -EAGAIN, and the line is to come again. 1: the lines behind it are to
 * wait for its answer. Else 0.
 */
int rpc_answer(const struct daemon_api *api, const struct rpc_peer *peer, const char *line,
	       size_t line_bytes, bool waiting, rpc_answered_fn *answered, void *ctx);

/*
 * The call's result comes with rpc_end(), which may be called before the handler has returned.
 * Returns NULL, for the handler to return.
 */
json_t *rpc_later(struct rpc_call *call);
/* `result` as a handler returns it, rpc_in_pieces() included. The call is gone. */
void rpc_end(struct rpc_call *call, json_t *result);
/* Instead of rpc_end(): calls the handler again, from the start. */
void rpc_again(struct rpc_call *call);

/* The result comes in pieces; the call is there until their end. Returns NULL, for the handler to
 * return. */
json_t *rpc_in_pieces(struct rpc_call *call, const struct rpc_pieces *pieces);

/*
 * Calls a method that changes services or backends within another's handler, with `batch` set.
 * `params` NULL: none. Returns what the handler did; `call` has the error, and is the caller's.
 */
json_t *rpc_nested(struct rpc_call *call, const char *name, json_t *params);

/* An answer to a request that could not be read, with id null. NULL: no memory. */
json_t *rpc_error_answer(enum rpc_error_code error, const char *text);

/* Says why a call is refused. Returns NULL, for the handler to return. */
json_t *rpc_refuse(struct rpc_call *call, enum rpc_error_code error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A string of any bytes; those that are no UTF-8 become "?". NULL: no memory. */
json_t *rpc_text(const char *text);

#endif
