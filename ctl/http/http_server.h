/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP/1.1 server for a few read-only pages: GET and HEAD, no content in requests, all of a
 * client's bounded. Not libevent's evhttp, which can't bound how many connections it takes, and
 * would leave none to others. A page may be long: it is made piece by piece, as the client reads,
 * so that nothing else waits for it. Runs in the event loop, on the control thread.
 */
#ifndef SLUICE_HTTP_SERVER_H
#define SLUICE_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "http_request.h"
#include "ip.h"

struct evbuffer;
struct event_base;
struct http_server;

enum {
	HTTP_CONNECTIONS_MAX = 32,
	HTTP_PIECE_BYTES = 64 << 10, /* about as long as a piece should be */
	HTTP_ERROR_MAX = 256,
};

struct http_page {
	int status; /* 200, 404, 503 */
	const char *type;
	const char *headers; /* further ones, each ended by \r\n; NULL: none */
	/*
	 * Appends the next piece to `out`, in a few milliseconds. Returns 1: there is more; 0: that
	 * was all; -errno: it can't go on, and the connection breaks.
	 */
	int (*piece)(void *ctx, struct evbuffer *out);
	void (*end)(void *ctx); /* called once, however it ended; NULL: nothing is to be freed */
	void *ctx;
};

/* Fills *page in, which is zeroed but for status 200. */
typedef void http_route_fn(void *ctx, const struct http_request *request, struct http_page *page);

struct http_server_config {
	uint32_t connections_max; /* further ones wait in the kernel's queue */
	uint32_t request_s; /* a request's head comes within so long, from the connection, or from
			     * the answer before */
	uint32_t write_s;   /* a client that reads nothing for so long is closed */
};

#define HTTP_SERVER_CONFIG_DEFAULT                                                      \
	{                                                                               \
		.connections_max = HTTP_CONNECTIONS_MAX, .request_s = 30, .write_s = 10 \
	}

/* Ignores SIGPIPE, process-wide. NULL: no memory. */
struct http_server *http_server_new(struct event_base *base,
				    const struct http_server_config *config, http_route_fn *route,
				    void *ctx);

/*
 * Takes connections at addr:port from now on. Returns 0, or, with a text for people in `error`,
 * -errno of the socket: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES ...
 */
int http_server_listen(struct http_server *server, const struct ip_addr *addr, uint16_t port,
		       char error[HTTP_ERROR_MAX]);

void http_server_free(struct http_server *server); /* NULL is allowed */

/* For a page that is one piece of text, copied. */
void http_page_text(struct http_page *page, int status, const char *type, const char *text);

#endif
