/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control server: a UNIX stream socket on which clients send requests, one JSON object a
 * line, and get the answers in order (rpc.h). Nothing that a client does reaches another client:
 * a line, what is answered but not read, the number of clients and the requests handled in one
 * turn are all bounded. Made by main.c; runs in the event loop, on the control thread.
 */
#ifndef SLUICE_CONTROL_CONTROL_H
#define SLUICE_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;
struct daemon_api;
struct event_base;

enum {
	CONTROL_ERROR_MAX = 512,
	CONTROL_CLIENTS_MAX = 128,
	CONTROL_LINE_MAX_BYTES = 1 << 20,   /* of a request, without its line break */
	CONTROL_OUTPUT_MAX_BYTES = 4 << 20, /* answered, but not read */
	CONTROL_WRITE_TIMEOUT_MS = 10000,
	CONTROL_LINGER_MS = 1000,
};

struct control_config {
	const char *path;
	const char *group; /* of the socket; "" or unknown to the system: as the process */
	bool reads_only; /* methods that change something are refused; without a group, anybody may
			  * connect: mode 0666 */
	uint32_t
		clients_max; /* one more takes the place of a silent one, or is told so, and closed */
	size_t line_max_bytes;   /* a longer one is answered with an error, and its client closed */
	size_t output_max_bytes; /* beyond it, a client's further requests wait until it has read
				  * everything; one answer may be longer */
	uint32_t write_timeout_ms; /* a client that reads nothing for so long, though answers wait,
				    * is closed */
	uint32_t linger_ms; /* how long a client that is being closed may go on sending, so that
			     * it comes to read why */
};

#define CONTROL_CONFIG_DEFAULT                                                                \
	{                                                                                     \
		.path = "/run/sluice/control.sock", .group = "",                              \
		.clients_max = CONTROL_CLIENTS_MAX, .line_max_bytes = CONTROL_LINE_MAX_BYTES, \
		.output_max_bytes = CONTROL_OUTPUT_MAX_BYTES,                                 \
		.write_timeout_ms = CONTROL_WRITE_TIMEOUT_MS, .linger_ms = CONTROL_LINGER_MS, \
	}

struct control_stats {
	uint32_t clients;    /* connected now */
	uint64_t accepted;   /* clients, those refused included */
	uint64_t refused;    /* clients, for there were too many */
	uint64_t evicted;    /* clients closed so that others found room */
	uint64_t requests;   /* lines handled */
	uint64_t long_lines; /* that ended a client */
	uint64_t slow;       /* clients closed for not reading */
};

/*
 * Listens. The config is copied, its strings too; `api` (copied) and what it leads to outlive the
 * server. The socket has mode 0660, but for one that reads only for everybody; its folder is made if it is missing (one level, 0755); a
 * socket that a dead process left is removed. Ignores SIGPIPE, process-wide.
 * Returns 0, or, with a line for people in `error`,
 * -EADDRINUSE: somebody answers on that path;
 * -EEXIST: the path is there, but no socket;
 * -ENAMETOOLONG, -EINVAL: it fits no socket address (107 bytes), or is empty;
 * another -errno of making the socket: -EACCES, -ENOENT, -EROFS, -ENOMEM ...
 */
int control_new(struct event_base *base, const struct control_config *config,
		const struct daemon_api *api, struct control **out, char error[CONTROL_ERROR_MAX]);

/*
 * Closes all clients and removes the socket, unless another's is there by now. What was submitted
 * must be answered before (publisher_flush()). NULL is allowed.
 */
void control_free(struct control *control);

struct control_stats control_stats(const struct control *control);

#endif
